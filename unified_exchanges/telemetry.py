"""What is learnt of the last minute from requests and messages that come anyway."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from itertools import accumulate
from math import ceil, log

import attrs

from . import fork
from .clock import Clock
from .models.venue_state import Latency

__all__ = ["MINUTE", "Counts", "Telemetry"]

MINUTE = 60
"""Seconds that are looked back on, and the begun one: 60 whole, 61 at the most."""
_RATIO = 1.02
"""From one class of durations to the next: none is told further off than by 2 %."""
_SHORTEST, _LONGEST = 1e-5, 1e5
"""Seconds between which durations are told apart: 1,163 classes."""
_SLOWEST = 0.9
_STEP = log(_RATIO)


@attrs.frozen(slots=True)
class Counts:
    """Requests of the last minute, and how many the venue did not or could not serve."""

    requests: int
    errors: int

    @property
    def rate(self) -> float:
        """The share of failures; 0 where nothing was asked.

        >>> Counts(requests=20, errors=5).rate
        0.25
        """
        return self.errors / self.requests if self.requests else 0.0


@attrs.define(slots=True)
class _Second:
    """What came in one second: memory is bounded by the classes, however much comes."""

    number: int
    requests: int = 0
    errors: int = 0
    reads: dict[int, list[float]] = attrs.field(factory=dict)
    orders: dict[int, list[float]] = attrs.field(factory=dict)
    messages: dict[int, list[float]] = attrs.field(factory=dict)


class Telemetry:
    """Latencies and failures of the last minute; threads may share it.

    The minute is that of the monotonic clock, so that setting the other one neither
    forgets nor keeps anything.  Counts are exact.  Durations are kept by class, each with
    its mean: percentiles are off by 2 % at most, however many there were, and are exact
    where they come alone.

    >>> from unified_exchanges.clock import VirtualClock
    >>> clock = VirtualClock()
    >>> telemetry = Telemetry(clock)
    >>> telemetry.answered(clock.now(), 0.03, is_order=False, failed=True)
    >>> telemetry.counts, telemetry.latency.p50_ms
    (Counts(requests=1, errors=1), 30.0)
    >>> clock.advance(61)
    >>> telemetry.counts, telemetry.latency.p50_ms
    (Counts(requests=0, errors=0), None)
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = fork.lock()
        self._seconds: deque[_Second] = deque()
        self._contact: float | None = None

    def answered(
        self, wall: float, elapsed: float, *, is_order: bool, failed: bool
    ) -> None:
        """Note an answer; ``failed`` means that the venue could not serve it.

        ``wall`` is the wall clock as the caller read it, for the last contact.
        """
        with self._lock:
            self._contact = wall
            second = self._now()
            second.requests += 1
            second.errors += failed
            _add(second.orders if is_order else second.reads, elapsed)

    def unanswered(self) -> None:
        """Note a request that brought no usable answer."""
        with self._lock:
            second = self._now()
            second.requests += 1
            second.errors += 1

    def delivered(self, latency: float) -> None:
        """Note how old a message was when its consumer got it, in seconds."""
        with self._lock:
            _add(self._now().messages, latency)

    @property
    def counts(self) -> Counts:
        """Requests of the last minute and their failures, of one moment."""
        with self._lock:
            recent = self._recent()
            return Counts(
                sum(second.requests for second in recent),
                sum(second.errors for second in recent),
            )

    @property
    def latency(self) -> Latency:
        """Of everything but order writes."""
        with self._lock:
            return _percentiles([second.reads for second in self._recent()])

    @property
    def acknowledgement(self) -> Latency:
        """Of order writes."""
        with self._lock:
            return _percentiles([second.orders for second in self._recent()])

    @property
    def message_latency(self) -> Latency:
        """Of the messages whose age was measured."""
        with self._lock:
            return _percentiles([second.messages for second in self._recent()])

    @property
    def last_contact_at(self) -> datetime | None:
        """When the venue last answered."""
        contact = self._contact
        return None if contact is None else datetime.fromtimestamp(contact, UTC)

    # -- seconds, under the lock ------------------------------------------------------

    def _now(self) -> _Second:
        """The second that has begun, where it is the last one kept or a later one."""
        number = int(self._clock.monotonic())
        if not self._seconds or self._seconds[-1].number < number:
            self._forget(number)
            self._seconds.append(_Second(number))
        return self._seconds[-1]

    def _recent(self) -> deque[_Second]:
        self._forget(int(self._clock.monotonic()))
        return self._seconds

    def _forget(self, number: int) -> None:
        while self._seconds and self._seconds[0].number < number - MINUTE:
            self._seconds.popleft()


def _add(classes: dict[int, list[float]], took: float) -> None:
    """Count a duration in its class, as (how many, their sum)."""
    bounded = min(max(took, _SHORTEST), _LONGEST)
    number = ceil(log(bounded) / _STEP)
    found = classes.get(number)
    if found is None:
        classes[number] = [1, took]
    else:
        found[0] += 1
        found[1] += took


def _percentiles(seconds: list[dict[int, list[float]]]) -> Latency:
    together: dict[int, list[float]] = {}
    for classes in seconds:
        for number, (count, sum_) in classes.items():
            known = together.get(number)
            if known is None:
                together[number] = [count, sum_]
            else:
                known[0] += count
                known[1] += sum_
    ordered = [together[number] for number in sorted(together)]
    count = int(sum(each for each, _ in ordered))
    if not count:
        return Latency(None, None, None, 0)
    p50, p90, p99 = (_at(ordered, count, share) for share in (0.5, _SLOWEST, 0.99))
    return Latency(p50, p90, p99, count)


def _at(ordered: list[list[float]], count: int, share: float) -> float:
    """Milliseconds below which a share of the durations are: the mean of their class."""
    rank = round((count - 1) * share)
    counted = accumulate(int(many) for many, _ in ordered)
    many, sum_ = ordered[next(n for n, below in enumerate(counted) if rank < below)]
    return round(sum_ / many * 1000, 3)
