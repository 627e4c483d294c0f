"""Tells an observer what one exchange object measures, and watches thresholds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Final
from weakref import WeakMethod

from .. import fork
from ..alerts import AlertPolicy, Alerts
from ..clock import Clock, ClockOffset
from ..observer import (
    ACKNOWLEDGEMENT,
    CLOCK_OFFSET,
    LIMITER,
    LIMITER_WAIT,
    MESSAGE_LATENCY,
    OUTAGE,
    RECONNECTS,
    REQUEST_TIME,
    REQUESTS,
    STALE_AGE,
    STALE_BOOKS,
    STALE_TIME,
    UNRESOLVED,
    Labels,
    Metric,
    Observer,
    Readings,
)
from ..streams.outage import Outage
from ..streams.staleness import Staleness
from ..telemetry import Telemetry
from .delivery import Delivery, everything, nothing, samples
from .labels import outcome_of
from .telling import Telling

__all__ = ["Monitor"]

_PAUSE: Final = 0.25
"""Seconds between two looks at the thresholds."""


class Monitor:
    """Tells an observer and watches thresholds; threads and tasks may share it.

    Its owner is held weakly, and so is the monitor by the observer's gauges: an exchange
    that was dropped is not kept alive by whoever shows its numbers.
    """

    def __init__(
        self,
        observer: Observer | None,
        policy: AlertPolicy,
        *,
        venue: str,
        environment: str,
        telemetry: Telemetry,
        offset: ClockOffset,
        clock: Clock,
        used: Callable[[], Mapping[str, float]],
    ) -> None:
        self.observer = observer
        self.alerts = Alerts(policy, f"{venue} {environment}")
        self.staleness = Staleness()
        self._outages: dict[str, Outage] = {}
        self.unresolved: Callable[[], int] | None = None
        """Counts the orders of which it is not known whether the venue has them.

        Set by whoever knows.  It may be called from any thread, and must not wait.
        """
        self._labels: Labels = (venue, environment)
        self._telemetry = telemetry
        self._offset = offset
        self._clock = clock
        self._used = WeakMethod(used)
        self._next_look = float("-inf")
        # Whoever hears a warning may ask for the health, in the same thread.
        self._looking = fork.rlock()
        self._telling = Telling()
        if observer is not None:
            self._show(observer)

    @property
    def policy(self) -> AlertPolicy:
        """The thresholds."""
        return self.alerts.policy

    # -- requests -------------------------------------------------------------------

    def answered(
        self, family: str, status: int, elapsed: float, *, is_order: bool
    ) -> None:
        """An answer came; for observers only, since the telemetry counts for all."""
        if (observer := self.observer) is None:
            return
        labels = (*self._labels, family)
        metric = ACKNOWLEDGEMENT if is_order else REQUEST_TIME
        self._telling.tell(observer.count, REQUESTS, (*labels, outcome_of(status)), 1)
        self._telling.tell(observer.record, metric, labels, elapsed)

    def unanswered(self, family: str) -> None:
        """A request brought no usable answer."""
        if (observer := self.observer) is not None:
            labels = (*self._labels, family, "unanswered")
            self._telling.tell(observer.count, REQUESTS, labels, 1)

    def held_back(self, family: str, seconds: float) -> None:
        """The limiter on this side makes a request wait."""
        if (observer := self.observer) is not None:
            labels = (*self._labels, family)
            self._telling.tell(observer.record, LIMITER_WAIT, labels, seconds)
        self.look()

    # -- streams --------------------------------------------------------------------

    def delivery(self, subject: str, since: float) -> Delivery:
        """What measures the messages of one consumer, who came at ``since`` (wall clock)."""
        return Delivery(self.delivered, subject, since, self._turns())

    def _turns(self) -> Iterator[bool]:
        if self.observer is not None:
            return everything()
        return nothing() if self.policy.latency_ms is None else samples()

    def delivered(self, subject: str, moment: datetime, since: float) -> None:
        """A consumer got what the venue says happened at ``moment``.

        What happened before the consumer came is no news, and says nothing of the way.
        """
        now = self._clock.now()
        correction = self._offset.seconds
        happened = moment.timestamp()
        if happened < since + correction:
            return
        # The offset is known to a round trip at best: no message comes before it is sent.
        latency = max(0.0, now + correction - happened)
        self._telemetry.delivered(latency)
        if (observer := self.observer) is not None:
            labels = (*self._labels, subject)
            self._telling.tell(observer.record, MESSAGE_LATENCY, labels, latency)
        self.look()

    def reconnected(self) -> None:
        """The stream has another connection."""
        if (observer := self.observer) is not None:
            self._telling.tell(observer.count, RECONNECTS, self._labels, 1)

    def books_lost(self, market_ids: Collection[str]) -> None:
        """Followed books may have changed unseen."""
        self.staleness.lost(market_ids, self._clock.monotonic())

    def book_whole(self, market_id: str) -> None:
        """A followed book is whole."""
        lasted = self.staleness.whole(market_id, self._clock.monotonic())
        if lasted is not None and (observer := self.observer) is not None:
            self._telling.tell(observer.record, STALE_TIME, self._labels, lasted)

    @property
    def stale_seconds(self) -> float:
        """How long the longest stale of the followed books has been so."""
        return self.staleness.longest(self._clock.monotonic())

    def outage_of(self, line: str) -> Outage:
        """Since when one of the venue's streams has told nothing though it is followed."""
        return self._outages.setdefault(line, Outage())

    @property
    def outage(self) -> Outage:
        """The longest of them; it may be none."""
        now = self._clock.monotonic()
        outages = list(self._outages.values())
        return max(outages, key=lambda x: x.lasted(now), default=Outage())

    @property
    def outage_seconds(self) -> float:
        """How long a stream has told nothing though it is followed."""
        return self.outage.lasted(self._clock.monotonic())

    # -- orders ---------------------------------------------------------------------

    @property
    def unresolved_orders(self) -> int | None:
        """Orders of which it is not known whether the venue has them; None: not counted."""
        count = self.unresolved
        if count is None:
            return None
        try:
            return count()
        except Exception:  # noqa: BLE001 - whoever looks at a number cannot mend it
            self._telling.complain("unresolved orders cannot be counted")
            return None

    # -- thresholds -----------------------------------------------------------------

    def look(self) -> None:
        """Compare with the thresholds, if the last time is not just past.

        By the monotonic clock alone: a wall clock that is set must not silence the alerts,
        and how often it is read must not depend on time, or a cassette would tell others.
        """
        now = self._clock.monotonic()
        if now >= self._next_look:
            self._next_look = now + _PAUSE
            self.review()

    def review(self) -> tuple[str, ...]:
        """Compare with the thresholds now; what is above, in words."""
        telemetry, policy = self._telemetry, self.policy
        with self._looking:
            counts = telemetry.counts
            used = None if policy.limiter_used is None else self._read_used()
            self.alerts.judge(
                {
                    "latency_ms": telemetry.message_latency.p90_ms,
                    "acknowledgement_ms": telemetry.acknowledgement.p90_ms,
                    "errors": policy.error_share(counts.requests, counts.errors),
                    "limiter_used": max(used.values(), default=None) if used else None,
                    "stream_ms": self.outage_seconds * 1000,
                },
                self._clock.monotonic(),
            )
            return self.alerts.current

    def _read_used(self) -> Mapping[str, float]:
        used = self._used()
        return {} if used is None else used()

    # -- gauges ---------------------------------------------------------------------

    def close(self) -> None:
        """Show no more gauges; what was counted stays with the observer."""
        self._telling.close()

    def _show(self, observer: Observer) -> None:
        gauges: dict[Metric, Callable[[], Readings]] = {
            LIMITER: self._read_limiter,
            STALE_BOOKS: self._read_stale_books,
            STALE_AGE: self._read_stale_age,
            OUTAGE: self._read_outage,
            CLOCK_OFFSET: self._read_offset,
            UNRESOLVED: self._read_unresolved,
        }
        for metric, read in gauges.items():
            self._telling.show(observer, metric, read)

    def _read_limiter(self) -> Readings:
        used = self._read_used()
        return [((*self._labels, name), share) for name, share in used.items()]

    def _read_stale_books(self) -> Readings:
        return [(self._labels, float(len(self.staleness.began)))]

    def _read_stale_age(self) -> Readings:
        return [(self._labels, self.stale_seconds)]

    def _read_outage(self) -> Readings:
        return [(self._labels, self.outage_seconds)]

    def _read_offset(self) -> Readings:
        known = self._offset.milliseconds
        return [] if known is None else [(self._labels, known / 1000)]

    def _read_unresolved(self) -> Readings:
        count = self.unresolved_orders
        return [] if count is None else [(self._labels, float(count))]
