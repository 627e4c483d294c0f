"""When a backtest looks at its equity while nothing is traded or paid."""

from __future__ import annotations

from typing import Final

import attrs

from ..paper import at
from ..strategies.desk import NEVER
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
    """Looks every so many nanoseconds, if anything was told since; ``due`` is when next.

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
        self._taken: list[tuple[int, EquityPoint]] = []
        """The points that may be dropped, and at which nanosecond they were taken."""

    def begin(self, moment: int) -> None:
        """The first event is at this moment."""
        self._began = moment
        self._measures.sample(moment)
        self.due = self._boundary(moment)

    def take(self, following: int) -> None:
        """Look now, as ``due``; the next thing happens at that moment."""
        moment = self.due
        point = self._measures.sample(moment)
        # Until the next thing happens there is nothing new to see.
        self.due = self._boundary(following)
        if self._is_fixed:
            return
        self._taken.append((moment, point))
        if self._is_too_fine(moment):
            while self._is_too_fine(moment):
                self.every *= 2
            self._thin(moment)
            reached = self._end_of(moment)
            self.due = self._boundary(following) if reached == moment else reached

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

    def _is_too_fine(self, moment: int) -> bool:
        covered = moment - self._began <= _MOST * self.every
        return not covered and self.every < _COARSEST

    def _boundary(self, moment: int) -> int:
        return (moment // self.every + 1) * self.every

    def _end_of(self, moment: int) -> int:
        return -(-moment // self.every) * self.every
