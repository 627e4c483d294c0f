"""When a strategy asked to be called."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

from ..errors import BadRequest

__all__ = ["NEVER", "Timers"]

NEVER: Final = 1 << 63
"""A moment that does not come."""

_MOST_AT_ONCE: Final = 10_000
"""Timers of no time at all of which each asks for the next."""


class Timers:
    """Timers in the order in which they are due, in nanoseconds."""

    __slots__ = ("_chain", "_heap", "_rung", "due", "turn")

    def __init__(self) -> None:
        self.due = NEVER
        """When the first is."""
        self.turn = 0
        """That of the newest."""
        self._heap: list[tuple[int, int, str, int]] = []
        """When each is due, its turn, its name, and how many were asked for at once, each
        in the call of the one before."""
        self._chain = -1
        self._rung: int | None = None
        """When that was due which is told now."""

    @property
    def next_turn(self) -> int:
        """The turn of the first that is due."""
        return self._heap[0][1]

    def ask(self, name: str, wait: int, moment: int) -> None:
        """Have one more, so much later than a moment, or than the one that is told was due."""
        chain = 0 if wait else self._chain + 1
        if chain > _MOST_AT_ONCE:
            raise BadRequest(
                f"timer {name!r} is due at once, asked for in the call of one that was, "
                f"{_MOST_AT_ONCE:,} times over: let some time pass, such as "
                "timedelta(milliseconds=10)"
            )
        # Else what follows each other rings later and later live, and nowhere else.
        since = moment if self._rung is None else self._rung
        due = since + wait if since + wait > moment else moment + wait
        self.turn += 1
        heapq.heappush(self._heap, (due, self.turn, name, chain))
        self.due = self._heap[0][0]

    def ring(self, tell: Callable[[str], None]) -> None:
        """Tell the one that is due first."""
        self._rung, _, name, self._chain = heapq.heappop(self._heap)
        self.due = self._heap[0][0] if self._heap else NEVER
        try:
            tell(name)
        finally:
            self._chain, self._rung = -1, None
