"""Retry and rate-limit policies: pure decisions, the time and the dice are arguments."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Literal

import attrs

from . import fork
from .errors import (
    ExchangeNotAvailable,
    NetworkError,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from .fields import is_a, is_count, is_flag, is_one_of, is_seconds, is_share
from .tokens import Tokens

__all__ = ["LimitPolicy", "RetryPolicy", "StreamPolicy", "TokenBucket"]


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How long and how often a call is tried again.

    Reads, and writes that the venue makes idempotent by a key, are tried up to
    ``attempts`` times within ``deadline`` seconds (``order_deadline`` for orders: after
    that the price is stale, and the order is looked up instead of sent; one try of an
    order gets half of what is left, so that there is time for another).  Until
    ``order_grace`` seconds after that an order that left may still arrive at the
    venue: before, nothing proves that it is not there. Its 30 are Kalshi's, which takes
    nothing that was signed 30 seconds ago (its FIX documentation, 2026); Polymarket
    states no such bound, so that there they are an assumption. Between tries the wait
    is uniform between 0 and ``first * 2 ** try``, at most ``cap`` seconds, and at least
    what the venue asked for. A write refused with "too many requests" is tried again
    only with ``retry_refused_writes``.
    """

    attempts: int = attrs.field(default=5, validator=is_count())
    first: float = attrs.field(default=0.25, validator=is_seconds())
    cap: float = attrs.field(default=8.0, validator=is_seconds())
    deadline: float = attrs.field(default=30.0, validator=is_seconds())
    order_deadline: float = attrs.field(default=10.0, validator=is_seconds())
    order_grace: float = attrs.field(default=30.0, validator=is_seconds())
    retry_refused_writes: bool = attrs.field(default=False, validator=is_flag())

    def backoff(self, attempt: int, rng: random.Random) -> float:
        """Seconds to wait after try number ``attempt`` (0 is the first): full jitter."""
        return rng.uniform(0.0, min(self.cap, self.first * 2.0 ** min(attempt, 32)))

    def delay(
        self,
        failure: UnifiedExchangesError,
        attempt: int,
        *,
        repeatable: bool,
        remaining: float,
        rng: random.Random,
    ) -> float | None:
        """Seconds to wait before the next try, or None to give up.

        ``repeatable`` says that sending twice does no harm; ``remaining`` is what is
        left of the deadline in seconds.
        """
        if attempt + 1 >= self.attempts or not self._may(
            failure, repeatable=repeatable
        ):
            return None
        wait = self.backoff(attempt, rng)
        if isinstance(failure, RateLimitExceeded | ExchangeNotAvailable):
            wait += failure.retry_after or 0.0
        return wait if wait < remaining else None

    def _may(self, failure: UnifiedExchangesError, *, repeatable: bool) -> bool:
        if isinstance(failure, RateLimitExceeded):
            return repeatable or self.retry_refused_writes
        if isinstance(failure, NetworkError):
            return repeatable or not failure.sent
        return repeatable and isinstance(failure, ExchangeNotAvailable)


@attrs.frozen(kw_only=True)
class StreamPolicy:
    """How a stream is kept alive, and what its consumers may expect.

    ``driver`` is the library under the async flavour: ``"websockets"`` or the faster
    ``"aiohttp"``.  After a break the next try comes after up to ``first`` seconds, then
    up to twice that, at most ``cap`` (full jitter); a connection that lasted ``stable``
    seconds starts that anew.  ``silence`` is how long a connection may be without any
    frame, pings included.  ``acknowledgement`` is how long a command may go unanswered.
    ``queue`` is how many items wait for a consumer with the policy ``every`` before it
    gets an error.  ``reconcile`` is how often orders, fills, positions and cash are read
    over REST, at most: while some orders are open it is every half minute.  ``audit`` is
    how often one live book is compared.  None switches either off.  All are seconds.
    """

    driver: Literal["websockets", "aiohttp"] = attrs.field(
        default="websockets", validator=is_one_of("websockets", "aiohttp")
    )
    first: float = attrs.field(default=1.0, validator=is_seconds())
    cap: float = attrs.field(default=30.0, validator=is_seconds())
    stable: float = attrs.field(default=60.0, validator=is_seconds())
    silence: float = attrs.field(default=28.0, validator=is_seconds())
    acknowledgement: float = attrs.field(default=10.0, validator=is_seconds())
    queue: int = attrs.field(default=100_000, validator=is_count())
    reconcile: float | None = attrs.field(
        default=180.0, validator=is_seconds(or_none=True)
    )
    audit: float | None = attrs.field(default=30.0, validator=is_seconds(or_none=True))

    def backoff(self, attempt: int, rng: random.Random) -> float:
        """Seconds before try number ``attempt`` (0 is the first after a break)."""
        return rng.uniform(0.0, min(self.cap, self.first * 2.0 ** min(attempt, 32)))


