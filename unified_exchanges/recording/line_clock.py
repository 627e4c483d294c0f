"""When the lines of a recording were received, by the two clocks that each of them tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
from msgspec.structs import replace

from .format import Dated, Line, Rest, Torn, Unanswered

__all__ = ["LineClock", "Setbacks", "in_time", "later", "setback_told"]

_SECOND = 10**9


class LineClock:
    """Shows when the line at hand was received; it never goes back.

    That is what the wall clock said.  Where it was set back, so that it is more than a second
    behind what has passed by the monotonic clock since the line before, the time goes on by
    that one, and is ``offset`` ahead of the wall clock from there on.  Where the wall clock
    gets ahead, it was set forward or the machine slept, through which a monotonic clock
    may stand still: the time follows it, as soon as it has made up for the offset.

    >>> clock = LineClock(100 * _SECOND, 0)
    >>> clock.read(101 * _SECOND, 1 * _SECOND) // _SECOND
    101
    >>> clock.read(42 * _SECOND, 2 * _SECOND) // _SECOND, clock.offset // _SECOND
    (102, 60)
    >>> clock.read(103 * _SECOND, 3 * _SECOND) // _SECOND, clock.offset // _SECOND
    (103, 0)
    """

    __slots__ = ("_lead", "moment", "offset")

    def __init__(self, at: int, mono: int) -> None:
        self.moment = at
        self.offset = 0
        self._lead = at - mono
        """By how much the moment of the line before is ahead of its monotonic clock."""

    def read(self, at: int, mono: int) -> int:
        """Go on to a line, by both of its clocks; gives when it was received."""
        lead = at - mono
        if at < self.moment or self.offset or lead - self._lead < -_SECOND:
            return self._corrected(at, mono)
        # As nearly always, and at each line of a backtest.
        self._lead = lead
        self.moment = at
        return at

    def _corrected(self, at: int, mono: int) -> int:
        # How much more has passed by the wall clock since the line before.
        ahead = at + self.offset - mono - self._lead
        if ahead < -_SECOND or (self.offset and ahead > _SECOND):
            self.offset = max(0, self.offset - ahead)
        self.moment = max(self.moment, at + self.offset)
        self._lead = self.moment - mono
        return self.moment

    def now(self) -> float:
        """Seconds since 1970."""
        return self.moment / _SECOND

    def monotonic(self) -> float:
        """The same: nothing else passes here."""
        return self.moment / _SECOND


@attrs.define
class Setbacks:
    """When a clock was set back, by what is told: ``found`` are moments and offsets then."""

    found: list[tuple[int, int]] = attrs.field(factory=list)
    _most: int = 0

    def see(self, moment: int, offset: int) -> bool:
        """Take note of how far the wall clock is behind; gives whether it was set back."""
        is_new = offset > self._most + _SECOND
        if is_new:
            self._most = offset
            self.found.append((moment, offset))
        return is_new


def setback_told(name: str | None, offset: int) -> str:
    """What a report says of it.

    >>> setback_told("day.jsonl", 60_004 * 10**6)[:62]
    'the clock by which day.jsonl was recorded was set back, by 60.'
    """
    return (
        f"the clock by which {name} was recorded was set back, by {offset / _SECOND:.1f} s "
        "until here: from there on time passes as it did by its monotonic clock"
    )


def in_time(lines: Iterable[Line], clock: LineClock) -> Iterator[Line]:
    """Lines of which ``at`` and ``began`` go by a clock that began with the header."""
    for line in lines:
        if not isinstance(line, Torn):
            clock.read(line.at, line.mono)
            if clock.offset:
                yield later(line, clock.offset)
                continue
        yield line


def later(line: Dated, offset: int) -> Dated:
    """A line that was received so many nanoseconds later than its wall clock said."""
    at = line.at + offset
    if isinstance(line, Rest):
        # One that began before the clock was set says so by how long it took.
        began = min(line.began + offset, at - line.elapsed)
        return replace(line, at=at, began=began)
    if isinstance(line, Unanswered):
        return replace(line, at=at, began=min(line.began + offset, at))
    return replace(line, at=at)
