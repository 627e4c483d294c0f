"""How soon something is tried again: at once, then ever later, until it was calm."""

from __future__ import annotations

from typing import Final

from ..policy import StreamPolicy

__all__ = ["Pace"]

_MOST_DOUBLINGS: Final = 32


class Pace:
    """Growing delays without dice: where the venue is one and we are one.

    >>> pace = Pace(StreamPolicy(first=1.0, cap=3.0, stable=60.0))
    >>> [pace.delay(now) for now in (0.0, 1.0, 2.0, 4.0, 100.0)]
    [0.0, 1.0, 2.0, 3.0, 0.0]
    """

    __slots__ = ("_last", "_policy", "_times")

    def __init__(self, policy: StreamPolicy) -> None:
        self._policy = policy
        self._times = 0
        self._last = 0.0

    def delay(self, now: float) -> float:
        """Seconds to wait before the next try."""
        policy = self._policy
        if self._times and now - self._last > policy.stable:
            self._times = 0
        times, self._times, self._last = self._times, self._times + 1, now
        if not times:
            return 0.0
        return min(policy.cap, policy.first * 2.0 ** min(times - 1, _MOST_DOUBLINGS))