@attrs.frozen(kw_only=True)
class LimitPolicy:
    """How the venue's rate limits are kept on this side.

    ``buckets`` overrides the venue's defaults: name → (tokens per second, capacity).
    ``cancel_share`` of each budget is kept for cancels and the reads that serve them.
    ``discover`` asks the venue for the account's own limits before the first signed call.
    """

    enabled: bool = attrs.field(default=True, validator=is_flag())
    buckets: Mapping[str, tuple[float, float]] = attrs.field(
        factory=dict, validator=is_a(Mapping, "a mapping of names to buckets")
    )
    cancel_share: float = attrs.field(default=0.1, validator=is_share())
    discover: bool = attrs.field(default=True, validator=is_flag())


class TokenBucket:
    """A token bucket for threads and tasks alike: told the time, it answers the wait.

    A taker is given its place at once and waits by itself; those who wait for this bucket are
    served in the order they came, and who waits for another one holds up nobody here whom it
    need not.  The bucket is kept in two parts: a ``share`` of rate and capacity is
    for urgent takers (cancels), a cost above one part is taken from both.  Each part is
    kept to exactly, and so is their sum: the venue's own bucket would never refuse.

    An urgent taker that the reserve cannot serve at once may use the other part too, and
    goes before all common takers that are still to leave: their places are given up, and
    each takes a new one when it wakes up.  ``marks`` tells a taker whether that, or a
    pause, has happened since it took its place.

    A pause that a common taker brought about does not hold urgent ones, which wait for
    their tokens only.
    """

    def __init__(self, rate: float, capacity: float, *, share: float = 0.0) -> None:
        self._lock = fork.lock()
        self._share = share
        self._common = Tokens()
        self._urgent = Tokens()
        self._paused_until = self._urgent_paused_until = float("-inf")
        self._fresh = True
        self._pauses = 0
        self._overtaken = 0
        self.configure(rate, capacity)

    def configure(self, rate: float, capacity: float) -> None:
        """Change rate and capacity; what was used stays used."""
        if not (rate > 0 and capacity > 0):
            message = (
                f"a bucket needs a rate and a capacity above 0: {rate}, {capacity}"
            )
            raise ValueError(message)
        with self._lock:
            for tokens, part in (
                (self._common, 1 - self._share),
                (self._urgent, self._share),
            ):
                if (tokens.rate, tokens.capacity) == (rate * part, capacity * part):
                    # Told again: who waits keeps its place.
                    continue
                used = tokens.capacity - tokens.level
                tokens.rate, tokens.capacity = rate * part, capacity * part
                tokens.level = tokens.capacity - used
                tokens.reckon()

    def take(
        self,
        now: float,
        cost: float,
        *,
        urgent: bool = False,
        within: float | None = None,
        earliest: float | None = None,
    ) -> float | None:
        """Take ``cost`` tokens; get the seconds to wait before acting.

        With ``within``, take nothing and return None if the wait would be longer.  Who
        waits for another bucket anyway says by ``earliest`` until when.
        """
        with self._lock:
            leaves, overtaking, common, rest = self._plan(
                now, cost, now if earliest is None else earliest, urgent=urgent
            )
            if within is not None and leaves - now > within:
                return None
            if overtaking:
                self._common = self._common.without_common()
                self._overtaken += 1
            self._common.place(leaves, common, urgent=urgent)
            if rest:
                # Not undone when it is overtaken: few take from both parts.
                self._urgent.place(leaves, rest, urgent=True)
            return leaves - now

    def turn(
        self,
        now: float,
        cost: float,
        *,
        urgent: bool = False,
        earliest: float | None = None,
    ) -> float:
        """The moment at which one would leave who takes, from ``earliest`` on."""
        with self._lock:
            start = now if earliest is None else earliest
            return self._plan(now, cost, start, urgent=urgent)[0]

    def give_back(self, leaves: float, cost: float) -> None:
        """Take back what a common taker took who waits until then, and will not leave.

        Whoever waits keeps its place: it is those that come later who wait for less.
        """
        with self._lock:
            self._common.give_back(leaves, cost)

    def take_now(self, now: float, cost: float) -> bool:
        """Take for a common taker who need not wait; False, and nothing taken, else.

        What `take` would do for one that need not wait, in a fifth of its time.
        """
        common = self._common
        with self._lock:
            if now < self._paused_until:
                return False
            self._refill(now)
            if common.level < cost or common.turn(now, cost) > now:
                return False
            common.place(now, cost, urgent=False)
            return True

    def marks(self, *, urgent: bool = False) -> int:
        """A number that changes when takers who wait have lost their places."""
        return self._pauses if urgent else self._pauses + self._overtaken

    def pause(self, now: float, seconds: float, *, spares_urgent: bool = False) -> None:
        """Hold everyone back, or all but urgent takers: the venue said we are too fast.

        Nothing is left then, and those who wait must take again (see ``marks``).
        """
        end = now + seconds
        with self._lock:
            self._paused_until = max(self._paused_until, end)
            if not spares_urgent:
                self._urgent_paused_until = max(self._urgent_paused_until, end)
            for tokens in (self._common, self._urgent):
                tokens.empty(now)
            self._fresh = False
            self._pauses += 1

    def lower(self, now: float, left: float) -> None:
        """Count on no more than ``left`` tokens: the venue said what it still grants."""
        with self._lock:
            self._refill(now)
            for tokens, part in (
                (self._common, 1 - self._share),
                (self._urgent, self._share),
            ):
                tokens.lower(left * part)

    @property
    def capacity(self) -> float:
        """The most tokens that it holds."""
        return self._common.capacity + self._urgent.capacity

    def seconds_for(self, cost: float) -> float:
        """How long the bucket needs to earn ``cost`` tokens."""
        return cost / (self._common.rate + self._urgent.rate)

    def fill(self, now: float) -> float:
        """How full the bucket is, from 0 to 1, without what is kept for those who wait."""
        with self._lock:
            self._refill(now)
            parts = self._common.free(now), self._urgent.free(now)
            return sum(max(0.0, free) for free in parts) / self.capacity

    def _refill(self, now: float) -> None:
        if self._fresh:
            self._common.at = self._urgent.at = now
            self._fresh = False
        self._common.refill(now)
        self._urgent.refill(now)

    def _plan(
        self, now: float, cost: float, start: float, *, urgent: bool
    ) -> tuple[float, bool, float, float]:
        """When to leave, whether by overtaking, and what each part bears."""
        paused = self._urgent_paused_until if urgent else self._paused_until
        start = max(start, paused)
        # Not up to the end of a pause: it need not hold the next taker.
        self._refill(now)
        common, reserve = self._common.capacity, self._urgent.capacity
        if cost <= common and not urgent:
            return self._common.turn(start, cost), False, cost, 0.0
        # No venue grants more than all: that leaves when all is full.  Both parts pay it
        # off in the same time, lest one grants what the other still owes.
        debt = max(0.0, cost - (common + reserve))
        cost = min(cost, common + reserve)
        ways = [min(cost, common)]
        if urgent:
            ways += [
                cost - min(cost, reserve),
                cost - max(0.0, self._urgent.free(start)),
            ]
        # The two parts may add up to a hair less than the whole.
        possible = [w for w in ways if 0.0 <= w <= common and cost - w <= reserve]
        ways = possible or ways[:1]
        owed = debt * (1 - self._share), debt * self._share

        def first(line: Tokens, *, overtaking: bool) -> tuple[float, bool, float]:
            return min(
                (
                    self._leave(start, line, w + owed[0], cost - w + owed[1]),
                    overtaking,
                    w,
                )
                for w in ways
            )

        best = first(self._common, overtaking=False)
        if urgent and best[0] > start and self._common.places:
            best = min(best, first(self._common.without_common(), overtaking=True))
        leaves, overtaking, bears = best
        return leaves, overtaking, bears + owed[0], cost - bears + owed[1]

    def _leave(self, start: float, line: Tokens, common: float, rest: float) -> float:
        """The first moment that suits both parts."""
        while True:
            moment = line.turn(self._urgent.turn(start, rest), common)
            if moment == start:
                return moment
            start = moment
