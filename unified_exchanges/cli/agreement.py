"""Does the stream agree with REST: the fill, the order and the book that both told of."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ..models import Fill, Level, Order, OrderBook
from ..money import EXACT, ZERO
from .ledger import Check

__all__ = ["agree"]


def agree(
    *,
    fills: Sequence[Fill],
    fill: Fill | None,
    orders: Sequence[Order],
    order: Order | None,
    book: OrderBook,
    told: OrderBook | None,
) -> tuple[Check, ...]:
    """What the stream told last against what was read; None is what it did not tell.

    >>> book = OrderBook(venue="toy", market_id="A", outcome="yes", bids=(), asks=())
    >>> nothing = {"fills": (), "fill": None, "orders": (), "order": None}
    >>> [check.holds for check in agree(**nothing, book=book, told=book)]
    [True, True, True]
    """
    same_levels, levels = _levels(book, told)
    ended = [x.remaining for x in orders if order is not None and _is_same(x, order)]
    return (
        Check("the fill, read = streamed", _cash(fills), _streamed(fills, fill)),
        Check(
            "cancelled orders, read = streamed",
            Decimal(len(orders)),
            Decimal(len(ended)),
            "orders",
        ),
        Check("the book, read = streamed", levels, same_levels, "levels"),
    )


def _cash(fills: Sequence[Fill]) -> Decimal:
    """What the only fill moved."""
    return _moved(fills[0]) if fills else ZERO


def _streamed(fills: Sequence[Fill], told: Fill | None) -> Decimal:
    """What it moved as it was told, if it is the same."""
    if told is None or not fills or told.trade_id != fills[0].trade_id:
        return ZERO
    return _moved(told)


def _moved(fill: Fill) -> Decimal:
    return EXACT.subtract(fill.proceeds, fill.fee or ZERO)


def _is_same(read: Order, told: Order) -> bool:
    return (read.order_id, read.status) == (told.order_id, told.status)


def _levels(book: OrderBook, told: OrderBook | None) -> tuple[Decimal, Decimal]:
    """How many levels are the same, and how many there are in either."""
    one, other = _named(book), set() if told is None else _named(told)
    return Decimal(len(one & other)), Decimal(len(one | other))


def _named(book: OrderBook) -> set[tuple[str, Level]]:
    sides = (("bid", book.bids), ("ask", book.asks))
    return {(side, level) for side, levels in sides for level in levels}
