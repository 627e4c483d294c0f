"""The market channel as it was recorded: told as live, with books that are read late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, NamedTuple, TypeAlias

from ....clock import Clock
from ....grid import PriceGrid
from ....models import OrderBook, Subject
from ....models.unread import unread
from ....streams.health import SAMPLE
from ..memory import Known
from . import frames
from .books import Asset, AssetBook
from .market import MarketStream
from .names import Names
from .pictured import PicturedAssetBook, Step
from .socket import Events

__all__ = ["Called", "RecordedMarketStream"]

Called: TypeAlias = Mapping[str, tuple[Known | None, str]]
"""What tokens are called, by what was known of their market when that was found out."""

_BOTH: Final = 2
"""Tokens of a market."""


class _Followed(NamedTuple):
    """A token that changes are told of, with all that is looked up to take one."""

    asset: Asset
    book: PicturedAssetBook
    market_id: str
    name: str
    grid: PriceGrid | None


class RecordedMarketStream(MarketStream):
    """A `MarketStream` that nobody sends anything from; ``called`` is kept up to date.

    Whoever tells it, or ``called`` and ``names``, anything but by `take_changes` calls
    `look_again`.
    """

    keeps: ClassVar[type[AssetBook]] = PicturedAssetBook

    def __init__(self, *, clock: Clock, names: Names, called: Called) -> None:
        super().__init__(clock=clock, names=names)
        self._called = called
        self.is_open = False
        """Whether more tokens are told of than were tapped, as an asking is not recorded."""
        self._market = names.market
        self._followed: dict[str, _Followed | None] = {}

    def _book(self, told: frames.Book, raw: str | bytes) -> Events:
        self._take_for_asked(told.asset_id, told.market)
        return super()._book(told, raw)

    def _traded(self, told: frames.LastTrade, raw: str | bytes) -> Events:
        self._take_for_asked(told.asset_id, told.market)
        return super()._traded(told, raw)

    def _take_for_asked(self, token: str, market_id: str) -> None:
        """What comes was asked for; changes come of the other token of a market, too."""
        if self.is_open and token not in self._assets:
            self.tap([token])
            if self._market(market_id.lower()) is not None:
                self.follow(Subject.TICKER, [market_id.lower()], token)

    @property
    def _has_taps(self) -> bool:
        return self.is_open or super()._has_taps

    def look_again(self) -> None:
        """What was looked up of tokens may be otherwise from now on."""
        self._followed.clear()

    def take_changes(
        self, changes: Sequence[frames.Change], moment: int
    ) -> tuple[OrderBook, ...] | None:
        """Take a frame of one level of each token, and give the books that it changes.

        As `receive` would, but that tickers are not told.  None, and nothing was taken,
        where anything about it is unusual: `receive` it instead.  Of a token that is not
        called anything it raises KeyError for that, of a strange number `BookError`.
        """
        counters = self.counters
        number = counters.messages + 1
        if len(changes) != _BOTH or not number % SAMPLE:
            return None
        one, two = changes
        followed = self._followed
        try:
            mine, other = followed[one.asset_id], followed[two.asset_id]
        except KeyError:
            mine, other = self._look_up(one.asset_id), self._look_up(two.asset_id)
        if mine is None:
            mine, one, other = other, two, None
        # All of it is found out before anything is done.
        if mine is None or (step := mine.book.step(one, moment)) is None:
            return None
        books: tuple[OrderBook, ...]
        if other is None:
            books = (_taken(mine, step, moment),)
        else:
            then = other.book.step(two, moment)
            if then is None or mine.book is other.book:
                return None
            books = _taken(mine, step, moment), _taken(other, then, moment)
        counters.messages = number
        self._expects_changes = True
        return books

    def _look_up(self, token: str) -> _Followed | None:
        """Find a token, None if nobody follows it; KeyError where that is unusual."""
        asset, found = self._assets.get(token), None
        if asset is not None and not asset.is_left:
            market_id, book = asset.market_id, asset.book
            known, name = self._called[token]
            if (
                known is not self._market(market_id)
                or type(book) is not PicturedAssetBook
            ):
                raise KeyError(token)
            grid = asset.grid or self._names.grid(market_id)
            found = _Followed(asset, book, market_id, name, grid)
        elif asset is None and not token.isdecimal():
            raise KeyError(token)
        self._followed[token] = found
        return found

    def shown(self, token: str, outcome: str) -> OrderBook | None:
        """A book as it is now, to be read whenever somebody wants to; None if not whole."""
        asset = self._assets.get(token)
        book = None if asset is None else asset.book
        if asset is None or type(book) is not PicturedAssetBook or not book.is_live:
            return None
        market_id = asset.market_id
        return unread(
            "polymarket",
            market_id,
            outcome,
            book.bid_picture,
            book.ask_picture,
            None,
            book.moment,
            asset.grid or self._names.grid(market_id),
        )


def _taken(followed: _Followed, step: Step, moment: int) -> OrderBook:
    """Do a step; gives the book after it."""
    asset, book, market_id, name, grid = followed
    book.take_step(step, moment)
    if asset.has_ticker:
        best_bid, best_ask = step[0].best_bid, step[0].best_ask
        if asset.top.quote(best_bid or "", best_ask or "", moment):
            asset.owes_ticker = False
    bids, asks = book.bid_picture, book.ask_picture
    return unread("polymarket", market_id, name, bids, asks, None, moment, grid)
