"""The market channel as it was recorded: told as live, with books that are read late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, TypeAlias

from ....clock import Clock
from ....models import OrderBook
from ....models.unread import unread
from ....streams.health import SAMPLE
from ..memory import Known
from . import frames
from .books import Asset, AssetBook
from .market import MarketStream
from .names import Names
from .pictured import PicturedAssetBook, Step

__all__ = ["Called", "RecordedMarketStream"]

Called: TypeAlias = Mapping[str, tuple[Known | None, str]]
"""What tokens are called, by what was known of their market when that was found out."""

_BOTH: Final = 2
"""Tokens of a market."""


class RecordedMarketStream(MarketStream):
    """A `MarketStream` that nobody sends anything from; ``called`` is kept up to date."""

    keeps: ClassVar[type[AssetBook]] = PicturedAssetBook

    def __init__(self, *, clock: Clock, names: Names, called: Called) -> None:
        super().__init__(clock=clock, names=names)
        self._called = called
        self._market = names.market

    def take_changes(
        self, changes: Sequence[frames.Change], moment: int
    ) -> tuple[OrderBook, ...] | None:
        """Take a frame of one level of each token, and give the books that it changes.

        As `receive` would, but that tickers are not told.  None, and nothing was taken,
        where anything about it is unusual: `receive` it instead.  Of a token that is not
        called anything it raises KeyError for that, of a strange number `BookError`.
        """
        number = self.counters.messages + 1
        if len(changes) != _BOTH or not number % SAMPLE:
            return None
        one, two = changes
        find = self._assets.get
        mine, other = find(one.asset_id), find(two.asset_id)
        # All of it is found out before anything is done.
        if other is None:
            if mine is None or (step := self._foresee(mine, one, moment)) is None:
                return None
            books: tuple[OrderBook, ...] = (self._do(mine, step, moment),)
        elif mine is None:
            if (step := self._foresee(other, two, moment)) is None:
                return None
            books = (self._do(other, step, moment),)
        else:
            step = self._foresee(mine, one, moment)
            then = self._foresee(other, two, moment)
            if step is None or then is None or mine is other:
                return None
            books = self._do(mine, step, moment), self._do(other, then, moment)
        self.counters.messages = number
        self._expects_changes = True
        return books

    def _foresee(self, asset: Asset, change: frames.Change, moment: int) -> Step | None:
        if self._called[asset.token][0] is not self._market(asset.market_id):
            return None
        book = asset.book
        return book.step(change, moment) if type(book) is PicturedAssetBook else None

    def _do(self, asset: Asset, step: Step, moment: int) -> OrderBook:
        book = asset.book
        assert type(book) is PicturedAssetBook
        book.take_step(step, moment)
        if asset.has_ticker:
            bid, ask = step[0].best_bid, step[0].best_ask
            if asset.top.quote(bid or "", ask or "", moment):
                asset.owes_ticker = False
        return self._shown(asset, book, self._called[asset.token][1])

    def shown(self, token: str, outcome: str) -> OrderBook | None:
        """A book as it is now, to be read whenever somebody wants to; None if not whole."""
        asset = self._assets.get(token)
        book = None if asset is None else asset.book
        if asset is None or type(book) is not PicturedAssetBook or not book.is_live:
            return None
        return self._shown(asset, book, outcome)

    def _shown(self, asset: Asset, book: PicturedAssetBook, outcome: str) -> OrderBook:
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
