"""The truth about one order, and all that may be told of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

import attrs

from unified_exchanges.models import Fill, FillState, Order, OrderStatus
from unified_exchanges.tracking.tracker import OrderTracker

from .samples import Plan, fill, order

__all__ = ["Tell", "Truth"]

Tell: TypeAlias = Callable[[OrderTracker], None]


class Truth:
    """An order at the venue; each change takes a millisecond."""

    def __init__(self, name: str = "o1", *, size: int = 10, at: int = 1) -> None:
        self.name, self.size, self.left = name, size, size
        self.filled = 0
        self.status = OrderStatus.OPEN
        self.clock = at
        self.states: list[Order] = []
        self.fills: list[Fill] = []
        """As they ended: for good, or failed."""
        self._changed()

    @property
    def plan(self) -> Plan:
        return Plan(client_order_id=f"c-{self.name}", size=Decimal(self.size))

    @property
    def is_open(self) -> bool:
        return self.status is OrderStatus.OPEN

    @property
    def now(self) -> Order:
        return self.states[-1]

    def _changed(self) -> None:
        self.clock += 1
        state = order(
            self.name,
            size=self.size,
            filled=self.filled,
            status=self.status,
            remaining=Decimal(self.left if self.is_open else 0),
            at=self.clock / 1000,
        )
        self.states.append(state)

    def fill(self, size: int) -> None:
        """So much fills, if it may."""
        size = min(size, self.left)
        if not self.is_open or not size:
            return
        self.filled += size
        self.left -= size
        if not self.left:
            self.status = OrderStatus.CLOSED
        self._changed()
        name = f"{self.name}-t{len(self.fills)}"
        at = self.clock / 1000
        told = fill(name, self.name, size=Decimal(size), at=at)
        self.fills.append(told)

    @property
    def failed(self) -> int:
        """How much of what filled never did, which no state of the order shows."""
        mine = (x.size for x in self.fills if x.state is FillState.FAILED)
        return int(sum(mine))

    def fail(self, index: int) -> None:
        """One of its fills fails to settle; it does not open again."""
        if index < len(self.fills):
            lost = attrs.evolve(self.fills[index], state=FillState.FAILED)
            self.fills[index] = lost

    def end(self, status: OrderStatus) -> None:
        """It is cancelled, or expires."""
        if self.is_open:
            self.status = status
            self._changed()

    def take_off(self, size: int) -> None:
        """Somebody takes a part of it off; not all, which would be a cancel."""
        if self.is_open and size < self.left:
            self.left -= size
            self._changed()
