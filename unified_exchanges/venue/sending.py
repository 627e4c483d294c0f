"""How requests leave: limited, signed, judged, retried within one budget."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, TypeVar

from ..clock import ClockOffset
from ..description import Description, Environment
from ..errors import (
    BadRequest,
    ExchangeNotAvailable,
    Halted,
    NetworkError,
    RateLimitExceeded,
    RequestTimeout,
    UnifiedExchangesError,
)
from ..flow import Flow, Request, Response, Sleep
from ..guards import Guards
from ..limiter import Limiter, take_together
from ..models import Fill
from ..monitor import Monitor, environment_label
from ..policy import TokenBucket
from ..settings import Settings, resolve_environment
from ..switch import Switch
from ..tap import Taps
from ..telemetry import Telemetry
from .call import Call

__all__ = ["Sender"]

T = TypeVar("T")

_LEAST_TIME = 0.05
"""Seconds without which a request is not begun: it could only end in doubt."""
_TOO_LATE = "not sent, because its deadline has passed"
_GLANCE = 0.25
"""Seconds after which what waits to be sent looks whether everything was halted."""
_PROXY = 500


class Sender(ABC):
    """Sends a venue's calls; knows its environment, buckets and the clock's offset."""

    id: ClassVar[str]
    facts: ClassVar[Description]
    """The venue's description without ``has`` for methods, which is worked out."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = settings.clock
        self.rng = settings.rng
        self._refuse_foreign_keys(settings)
        self._guards = Guards(settings.guards)
        self.switch = Switch(settings.clock, self.id)
        self.taps = Taps()
        self.tell_end: Callable[[Fill], None] = _unheard
        """Where a read that shows a fill to stand for good, or to have failed, tells it."""
        self.retry = settings.retry
        try:
            self.environment: Environment = resolve_environment(
                settings.environment, self.facts.environments
            )
        except BadRequest as error:
            error.venue = self.id
            raise
        self.telemetry = Telemetry(self.clock)
        self.offset = ClockOffset(self.clock)
        self.limiter = Limiter.of(self.id, self.environment.rest, self.clock)
        self.buckets: dict[str, TokenBucket] = {}
        """The token buckets used so far, by name."""
        self.monitor = Monitor(
            settings.observer,
            settings.alerts,
            venue=self.id,
            environment=environment_label(self.environment, self.facts.environments),
            telemetry=self.telemetry,
            offset=self.offset,
            clock=self.clock,
            used=self._used,
        )

    def _refuse_foreign_keys(self, settings: Settings) -> None:
        """A key that nothing would read is a mistake of the caller's."""
        taken = self.facts.credentials
        for name in ("api_key", "secret", "private_key", "password"):
            if name not in taken and getattr(settings, name) is not None:
                words = ", ".join(taken) or "no keys"
                message = f"{self.facts.name} has no {name}: it takes {words}"
                raise BadRequest(message, venue=self.id)

    @property
    def guards(self) -> Guards:
        """What holds orders against the policy; it cannot be changed."""
        return self._guards

    # -- what a subclass must say ---------------------------------------------------

    @abstractmethod
    def headers(self, call: Call) -> Mapping[str, str]:
        """Headers of one attempt, signed now where the call wants it."""

    @abstractmethod
    def refusal(self, call: Call, response: Response) -> UnifiedExchangesError:
        """The error for an answer that is not a success."""

    @abstractmethod
    def bucket(self, name: str) -> TokenBucket:
        """The token bucket of that name, taken into ``buckets`` on first use."""

    def heed(self, about: object) -> Flow[None]:  # noqa: ARG002
        """Refuse what would leave if another process has halted; here there is none."""
        yield from ()

    def held_by(self, call: Call, response: Response) -> Mapping[str, bool]:  # noqa: ARG002
        """Which buckets a 429 to this call pauses, and whether for urgent calls too.

        Urgent ones (cancels) are held by what was said to one of them only: an order, or
        a read, that was refused must not keep others alive.
        """
        return dict.fromkeys((name for name, _ in call.charges), call.urgent)

    def family(self, call: Call) -> str:
        """What kind of endpoint a call asks, for monitoring: one of a few words."""
        if call.is_order:
            return "orders"
        return "reads" if call.is_read else "writes"

    # -- sending --------------------------------------------------------------------

    def send(self, call: Call, *, tried: int = 0) -> Flow[Response]:
        """Limit, sign, attempt, classify, and retry within one budget.

        Returns a 2xx answer; raises the typed error of the last attempt otherwise.
        ``tried`` attempts of the budget are spent already.
        """
        start = self.clock.monotonic()
        deadline = call.deadline
        if deadline is None:
            deadline = start + self.retry.deadline
        attempt = tried
        doubt: UnifiedExchangesError | None = None
        while True:
            try:
                response = yield from self.attempt(call, deadline)
            except UnifiedExchangesError as error:
                doubt = error if _may_have_happened(error) else doubt
                remaining = deadline - self.clock.monotonic()
                delay = self.retry.delay(
                    error,
                    attempt,
                    repeatable=call.repeatable,
                    remaining=remaining,
                    rng=self.rng,
                )
                if delay is None:
                    if doubt is not None and not call.is_read:
                        raise _in_doubt(error, doubt) from None
                    raise
            else:
                return response
            yield Sleep(delay)
            attempt += 1

    def send_raw(self, call: Call) -> Flow[Response]:
        """Send a write that nothing takes down: a halt must know of it while it may arrive."""
        call.is_raw = True
        # Made before: an interrupt must not leave one there that nobody knows.
        passing, may_arrive = object(), True
        try:
            try:
                self.switch.enter(call.about, passing)
                response = yield from self.send(call)
                may_arrive = False
            except UnifiedExchangesError as error:
                may_arrive = error.maybe_executed
                raise
            finally:
                self._end_raw(passing, may_arrive=may_arrive and call.has_left)
        finally:
            # Again, in case that an interrupt came right before.
            self._end_raw(passing, may_arrive=may_arrive and call.has_left)
        return response

    def _end_raw(self, passing: object, *, may_arrive: bool) -> None:
        if may_arrive:
            self.switch.linger(passing, self.retry.order_grace)
        else:
            self.switch.leave(passing)

    def attempt(self, call: Call, deadline: float) -> Flow[Response]:
        """One try: wait for the limiter's turn, sign, send, and judge the answer."""
        yield from self._wait_its_turn(call, deadline)
        if call.heeds:
            # As late as can be: it may have waited for its turn.
            yield from self.heed(call.about)
        request = self._prepare(call, deadline)
        sent = self.clock.monotonic()
        # Made before: an interrupt must not leave one there that nobody knows.
        passing = object() if call.opens and not call.is_raw else None
        try:
            try:
                if passing is not None:
                    self.switch.enter(call.about, passing)
                elif call.is_raw:
                    # It has said so already.
                    self.switch.check(call.about)
                call.has_left = True
                response = yield request
            finally:
                # Before anybody is told of the answer: who is told may halt.
                if passing is not None:
                    self.switch.leave(passing)
        except UnifiedExchangesError as error:
            if isinstance(error, NetworkError):
                self._unanswered(call)
            if isinstance(error, Halted):
                raise
            raise self._located(error, call) from None
        finally:
            # Again, in case that an interrupt came right before.
            if passing is not None:
                self.switch.leave(passing)
        assert isinstance(response, Response)
        return self._judge(call, response, sent)

    def _wait_its_turn(self, call: Call, deadline: float) -> Flow[None]:
        turn = self._reserve(call, deadline)
        while turn is not None:
            wait, leaves, marks = turn
            self.monitor.held_back(self.family(call), wait)
            give_back = _once(partial(self._give_back, call, leaves, marks))
            is_over = False
            try:
                yield from self.pause(wait, call, give_back)
                is_over = True
            finally:
                if not is_over:
                    give_back()
            # Whom a pause or a cancel has overtaken queues again, at the rate.
            lost = marks != self._marks(call)
            turn = self._reserve(call, deadline) if lost else None

    def pause(
        self,
        seconds: float,
        call: Call,
        give_back: Callable[[], None] | None = None,
    ) -> Flow[None]:
        """Wait before a call; not on for what a halt keeps from leaving anyway."""
        if not call.opens:
            yield Sleep(seconds, give_back=give_back)
            return
        left = seconds
        while left > _GLANCE and self.switch.thrown is None:
            yield Sleep(_GLANCE, give_back=give_back)
            left -= _GLANCE
        if self.switch.thrown is None:
            yield Sleep(left, give_back=give_back)

    def _judge(self, call: Call, response: Response, sent: float | None) -> Response:
        """The answer, or the error it means.

        ``sent`` is of the monotonic clock, None if that moment is not known.
        """
        now = self.clock.now()
        if sent is not None and not _is_cached(response):
            # By our clock as it is now, which may have been set meanwhile.
            began = now - (self.clock.monotonic() - sent)
            self.offset.observe(response.headers.get("date"), began, now)
        status = response.status
        self.telemetry.answered(
            now,
            response.elapsed,
            is_order=call.is_order,
            failed=status >= 500 or status == 429,  # noqa: PLR2004
        )
        monitor = self.monitor
        if monitor.observer is not None:
            monitor.answered(
                self.family(call), status, response.elapsed, is_order=call.is_order
            )
        monitor.look()
        if 200 <= status < 300 or status in call.accepted:  # noqa: PLR2004
            return response
        error = self.refusal(call, response)
        if isinstance(error, RateLimitExceeded):
            self._slow_down(call, response, error)
        error.maybe_executed = not call.repeatable and _may_have_happened(error)
        error.client_order_id = error.client_order_id or call.client_order_id
        raise error

    def _unanswered(self, call: Call) -> None:
        self.telemetry.unanswered()
        self.monitor.unanswered(self.family(call))
        self.monitor.look()

    def _used(self) -> dict[str, float]:
        """The share of each bucket that is used up: 0 untouched, 1 empty."""
        now = self.clock.monotonic()
        return {
            name: round(1 - bucket.fill(now), 6)
            for name, bucket in list(self.buckets.items())
        }

    def _located(
        self, error: UnifiedExchangesError, call: Call
    ) -> UnifiedExchangesError:
        error.venue = self.id
        error.request = call.name
        error.client_order_id = call.client_order_id
        left = isinstance(error, NetworkError) and error.sent
        error.maybe_executed = left and not call.repeatable
        error.message = f"{call.about}: {error.message}"
        error.args = (error.message,)
        return error

    def _prepare(self, call: Call, deadline: float) -> Request:
        left = deadline - self.clock.monotonic()
        if left < _LEAST_TIME:
            raise self._too_late(call)
        # Half of an order's time, so that a lost answer leaves time to ask again.
        own = left / 2 if call.is_order else left
        return Request(
            call.method,
            self.environment.address(call.path),
            call.query,
            self.headers(call),
            call.body,
            min(self.settings.timeout, max(own, _LEAST_TIME)),
            partial(self._check_time, call, deadline) if call.opens else None,
            call.reads,
        )

    def _check_time(self, call: Call, deadline: float) -> None:
        """Whether what opens may leave still: asked right before its first byte.

        Connecting may have taken long, or the process have stood still; after its time an
        order is looked for, and told to be absent.
        """
        self.switch.check(call.about)
        if self.clock.monotonic() > deadline:
            raise RequestTimeout(_TOO_LATE, sent=False)

    def _too_late(self, call: Call) -> RequestTimeout:
        return RequestTimeout(
            f"{call.about}: {_TOO_LATE}",
            sent=False,
            venue=self.id,
            request=call.name,
            client_order_id=call.client_order_id,
        )

    # -- keeping the rate limits ----------------------------------------------------

    def _reserve(self, call: Call, deadline: float) -> tuple[float, float, int] | None:
        """Take the call's tokens; how long and until when it must wait, if it must.

        With the marks of its place.
        """
        if not self.settings.limits.enabled:
            return None
        now = self.clock.monotonic()
        within = deadline - now - _LEAST_TIME
        leaves, marks = self._queue(call, now, within)
        wait = leaves - now
        if wait <= 0:
            return None
        if wait > within:
            raise self._held_back(call, wait)
        return wait, leaves, marks

    def _queue(self, call: Call, now: float, within: float) -> tuple[float, int]:
        """Take the call's tokens if the wait is short enough; when to leave, and marks."""
        charged = [(self.bucket(name), cost) for name, cost in call.charges]
        urgent = call.urgent
        with self.limiter.lock:
            if (
                not urgent
                and len(charged) == 1
                and charged[0][0].take_now(now, charged[0][1])
            ):
                return now, 0
            leaves = take_together(charged, now, urgent=urgent, within=within)
            return leaves, self._marks(call)

    def _give_back(self, call: Call, leaves: float, marks: int) -> None:
        """A call that waited is given up: others need not wait for its place."""
        with self.limiter.lock:
            # Of a place that was lost, or that is before all others, nothing is kept.
            if not call.urgent and marks == self._marks(call):
                for name, cost in call.charges:
                    self.bucket(name).give_back(leaves, cost)

    def _marks(self, call: Call) -> int:
        return sum(self.bucket(n).marks(urgent=call.urgent) for n, _ in call.charges)

    def _held_back(self, call: Call, wait: float) -> RateLimitExceeded:
        self.monitor.look()
        message = (
            f"{call.about}: not sent, because our own limiter would hold it for "
            f"{wait:.2f} s, past its deadline; send less often or wait"
        )
        return RateLimitExceeded(
            message,
            retry_after=wait,
            venue=self.id,
            request=call.name,
            client_order_id=call.client_order_id,
        )

    def _slow_down(
        self, call: Call, response: Response, error: RateLimitExceeded
    ) -> None:
        now = self.clock.monotonic()
        held = self.held_by(call, response)
        with self.limiter.lock:
            buckets = [(self.bucket(name), name, cost) for name, cost in call.charges]
            # A bare 429 says no time: until the cost of the call is earned again.
            earned = max((b.seconds_for(cost) for b, _, cost in buckets), default=None)
            error.retry_after = error.retry_after or earned
            for bucket, name, cost in buckets:
                if name in held:
                    wait = error.retry_after or bucket.seconds_for(cost)
                    bucket.pause(now, wait, spares_urgent=not held[name])


def _in_doubt(
    error: UnifiedExchangesError, doubt: UnifiedExchangesError
) -> UnifiedExchangesError:
    """Whatever the last try met: one of them may have worked."""
    if isinstance(error, BadRequest | Halted) and error.status is None:
        # Not sent at all, as to a closed or halted exchange: the call ended otherwise.
        doubt.add(f"; it was not tried again: {error.message}")
        error = doubt
    error.leave_in_doubt()
    return error


def _may_have_happened(error: UnifiedExchangesError) -> bool:
    if isinstance(error, NetworkError):
        return error.sent
    return isinstance(error, ExchangeNotAvailable) and not error.refused


def _once(act: Callable[[], None]) -> Callable[[], None]:
    left = [act]

    def acting() -> None:
        while left:
            left.pop()()

    return acting


def _is_cached(response: Response) -> bool:
    """Whether a cache or a proxy may have answered, with a date of its own."""
    headers = response.headers
    cached = "age" in headers or "max-age" in headers.get("cache-control", "")
    return cached or response.status >= _PROXY


def _unheard(_: Fill) -> None:
    pass
