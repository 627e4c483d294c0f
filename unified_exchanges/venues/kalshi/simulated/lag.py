"""What reads of an account show while they lag: the state of a moment ago.

A single-order read was stale 360 ms after an acknowledged cancel (recorded 2026-06).
That positions and balances lag alike is assumed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from typing import Generic, TypeAlias, TypeVar

from ....simulator.accounts import Position
from ....simulator.notices import Notice, OrderChanged, PositionChanged
from ....simulator.orders import Order, Owner
from .wire import SECOND

__all__ = ["Cash", "Memory"]

_KEPT_US = 60 * SECOND

Cash: TypeAlias = Mapping[int, Decimal]
"""What a subaccount has available, by shard."""
_V = TypeVar("_V")


class _Versions(Generic[_V]):
    """Things that change, as they are and as they were in the last minute."""

    def __init__(self) -> None:
        self._versions: dict[Hashable, deque[tuple[int, _V]]] = {}
        self._replaced: deque[tuple[int, Hashable]] = deque()

    def add(self, key: Hashable, time_us: int, version: _V) -> None:
        versions = self._versions.setdefault(key, deque())
        if versions:
            self._replaced.append((time_us, key))
        versions.append((time_us, version))
        while self._replaced and self._replaced[0][0] < time_us - _KEPT_US:
            self._versions[self._replaced.popleft()[1]].popleft()

    def of(self, key: Hashable) -> Iterable[tuple[int, _V]]:
        return self._versions.get(key, ())

    def as_of(self, key: Hashable, time_us: int) -> _V | None:
        """The last version from before or at that time; None if none was noted."""
        past = list(self.of(key))
        index = bisect_right([at for at, _ in past], time_us)
        return past[index - 1][1] if index else None


class Memory:
    """The last minute of orders, positions and cash."""

    def __init__(self) -> None:
        self._orders: _Versions[Order] = _Versions()
        self._positions: _Versions[Position] = _Versions()
        self._cash: _Versions[Cash] = _Versions()
        self._watched: set[str] = set()
        self._moved: dict[Owner, int] = {}

    def watch(self, account_id: str) -> None:
        """Remember what happens to an account from now on."""
        self._watched.add(account_id)

    def notice(self, notice: Notice) -> None:
        """Take note of what happened, if it happened to an account that is watched."""
        if isinstance(notice, OrderChanged):
            order = notice.order
            owner, time_us = order.owner, order.updated_us
            if owner.account_id in self._watched:
                self._orders.add(order.order_id, time_us, order)
        elif isinstance(notice, PositionChanged):
            position = notice.position
            owner, time_us = position.owner, position.updated_us
            if owner.account_id in self._watched:
                self._positions.add(_key(position), time_us, position)
        else:
            return
        if owner.account_id in self._watched:
            self._moved[owner] = time_us

    @property
    def moved(self) -> Mapping[Owner, int]:
        """Whose cash may have changed since it was noted, and when."""
        return self._moved

    def note_cash(self, owner: Owner, time_us: int, cash: Cash) -> None:
        """Take note of what a subaccount has available from then on."""
        self._moved.pop(owner, None)
        self._cash.add(owner, time_us, cash)

    def as_of(self, order: Order, time_us: int) -> Order | None:
        """The order as it stood; None before it was there."""
        if order.updated_us <= time_us:
            return order
        return self._orders.as_of(order.order_id, time_us)

    def all_as_of(self, orders: Iterable[Order], time_us: int) -> list[Order]:
        """The orders that were there, as they stood."""
        found = (self.as_of(order, time_us) for order in orders)
        return [order for order in found if order is not None]

    def positions_as_of(
        self, positions: Iterable[Position], time_us: int
    ) -> list[Position]:
        """The positions that were held, as they stood."""
        found = (
            p if p.updated_us <= time_us else self._positions.as_of(_key(p), time_us)
            for p in positions
        )
        return [position for position in found if position is not None]

    def cash_as_of(self, owner: Owner, now: Cash, time_us: int) -> Cash:
        """What a subaccount had available; ``now`` is what it has."""
        if all(at <= time_us for at, _ in self._cash.of(owner)):
            return now
        past = self._cash.as_of(owner, time_us)
        return now if past is None else past


def _key(position: Position) -> tuple[Owner, str]:
    return position.owner, position.market_id
