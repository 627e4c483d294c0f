"""Whether a venue is up, and what the requests made so far tell of it."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterable
from datetime import datetime

from ..errors import BadRequest, UnifiedExchangesError
from ..flow import Flow
from ..models import Health, Status
from ..telemetry import Counts
from .sending import Sender

__all__ = ["Checkup"]

_log = logging.getLogger(__name__)

_CHECK = 5.0
_SHORTEST = 1.0
"""Seconds that a health check that runs by itself may take, at most and at least."""


class Checkup(Sender):
    """Asks for the status of a venue, and keeps what was found."""

    is_healthy = True
    """What the last health check found."""

    _trouble = ""

    @abstractmethod
    def fetch_status(self, *, deadline: float | None = None) -> Flow[Status]:
        """Whether the venue is up and trading."""

    def health(self) -> Health:
        """What the requests made so far tell about the connection."""
        telemetry = self.telemetry
        alerts, counts = self.monitor.review(), telemetry.counts
        reasons = tuple(self._complaints(counts))
        return Health(
            venue=self.id,
            is_healthy=not reasons,
            reasons=reasons,
            requests=counts.requests,
            errors=counts.errors,
            error_rate=counts.rate,
            latency=telemetry.latency,
            acknowledgement=telemetry.acknowledgement,
            limiter_used=dict(sorted(self._used().items())),
            clock_offset_ms=self.offset.milliseconds,
            key_expires_at=self.key_expires_at,
            last_contact_at=telemetry.last_contact_at,
            alerts=alerts,
            unresolved_orders=self.monitor.unresolved_orders,
        )

    def check_health(self, *, within: float | None = None) -> Flow[Health]:
        """Ask for the venue's status; remember in ``is_healthy`` what was found.

        ``within`` bounds each request with its retries, in seconds.
        """
        deadline = None if within is None else self.clock.monotonic() + within
        try:
            status = yield from self.fetch_status(deadline=deadline)
            yield from self.learn_key_expiry(deadline)
        except UnifiedExchangesError as error:
            self._trouble = f"the venue could not be asked: {error}"
        except Exception as error:  # noqa: BLE001 - a check must not end the checking
            return self.check_failed(error)
        else:
            self._trouble = "" if status.is_active else "the venue is not active"
        health = self.health()
        self.is_healthy = health.is_healthy
        return health

    def check_failed(self, error: Exception) -> Health:
        """Log what no check should meet, and be unhealthy for it."""
        _log.error("a health check failed unexpectedly", exc_info=error)
        self._trouble = f"the check itself failed: {error!r}"
        self.is_healthy = False
        return self.health()

    def learn_key_expiry(self, deadline: float | None) -> Flow[None]:  # noqa: ARG002
        """Ask once when the key's rights lapse, where the venue tells."""
        yield from ()

    @staticmethod
    def time_for_check(interval: float) -> float:
        """Seconds that one of several checks may take."""
        return max(_SHORTEST, min(interval, _CHECK))

    @staticmethod
    def read_interval(interval: object) -> None:
        """Refuse an interval of health checks that is not a number above 0."""
        if type(interval) not in (int, float) or not interval > 0:  # type: ignore[operator]
            message = f"interval must be a number of seconds above 0, not {interval!r}"
            raise BadRequest(message)

    @property
    def key_expires_at(self) -> datetime | None:
        """When the key's rights lapse, where the venue told."""
        return None

    def _complaints(self, counts: Counts) -> Iterable[str]:
        if self._trouble:
            yield self._trouble
        policy = self.settings.alerts
        rate = policy.error_share(counts.requests, counts.errors)
        if policy.errors is not None and rate is not None and rate > policy.errors:
            yield (
                f"{rate:.0%} of the requests of the last minute failed "
                f"({counts.errors:,} of {counts.requests:,})"
            )
        gone, most = self.monitor.outage_seconds, policy.stream_ms
        if most is not None and gone * 1000 > most:
            was_live = self.monitor.outage.was_live
            how = "not been live for" if was_live else "never been live, for"
            yield (
                f"the stream that is followed has {how} {gone:.0f} s; stream_health() "
                "says why"
            )
        offset = self.offset.milliseconds
        if offset is not None and abs(offset) > 5_000:  # noqa: PLR2004
            yield f"the venue's clock differs from ours by {offset} ms"
        expiry = self.key_expires_at
        if expiry is not None and expiry.timestamp() <= self.clock.now():
            yield f"the key's rights lapsed at {expiry:%Y-%m-%d %H:%M} UTC"
