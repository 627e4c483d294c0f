"""How the venue and our connection to it are doing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from .record import Flat, Record

__all__ = ["Health", "Latency", "ShardStatus", "Status"]


@attrs.frozen(slots=True)
class ShardStatus:
    """Whether one shard of the venue is up and trades."""

    shard: int
    is_active: bool
    is_trading: bool


@attrs.frozen(kw_only=True, slots=True, repr=False, eq=False)
class Status(Record):
    """Whether the venue is up, and whether orders are matched now."""

    is_active: bool
    is_trading: bool
    resumes_at: datetime | None = None
    shards: tuple[ShardStatus, ...] = ()

    def _summary(self) -> str:
        is_up = "active" if self.is_active else "not active"
        trades = "trading" if self.is_trading else "not trading"
        until = "" if self.resumes_at is None else f" until {self.resumes_at}"
        return f"{self.venue} {is_up}, {trades}{until}"


@attrs.frozen(slots=True)
class Latency:
    """Percentiles of the last minute, in milliseconds, None where nothing was measured.

    They are right to 2 %.  ``count`` is of how many, exactly.
    """

    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    count: int


@attrs.frozen(kw_only=True, slots=True)
class Health(Flat):
    """What is known about the connection, from requests that were made anyway.

    ``requests``, ``errors``, ``latency`` of all but order writes and ``acknowledgement``
    of order writes are of the last minute by the monotonic clock.  ``error_rate`` is the
    share of ``errors`` in ``requests``, 0 without any.  ``limiter_used`` is the share of
    each token bucket that is used up: 0 untouched, 1 empty.  ``clock_offset_ms`` is the
    venue's clock minus ours, to a second or so where it comes from a ``Date`` header.
    ``reasons`` says why ``is_healthy`` is False.  ``alerts`` are the thresholds of the
    `AlertPolicy` that are crossed, in words, with what is measured now.
    ``unresolved_orders`` counts the orders of which it is not known whether the venue has
    them, None where that is not counted.
    """

    venue: str
    is_healthy: bool
    reasons: tuple[str, ...]
    requests: int
    errors: int
    error_rate: float
    latency: Latency
    acknowledgement: Latency
    limiter_used: Mapping[str, float]
    clock_offset_ms: int | None
    key_expires_at: datetime | None
    last_contact_at: datetime | None
    alerts: tuple[str, ...] = ()
    unresolved_orders: int | None = None
