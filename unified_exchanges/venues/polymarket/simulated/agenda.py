"""What comes later: actions by the time at which they are due."""

from __future__ import annotations

import heapq
from collections.abc import Callable

__all__ = ["Agenda"]


class Agenda:
    """Actions in the order of their times; of the same time, in the order of planning."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, due_us: int, action: Callable[[], None]) -> None:
        """Plan an action."""
        self._count += 1
        heapq.heappush(self._due, (due_us, self._count, action))

    def next(self, now_us: int) -> tuple[int, Callable[[], None]] | None:
        """Take the earliest action that is due, with its time."""
        if not self._due or self._due[0][0] > now_us:
            return None
        due_us, _, action = heapq.heappop(self._due)
        return due_us, action
