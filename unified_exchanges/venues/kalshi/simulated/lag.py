"""What reads of orders show while they lag: the state of a moment ago.

A single-order read was stale 360 ms after an acknowledged cancel (recorded 2026-06).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ....simulator.notices import Notice, OrderChanged
from ....simulator.orders import Order
from .wire import SECOND

__all__ = ["Memory"]

_KEPT_US = 60 * SECOND


class Memory:
    """The last minute of orders, version by version."""

    def __init__(self) -> None:
        self._versions: dict[str, deque[Order]] = {}
        self._ages: deque[tuple[int, str]] = deque()
        self._watched: set[str] = set()

    def watch(self, account_id: str) -> None:
        """Remember the orders of an account from now on."""
        self._watched.add(account_id)

    def notice(self, notice: Notice) -> None:
        """Take note of what happened, if it happened to an order that is watched."""
        if not isinstance(notice, OrderChanged):
            return
        order = notice.order
        if order.owner.account_id not in self._watched:
            return
        self._versions.setdefault(order.order_id, deque()).append(order)
        self._ages.append((order.updated_us, order.order_id))
        while self._ages[0][0] < order.updated_us - _KEPT_US:
            self._forget(self._ages.popleft()[1])

    def _forget(self, order_id: str) -> None:
        versions = self._versions[order_id]
        versions.popleft()
        if not versions:
            del self._versions[order_id]

    def as_of(self, order: Order, time_us: int) -> Order | None:
        """The order as it stood; None before it was there."""
        if order.updated_us <= time_us:
            return order
        past = self._versions.get(order.order_id, ())
        return next((o for o in reversed(past) if o.updated_us <= time_us), None)

    def all_as_of(self, orders: Iterable[Order], time_us: int) -> list[Order]:
        """The orders that were there, as they stood."""
        found = (self.as_of(order, time_us) for order in orders)
        return [order for order in found if order is not None]
