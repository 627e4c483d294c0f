"""What is to be done in a replay: when an answer comes, or when some time has passed."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable
from itertools import count

from .player import NEVER

__all__ = ["Agenda"]


class Agenda:
    """Acts that wait, each done once; those of one moment in the order they were planned.

    >>> agenda, done = Agenda(), []
    >>> agenda.at(20, lambda: done.append("later"))
    >>> agenda.at(10, lambda: done.append("soon"))
    >>> agenda.due
    10
    >>> agenda.do_next()
    >>> done
    ['soon']
    """

    def __init__(self) -> None:
        self._answered = 0
        self._waiting: dict[int, list[Callable[[], None]]] = defaultdict(list)
        self._later: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()

    @property
    def due(self) -> int:
        """When the next that was planned is to be done."""
        return self._later[0][0] if self._later else NEVER

    def at(self, moment: int, act: Callable[[], None]) -> None:
        """Act at a moment."""
        heapq.heappush(self._later, (moment, next(self._order), act))

    def do_next(self) -> None:
        """Do the next that was planned."""
        heapq.heappop(self._later)[2]()

    def when_answered(self, number: int, act: Callable[[], None]) -> bool:
        """Act when a recorded answer comes; False if it has come already."""
        if number <= self._answered:
            return False
        self._waiting[number].append(act)
        return True

    def answered(self) -> None:
        """The next answer of the recording has come."""
        self._answered += 1
        for act in self._waiting.pop(self._answered, ()):
            act()

    def do_all(self) -> None:
        """Do all that waits: nothing comes any more, and no time passes."""
        for acts in [*self._waiting.values()]:
            for act in acts:
                act()
        self._waiting.clear()
        for _, _, act in sorted(self._later, key=lambda x: x[:2]):
            act()
        self._later.clear()
