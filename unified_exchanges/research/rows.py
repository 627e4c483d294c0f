"""Models as rows of tables; a book as the levels that are other than before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from ..models import Gap, Order, OrderBook, Subject, Ticker, Trade
from ..money import ZERO
from ..recording.overheard import Heard

__all__ = ["Row", "Rows"]

Cell: TypeAlias = "str | int | Decimal | datetime | bool | None"
Row: TypeAlias = dict[str, Cell]

_Levels: TypeAlias = dict[tuple[str, Decimal], Decimal]


class Rows:
    """Remembers the books that are live, so that only what changed becomes rows."""

    def __init__(self) -> None:
        self._books: dict[tuple[str, str], _Levels] = {}

    def of(
        self, event: Heard, received_at: int, line: int
    ) -> Iterator[tuple[str, Row]]:
        """The table and the row of everything that an event tells.

        ``received_at`` is in nanoseconds, ``line`` its number in the recording.
        """
        at: Row = {"received_at": received_at, "line": line}
        if isinstance(event, OrderBook):
            for row in self._changed(event, at):
                yield "books", row
        elif isinstance(event, Gap):
            for row in self._stale(event, at):
                yield "books", row
        elif isinstance(event, Trade):
            yield "trades", _trade(event, at)
        elif isinstance(event, Ticker):
            yield "tickers", _ticker(event, at)
        elif isinstance(event, Order):
            yield "orders", _order(event, at)

    def _changed(self, book: OrderBook, at: Row) -> Iterator[Row]:
        key = book.market_id, book.outcome
        was = self._books.get(key)
        now: _Levels = {("bid", x.price): x.size for x in book.bids}
        now |= {("ask", x.price): x.size for x in book.asks}
        self._books[key] = now
        event = "snapshot" if was is None else "change"
        for (side, price), size in now.items():
            if was is None or was.get((side, price)) != size:
                yield _level(key, at, event, book, side, price, size)
        if was is None and not now:
            # An empty book is a fact too.
            yield _level(key, at, event, book, None, None, None)
        # In the order of the book: a set would have another in each process.
        for side, price in was or ():
            if (side, price) not in now:
                yield _level(key, at, event, book, side, price, ZERO)

    def _stale(self, gap: Gap, at: Row) -> Iterator[Row]:
        if gap.subject not in (None, Subject.ORDER_BOOK):
            return
        for key in list(self._books):
            market_id, outcome = key
            if gap.market_ids and market_id not in gap.market_ids:
                continue
            if gap.outcome not in (None, outcome):
                continue
            del self._books[key]
            yield _level(key, at, "stale", None, None, None, None)


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
