"""Retry and limit decisions, against time and dice that the tests hold."""

from __future__ import annotations

from decimal import Decimal
from math import inf, nan
from random import Random
from threading import Thread
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import (
    BadRequest,
    ExchangeNotAvailable,
    InsufficientFunds,
    NetworkError,
    OnMaintenance,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.policy import (
    LimitPolicy,
    RetryPolicy,
    StreamPolicy,
    TokenBucket,
)

DICE = Random(7)


def decide(
    failure: UnifiedExchangesError,
    attempt: int = 0,
    *,
    repeatable: bool = True,
    remaining: float = 1e9,
    policy: RetryPolicy | None = None,
) -> float | None:
    policy = policy or RetryPolicy()
    return policy.delay(
        failure, attempt, repeatable=repeatable, remaining=remaining, rng=DICE
    )


TRANSIENT = [
    NetworkError("gone"),
    ExchangeNotAvailable("503"),
    RateLimitExceeded("429"),
]
FINAL = [BadRequest("no"), InsufficientFunds("no")]


@pytest.mark.parametrize("failure", TRANSIENT, ids=lambda e: type(e).__name__)
def test_a_transient_failure_of_a_read_is_tried_again(
    failure: UnifiedExchangesError,
) -> None:
    assert decide(failure) is not None


@pytest.mark.parametrize("failure", TRANSIENT, ids=lambda e: type(e).__name__)
def test_f01_a_transient_failure_of_a_write_is_not(
    failure: UnifiedExchangesError,
) -> None:
    assert decide(failure, repeatable=False) is None


@pytest.mark.parametrize("failure", FINAL, ids=lambda e: type(e).__name__)
def test_a_refusal_is_final(failure: UnifiedExchangesError) -> None:
    assert decide(failure) is None


def test_fault_01_a_write_that_never_left_may_be_tried_again() -> None:
    assert decide(NetworkError("refused", sent=False), repeatable=False) is not None


def test_fault_09_a_refused_write_is_tried_again_only_if_the_caller_allowed_it() -> (
    None
):
    allowed = RetryPolicy(retry_refused_writes=True)
    failure = RateLimitExceeded("429")
    assert decide(failure, repeatable=False, policy=allowed) is not None


@given(st.integers(0, 10_000), st.integers(0, 2**32))
def test_backoff_is_between_nought_and_the_cap(attempt: int, seed: int) -> None:
    policy = RetryPolicy(first=0.25, cap=8.0)
    wait = policy.backoff(attempt, Random(seed))
    assert 0.0 <= wait <= min(8.0, 0.25 * 2 ** min(attempt, 32))


@given(st.floats(0, 100), st.floats(0, 100), st.integers(0, 2**32))
def test_the_wait_never_passes_the_deadline(
    asked: float, remaining: float, seed: int
) -> None:
    failure = RateLimitExceeded("429", retry_after=asked)
    wait = RetryPolicy().delay(
        failure, 0, repeatable=True, remaining=remaining, rng=Random(seed)
    )
    assert wait is None or asked <= wait < remaining


def test_a_venue_that_says_how_long_it_is_away_is_waited_for() -> None:
    failure = OnMaintenance("503", retry_after=7.0)
    wait = RetryPolicy().delay(
        failure, 0, repeatable=True, remaining=30.0, rng=Random(1)
    )
    assert wait is not None
    assert 7.0 <= wait < 8.0


def test_p17_one_call_has_one_budget_of_attempts() -> None:
    policy = RetryPolicy(attempts=5)
    tries = [decide(NetworkError("gone"), n, policy=policy) for n in range(6)]
    assert [wait is not None for wait in tries] == [True] * 4 + [False] * 2


SECONDS: list[Any] = [0, -1, True, "1", nan, inf, -inf, Decimal(1), [1]]
NEEDED: list[Any] = [*SECONDS, None]
COUNTS: list[Any] = [0, -1, True, "1", 1.0, nan, None]
FLAGS: list[Any] = [1, 0, "yes", None]
WRONG: dict[type, dict[str, list[Any]]] = {
    RetryPolicy: {
        "attempts": COUNTS,
        **dict.fromkeys(("first", "cap", "deadline", "order_deadline"), NEEDED),
        "retry_refused_writes": FLAGS,
    },
    StreamPolicy: {
        "driver": ["requests", "", "AIOHTTP", None, 1, True, ["aiohttp"]],
        "queue": COUNTS,
        **dict.fromkeys(("first", "cap", "stable"), NEEDED),
        **dict.fromkeys(("silence", "acknowledgement"), NEEDED),
        **dict.fromkeys(("reconcile", "audit"), SECONDS),
    },
    LimitPolicy: {
        "enabled": FLAGS,
        "buckets": [None, [("read", (1, 1))], 5],
        "cancel_share": [1.0, -0.1, nan, True, "0.1", None],
        "discover": FLAGS,
    },
    GuardPolicy: {
        "max_order_cost": [5, 5.0, True, "5", Decimal(0), Decimal("NaN")],
        "max_orders": [x for x in COUNTS if x is not None],
        "seconds": NEEDED,
    },
}


@pytest.mark.parametrize(
    ("policy", "name", "value"),
    [
        (policy, name, value)
        for policy, fields in WRONG.items()
        for name, values in fields.items()
        for value in values
    ],
)
def test_a_field_of_a_policy_that_cannot_be_is_refused_by_name_and_value(
    policy: type, name: str, value: Any
) -> None:
    with pytest.raises(BadRequest) as caught:
        policy(**{name: value})
    assert caught.value.message.startswith(f"{policy.__name__}.{name} must be ")
    assert caught.value.message.endswith(f", not {value!r}")


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ({"driver": "requests"}, "'websockets' or 'aiohttp'"),
        ({"audit": 0}, "a number above 0, in seconds, or None"),
        ({"silence": nan}, "a number above 0, in seconds"),
        ({"queue": 0}, "a whole number of at least 1"),
    ],
)
def test_a_refusal_of_a_policy_says_what_is_allowed(
    words: dict[str, Any], allowed: str
) -> None:
    [(name, value)] = words.items()
    with pytest.raises(BadRequest) as caught:
        StreamPolicy(**words)
    assert caught.value.message == (
        f"StreamPolicy.{name} must be {allowed}, not {value!r}"
    )


