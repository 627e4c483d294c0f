"""Models as rows of tables; a book as the levels that are other than before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from ..models import Gap, MarketChange, Order, OrderBook, Ticker, Trade
from ..money import ZERO
from ..paper import OwnTake
from ..recording.decoder import Decoded
from .grids import grid_text

__all__ = ["POLLED", "Row", "Rows"]

POLLED: Final = "polled"
"""The event of a book that was read over REST."""

Cell: TypeAlias = "str | int | Decimal | datetime | bool | list[str] | None"
Row: TypeAlias = dict[str, Cell]

_Levels: TypeAlias = dict[tuple[str, Decimal], Decimal]


class Rows:
    """Remembers the books that are live, so that only what changed becomes rows."""

    def __init__(self) -> None:
        self._books: dict[tuple[str, str], _Levels] = {}

    def of(
        self,
        event: Decoded,
        received_at: int,
        moment: int,
        line: int,
        part: int = 0,
        *,
        is_polled: bool = False,
    ) -> Iterator[tuple[str, Row]]:
        """The table and the row of everything that an event tells.

        ``received_at`` is in nanoseconds by the wall clock, ``moment`` by the clock that a
        backtest goes by; ``line`` is its number in the recording, ``part`` which of the
        events of that line it is; ``is_polled`` that it was read over REST.
        """
        at: Row = {
            "received_at": received_at,
            "clock_offset": moment - received_at,
            "line": line,
            "part": part,
        }
        if isinstance(event, OrderBook):
            rows = self._polled if is_polled else self._changed
            for row in rows(event, at):
                yield "books", row
        elif isinstance(event, Gap):
            for row in self._stale(event, at):
                yield "books", row
            yield "gaps", _gap(event, at)
        elif isinstance(event, Trade):
            yield "trades", _trade(event, at)
        elif isinstance(event, Ticker):
            yield "tickers", _ticker(event, at)
        elif isinstance(event, Order):
            yield "orders", _order(event, at)
        elif isinstance(event, OwnTake):
            yield "takes", _take(event, at)
        elif isinstance(event, MarketChange):
            yield "changes", _change(event, at)

    def _changed(self, book: OrderBook, at: Row) -> Iterator[Row]:
        key = book.market_id, book.outcome
        was = self._books.get(key)
        self._books[key] = now = _levels(book)
        event = "snapshot" if was is None else "change"
        if was == now or (was is None and not now):
            # That a book is empty, or was told again as it was, is a fact too.
            event = event if was is None else "same"
            yield _level(key, at, event, book, None, None, None)
            return
        for (side, price), size in now.items():
            if was is None or was.get((side, price)) != size:
                yield _level(key, at, event, book, side, price, size)
        # In the order of the book: a set would have another in each process.
        for side, price in was or ():
            if (side, price) not in now:
                yield _level(key, at, event, book, side, price, ZERO)

    def _polled(self, book: OrderBook, at: Row) -> Iterator[Row]:
        """All of it, whatever was there: whoever reads it may be told how often it is."""
        key = book.market_id, book.outcome
        self._books[key] = now = _levels(book)
        for (side, price), size in now.items():
            yield _level(key, at, POLLED, book, side, price, size)
        if not now:
            yield _level(key, at, POLLED, book, None, None, None)

    def _stale(self, gap: Gap, at: Row) -> Iterator[Row]:
        if not gap.is_of_books:
            return
        for key in list(self._books):
            market_id, outcome = key
            if gap.market_ids and market_id not in gap.market_ids:
                continue
            if gap.outcome not in (None, outcome):
                continue
            del self._books[key]
            yield _level(key, at, "stale", None, None, None, None)


def _levels(book: OrderBook) -> _Levels:
    now: _Levels = {("bid", x.price): x.size for x in book.bids}
    now |= {("ask", x.price): x.size for x in book.asks}
    return now


def _level(
    key: tuple[str, str],
    at: Row,
    event: str,
    book: OrderBook | None,
    side: str | None,
    price: Decimal | None,
    size: Decimal | None,
) -> Row:
    return {
        **at,
        "market_id": key[0],
        "outcome": key[1],
        "event": event,
        "side": side,
        "price": price,
        "size": size,
        "sequence": None if book is None else book.sequence,
        "timestamp": None if book is None else book.timestamp,
        "grid": None if book is None else grid_text(book.grid),
    }


def _trade(trade: Trade, at: Row) -> Row:
    return {
        **at,
        "market_id": trade.market_id,
        "outcome": trade.outcome,
        "trade_id": trade.trade_id,
        "price": trade.price,
        "size": trade.size,
        "taker_side": None if trade.taker_side is None else trade.taker_side.value,
        "is_block": trade.is_block,
        "transaction": trade.transaction,
        "created_at": trade.created_at,
    }


def _ticker(ticker: Ticker, at: Row) -> Row:
    names = ("bid", "ask", "bid_size", "ask_size", "last_price", "volume")
    return {
        **at,
        "market_id": ticker.market_id,
        "outcome": ticker.outcome,
        **{name: getattr(ticker, name) for name in names},
        "open_interest": ticker.open_interest,
        "timestamp": ticker.timestamp,
    }


def _order(order: Order, at: Row) -> Row:
    return {
        **at,
        "market_id": order.market_id,
        "outcome": order.outcome,
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "side": order.side.value,
        "price": order.price,
        "size": order.size,
        "filled": order.filled,
        "remaining": order.remaining,
        "status": order.status.value,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
    }


def _take(own: OwnTake, at: Row) -> Row:
    return {
        **at,
        "market_id": own.market_id,
        "outcome": own.outcome,
        "take_id": own.take_id,
        "trade_id": own.trade_id,
        "transaction": own.transaction,
        "side": own.side.value,
        "price": own.price,
        "size": own.size,
        "earliest": own.earliest,
        "latest": own.latest,
    }


def _change(change: MarketChange, at: Row) -> Row:
    return {
        **at,
        "market_id": change.market_id,
        "outcome": None,
        "change": change.change,
        "status": None if change.status is None else change.status.value,
        "closes_at": change.closes_at,
        "result": change.result,
        "value": change.value,
        "grid": grid_text(change.grid),
        "timestamp": change.timestamp,
    }


def _gap(gap: Gap, at: Row) -> Row:
    names = list(gap.market_ids)
    return {
        **at,
        "market_id": names[0] if len(names) == 1 else None,
        "outcome": gap.outcome,
        "subject": None if gap.subject is None else gap.subject.value,
        "market_ids": names,
        "reason": gap.reason,
        "at": gap.at,
    }
