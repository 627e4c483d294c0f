"""Recorded requests by what they ask for and when they began: which of them is that of now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

from .entries import Entry
from .matching import Key, has_moved, loosened
from .nearest import InTime

__all__ = ["Moments", "fitting"]

_Within: TypeAlias = tuple[int, int]
"""Nanoseconds before and after now."""

_SECOND = 1_000_000_000
_JITTER = 1_000_000
"""Nanoseconds by which threads may have told what happened in another order."""
_AT_ONCE = 50_000_000
"""Nanoseconds within which equal requests began that were decided together: they are answered
in their order, however late they are decided."""
_EVER = 1 << 62


def _is_any(_: Entry) -> bool:
    return True


def _is_news(entry: Entry) -> bool:
    return not entry.is_overheard


class Moments:
    """Finds, of those that ask for the same, or but for bounds of time, the one of a moment."""

    def __init__(self, same: Mapping[Key, Iterable[Entry]]) -> None:
        self._in_time = {key: InTime(some) for key, some in same.items()}

    def left(
        self,
        key: Key,
        now: int,
        within: _Within | None,
        may_be: Callable[[Entry], bool] = _is_any,
    ) -> Entry | None:
        """The next of those left that may be, else the last before now.

        Within a time it is the nearest, and of those at once with it the first.  What a
        stream has read before now was its own then, if there is another.
        """
        moment = now - _JITTER
        for some, in_time in self._in_time_of(key):
            if within is not None:
                ways = in_time.later(moment), filter(_is_news, in_time.sooner(moment))
                found = [
                    fitting(filter(may_be, way), some, key, now, within) for way in ways
                ]
                if near := [entry for entry in found if entry is not None]:
                    nearest = min(near, key=lambda entry: abs(entry.began - now))
                    before = filter(may_be, _at_once(in_time, nearest))
                    fits = partial(_fits, some=some, key=key, now=now, within=within)
                    return [nearest, *filter(fits, before)][-1]
            left = filter(may_be, in_time.left(moment))
            if entry := fitting(left, some, key, now, within):
                return entry
        return None

    def nearest(self, key: Key, now: int, within: _Within) -> Entry | None:
        """The nearest, whether it is left or not."""
        return self._nearest(key, now, within, _is_any)

    def news(self, key: Key, now: int, within: _Within) -> Entry | None:
        """The nearest that no stream has read, whether it is left or not."""
        return self._nearest(key, now, within, _is_news)

    def _nearest(
        self,
        key: Key,
        now: int,
        within: _Within,
        may_be: Callable[[Entry], bool],
    ) -> Entry | None:
        for some, in_time in self._in_time_of(key):
            found = in_time.all(now - _JITTER, may_be)
            if entry := fitting(found, some, key, now, within):
                return entry
        return None

    def another(self, key: Key, now: int) -> str:
        """At which other moment the same was sent, in words that end a sentence."""
        if key not in self._in_time:
            return ""
        same = self._in_time[key].all(now, _is_any)
        entry = min(same, key=lambda entry: abs(entry.began - now))
        span = entry.began - now
        told = f"{abs(span) / _SECOND:.3f} s {'later' if span > 0 else 'earlier'}"
        is_given = ", and its answer was given already" if entry.is_played else ""
        return f": the same was sent {told}{is_given}"

    def _in_time_of(self, key: Key) -> Iterator[tuple[Key, InTime[Entry]]]:
        """All that was asked for with a key, and then with any bounds of time."""
        for some in dict.fromkeys((key, loosened(key))):
            in_time = self._in_time.get(some)
            if in_time is not None:
                yield some, in_time


def fitting(
    entries: Iterable[Entry],
    some: Key,
    key: Key,
    now: int,
    within: _Within | None,
) -> Entry | None:
    """The first that fits."""
    for entry in entries:
        if _fits(entry, some, key, now, within):
            return entry
    return None


def _fits(entry: Entry, some: Key, key: Key, now: int, within: _Within | None) -> bool:
    """Whether it began within that time, its bounds as far from then as from now."""
    before, after = within or (now, _EVER)
    span = entry.began - now
    if not -before <= span <= after:
        return False
    return some is key or has_moved(key, entry.key, -round(span / _SECOND))


def _at_once(in_time: InTime[Entry], entry: Entry) -> Iterator[Entry]:
    """Those that are left of what began at once with one, and before it, backwards."""
    for each in in_time.sooner(entry.began):
        if entry.began - each.began > _AT_ONCE:
            return
        if _is_news(each):
            yield each
