"""When a backtest looks at its equity."""

from __future__ import annotations

from typing import Final

import attrs

from ..paper import at
from ..strategies.timers import NEVER
from .measures import Measures
from .report import EquityPoint

__all__ = ["Sampling"]

_FINEST: Final = 10_000_000
"""Nanoseconds between samples to begin with, where nobody says how many."""
_COARSEST: Final = _FINEST << 12
"""Those at most, some 41 s: who falls for minutes in a month has fallen."""
_MOST: Final = 1_000
"""Samples that cover a shorter run then, at most."""


class Sampling:
    """Looks after each trade, and every so many nanoseconds if anything was told since.

    ``due`` is when next.  Of a moment with a trade it looks at the end: what is received at
    once tells of one thing by several events, and only after the last of them it is whole.

    Where ``every`` is None it is 10 ms, and twice as long whenever a thousand of them do not
    cover what was played, up to 41 s: then points between are dropped, so that the curve is
    that of a run which was told the last ``every`` at once.  It depends on the span of the
    events alone: the runs of a sweep have the same.
    """

    def __init__(self, measures: Measures, every: int | None) -> None:
        self.every = every or _FINEST
        self.due = NEVER
        self._measures = measures
        self._is_fixed = every is not None
        self._began = 0
        self._regular = NEVER
        self._traded: int | None = None
        """When something was traded or paid that was not looked at yet."""
        self._taken: list[tuple[int, EquityPoint]] = []
        """The points that may be dropped, and at which nanosecond they were taken."""

    def begin(self, moment: int) -> None:
        """The first event is at this moment."""
        self._began = moment
        self._measures.sample(moment)
        self._plan(self._boundary(moment))

    def traded(self, moment: int) -> None:
        """Something is traded or paid at this moment: look once it is over."""
        if self._traded != moment:
            self.settle()
            self._traded = moment
            self._plan(self._regular)

    def settle(self) -> None:
        """Look at what was traded: nothing more comes of that moment."""
        if self._traded is not None:
            self._measures.sample(self._traded)
            self._traded = None
            self._plan(self._regular)

    def take(self, following: int) -> None:
        """Look now, as ``due``; the next thing happens at that moment."""
        if self._traded is not None and self._traded < self.due:
            self.settle()
            return
        moment = self.due
        point = self._measures.sample(moment)
        # Until the next thing happens there is nothing new to see.
        self._plan(self._boundary(following))
        if self._is_fixed:
            return
        self._taken.append((moment, point))
        if self._is_too_fine(moment):
            while self._is_too_fine(moment):
                self.every *= 2
            self._thin(moment)
            reached = self._end_of(moment)
            self._plan(self._boundary(following) if reached == moment else reached)

    def _thin(self, moment: int) -> None:
        """Leave what would be there, had it been looked so seldom from the beginning."""
        taken = {id(point): when for when, point in self._taken}
        points, kept = self._measures.points, list[EquityPoint]()
        self._taken = []
        for number, point in enumerate(points):
            when = taken.get(id(point))
            if when is None:  # something was traded or paid
                kept.append(point)
                continue
            end = self._end_of(when)
            is_last = number + 1 == len(points) or points[number + 1].at > at(end)
            if end <= moment and is_last:
                # Nothing happened until then, or there would be a later one.
                moved = point if end == when else attrs.evolve(point, at=at(end))
                self._taken.append((end, moved))
                kept.append(moved)
        points[:] = kept

    def _plan(self, regular: int) -> None:
        self._regular = self.due = regular
        if self._traded is not None:
            self.due = min(regular, self._traded + 1)

    def _is_too_fine(self, moment: int) -> bool:
        covered = moment - self._began <= _MOST * self.every
        return not covered and self.every < _COARSEST

    def _boundary(self, moment: int) -> int:
        return (moment // self.every + 1) * self.every

    def _end_of(self, moment: int) -> int:
        return -(-moment // self.every) * self.every
