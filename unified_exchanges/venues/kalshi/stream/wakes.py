"""What is to be done later, and when: one plan of each kind, however often it is made."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from heapq import heappop, heappush
from itertools import count

__all__ = ["Wakes"]


class Wakes:
    """Plans in the order of time; one that is made again is put off, not doubled.

    A storm of troubles asks for the same again and again: what waits is bounded by what
    there is to ask for.

    >>> wakes, done = Wakes(), []
    >>> for due in (2.0, 3.0, 2.5):
    ...     wakes.plan(due, "books", lambda: done.append("asked"))
    >>> wakes.run(2.9), done, wakes.due
    (None, [], 3.0)
    >>> wakes.run(3.0), done, wakes.due
    (None, ['asked'], None)
    """

    __slots__ = ("_numbers", "_plans", "_queue")

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, Hashable]] = []
        self._plans: dict[Hashable, tuple[float, Callable[[], None]]] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def due(self) -> float | None:
        """When there is something to look at, if there is."""
        return self._queue[0][0] if self._queue else None

    def plan(self, due: float, what: Hashable, do: Callable[[], None]) -> None:
        """Do something then, or when it was planned already if that is later."""
        planned = self._plans.get(what)
        if planned is None:
            self._push(due, what)
        else:
            due = max(due, planned[0])
        self._plans[what] = due, do

    def run(self, now: float) -> None:
        """Do what is due."""
        queue, plans = self._queue, self._plans
        while queue and queue[0][0] <= now:
            what = heappop(queue)[2]
            due, do = plans[what]
            if due > now:
                self._push(due, what)
            else:
                del plans[what]
                do()

    def clear(self) -> None:
        """Do none of it."""
        self._queue.clear()
        self._plans.clear()

    def _push(self, due: float, what: Hashable) -> None:
        heappush(self._queue, (due, next(self._numbers), what))