def test_whole_seconds_and_what_is_switched_off_are_fine() -> None:
    policy = StreamPolicy(first=1, silence=28, audit=None, reconcile=None)
    assert (policy.first, policy.audit, policy.reconcile) == (1, None, None)
    assert attrs.evolve(policy, audit=5).audit == 5


# -- the bucket ------------------------------------------------------------------------


def test_a_full_bucket_serves_its_capacity_at_once() -> None:
    bucket = TokenBucket(10, 100)
    assert [bucket.take(0.0, 10) for _ in range(10)] == [0.0] * 10


def test_an_empty_bucket_says_how_long_to_wait() -> None:
    bucket = TokenBucket(10, 100)
    bucket.take(0.0, 100)
    assert bucket.take(0.0, 20) == pytest.approx(2.0)


def test_takers_are_served_in_the_order_they_came() -> None:
    bucket = TokenBucket(10, 10)
    waits = [bucket.take(0.0, 10) for _ in range(4)]
    assert waits == pytest.approx([0.0, 1.0, 2.0, 3.0])


def test_fault_43_a_taker_that_cannot_wait_takes_nothing() -> None:
    bucket = TokenBucket(10, 10)
    bucket.take(0.0, 10)
    assert bucket.take(0.0, 10, within=0.5) is None
    assert bucket.take(0.0, 10) == pytest.approx(1.0)


def test_fault_43_a_pause_holds_everyone() -> None:
    bucket = TokenBucket(10, 100)
    bucket.pause(0.0, 3.0)
    assert bucket.take(1.0, 1) == pytest.approx(2.0)


