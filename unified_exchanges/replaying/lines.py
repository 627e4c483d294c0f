"""The lines of a recording, as a replay comes to them: one at hand, and when it is due."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import starmap
from pathlib import Path
from typing import Any

from ..recording.format import End, Frame, Header, Line, Torn
from ..recording.line_clock import LineClock, in_time
from ..recording.reading import texts_of
from .player import NEVER

__all__ = ["Lines"]


class Lines:
    """Reads a recording in its order, line by line, and never holds it in memory.

    Time passes by the recorder's monotonic clock, or ``by_receipt`` by the stamps of its
    wall clock.
    """

    def __init__(self, file: Path, header: Header, *, by_receipt: bool) -> None:
        self.file = file
        self.header = header
        self.received = LineClock(0, 0)
        """The clock of the lines, as far as they are read."""
        self.count = 1
        """How many have been played."""
        self.at_hand: Line | None = None
        """The next to be played."""
        self.due = NEVER
        self._time = _received if by_receipt else _elapsed
        self._rest: Iterator[Line] = iter(())
        self._opened = ExitStack()
        self._mono = self._base = 0

    def begin(self, passed: int, now: int) -> Iterator[Line]:
        """Begin where the clock stands; gives what had been recorded by then."""
        header = self.header
        self.received = LineClock(header.at, header.mono)
        texts = self._opened.enter_context(texts_of(self.file))
        self._rest = in_time(starmap(texts.line, texts), self.received)
        self._base = passed
        at, mono = header.at, self._time(header)
        self._fetch()
        while (line := self.at_hand) is not None and not isinstance(line, End | Torn):
            if line.at > now:
                break
            at, mono = line.at, self._time(line)
            yield from self._taken(line)
        self._mono = mono + max(0, now - at)
        self.plan(passed)

    def plan(self, passed: int) -> None:
        """Reckon when the line at hand is due, which is not before now."""
        line = self.at_hand
        if line is None or isinstance(line, Torn):
            self.due = passed
        else:
            self.due = max(passed, self._base + self._time(line) - self._mono)

    def take(self) -> Iterator[Line]:
        """The line at hand, or all messages that one read has brought.

        Each is played before the next is read.
        """
        first = line = self.at_hand
        assert first is not None
        yield from self._taken(first)
        if not (isinstance(first, Frame) and first.direction == "in"):
            return
        while (
            isinstance(line := self.at_hand, Frame)
            and line.connection == first.connection
            and line.mono == first.mono
            and line.direction == "in"
        ):
            yield from self._taken(line)

    def _taken(self, line: Line) -> Iterator[Line]:
        self.count += 1
        yield line
        self._fetch()

    def _fetch(self) -> None:
        self.at_hand = next(self._rest, None)

    def end(self) -> None:
        """Read no further, and let go of the file."""
        self.at_hand = None
        self._rest = iter(())
        self._opened.close()


def _elapsed(line: Any) -> int:
    return int(line.mono)


def _received(line: Any) -> int:
    return int(line.at)
