"""The time that a program was told while it was recorded, told again in its replay."""

from __future__ import annotations

from collections.abc import Sequence

from ..clock import Clock

__all__ = ["RecordedMoments", "RecordingMoments"]


class RecordingMoments:
    """A clock that keeps what it told since it was last asked for that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: list[float] = []

    def now(self) -> float:
        """Seconds since 1970 in UTC."""
        moment = self._clock.now()
        self._told.append(moment)
        return moment

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return self._clock.monotonic()

    def taken(self) -> list[float]:
        """What was told since the last call of this."""
        told, self._told = self._told, []
        return told


class RecordedMoments:
    """Tells what was told at the same place of the recording.

    ``spans`` are the readings before the first answer, between the answers, and after
    the last.  Each answer begins its span anew, so that a program which reads the clock
    more or less often than it did stays near the recorded time.  Only the wall clock is
    replayed: waiting takes its time.
    """

    def __init__(self, spans: Sequence[Sequence[float]], clock: Clock) -> None:
        self._clock = clock
        self._spans = spans
        self._last = next(span[0] for span in spans if span)
        self._coming = iter(spans[0])

    def now(self) -> float:
        """Seconds since 1970 in UTC, when this was recorded."""
        self._last = next(self._coming, self._last)
        return self._last

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return self._clock.monotonic()

    def answered(self, index: int) -> None:
        """Go on behind the answer of that number."""
        self._last = next((s[-1] for s in self._spans[index::-1] if s), self._last)
        self._coming = iter(self._spans[index + 1])