def test_fault_43_a_pause_of_common_takers_holds_no_urgent_one() -> None:
    bucket = TokenBucket(10, 100, share=0.1)
    bucket.pause(0.0, 60.0, spares_urgent=True)
    # Nothing is left, and an urgent one waits for its tokens only.
    assert bucket.take(0.0, 1, urgent=True) == pytest.approx(1 / 9)
    assert bucket.take(1.0, 1) == pytest.approx(59.0)
    bucket.pause(2.0, 3.0)
    assert bucket.take(2.0, 1, urgent=True) == pytest.approx(3.0)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_fault_43_who_asks_during_a_pause_does_not_hold_an_urgent_one(
    share: float,
) -> None:
    bucket = TokenBucket(10, 100, share=share)
    bucket.pause(0.0, 60.0, spares_urgent=True)
    assert bucket.turn(1.0, 95) >= 60.0
    assert (bucket.take(1.0, 95) or 0.0) >= 59.0
    marks = bucket.marks()
    assert bucket.take(2.0, 1, urgent=True) == 0.0
    # Until the end of the pause enough comes back for the one that has its place there.
    assert bucket.marks() == marks


def test_fault_43_cancels_have_tokens_of_their_own() -> None:
    bucket = TokenBucket(100, 100, share=0.1)
    for _ in range(20):
        bucket.take(0.0, 10)
    assert bucket.take(0.0, 2, urgent=True) == 0.0
    assert bucket.take(0.0, 2) > 0.0  # type: ignore[operator]


def test_a_cost_above_the_capacity_is_served_when_full_and_paid_off() -> None:
    bucket = TokenBucket(10, 10)
    assert bucket.take(0.0, 30) == 0.0
    assert bucket.take(0.0, 10) == pytest.approx(3.0)


def test_reconfiguring_keeps_what_was_used() -> None:
    bucket = TokenBucket(10, 100)
    bucket.take(0.0, 60)
    bucket.configure(20, 200)
    assert bucket.fill(0.0) == pytest.approx(140 / 200)


def test_fault_43_who_waits_keeps_its_place_where_the_same_is_told_again() -> None:
    bucket = TokenBucket(10, 10, share=0.1)
    bucket.take(0.0, 9)
    bucket.take(0.0, 9)
    bucket.configure(10, 10)
    # A cancel of more than the reserve still goes before the one that waits.
    assert bucket.take(0.0, 2, urgent=True) == pytest.approx(1 / 9)


def test_a_bucket_counts_on_no_more_than_the_venue_grants() -> None:
    bucket = TokenBucket(10.0, 100.0, share=0.1)
    bucket.lower(0.0, 20.0)
    assert bucket.fill(0.0) == pytest.approx(0.2)
    bucket.lower(0.0, 50.0)
    assert bucket.fill(0.0) == pytest.approx(0.2)
    assert bucket.fill(4.0) == pytest.approx(0.6)


def test_a_bucket_without_a_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        TokenBucket(0, 10)


class Crowd:
    """Takers of one bucket that wait, wake up, and queue again if they were overtaken."""

    def __init__(self, bucket: TokenBucket) -> None:
        self.bucket = bucket
        self.waiting: list[tuple[float, int, float, bool, int]] = []
        self.left: list[tuple[float, float]] = []
        self.waits: dict[int, float] = {}
        self.count = 0

    def come(self, now: float, cost: float, *, urgent: bool, name: int = -1) -> None:
        wait = self.bucket.take(now, cost, urgent=urgent)
        assert wait is not None
        if name < 0:
            name, self.count = self.count, self.count + 1
            self.waits[name] = wait
        if not wait:
            self.left.append((now, cost))
            return
        marks = self.bucket.marks(urgent=urgent)
        self.waiting.append((now + wait, name, cost, urgent, marks))

    def give_up(self, which: int) -> bool:
        """One that waits, if it is no cancel, will not leave."""
        common = [x for x in self.waiting if not x[3]]
        if not common:
            return False
        gone = common[which % len(common)]
        self.waiting.remove(gone)
        leaves, _, cost, _, marks = gone
        if marks == self.bucket.marks():
            self.bucket.give_back(leaves, cost)
        return True

    def pass_time(self, until: float) -> None:
        while self.waiting and (first := min(self.waiting))[0] <= until:
            self.waiting.remove(first)
            moment, name, cost, urgent, marks = first
            if marks == self.bucket.marks(urgent=urgent):
                self.left.append((moment, cost))
            else:
                self.come(moment, cost, urgent=urgent, name=name)


