"""Where what one exchange object measures comes together: observer, alerts and health."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime
from itertools import chain, cycle, repeat
from typing import Final
from urllib.parse import urlsplit
from weakref import WeakMethod, finalize

from . import fork
from .alerts import AlertPolicy, Alerts
from .clock import Clock, ClockOffset
from .description import Environment
from .observer import (
    ACKNOWLEDGEMENT,
    CLOCK_OFFSET,
    LIMITER,
    LIMITER_WAIT,
    MESSAGE_LATENCY,
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
from .streams.staleness import Staleness
from .telemetry import Telemetry

__all__ = ["Delivery", "Monitor", "environment_label", "outcome_of"]

_log = logging.getLogger(__name__)
_telling: ContextVar[bool] = ContextVar("telling", default=False)
"""Whether an observer is being told: what it does then, also in a task, is not told.

One that halts when something fails would else halt for each request of its halt.
"""

_PAUSE: Final = 0.25
"""Seconds between two looks at the thresholds."""
_SAMPLE: Final = 64
"""Where nobody observes, one message of so many is measured, and a few at first: the
alert needs no more."""
_FIRST: Final = 16
_MOMENTS: Final = {
    "order_book": "timestamp",
    "ticker": "timestamp",
    "trades": "created_at",
    "orders": "updated_at",
    "fills": "created_at",
    "positions": "updated_at",
    "market_status": "timestamp",
}
"""The venue's time of what is told, by subject."""
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_THROTTLED: Final = 429
_FAILED: Final = 500
_REFUSED: Final = 400


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
        self.unresolved: Callable[[], int] | None = None
        """Counts the orders of which it is not known whether the venue has them.

        Set by whoever knows.  It may be called from any thread, and must not wait.
        """
        self._labels: Labels = (venue, environment)
        self._telemetry = telemetry
        self._offset = offset
        self._clock = clock
        self._used = WeakMethod(used)
        self._looked_at = 0.0
        self._wall = 0.0
        self._next_look = 0.0
        # Whoever hears a warning may ask for the health, in the same thread.
        self._looking = fork.rlock()
        self._failures = 0
        self._ends: list[Callable[[], object]] = []
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
        self._tell(observer.count, REQUESTS, (*labels, outcome_of(status)), 1)
        self._tell(observer.record, metric, labels, elapsed)

    def unanswered(self, family: str) -> None:
        """A request brought no usable answer."""
        if (observer := self.observer) is not None:
            labels = (*self._labels, family, "unanswered")
            self._tell(observer.count, REQUESTS, labels, 1)

    def held_back(self, family: str, seconds: float) -> None:
        """The limiter on this side makes a request wait."""
        if (observer := self.observer) is not None:
            labels = (*self._labels, family)
            self._tell(observer.record, LIMITER_WAIT, labels, seconds)
        self.look_again()

    # -- streams --------------------------------------------------------------------

    def delivery(self, subject: str, since: float) -> Delivery:
        """What measures the messages of one consumer, who came at ``since`` (wall clock)."""
        return Delivery(self, subject, since, self._turns())

    def _turns(self) -> Iterator[bool]:
        if self.observer is not None:
            return repeat(object=True)
        if self.policy.latency is None:
            return repeat(object=False)
        some = cycle([*[False] * (_SAMPLE - 1), True])
        return chain([True] * _FIRST, some)

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
        self._telemetry.delivered(now, latency)
        if (observer := self.observer) is not None:
            labels = (*self._labels, subject)
            self._tell(observer.record, MESSAGE_LATENCY, labels, latency)
        self.look(now)

    def reconnected(self) -> None:
        """The stream has another connection."""
        if (observer := self.observer) is not None:
            self._tell(observer.count, RECONNECTS, self._labels, 1)

    def books_lost(self, market_ids: Collection[str]) -> None:
        """Followed books may have changed unseen."""
        self.staleness.lost(market_ids, self._clock.monotonic())

    def book_whole(self, market_id: str) -> None:
        """A followed book is whole."""
        lasted = self.staleness.whole(market_id, self._clock.monotonic())
        if lasted is not None and (observer := self.observer) is not None:
            self._tell(observer.record, STALE_TIME, self._labels, lasted)

    @property
    def stale_seconds(self) -> float:
        """How long the longest stale of the followed books has been so."""
        return self.staleness.longest(self._clock.monotonic())

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
            self._complain("unresolved orders cannot be counted")
            return None

    # -- thresholds -----------------------------------------------------------------

    def look(self, wall: float) -> None:
        """Compare with the thresholds, if the last time is not just past.

        ``wall`` is the wall clock as the caller read it.  It is not read here: how often
        that happens must not depend on time, or a cassette would tell other times.
        """
        self._wall = wall
        # A clock that is set back must not silence the alerts.
        if not -_PAUSE < wall - self._looked_at < _PAUSE:
            self._looked_at = wall
            self.review(wall)

    def look_again(self) -> None:
        """The same for whoever has not read the clock, and sends nothing now."""
        now = self._clock.monotonic()
        if now >= self._next_look:
            self._next_look = now + _PAUSE
            self.review(self._wall)

    def review(self, wall: float) -> tuple[str, ...]:
        """Compare with the thresholds now; what is above, in words."""
        telemetry, policy = self._telemetry, self.policy
        with self._looking:
            self.alerts.judge(
                {
                    "latency": telemetry.slow_message(wall),
                    "acknowledgement": telemetry.slow_acknowledgement(wall),
                    "errors": telemetry.error_rate(wall),
                    "limiter": None
                    if policy.limiter is None
                    else max(self._utilization().values(), default=None),
                },
                self._clock.monotonic(),
            )
            return self.alerts.current

    def _utilization(self) -> Mapping[str, float]:
        used = self._used()
        return {} if used is None else used()

    # -- telling --------------------------------------------------------------------

    def close(self) -> None:
        """Show no more gauges; what was counted stays with the observer."""
        while self._ends:
            self._ends.pop()()

    def _show(self, observer: Observer) -> None:
        gauges: dict[Metric, Callable[[], Readings]] = {
            LIMITER: self._read_limiter,
            STALE_BOOKS: self._read_stale_books,
            STALE_AGE: self._read_stale_age,
            CLOCK_OFFSET: self._read_offset,
            UNRESOLVED: self._read_unresolved,
        }
        for metric, read in gauges.items():
            self._tell(self._follow, observer, metric, read)

    def _follow(
        self, observer: Observer, metric: Metric, read: Callable[[], Readings]
    ) -> None:
        forget: object = observer.follow(metric, _Weakly(read))
        if not callable(forget):
            # It has nothing to undo, says whoever observes; the gauge is followed.
            return
        end = finalize(self, forget)
        end.atexit = False
        self._ends.append(end)

    def _read_limiter(self) -> Readings:
        used = self._utilization()
        return [((*self._labels, name), share) for name, share in used.items()]

    def _read_stale_books(self) -> Readings:
        return [(self._labels, float(len(self.staleness.began)))]

    def _read_stale_age(self) -> Readings:
        return [(self._labels, self.stale_seconds)]

    def _read_offset(self) -> Readings:
        known = self._offset.milliseconds is not None
        return [(self._labels, self._offset.seconds)] if known else []

    def _read_unresolved(self) -> Readings:
        count = self.unresolved_orders
        return [] if count is None else [(self._labels, float(count))]

    def _tell(self, tell: Callable[..., object], *told: object) -> None:
        """What observes must not break what it observes, nor observe itself without end."""
        if _telling.get():
            return
        token = _telling.set(True)
        try:
            tell(*told)
        except Exception:  # noqa: BLE001 - an order matters more than its measure
            self._complain("the observer failed; trading goes on")
        finally:
            _telling.reset(token)

    def _complain(self, what: str) -> None:
        self._failures = number = self._failures + 1
        if not number & (number - 1):
            _log.warning("%s", what, exc_info=True)


