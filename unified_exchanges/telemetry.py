"""What is learnt from requests that are made anyway: latency, errors, last contact."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from threading import Lock

from .models.venue_state import Latency

__all__ = ["Telemetry"]

_WINDOW = 256
_RECENT = 60.0
"""Seconds after which a failure no longer counts, so that an outage can end."""


class Telemetry:
    """Latencies and failures of the last requests; threads may share it."""

    def __init__(self) -> None:
        self._latencies: deque[float] = deque(maxlen=_WINDOW)
        self._acknowledgements: deque[float] = deque(maxlen=_WINDOW)
        self._failed: deque[tuple[float, bool]] = deque(maxlen=_WINDOW)
        self._lock = Lock()
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
            (self._acknowledgements if is_order else self._latencies).append(elapsed)

    def unanswered(self, now: float) -> None:
        """Note a request that brought no usable answer."""
        with self._lock:
            self._count(now, failed=True)

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
        with self._lock:
            known = list(self._latencies)
        return _percentiles(known)

    @property
    def acknowledgement(self) -> Latency:
        """Milliseconds of order writes."""
        with self._lock:
            known = list(self._acknowledgements)
        return _percentiles(known)

    @property
    def last_contact_at(self) -> datetime | None:
        """When the venue last answered."""
        contact = self._contact
        return None if contact is None else datetime.fromtimestamp(contact, UTC)


def _percentiles(seconds: Iterable[float]) -> Latency:
    ordered = sorted(seconds)
    if not ordered:
        return Latency(None, None, None, 0)
    last = len(ordered) - 1
    p50, p90, p99 = (
        round(ordered[round(last * share)] * 1000, 3) for share in (0.5, 0.9, 0.99)
    )
    return Latency(p50, p90, p99, len(ordered))
