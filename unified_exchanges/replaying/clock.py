"""The clock of a replay: it stands where the recording has come to."""

from __future__ import annotations

from .. import fork

__all__ = ["ReplayClock"]

_SECOND = 1_000_000_000


class ReplayClock:
    """Tells the time at which what was told last had come; moments are nanoseconds.

    What lay between two requests, such as a night, is skipped: the wall clock shows it and
    the monotonic one does not, as when a clock is set.  A deadline of a call, which is
    measured by the latter, is thus used up by waiting for answers only, as it was.

    >>> clock = ReplayClock(1_000 * _SECOND)
    >>> clock.answered(began=5_000 * _SECOND, at=5_001 * _SECOND)
    >>> clock.now(), clock.monotonic()
    (5001.0, 1.0)

    With a ``lag`` the program hears of everything so many nanoseconds late: its wall clock
    is ahead of what was recorded by then.
    """

    def __init__(self, start: int, *, lag: int = 0) -> None:
        self.lag = lag
        self._lock = fork.lock()
        self._now = start
        self._passed = 0

    def now(self) -> float:
        """Seconds since 1970 in UTC."""
        return self.moment / _SECOND

    def monotonic(self) -> float:
        """Seconds for which the replayed program has waited."""
        return self._passed / _SECOND

    def advance(self, seconds: float) -> None:
        """Let time pass, as for a program that sleeps."""
        with self._lock:
            self._pass(int(seconds * _SECOND))

    @property
    def wall(self) -> int:
        """What the recording has come to, in nanoseconds since 1970 in UTC."""
        return self._now

    @property
    def moment(self) -> int:
        """The program's wall clock: nanoseconds since 1970 in UTC."""
        return self._now + self.lag

    @property
    def passed(self) -> int:
        """Nanoseconds for which the replayed program has waited."""
        return self._passed

    def move(self, passed: int, at: int | None = None) -> None:
        """Go on to a moment of the monotonic clock, at which the other one shows ``at``.

        None: as much later as the monotonic one.  Neither goes back.
        """
        with self._lock:
            span = max(passed - self._passed, 0)
            self._passed += span
            self._now = self._now + span if at is None else max(self._now, at)

    def answered(self, *, began: int, at: int) -> None:
        """Go on to where an answer came; never back."""
        with self._lock:
            self._now = max(self._now, began)
            self._pass(max(at - self._now, 0))

    def _pass(self, span: int) -> None:
        self._now += span
        self._passed += span
