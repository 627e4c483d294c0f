"""What one part of a token bucket holds, and who is still to take of it, when."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import inf, nan
from operator import attrgetter
from typing import Final

__all__ = ["Tokens"]

_SAME: Final = 1e-6
"""Seconds by which the same moment may be told twice."""
_HAIR: Final = 1e-7
"""Tokens that may be lost in reckoning."""
_NOISE: Final = 1e-9
"""Tokens by which a number may have changed that is the same."""

_moment: Final = attrgetter("leaves")


class _Place:
    """Who is still to leave: when, what it takes, and what will be there for it.

    ``level`` is what it finds, ``need`` the least that it must find, so that there is enough
    for it and, with what refills meanwhile, for all behind it. ``binds`` says that it waits
    for this part, not for another bucket.
    """

    __slots__ = ("binds", "cost", "leaves", "level", "need", "urgent")

    def __init__(
        self, leaves: float, cost: float, *, urgent: bool, binds: bool
    ) -> None:
        self.leaves, self.cost = leaves, cost
        self.urgent, self.binds = urgent, binds
        self.level = self.need = nan


class Tokens:
    """A part of a bucket: ``level`` is there ``at`` a moment, and ``places`` are to come.

    A place keeps what is needed at its moment, not all that refills until then: who comes
    later may leave before it if it finds enough all the same. So nobody ever waits longer
    than it was told. Whoever waits for this very part is not overtaken, though: nobody gets
    a place before the ``last`` of those.
    """

    __slots__ = ("at", "capacity", "last", "level", "places", "rate")

    def __init__(self) -> None:
        self.rate = self.capacity = self.level = self.at = 0.0
        self.last = -inf
        self.places: list[_Place] = []

    def refill(self, now: float) -> None:
        """Go on to that moment, with those who leave until then."""
        if self.places and self.places[0].leaves <= now:
            gone = bisect_right(self.places, now, key=_moment)
            self.level, self.at = self._after(gone)
            del self.places[:gone]
        if now > self.at:
            self.level = self._refilled(self.level, now - self.at)
            self.at = now

    def turn(self, start: float, cost: float) -> float:
        """When a taker of that cost may leave, from ``start``."""
        if not cost:
            return start
        start = max(start, self.last)
        wanted = min(cost, self.capacity)
        if not self.places and start <= self.at and wanted <= self.level:
            return start
        index = bisect_right(self.places, start, key=_moment)
        while True:
            level, at = self._after(index)
            if level < wanted:
                start = max(start, at + (wanted - level) / self.rate)
            if index == len(self.places):
                return start
            following = self.places[index]
            if start < following.leaves:
                left = self._refilled(level, start - at) - cost
                if left >= self._owed(following, start) - _HAIR:
                    return start
            start, index = following.leaves, index + 1

    def free(self, moment: float) -> float:
        """What one may take at a moment so that all others get theirs."""
        if self.last > moment:
            return 0.0
        index = bisect_right(self.places, moment, key=_moment)
        level, at = self._after(index)
        level = self._refilled(level, moment - at)
        if index < len(self.places):
            level -= max(0.0, self._owed(self.places[index], moment))
        return level

    def place(self, leaves: float, cost: float, *, urgent: bool) -> None:
        """Have a taker leave at a moment that `turn` told."""
        if leaves <= self.at:
            self.level -= cost
            if self.places:
                self._find_levels(0)
        elif cost:
            index = bisect_right(self.places, leaves, key=_moment)
            level, at = self._after(index)
            ripe = at + (min(cost, self.capacity) - level) / self.rate
            binds = ripe >= leaves - _SAME
            self.places.insert(index, _Place(leaves, cost, urgent=urgent, binds=binds))
            self._find_levels(index)
            self._find_needs(index)
            if binds:
                self.last = leaves

    def give_back(self, leaves: float, cost: float) -> None:
        """A common one that was to leave then does not: later ones wait for less.

        Those behind it keep their places.
        """
        places = self.places
        if not cost:
            return  # it had none
        first = bisect_left(places, leaves - _SAME, key=_moment)
        end = bisect_right(places, leaves + _SAME, key=_moment)
        index = min(
            (n for n in range(first, end) if not places[n].urgent),
            key=lambda n: abs(places[n].cost - cost),
            default=None,
        )
        if index is None:
            return  # it has no place any more
        gone = places.pop(index)
        self._find_levels(index)
        self._find_needs(index - 1)
        if gone.binds:
            self._find_last()

    def without_common(self) -> Tokens:
        """The same as if nobody but urgent takers were still to leave."""
        other = Tokens()
        other.rate, other.capacity = self.rate, self.capacity
        other.level, other.at = self.level, self.at
        other.places = [
            _Place(x.leaves, x.cost, urgent=True, binds=x.binds)
            for x in self.places
            if x.urgent
        ]
        other.reckon()
        other._find_last()
        return other

    def lower(self, level: float) -> None:
        """There is no more than that; those who are still to leave do so all the same."""
        self.level = min(self.level, level)
        self._find_levels(0)

    def empty(self, now: float) -> None:
        """Nothing is there, and nobody has a place any more."""
        self.level, self.at, self.last = 0.0, now, -inf
        self.places.clear()

    def reckon(self) -> None:
        """Find all anew, as the rate or the capacity is another."""
        for place in self.places:
            place.level = place.need = nan
        self._find_levels(0)
        self._find_needs(len(self.places) - 1)

    def _refilled(self, level: float, seconds: float) -> float:
        return min(self.capacity, level + seconds * self.rate)

    def _after(self, index: int) -> tuple[float, float]:
        """What is left behind the places before that one, and when."""
        if not index:
            return self.level, self.at
        place = self.places[index - 1]
        return place.level - place.cost, place.leaves

    def _owed(self, place: _Place, moment: float) -> float:
        """What must be there at a moment before a place for it and all behind it."""
        return place.need - (place.leaves - moment) * self.rate

    def _find_levels(self, index: int) -> None:
        """What those from that place on find: up to where that is as before."""
        level, at = self._after(index)
        for n in range(index, len(self.places)):
            place = self.places[n]
            found = self._refilled(level, place.leaves - at)
            if found == place.level:
                return
            place.level = found
            level, at = found - place.cost, place.leaves

    def _find_needs(self, index: int) -> None:
        """What those up to that place need: back to where that is as before."""
        for n in range(index, -1, -1):
            place = self.places[n]
            need = min(place.cost, self.capacity)
            if n + 1 < len(self.places):
                owed = self._owed(self.places[n + 1], place.leaves)
                need = max(need, owed + place.cost)
            if abs(need - place.need) <= _NOISE:
                return
            place.need = need

    def _find_last(self) -> None:
        binding = (x.leaves for x in reversed(self.places) if x.binds)
        self.last = next(binding, -inf)
