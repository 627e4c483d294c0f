"""How soon something is tried again: at once, then ever more apart, until it was calm."""

from __future__ import annotations

from typing import Final

from ..policy import StreamPolicy

__all__ = ["Pace"]

_MOST_DOUBLINGS: Final = 32


class Pace:
    """Growing distances between tries, without dice: the venue is one and we are one.

    The distance is from the last try, not from the trouble that asks for another: who
    was calm for as long need not wait.  Trouble amid a wait makes it no longer.

    >>> pace = Pace(StreamPolicy(first=1.0, cap=3.0, stable=60.0))
    >>> [pace.delay(now) for now in (0.0, 0.2, 0.3, 1.5, 3.5, 100.0)]
    [0.0, 0.8, 0.7, 1.5, 2.5, 0.0]
    """

    __slots__ = ("_next", "_policy", "_times")

    def __init__(self, policy: StreamPolicy) -> None:
        self._policy = policy
        self._times = 0
        self._next = 0.0

    def delay(self, now: float) -> float:
        """Seconds to wait before the next try."""
        if now < self._next:
            return self._next - now
        if self._times and now - self._next > self._policy.stable:
            self._times = 0
        if self._times:
            self._next = max(now, self._next + self._distance())
        else:
            self._next = now
        self._times += 1
        return self._next - now

    def _distance(self) -> float:
        doublings = min(self._times - 1, _MOST_DOUBLINGS)
        return min(self._policy.cap, self._policy.first * 2.0**doublings)
