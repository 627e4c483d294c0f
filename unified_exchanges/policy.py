"""Retry and rate-limit policies: pure decisions, the time and the dice are arguments."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from typing import Final, Literal

import attrs

from . import fork
from .errors import (
    ExchangeNotAvailable,
    NetworkError,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from .fields import is_a, is_count, is_flag, is_one_of, is_seconds, is_share

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


_SAME: Final = 1e-6
"""Seconds by which the same moment may be told twice."""


class _Tokens:
    """One part of a bucket; ``at`` is when its last taker leaves, maybe in the future.

    ``places`` holds, for each common taker that is still to leave, when that is, what the
    part was before it and what it takes: so they can be undone when a more urgent one comes,
    and one when it gives up.
    """

    __slots__ = ("at", "capacity", "level", "places", "rate")

    def __init__(self) -> None:
        self.rate = self.capacity = self.level = self.at = 0.0
        self.places: deque[tuple[float, float, float, float]] = deque()

    def refill(self, now: float) -> None:
        if now > self.at:
            self.level = min(self.capacity, self.level + (now - self.at) * self.rate)
            self.at = now

    def before(self, now: float) -> tuple[float, float]:
        """``level`` and ``at`` as if nobody common were still to leave."""
        kept = self.level, self.at
        there = ((lv, at) for leaves, lv, at, _ in self.places if leaves > now)
        return next(there, kept)

    def level_at(self, start: float) -> float:
        """What is there at a moment if nobody takes until then."""
        return min(self.capacity, self.level + max(0.0, start - self.at) * self.rate)

    def turn(self, start: float, cost: float, state: tuple[float, float]) -> float:
        """When a taker of that cost may leave, from ``start``: after those before it."""
        if not cost:
            return start
        level, at = state
        if start > at:
            level, at = min(self.capacity, level + (start - at) * self.rate), start
        lacking = max(0.0, cost - level)
        return at + (lacking / self.rate if lacking else 0.0)

    def take(
        self, now: float, leaves: float, cost: float, *, urgent: bool, overtaking: bool
    ) -> None:
        if not cost:
            return
        if overtaking:
            self.level, self.at = self.before(now)
        if urgent:
            # Who is behind an urgent one may be overtaken, it and those before it not.
            self.places.clear()
        elif leaves > now:
            while self.places and self.places[0][0] <= now:
                self.places.popleft()
            self.places.append((leaves, self.level, self.at, cost))
        self.refill(leaves)
        self.level -= cost

    def give_back(self, leaves: float) -> None:
        """Who was to leave then does not: nobody who comes later waits for it.

        Those behind it keep their places, with what is there for them now.
        """
        moments = [place[0] for place in self.places]
        mine = min(
            range(len(moments)), key=lambda n: abs(moments[n] - leaves), default=None
        )
        if mine is None or abs(moments[mine] - leaves) > _SAME:
            return  # it has no place any more
        _, self.level, self.at, _ = self.places[mine]
        later = [self.places.pop() for _ in range(len(moments) - mine)][-2::-1]
        for moment, _, _, cost in later:
            self.places.append((moment, self.level, self.at, cost))
            self.refill(moment)
            self.level -= cost

    def lower(self, level: float) -> None:
        """There is no more than that, also not before those that are still to leave."""
        missing = max(0.0, self.level - level)
        self.level -= missing
        self.places = deque(
            (leaves, min(before - missing, level), at, cost)
            for leaves, before, at, cost in self.places
        )


class TokenBucket:
    """A token bucket for threads and tasks alike: told the time, it answers the wait.

    A taker is given its place at once and waits by itself, so takers are served in the
    order they came.  The bucket is kept in two parts: a ``share`` of rate and capacity is
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
        self._common = _Tokens()
        self._urgent = _Tokens()
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
                tokens.places.clear()

    def take(
        self,
        now: float,
        cost: float,
        *,
        urgent: bool = False,
        within: float | None = None,
        least: float = 0.0,
    ) -> float | None:
        """Take ``cost`` tokens; get the seconds to wait before acting.

        With ``within``, take nothing and return None if the wait would be longer.  Who
        waits for another bucket anyway says by ``least`` how long.
        """
        with self._lock:
            first, overtaking, common = self._plan(now, cost, urgent=urgent)
            leaves = max(first, now + least)
            if within is not None and leaves - now > within:
                return None
            self._common.take(now, leaves, common, urgent=urgent, overtaking=overtaking)
            self._urgent.take(now, leaves, cost - common, urgent=True, overtaking=False)
            self._overtaken += overtaking
            return leaves - now

    def give_back(self, leaves: float) -> None:
        """Take back what a common taker took who waits until then, and will not leave.

        Whoever waits keeps its place: it is those that come later who wait for less.
        """
        with self._lock:
            self._common.give_back(leaves)

    def take_now(self, now: float, cost: float) -> bool:
        """Take for a common taker who need not wait; False, and nothing taken, else.

        What `take` would do with nobody waiting, in a fifth of its time.
        """
        common = self._common
        with self._lock:
            if now < self._paused_until:
                return False
            self._refill(now)
            if common.at > now or common.level < cost:
                return False
            common.level -= cost
            return True

    def wait_for(self, now: float, cost: float, *, urgent: bool = False) -> float:
        """How long ``take`` would say to wait, without taking."""
        with self._lock:
            return self._plan(now, cost, urgent=urgent)[0] - now

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
                tokens.level, tokens.at = 0.0, now
                tokens.places.clear()
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
        """How full the bucket is, from 0 to 1."""
        with self._lock:
            self._refill(now)
            level = max(0.0, self._common.level) + max(0.0, self._urgent.level)
            return level / self.capacity

    def _refill(self, now: float) -> None:
        if self._fresh:
            self._common.at = self._urgent.at = now
            self._fresh = False
        self._common.refill(now)
        self._urgent.refill(now)

    def _plan(
        self, now: float, cost: float, *, urgent: bool
    ) -> tuple[float, bool, float]:
        """When to leave, whether by overtaking, and what the common part bears."""
        start = max(now, self._urgent_paused_until if urgent else self._paused_until)
        # Not up to the end of a pause: it need not hold the next taker.
        self._refill(now)
        common, reserve = self._common.capacity, self._urgent.capacity
        # No venue grants more than all: that leaves when all is full.  Both parts pay it
        # off in the same time, lest one grants what the other still owes.
        debt = max(0.0, cost - (common + reserve))
        cost -= debt
        ways = [min(cost, common)]
        if urgent:
            ways += [
                cost - min(cost, reserve),
                cost - max(0.0, self._urgent.level_at(start)),
            ]
        # The two parts may add up to a hair less than the whole.
        possible = [w for w in ways if 0.0 <= w <= common and cost - w <= reserve]
        queued = self._common.level, self._common.at
        states = [(False, queued)]
        if urgent and self._common.places:
            states.append((True, self._common.before(now)))
        leaves, overtaking, bears = min(
            (self._leave(start, cost, way, state), overtaking, way)
            for way in possible or ways[:1]
            for overtaking, state in states
        )
        return leaves, overtaking, bears + debt * (1 - self._share)

    def _leave(
        self, start: float, cost: float, common: float, state: tuple[float, float]
    ) -> float:
        reserve = self._urgent
        return max(
            self._common.turn(start, common, state),
            reserve.turn(start, cost - common, (reserve.level, reserve.at)),
        )