class Delivery:
    """Measures what one consumer is handed: all of it, or a sample.

    ``turns`` says for one item after the other whether it is to be measured.  An iterator
    is asked, as most are not: a call would cost more than handing the item out may.
    """

    __slots__ = ("_attribute", "_monitor", "_since", "_subject", "turns")

    def __init__(
        self, monitor: Monitor, subject: str, since: float, turns: Iterator[bool]
    ) -> None:
        self.turns = turns
        self._monitor = monitor
        self._subject = subject
        self._since = since
        self._attribute = _MOMENTS[subject]

    def measure(self, item: object) -> None:
        """Take what is about to be handed out."""
        moment = getattr(item, self._attribute, None)
        if moment is not None:
            self._monitor.delivered(self._subject, moment, self._since)


class _Weakly:
    """A gauge that reads nothing once its monitor is gone."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], Readings]) -> None:
        self._read = WeakMethod(read)

    def __call__(self) -> Readings:
        read = self._read()
        return () if read is None else read()


def outcome_of(status: int) -> str:
    """How a request ended, by the status of its answer.

    >>> [outcome_of(status) for status in (201, 404, 429, 503)]
    ['ok', 'refused', 'throttled', 'failed']
    """
    if status < _REFUSED:
        return "ok"
    if status == _THROTTLED:
        return "throttled"
    return "refused" if status < _FAILED else "failed"


def environment_label(environment: Environment, known: Collection[str]) -> str:
    """A word for an environment: never its address, which may be anything.

    >>> environment_label(Environment(name="http://127.0.0.1:8790", rest="…"), ["demo"])
    'local'
    """
    if environment.name in known:
        return environment.name
    is_local = urlsplit(environment.name).hostname in _LOCAL
    return "local" if is_local else "custom"
