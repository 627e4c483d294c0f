"""`MarketStream`: the market channel of Polymarket's WebSocket, without a socket.

Nothing is numbered, so a lost frame does not show by itself.  A book is held against the
best prices that come with each of its changes, and against their moments, which do not go
back; where something does not fit, it is asked for anew.  What is lost deeper in a book is
found by whoever compares it with REST.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeAlias

from ....clock import Clock
from ....errors import BadRequest
from ....models import Gap, OrderBook, Subject, Ticker, Trade
from ....policy import StreamPolicy
from ....streams.book import BookError
from ....streams.health import SAMPLE
from ....streams.protocol import StreamEvent
from ....streams.recent import Recent
from ..parse.reading import (
    EARLIEST,
    LATEST,
    Malformed,
    grid_of,
    milliseconds,
    moment_ms,
)
from . import frames, reading
from .asking import Asking
from .books import Asset, AssetBook, Rows
from .events import BookChange, BookSnapshot
from .frames import PriceChange, decode_changes
from .names import Names
from .socket import NONE, UNREADABLE, Events

__all__ = ["MarketStream"]

Told: TypeAlias = PriceChange | frames.Changes
"""Changes of books, however they were read."""

_BOTH: Final = 2
"""Tokens of a market."""
_MARKET: Final = re.compile("0x[0-9a-fA-F]{64}")
_REMEMBERED: Final = 2_000
"""Trades by which a repeated one is known."""


class MarketStream(Asking):
    """Books, quotes, trades and lives of markets; see `StreamProtocol`.

    ``names`` says which tokens a market has: what it does not know yet is asked about by
    `Unheard`, and followed as soon as it does.

    >>> from unified_exchanges.clock import VirtualClock
    >>> from unified_exchanges.venues.polymarket.memory import Memory
    >>> stream = MarketStream(clock=VirtualClock(), names=Memory())
    >>> stream.tap(["123"])
    >>> _ = stream.connection_made()
    >>> for text in stream.data_to_send():
    ...     print(text)
    {"assets_ids":["123"],"type":"market","custom_feature_enabled":true}
    PING
    """

    def __init__(
        self, *, clock: Clock, names: Names, policy: StreamPolicy | None = None
    ) -> None:
        super().__init__(clock=clock, names=names, policy=policy)
        # Reported missing (github.com/Polymarket/rs-clob-client/issues/226, 2026-01).
        self.tells_endings = False
        self._trades = Recent(_REMEMBERED)
        self._expects_changes = False
        """Whether changes of books came last: mostly then they come next."""
        self._handlers = {
            PriceChange: self._changed,
            frames.Book: self._book,
            frames.LastTrade: self._traded,
            frames.BestBidAsk: self._quoted,
            frames.TickSizeChange: self._regridded,
            frames.NewMarket: self._listed,
            frames.MarketResolved: self._resolved,
        }

    # -- books ----------------------------------------------------------------------

    def receive(self, frame: str | bytes) -> list[StreamEvent]:
        """Take one frame; never raises for what the venue says."""
        return self.receive_all((frame,))

    def receive_all(  # noqa: C901 - the hottest code of all
        self, frames: Sequence[str | bytes]
    ) -> list[StreamEvent]:
        """Take what one read has brought."""
        if not frames:
            return []
        self.heard_at = self._messaged_at = self._monotonic()
        counters, number = self.counters, self.counters.messages
        decode, change, find = decode_changes, self._change, self._assets.get
        apply, is_token = self._apply, _is_token
        events: list[Any] = []
        for frame in frames:
            counters.messages = number = number + 1
            if self._expects_changes:
                try:
                    told = decode(frame)
                except (ValueError, RecursionError):
                    self._expects_changes = False
                else:
                    if not number % SAMPLE:
                        self._look_for_strangers(PriceChange, frame)
                    try:
                        rows, moment = told.price_changes, told.timestamp
                        if len(rows) != _BOTH or not EARLIEST <= moment < LATEST:
                            change(told, moment, frame, events)
                            continue
                        # Mostly a level of the one token, and the same of the other.
                        one, two = rows
                        mine, other = find(one.asset_id), find(two.asset_id)
                        if other is None and mine is not None and is_token(two):
                            apply(mine, (one,), moment, told, frame, events)
                        elif mine is None and other is not None and is_token(one):
                            apply(other, (two,), moment, told, frame, events)
                        else:
                            change(told, moment, frame, events)
                    except UNREADABLE as error:
                        events += self._unreadable(frame, error)
                    continue
            events += self._receive(frame, is_sample=not number % SAMPLE)
        return events

    def _changed(self, told: PriceChange, raw: str | bytes) -> Events:
        self._expects_changes = True
        events: list[Any] = []
        try:
            self._change(told, _moment(told.timestamp), raw, events)
        except UNREADABLE as error:
            # What came of it before stays told: books were changed, or are stale.
            events += self._unreadable(raw, error)
        return events

    def _change(
        self,
        told: Told,
        moment: int,
        raw: str | bytes,
        events: list[Any],
    ) -> None:
        """Apply changes of books, and tell by ``events`` what came of it."""
        if not EARLIEST <= moment < LATEST:
            moment = _moment(moment)
        find = self._assets.get
        touched: dict[str, list[frames.Change]] = {}
        for change in told.price_changes:
            touched.setdefault(change.asset_id, []).append(change)
        for token, changes in touched.items():
            asset = find(token)
            if asset is not None:
                self._apply(asset, tuple(changes), moment, told, raw, events)
            elif not _is_token(changes[0]):
                # It may be any token of the market.
                raise Malformed("price_changes[].asset_id", f"is {token[:20]!r}")

    def _apply(
        self,
        asset: Asset,
        rows: Rows,
        moment: int,
        told: Told,
        raw: str | bytes,
        events: list[Any],
    ) -> None:
        market_id = asset.market_id
        if not market_id:
            if not _is_market(told.market):
                raise Malformed("market", f"is {told.market[:20]!r}")
            market_id = asset.market_id = told.market.lower()
        book = asset.book
        if book is not None:
            try:
                if book.apply(rows, moment):
                    events.append(
                        BookChange(market_id, asset.label, asset.token, moment, rows)
                    )
            except BookError as error:
                events += self._distrust(asset, str(error))
        if asset.has_ticker:
            bid, ask = rows[-1].best_bid, rows[-1].best_ask
            if bid and ask:
                events += self._requote(asset, bid, ask, moment, raw)

    def _book(self, told: frames.Book, raw: str | bytes) -> Events:
        asset = self._assets.get(told.asset_id)
        if asset is None or asset.is_left:
            return NONE
        moment = _moment(told.timestamp)
        asset.market_id = asset.market_id or told.market.lower()
        if told.tick_size:
            asset.grid = grid_of(_decimal(told.tick_size, "tick_size"), "tick_size")
            self._names.learn_grid(asset.market_id, asset.grid)
        events: list[Any] = []
        if asset.book is not None:
            events += self._load(asset, asset.book, told, moment)
        try:
            if not asset.has_ticker:
                if told.last_trade_price:
                    asset.top.trade(told.last_trade_price, moment)
            elif asset.top.read(told, moment) or asset.owes_ticker:
                events.append(self._ticker(asset, moment, raw))
        except UNREADABLE as error:
            # That its book is stale by then stays told.
            events += self._unreadable(raw, error)
        return events

    def _load(
        self, asset: Asset, book: AssetBook, told: frames.Book, moment: int
    ) -> Events:
        try:
            if moment < book.seen:
                bids, asks = (
                    [(x.price, x.size) for x in y] for y in (told.bids, told.asks)
                )
                if book.is_live and book.is_bridged:
                    book.pass_book(bids, asks, moment)
                    return NONE
                if not book.is_all_there_is(bids, asks, moment, self._monotonic()):
                    reason = f"a book of {moment} came after a change of {book.seen}"
                    return self._distrust(asset, reason)
            book.take(told, moment)
        except BookError as error:
            return self._distrust(asset, str(error))
        self._arrived(asset)
        return [BookSnapshot(asset.market_id, asset.label, asset.token, moment)]

    def load(self, book: OrderBook) -> Iterable[StreamEvent]:
        """Take a book that was read over REST; what is older than it is in it."""
        asset = self._find(book.market_id, book.outcome)
        mine = None if asset is None else asset.book
        if asset is None or mine is None or mine.is_live or book.timestamp is None:
            return NONE
        if not asset.wants_rest or asset.is_left:
            # Read for who followed it before: nothing tells what happened since.
            return NONE
        moment = round(book.timestamp.timestamp() * 1000)
        if not self.is_connected or asset.token not in self._told:
            # Nobody would tell what follows.
            return NONE
        bids, asks = (
            [(f"{x.price:f}", f"{x.size:f}") for x in side]
            for side in (book.bids, book.asks)
        )
        try:
            if moment < mine.oldest and not mine.is_all_there_is(
                bids, asks, moment, self._monotonic()
            ):
                # Something newer was told before it was asked for.
                return NONE
            mine.bridge(bids, asks, moment)
        except BookError as error:
            return self._distrust(asset, f"from REST: {error}")
        asset.wants_rest = False
        # It is waited for on: that REST has it does not say that the connection tells it.
        snapshot = BookSnapshot(asset.market_id, asset.label, asset.token, moment)
        return [snapshot, *(self._top(asset) if asset.has_ticker else NONE)]

    def _distrust(self, asset: Asset, reason: str) -> list[Gap]:
        """A book is stale; it is asked for, at once or the more often the later."""
        book, now = asset.book, self._monotonic()
        if asset.is_left:
            return []
        if book is None:
            if asset.has_ticker:
                # Only a whole book tells where it stands by now.
                asset.owes_ticker = True
                self._again.setdefault(asset.token, now + asset.pace.delay(now))
            return []
        was_live = book.is_live
        book.spoil()
        if asset.token not in self._awaited or was_live:
            self._awaited.pop(asset.token, None)
            self._again.setdefault(asset.token, now + asset.pace.delay(now))
        if not was_live:
            return []
        self._note(f"the book of {asset.token} is not right: {reason}", "book")
        return [self._book_gap(asset, reason)]

    def _book_gap(self, asset: Asset, reason: str) -> Gap:
        return self._gap(
            Subject.ORDER_BOOK,
            reason,
            market_ids=(asset.market_id,),
            outcome=asset.label,
        )

    def doubt(
        self, market_id: str, reason: str, outcome: str | None = None
    ) -> Iterable[StreamEvent]:
        """Mark a book stale because it was found to differ, and ask for it anew."""
        asset = self._find(market_id, outcome)
        if asset is None:
            return NONE
        book = asset.book
        if book is not None and book.is_live:
            if book.is_bridged:
                self._accuse("REST has another book than it had before", asset.token)
            self._doubted.add(asset.token)
        return self._distrust(asset, reason)

    def leave(self, token: str, reason: str) -> list[Gap]:
        """Believe no book of a token, and ask for none, until `rejoin`.

        Whose connection is replayed has given it up: a book that was on its way then
        would never change again.
        """
        asset = self._assets.get(token)
        if asset is None:
            return []
        asset.is_left, asset.wants_rest = True, False
        self._forget_asking(token)
        book = asset.book
        if book is None or not book.is_live:
            return []
        book.forget()
        return [self._book_gap(asset, reason)]

    def rejoin(self, token: str) -> None:
        """The token is asked for again there: its book comes."""
        asset = self._assets.get(token)
        if asset is not None:
            asset.is_left = False

    # -- quotes, trades and lives ---------------------------------------------------

    def _quotes_owed(self) -> list[Ticker]:
        """Tickers of tokens whose book was known already; of others they come with it."""
        owed = [asset for asset in self._wishes.owed if asset.owes_ticker]
        self._wishes.owed.clear()
        for asset in owed:
            token = asset.token
            if asset.book is None and token in self._told and token not in self._to_add:
                # Whoever followed the book has left before this could be told by it.
                self._ask_anew(token)
        return [ticker for asset in owed for ticker in self._top(asset)]

    def _top(self, asset: Asset) -> list[Ticker]:
        """The ticker of a book as it stands, if it is owed or another than before."""
        book, seen = asset.book, self._read(asset)
        if book is None or seen is None or not book.is_live:
            return []
        if not (asset.top.show(seen, book.moment) or asset.owes_ticker):
            return []
        return [self._ticker(asset, book.moment, b"{}")]

    def _requote(
        self, asset: Asset, bid: str, ask: str, moment: int, raw: str | bytes
    ) -> Events:
        is_new = asset.top.quote(bid, ask, moment)
        return [self._ticker(asset, moment, raw)] if is_new else NONE

    def _ticker(self, asset: Asset, moment: int, raw: str | bytes) -> Ticker:
        asset.owes_ticker = False
        top, of = asset.top, (asset.market_id, asset.label)
        return reading.ticker(*of, top, moment, _bytes(raw))

    def _quoted(self, told: frames.BestBidAsk, raw: str | bytes) -> Events:
        asset = self._assets.get(told.asset_id)
        if asset is None or not asset.wants(Subject.TICKER):
            return NONE
        asset.market_id = asset.market_id or told.market.lower()
        moment = _moment(told.timestamp)
        return self._requote(asset, told.best_bid, told.best_ask, moment, raw)

    def _traded(self, told: frames.LastTrade, raw: str | bytes) -> Events:
        asset = self._assets.get(told.asset_id)
        if asset is None:
            return NONE
        asset.market_id = asset.market_id or told.market.lower()
        moment = _moment(told.timestamp)
        trade = reading.trade(told, asset.market_id, asset.label, _bytes(raw))
        events: list[Ticker | Trade] = []
        if asset.wants(Subject.TRADES) and self._is_new(told, trade):
            events.append(trade)
        if asset.top.trade(told.price, moment) and asset.has_ticker:
            events.append(self._ticker(asset, moment, raw))
        return events

    def _is_new(self, told: frames.LastTrade, trade: Trade) -> bool:
        # Without a transaction two that look the same may be two.
        return not told.transaction_hash or self._trades.is_new(trade.trade_id)

    def _regridded(self, told: frames.TickSizeChange, raw: str | bytes) -> Events:
        asset = self._assets.get(told.asset_id)
        market_id = told.market.lower()
        if asset is not None:
            asset.market_id = asset.market_id or market_id
        tick = _decimal(told.new_tick_size, "new_tick_size")
        grid = grid_of(tick, "new_tick_size")
        is_known = self._names.grid(market_id) == grid
        self._names.learn_grid(market_id, grid)
        if asset is None:
            return NONE
        is_same = asset.grid == grid
        asset.grid = grid
        if asset.book is not None:
            # What was read before names another grid.
            asset.book.renew()
        if not self._is_of_life(market_id) or (is_known and is_same):
            return NONE
        return [reading.regridded(told, grid, _bytes(raw))]

    def _is_of_life(self, market_id: str) -> bool:
        """Whether the life of a market is followed."""
        if self._wishes.everything:
            return True
        return any(
            asset.wants(Subject.MARKET_STATUS)
            for asset in self._assets.values()
            if asset.market_id == market_id
        )

    def _listed(self, told: frames.NewMarket, raw: str | bytes) -> Events:
        event, outcomes = reading.listed(told, _bytes(raw))
        if outcomes and self._names.market(event.market_id) is None:
            self._names.learn_market(event.market_id, outcomes)
        return (
            [event, reading.opened(told, event, _bytes(raw))]
            if (self._wishes.everything or self._has_taps)
            else NONE
        )

    def _resolved(self, told: frames.MarketResolved, raw: str | bytes) -> Events:
        market_id = told.market.lower()
        if not self._is_of_life(market_id) and not self._has_taps:
            return NONE
        known = self._names.market(market_id)
        return [reading.resolved(told, known, _bytes(raw))]

    @property
    def _has_taps(self) -> bool:
        return any(asset.taps for asset in self._assets.values())

    # -- what is lost ---------------------------------------------------------------

    def _lost(self, told: frames.Envelope, reason: str) -> Events:
        market_id = told.market_id
        asset = self._assets.get(told.token)
        if told.event_type in {"book", "price_change"}:
            if asset is not None:
                return self._distrust(asset, reason)
            if told.token.isdecimal():
                return NONE
            # Whose token is none, as in a recording out of which a secret was taken, may be
            # any token of its market, and of any market if that is none either.
            is_any = not _is_market(told.market_id)
            return [
                gap
                for x in list(self._assets.values())
                if is_any or x.market_id == market_id
                for gap in self._distrust(x, reason)
            ]
        if told.event_type == "best_bid_ask":
            return NONE  # the next quote replaces this one
        is_trade = told.event_type == "last_trade_price"
        subject = Subject.TRADES if is_trade else Subject.MARKET_STATUS
        is_followed = subject in self._wishes.subjects or self._wishes.everything
        if not is_followed and not self._has_taps:
            return NONE
        ids = (market_id,) if market_id else ()
        return [self._gap(subject, reason, market_ids=ids)]

    def _lost_anything(self, reason: str) -> Events:
        if not self._wishes:
            return NONE
        for asset in self._assets.values():
            self._distrust(asset, reason)
        return [self._gap(None, reason)]

    # -- what can be read -----------------------------------------------------------

    def _find(self, market_id: str, outcome: str | None) -> Asset | None:
        token = self._wishes.tokens.get((market_id, outcome))
        if token is None:
            known = self._names.market(market_id)
            if known is None:
                return None
            try:
                token = known.outcome(outcome).outcome_id
            except BadRequest:
                return None
        return self._assets.get(token)

    def order_book(
        self, market_id: str, outcome: str | None = None
    ) -> OrderBook | None:
        """The book as it stands, None before its first snapshot; it may be ``stale``."""
        asset = self._find(market_id, outcome)
        return None if asset is None else self._read(asset)

    def token_book(self, token: str, outcome: str | None = None) -> OrderBook | None:
        """The same by the id of its token, which may be called by another name."""
        asset = self._assets.get(token)
        return None if asset is None else self._read(asset, outcome)

    def _read(self, asset: Asset, outcome: str | None = None) -> OrderBook | None:
        book = asset.book
        if book is None or not book.was_loaded:
            return None
        name = outcome or asset.label
        return book.read(
            venue="polymarket",
            market_id=asset.market_id,
            outcome=name,
            of=name,
            timestamp=milliseconds(book.moment, "timestamp"),
            freshness=book.read_life(),
            grid=asset.grid or self._names.grid(asset.market_id),
        )

    def concerns(self, market_id: str, outcome: str | None, wish: str | None) -> bool:
        """Whether what is told of an outcome is for who follows the one that is wished."""
        if outcome is None:
            return True
        asset = self._find(market_id, wish)
        return asset is not None and asset.label == outcome

    def seen_from(
        self, quote: Ticker | Trade, wish: str | None
    ) -> Ticker | Trade | None:
        """A quote, if it is of the outcome that is wished: each has its own.

        Who wishes none in particular gets the trades of all, and the first one's ticker.
        """
        if wish is None and isinstance(quote, Trade):
            return quote
        return quote if self.concerns(quote.market_id, quote.outcome, wish) else None

    @property
    def _stale_books(self) -> int:
        return sum(not book.is_live for book in self._books.values())


def _bytes(raw: str | bytes) -> bytes:
    return raw.encode() if isinstance(raw, str) else raw


def _is_token(told: frames.Change) -> bool:
    return told.asset_id.isdecimal()


def _is_market(market_id: str) -> bool:
    return _MARKET.fullmatch(market_id) is not None


_moment = partial(moment_ms, field="timestamp")


def _decimal(text: str, field: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError as error:
        raise Malformed(field, f"is {text!r}, not a number") from error
