"""Order groups: a brake on how many contracts fill within 15 seconds."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from ..money import EXACT, ZERO
from .orders import Group, Owner

__all__ = ["OrderGroup"]

_WINDOW_US = 15_000_000
"""Fills count for 15 seconds (docs.kalshi.com, order groups, 2026-10)."""


class OrderGroup:
    """One group: its resting orders and its recent fills."""

    def __init__(
        self, group_id: str, owner: Owner, shard: int, limit: Decimal, created_us: int
    ) -> None:
        self.group_id = group_id
        self.owner = owner
        self.shard = shard
        self.limit = limit
        self.is_triggered = False
        self.order_ids: dict[str, None] = {}
        self._created_us = created_us
        self._fills: deque[tuple[int, Decimal]] = deque()
        self._sum = ZERO

    def filled(self, now_us: int) -> Decimal:
        """Contracts filled within the last 15 seconds."""
        while self._fills and self._fills[0][0] <= now_us - _WINDOW_US:
            self._sum = EXACT.subtract(self._sum, self._fills.popleft()[1])
        return self._sum

    def count(self, size: Decimal, now_us: int) -> bool:
        """Count a fill; whether the limit is reached by it."""
        self._fills.append((now_us, size))
        self._sum = EXACT.add(self._sum, size)
        return self.is_reached(now_us)

    def is_reached(self, now_us: int, more: Decimal = ZERO) -> bool:
        """Whether the recent fills and ``more`` contracts reach the limit."""
        return EXACT.add(self.filled(now_us), more) >= self.limit

    def reset(self) -> None:
        """Forget the fills and accept orders."""
        self._fills.clear()
        self._sum = ZERO
        self.is_triggered = False

    def snapshot(self) -> Group:
        """The group as it stands."""
        return Group(
            group_id=self.group_id,
            owner=self.owner,
            shard=self.shard,
            limit=self.limit,
            is_triggered=self.is_triggered,
            order_ids=tuple(self.order_ids),
            created_us=self._created_us,
        )
