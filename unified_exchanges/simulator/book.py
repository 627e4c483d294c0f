"""The order book of a market: resting orders by price, then by time."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice, takewhile

import attrs

from ..money import EXACT, ZERO, total
from .markets import Level
from .orders import Order, Side

__all__ = ["Book", "Ladder", "crosses"]


def crosses(side: Side, price: Decimal, resting: Decimal) -> bool:
    """Whether an order of ``side`` at ``price`` trades against one resting there."""
    return price >= resting if side == "bid" else price <= resting


@attrs.define(slots=True)
class _Queue:
    """The orders at one price, oldest first, and their contracts."""

    price: Decimal
    size: Decimal = ZERO
    orders: OrderedDict[str, Order] = attrs.field(factory=OrderedDict[str, Order])


class Ladder:
    """One side of a book; it iterates over its orders, best price and oldest first."""

    def __init__(self, side: Side) -> None:
        self.side = side
        # Ranks ascend from the best price: the price of an ask, the negative of a bid.
        self._ranks: list[Decimal] = []
        self._queues: dict[Decimal, _Queue] = {}

    def __iter__(self) -> Iterator[Order]:
        for rank in self._ranks:
            yield from self._queues[rank].orders.values()

    def best(self) -> Level | None:
        """The best level, None when the side is empty."""
        return next(iter(self.levels(1)), None)

    def levels(self, depth: int = 0) -> list[Level]:
        """The levels, best first; all of them with ``depth`` 0."""
        queues = (self._queues[rank] for rank in self._ranks)
        chosen = islice(queues, depth or None)
        return [Level(price=queue.price, size=queue.size) for queue in chosen]

    def best_price(self) -> Decimal | None:
        """The best price, None when the side is empty."""
        return self._queues[self._ranks[0]].price if self._ranks else None

    def size_at(self, price: Decimal) -> Decimal:
        """Contracts resting at a price."""
        queue = self._queues.get(self._rank(price))
        return queue.size if queue else ZERO

    def ahead_of(self, order: Order) -> Decimal:
        """Contracts at the order's price that trade before it."""
        queue = self._queues[self._rank(order.price)].orders.values()
        ahead = takewhile(lambda other: other.order_id != order.order_id, queue)
        return total(other.remaining for other in ahead)

    def add(self, order: Order) -> None:
        """Queue an order behind the others at its price."""
        rank = self._rank(order.price)
        queue = self._queues.get(rank)
        if queue is None:
            queue = self._queues[rank] = _Queue(order.price)
            insort(self._ranks, rank)
        queue.orders[order.order_id] = order
        queue.size = EXACT.add(queue.size, order.remaining)

    def replace(self, order: Order) -> None:
        """Let an order take the place of its earlier self at the same price."""
        queue = self._queues[self._rank(order.price)]
        change = EXACT.subtract(order.remaining, queue.orders[order.order_id].remaining)
        queue.orders[order.order_id] = order
        queue.size = EXACT.add(queue.size, change)

    def remove(self, order: Order) -> None:
        """Take an order out."""
        rank = self._rank(order.price)
        queue = self._queues[rank]
        gone = queue.orders.pop(order.order_id)
        queue.size = EXACT.subtract(queue.size, gone.remaining)
        if not queue.orders:
            del self._queues[rank]
            del self._ranks[bisect_left(self._ranks, rank)]

    def _rank(self, price: Decimal) -> Decimal:
        return price if self.side == "ask" else price.copy_negate()


class Book:
    """The two sides of a market in YES dollars."""

    def __init__(self) -> None:
        self._bids = Ladder("bid")
        self._asks = Ladder("ask")

    def __iter__(self) -> Iterator[Order]:
        yield from self._bids
        yield from self._asks

    def side(self, side: Side) -> Ladder:
        """Where orders of this side rest."""
        return self._bids if side == "bid" else self._asks

    def against(self, side: Side) -> Ladder:
        """What an order of this side trades with."""
        return self._asks if side == "bid" else self._bids