def accepted_by_a_venue(
    rate: float, capacity: float, left: list[tuple[float, float]]
) -> bool:
    """Whether a bucket that knows nothing of ours serves all of that.

    What costs more than it holds, no venue grants; it counts if the bucket was full.
    """
    level, at = capacity, 0.0
    for moment, cost in left:
        level, at = min(capacity, level + (moment - at) * rate), moment
        if level - min(cost, capacity) < -1e-6:
            return False
        level -= cost
    return True


ARRIVALS = st.lists(
    st.tuples(st.floats(0, 2), st.integers(1, 120), st.booleans()), max_size=60
)


@given(
    st.integers(1, 100),
    st.integers(10, 120),
    st.sampled_from([0.0, 0.1, 0.5]),
    ARRIVALS,
)
def test_fault_43_the_venue_s_own_bucket_would_never_refuse(
    rate: int, capacity: int, share: float, arrivals: list[tuple[float, int, bool]]
) -> None:
    crowd, now = Crowd(TokenBucket(rate, capacity, share=share)), 0.0
    for gap, cost, urgent in arrivals:
        now += gap
        crowd.pass_time(now)
        crowd.come(now, cost, urgent=urgent)
    crowd.pass_time(float("inf"))
    assert len(crowd.left) == len(arrivals)
    assert accepted_by_a_venue(rate, capacity, crowd.left)


@given(
    st.integers(1, 100),
    st.integers(10, 120),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.lists(
        st.tuples(
            st.floats(0, 2), st.integers(1, 120), st.booleans(), st.integers(-4, 20)
        ),
        max_size=60,
    ),
)
def test_fault_43_nor_would_it_where_some_that_wait_give_up(
    rate: int,
    capacity: int,
    share: float,
    arrivals: list[tuple[float, int, bool, int]],
) -> None:
    crowd, now, gone = Crowd(TokenBucket(rate, capacity, share=share)), 0.0, 0
    for gap, cost, urgent, which in arrivals:
        now += gap
        crowd.pass_time(now)
        crowd.come(now, cost, urgent=urgent)
        gone += which >= 0 and crowd.give_up(which)
    crowd.pass_time(float("inf"))
    assert len(crowd.left) == len(arrivals) - gone
    assert accepted_by_a_venue(rate, capacity, crowd.left)


def test_fault_43_nobody_waits_for_those_behind_whom_nobody_waits() -> None:
    bucket = TokenBucket(2, 10)
    waits = [bucket.take(0.0, 1) for _ in range(18)]
    leaves = [wait for wait in waits if wait]
    assert leaves == [0.5 * n for n in range(1, 9)]
    for moment in (1.0, 0.5, *leaves[3:], 1.5):
        bucket.give_back(moment, 1)
    assert bucket.turn(0.25, 1) == pytest.approx(0.5)


def test_fault_43_who_gives_up_before_others_that_wait_makes_room_behind_them() -> None:
    bucket = TokenBucket(2, 10)
    leaves = [bucket.take(0.0, 1) for _ in range(12)][10:]
    assert leaves == [0.5, 1.0]
    bucket.give_back(0.5, 1)
    # The other one keeps its place, and nobody comes before it.
    assert bucket.take(0.0, 0.5) == 1.0
    assert bucket.take(0.0, 0.5) == 1.0
    assert bucket.take(0.0, 1) == 1.5


def test_fault_43_who_gives_up_brings_nothing_back_that_the_venue_does_not_grant() -> (
    None
):
    bucket = TokenBucket(2, 10)
    assert bucket.take(0.0, 8) == 0
    assert bucket.take(0.0, 5) == 1.5
    bucket.lower(0.0, 0)
    bucket.give_back(1.5, 5)
    assert bucket.turn(0.0, 1) >= 0.5


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 60)), max_size=40))
def test_fault_43_common_takers_leave_in_the_order_they_came(
    arrivals: list[tuple[float, int]],
) -> None:
    bucket, now, before = TokenBucket(20, 60, share=0.1), 0.0, 0.0
    for gap, cost in arrivals:
        now += gap
        wait = bucket.take(now, cost)
        assert wait is not None
        assert now + wait >= before
        before = now + wait


