"""Recorded requests by when they began, so that the nearest one is found at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["Begun", "InTime"]

_LOOKED_AT: Final = 100
"""Requests on either side of a moment among which one is looked for."""


class Begun(Protocol):
    """A recorded request, as it is found again."""

    is_played: bool

    @property
    def began(self) -> int:
        """Nanoseconds since 1970."""
        ...


B = TypeVar("B", bound=Begun)


class InTime(Generic[B]):
    """Requests in the order in which they began.

    Those that were played are passed over without being counted: of many equal ones the
    last is found as fast as the first.  What was played once is never unplayed again.
    """

    __slots__ = ("_entries", "_later", "_sooner")

    def __init__(self, entries: Iterable[B]) -> None:
        # Of requests at once, the last to begin may have been answered first.
        self._entries = sorted(entries, key=_begun)
        count = len(self._entries)
        # Where to look instead of a place whose entry was played; counted from -1 to count.
        self._later = list(range(1, count + 1))
        self._sooner = list(range(-1, count - 1))

    def left(self, moment: int) -> Iterator[B]:
        """Those that were not played: from a moment on, and then those before, backwards."""
        return chain(self.later(moment), self.sooner(moment))

    def later(self, moment: int) -> Iterator[B]:
        """Those that were not played, from a moment on."""
        first = bisect_left(self._entries, moment, key=_begun)
        return islice(self._unplayed(first, self._later), _LOOKED_AT)

    def sooner(self, moment: int) -> Iterator[B]:
        """Those that were not played and began before a moment, backwards."""
        first = bisect_left(self._entries, moment, key=_begun)
        return islice(self._unplayed(first - 1, self._sooner), _LOOKED_AT)

    def all(self, moment: int, may_be: Callable[[B], bool]) -> Iterator[B]:
        """The same of all that may be, whether they were played or not."""
        entries = self._entries
        first = bisect_left(entries, moment, key=_begun)
        later = islice(entries, first, first + _LOOKED_AT)
        sooner = reversed(entries[max(0, first - _LOOKED_AT) : first])
        return (entry for entry in chain(later, sooner) if may_be(entry))

    def _unplayed(self, place: int, ways: list[int]) -> Iterator[B]:
        step = 1 if ways is self._later else -1
        while True:
            place = self._pass(place, ways)
            if not 0 <= place < len(ways):
                return
            yield self._entries[place]
            place += step

    def _pass(self, place: int, ways: list[int]) -> int:
        """The first place from this one on that is left; who comes again goes there at once."""
        passed: list[int] = []
        while 0 <= place < len(ways) and self._entries[place].is_played:
            passed.append(place)
            place = ways[place]
        for each in passed:
            ways[each] = place
        return place


def _begun(entry: Begun) -> int:
    return entry.began
