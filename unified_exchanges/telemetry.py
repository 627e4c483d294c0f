"""What is learnt from requests and messages that come anyway: latency, errors, contact."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from threading import Lock

from . import fork
from .models.venue_state import Latency

__all__ = ["Telemetry"]

_WINDOW = 256
_RECENT = 60.0
"""Seconds after which a failure no longer counts, so that an outage can end."""
_SLOWEST = 0.9


class _Times:
    """The last durations, each with when it was measured.

    ``add`` takes one, as (now, seconds); its caller holds the lock.
    """

    __slots__ = ("_known", "_lock", "add")

    def __init__(self, lock: Lock) -> None:
        self._known: deque[tuple[float, float]] = deque(maxlen=_WINDOW)
        self._lock = lock
        self.add = self._known.append

    def percentiles(self) -> Latency:
        """Percentiles of all that is known."""
        with self._lock:
            ordered = sorted(seconds for _, seconds in self._known)
        if not ordered:
            return Latency(None, None, None, 0)
        p50, p90, p99 = (
            round(_at(ordered, share) * 1000, 3) for share in (0.5, 0.9, 0.99)
        )
        return Latency(p50, p90, p99, len(ordered))

    def slowest(self, now: float) -> float | None:
        """What the slowest tenth of the last minute took at least, in seconds."""
        with self._lock:
            recent = [took for at, took in self._known if at >= now - _RECENT]
        return _at(sorted(recent), _SLOWEST) if recent else None


class Telemetry:
    """Latencies and failures of the last requests; threads may share it."""

    def __init__(self) -> None:
        self._lock = fork.lock()
        self._latencies = _Times(self._lock)
        self._acknowledgements = _Times(self._lock)
        self._messages = _Times(self._lock)
        self._failed: deque[tuple[float, bool]] = deque(maxlen=_WINDOW)
        self._contact: float | None = None
        self.requests = 0
        self.errors = 0

    def answered(
        self, now: float, elapsed: float, *, is_order: bool, failed: bool
    ) -> None:
        """Note an answer; ``failed`` means that the venue could not serve it."""
        with self._lock:
            self._count(now, failed=failed)
            self._contact = now
            times = self._acknowledgements if is_order else self._latencies
            times.add((now, elapsed))

    def unanswered(self, now: float) -> None:
        """Note a request that brought no usable answer."""
        with self._lock:
            self._count(now, failed=True)

    def delivered(self, now: float, latency: float) -> None:
        """Note how old a message was when its consumer got it, in seconds."""
        with self._lock:
            self._messages.add((now, latency))

    def _count(self, now: float, *, failed: bool) -> None:
        self.requests += 1
        self.errors += failed
        self._failed.append((now, failed))

    def error_rate(self, now: float) -> float:
        """The share of failures among the requests of the last minute."""
        with self._lock:
            known = list(self._failed)
        recent = [failed for at, failed in known if at >= now - _RECENT]
        return sum(recent) / len(recent) if recent else 0.0

    @property
    def latency(self) -> Latency:
        """Milliseconds of everything but order writes."""
        return self._latencies.percentiles()

    @property
    def acknowledgement(self) -> Latency:
        """Milliseconds of order writes."""
        return self._acknowledgements.percentiles()

    @property
    def message_latency(self) -> Latency:
        """Milliseconds of the messages whose age was measured."""
        return self._messages.percentiles()

    def slow_acknowledgement(self, now: float) -> float | None:
        """Seconds that the slowest tenth of the last minute's order writes took."""
        return self._acknowledgements.slowest(now)

    def slow_message(self, now: float) -> float | None:
        """The age of the oldest tenth of the last minute's messages, in seconds."""
        return self._messages.slowest(now)

    @property
    def last_contact_at(self) -> datetime | None:
        """When the venue last answered."""
        contact = self._contact
        return None if contact is None else datetime.fromtimestamp(contact, UTC)


def _at(ordered: list[float], share: float) -> float:
    return ordered[round((len(ordered) - 1) * share)]