@given(st.integers(1, 100), ARRIVALS)
def test_fault_43_an_urgent_taker_waits_for_no_queue_of_common_ones(
    cost: int, arrivals: list[tuple[float, int, bool]]
) -> None:
    bucket, now = TokenBucket(20, 100, share=0.1), 0.0
    crowd = Crowd(bucket)
    for gap, common, _ in arrivals:
        now += gap
        crowd.pass_time(now)
        crowd.come(now, min(common, 90), urgent=False)
    # What has left is owed to the venue, what waits is not: at most all is to be earned.
    assert bucket.turn(now, cost, urgent=True) - now <= 100 / 20 + 1e-9


def test_fault_43_a_batch_of_cancels_goes_before_the_creates_that_wait() -> None:
    bucket = TokenBucket(100, 100, share=0.1)
    creates = [bucket.take(0.0, 10) for _ in range(60)]
    marks = bucket.marks()
    assert creates[-1] == pytest.approx(510 / 90)
    assert bucket.take(0.0, 100, urgent=True) == pytest.approx(1.0)
    assert bucket.marks() != marks
    assert bucket.take(0.1, 10) == pytest.approx(0.9 + 10 / 90)


def test_fault_43_an_urgent_taker_is_not_overtaken_by_another() -> None:
    bucket = TokenBucket(100, 100, share=0.1)
    bucket.take(0.0, 90)
    waits = [bucket.take(0.0, 100, urgent=True) for _ in range(3)]
    assert waits == pytest.approx([1.0, 2.0, 3.0])
    assert bucket.marks(urgent=True) == 0


def test_who_waits_for_another_bucket_holds_only_what_it_needs_at_its_moment() -> None:
    bucket = TokenBucket(10, 10)
    assert bucket.take(0.0, 10, earliest=5.0) == 5.0
    waits = [bucket.take(0.0, 10) for _ in range(7)]
    assert waits == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0])


def test_fault_43_a_batch_of_cancels_does_not_let_creates_overdraw() -> None:
    bucket = TokenBucket(100, 100, share=0.1)
    assert bucket.take(0.0, 100, urgent=True) == 0.0
    assert bucket.take(0.0, 10) == pytest.approx(10 / 90)


def test_fault_43_who_waits_through_a_pause_is_told_to_queue_again() -> None:
    bucket = TokenBucket(10, 10)
    before = bucket.marks(urgent=True)
    bucket.pause(0.0, 1.0)
    assert bucket.marks(urgent=True) != before
    waits = [bucket.take(0.0, 10) for _ in range(3)]
    assert waits == pytest.approx([1.0, 2.0, 3.0])


@given(ARRIVALS, st.floats(0, 1), st.integers(1, 120))
def test_who_need_not_wait_takes_what_a_place_without_waiting_takes(
    arrivals: list[tuple[float, int, bool]], gap: float, cost: int
) -> None:
    quick, slow = (TokenBucket(20, 100, share=0.1) for _ in range(2))
    now = 0.0
    for wait, taken, urgent in arrivals:
        now += wait
        for bucket in (quick, slow):
            bucket.take(now, taken, urgent=urgent)
    now += gap
    # What takes more than the common part is left to `take`.
    served = slow.take(now, cost, within=0.0) is not None if cost <= 90 else False
    assert quick.take_now(now, cost) == served
    assert quick.turn(now, 50) == pytest.approx(slow.turn(now, 50))


def test_fault_43_nobody_leaves_at_once_during_a_pause() -> None:
    bucket = TokenBucket(10, 10)
    bucket.pause(0.0, 1.0)
    assert [bucket.take_now(now, 1) for now in (0.5, 1.5)] == [False, True]


def test_p20_threads_together_get_no_more_than_one_thread_would() -> None:
    bucket = TokenBucket(10, 10)
    waits: list[float] = []

    def take() -> None:
        wait = bucket.take(0.0, 10)
        assert wait is not None
        waits.append(wait)

    threads = [Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([float(n) for n in range(8)])
