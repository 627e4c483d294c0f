"""Time as an argument: the system's clock, a virtual one, and the venue's offset."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import partial
from math import floor
from threading import Lock
from typing import Protocol

__all__ = ["Clock", "ClockOffset", "SystemClock", "VirtualClock", "microseconds"]


def microseconds(seconds: float) -> int:
    """Whole microseconds, the same as `datetime.fromtimestamp` makes of it.

    The product alone is rounded twice: of the seconds since 1970 one in eight comes out
    as the microsecond before or after.

    >>> microseconds(1_795_200_000.0000012)
    1795200000000001
    """
    whole = floor(seconds)
    return whole * 1_000_000 + round((seconds - whole) * 1_000_000)


class Clock(Protocol):
    """Wall time for stamps and signatures, monotonic time for everything measured."""

    def now(self) -> float:
        """Seconds since 1970 in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump."""
        ...


# Where Python's own stands still while the machine sleeps, there is another: what was
# heard before is as old as it is.
_monotonic: Callable[[], float]
if sys.platform == "linux":
    _monotonic = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
elif sys.platform == "darwin":
    _monotonic = partial(time.clock_gettime, time.CLOCK_MONOTONIC)
else:
    _monotonic = time.monotonic


class SystemClock:
    """The machine's clock."""

    __slots__ = ()

    def now(self) -> float:
        """Seconds since 1970 in UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump, those in which the machine slept among them."""
        return _monotonic()


class VirtualClock:
    """A clock that moves only when told: for tests, replay and simulated venues.

    >>> clock = VirtualClock(1_000.0)
    >>> clock.advance(2.5)
    >>> clock.now()
    1002.5
    """

    def __init__(self, start: float = 1_795_200_000.0) -> None:
        self._lock = Lock()
        self._start = start
        self._passed = 0.0

    def now(self) -> float:
        """Seconds since 1970 in UTC."""
        # One sum, not a second total: that would drift by microseconds from the first.
        return self._start + self._passed

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        if seconds < 0:
            message = "time does not go backwards; use step() for a clock that is set"
            raise ValueError(message)
        with self._lock:
            self._passed += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock by an amount, as a time service does: no time passes."""
        with self._lock:
            self._start += seconds


class ClockOffset:
    """The venue's clock minus ours, narrowed from the ``Date`` headers of its answers.

    A ``Date`` is whole seconds and was written between sending and receiving, so each
    answer bounds the offset; together they bound it to the length of a round trip.
    When a bound contradicts the others the venue's clock was set: start anew.  That ours
    was set is seen by the monotonic one, and holds at once: the bounds are of that.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._low = float("-inf")
        self._high = float("inf")
        self._last = ""
        self._zero = 0.0
        """What our clock was by the monotonic one when it was first compared."""

    @property
    def seconds(self) -> float:
        """The smallest offset that explains all that was seen; 0 if none is needed.

        The smallest to what our clock was at first, if that was set since.
        """
        if not self._last:
            return 0.0
        return min(max(self._zero, self._low), self._high) - self._drift

    def earliest(self, moment: float) -> float:
        """What the venue's clock surely showed by a moment of our monotonic one.

        Minus infinity as long as no answer was seen.
        """
        return moment + self._low

    def latest(self, moment: float) -> float:
        """What the venue's clock showed by a moment of our monotonic one, at the most.

        Infinity as long as no answer was seen.
        """
        return moment + self._high

    def moments(self, shown: float) -> tuple[float, float]:
        """When by our monotonic clock the venue's showed this, at the soonest and latest.

        Infinitely far apart as long as no answer was seen.
        """
        return shown - self._high, shown - self._low

    @property
    def _drift(self) -> float:
        """Our wall clock less the monotonic one."""
        return self._clock.now() - self._clock.monotonic()

    @property
    def milliseconds(self) -> int | None:
        """The offset, or None before the first answer."""
        return round(self.seconds * 1000) if self._last else None

    def observe(self, date: str | None, sent: float, received: float) -> None:
        """Take an answer's ``Date`` into account; times are our wall clock's as it is now.

        Whoever remembers when it sent by the wall clock is wrong by whatever that was set
        by since: count back by the monotonic one.
        """
        if not date or date == self._last:
            return
        try:
            stamp = parsedate_to_datetime(date).timestamp()
        except (TypeError, ValueError, IndexError, OverflowError):
            return
        before = self._clock.monotonic()
        now = self._clock.now()
        # Whoever has to wait for the processor between two looks at clocks knows less.
        least, most = now - self._clock.monotonic(), now - before
        if not self._last:
            self._zero = most
        self._last = date
        low, high = stamp - received + least, stamp + 1.0 - sent + most
        if low > self._high or high < self._low:
            self._low, self._high = low, high
        else:
            self._low, self._high = max(low, self._low), min(high, self._high)
