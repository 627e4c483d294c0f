"""Who shares token buckets, and for how long they are there."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from math import inf
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_policy import accepted_by_a_venue
from unified_exchanges.clock import Clock, SystemClock, VirtualClock
from unified_exchanges.limiter import Limiter, take_together
from unified_exchanges.policy import TokenBucket

ADDRESS = "http://127.0.0.1:9"


def of(clock: Clock | None = None, address: str = ADDRESS) -> Limiter:
    return Limiter.of("kalshi", address, clock or SystemClock())


def bucket(limiter: Limiter, name: str = "read", **fields: Any) -> TokenBucket:
    given: dict[str, Any] = {"account": "", "chosen": None, "granted": (1.0, 5.0)}
    return limiter.bucket(name, **{**given, "share": 0.0, **fields})


def test_one_host_by_one_clock_has_one_limiter() -> None:
    clock = VirtualClock()
    assert of() is of()
    assert of(clock) is of(clock)


@pytest.mark.parametrize(
    "other", [{"clock": VirtualClock()}, {"address": "http://127.0.0.1:8"}]
)
def test_another_host_or_clock_is_not_counted_with_it(other: dict[str, Any]) -> None:
    one = of()
    assert of(**other) is not one


@pytest.mark.parametrize(
    "other",
    [{"account": "a key"}, {"chosen": (1.0, 5.0)}, {"share": 0.1}, {"name": "write"}],
)
def test_what_is_another_s_or_was_set_otherwise_is_a_bucket_of_its_own(
    other: dict[str, Any],
) -> None:
    limiter = of()
    one = bucket(limiter)
    assert bucket(limiter) is one
    made = bucket(limiter, **other)
    assert made is not one
    assert bucket(limiter, **other) is made


def test_what_is_granted_later_makes_no_second_bucket() -> None:
    limiter = of()
    one = bucket(limiter)
    assert bucket(limiter, granted=(9.0, 9.0)) is one


def test_buckets_and_limiters_end_with_the_last_that_uses_them() -> None:
    limiter = of()
    kept = bucket(limiter)
    for number in range(100):
        bucket(limiter, account=str(number)).take(0.0, 1)
    gc.collect()
    assert list(limiter._buckets.values()) == [kept]
    kept.take(0.0, 5)
    del kept, limiter
    gc.collect()
    assert bucket(of()).fill(0.0) == 1.0


def test_threads_that_ask_first_get_one_bucket() -> None:
    limiter, begin = of(VirtualClock()), Barrier(8)

    def ask(_: int) -> TokenBucket:
        begin.wait(10)
        return bucket(limiter)

    with ThreadPoolExecutor(8) as pool:
        assert len({id(x) for x in pool.map(ask, range(8))}) == 1


# -- several buckets at once -----------------------------------------------------------


def charged(*buckets: TokenBucket, cost: float = 1) -> list[tuple[TokenBucket, float]]:
    return [(bucket, cost) for bucket in buckets]


def leaves(
    charges: list[tuple[TokenBucket, float]],
    now: float = 0.0,
    *,
    urgent: bool = False,
    within: float = inf,
) -> float:
    return take_together(charges, now, urgent=urgent, within=within)


def test_who_waits_for_a_narrow_bucket_holds_nobody_in_a_wide_one() -> None:
    narrow, wide = TokenBucket(2, 10), TokenBucket(75, 100)
    orders = [leaves(charged(narrow, wide)) for _ in range(18)]
    assert orders[-1] == 4.0
    reads = [leaves(charged(wide)) for _ in range(89)]
    assert reads == [0.0] * 89
    # What the orders need is kept, not more.
    assert leaves(charged(wide)) == 0.0
    assert 0.0 < leaves(charged(wide)) < 0.02
    assert narrow.marks() == wide.marks() == 0


def test_a_wide_bucket_keeps_what_those_need_who_wait_for_a_narrow_one() -> None:
    narrow, wide = TokenBucket(0.1, 10), TokenBucket(1, 20)
    leaves([(narrow, 10)])
    assert leaves([(narrow, 1), (wide, 20)]) == 10.0
    assert [leaves(charged(wide, cost=5)) for _ in range(3)] == [0.0, 0.0, 11.0 + 4.0]


def test_who_finds_no_place_in_time_leaves_no_trace_in_any_bucket() -> None:
    narrow, wide = TokenBucket(2, 10), TokenBucket(75, 100)
    leaves([(narrow, 10)])
    assert leaves(charged(wide, narrow, cost=4), within=1.5) == 2.0
    assert leaves(charged(wide, narrow, cost=4)) == 2.0
    assert wide.fill(0.0) == 1.0


def test_a_moment_that_suits_one_bucket_is_looked_for_again_where_it_suits_another() -> (
    None
):
    one, other = TokenBucket(1, 10), TokenBucket(1, 10)
    one.take(0.0, 10)
    one.take(0.0, 10, earliest=20.0)
    other.take(0.0, 10, earliest=16.0)
    # At 10 it is too much for the other until 16, at 24 there is not enough of the one.
    assert leaves([(one, 10), (other, 8)]) == 30.0


COMING = st.lists(
    st.tuples(
        st.floats(0, 1.5),
        st.sets(st.integers(0, 2), min_size=1),
        st.integers(1, 40),
        st.booleans(),
        st.integers(-6, 10),
    ),
    max_size=40,
)
SIZES = st.tuples(st.integers(1, 40), st.integers(8, 60))


class Crowd:
    """Takers of several buckets that wait, wake up, and queue again if overtaken."""

    def __init__(self, sizes: list[tuple[int, int]], share: float) -> None:
        self.buckets = [TokenBucket(*size, share=share) for size in sizes]
        self.waiting: list[tuple[float, int, list[int], int, bool, int]] = []
        self.left: list[tuple[float, list[int], int]] = []
        self.count = 0

    def marks(self, which: list[int], *, urgent: bool) -> int:
        return sum(self.buckets[n].marks(urgent=urgent) for n in which)

    def come(self, now: float, which: list[int], cost: int, *, urgent: bool) -> float:
        charges = charged(*(self.buckets[n] for n in which), cost=cost)
        moment = leaves(charges, now, urgent=urgent)
        marks = self.marks(which, urgent=urgent)
        self.count += 1
        self.waiting.append((moment, self.count, which, cost, urgent, marks))
        return moment

    def give_up(self, number: int) -> bool:
        common = [x for x in self.waiting if not x[4]]
        if not 0 <= number < len(common):
            return False
        gone = common[number]
        self.waiting.remove(gone)
        moment, _, which, cost, _, marks = gone
        if marks == self.marks(which, urgent=False):
            for n in which:
                self.buckets[n].give_back(moment, cost)
        return True

    def pass_time(self, until: float) -> None:
        while self.waiting and (first := min(self.waiting))[0] <= until:
            self.waiting.remove(first)
            moment, _, which, cost, urgent, marks = first
            if marks == self.marks(which, urgent=urgent):
                self.left.append((moment, which, cost))
            else:
                self.come(moment, which, cost, urgent=urgent)


@given(st.lists(SIZES, min_size=3, max_size=3), st.sampled_from([0.0, 0.1]), COMING)
def test_fault_43_none_of_several_venue_s_buckets_would_refuse(
    sizes: list[tuple[int, int]],
    share: float,
    coming: list[tuple[float, set[int], int, bool, int]],
) -> None:
    crowd, now, gone = Crowd(sizes, share), 0.0, 0
    for gap, which, cost, urgent, number in coming:
        now += gap
        crowd.pass_time(now)
        crowd.come(now, sorted(which), cost, urgent=urgent)
        gone += crowd.give_up(number)
    crowd.pass_time(inf)
    assert len(crowd.left) == len(coming) - gone
    for n, (rate, capacity) in enumerate(sizes):
        taken = [(at, cost) for at, which, cost in crowd.left if n in which]
        assert accepted_by_a_venue(rate, capacity, taken)


@given(st.lists(SIZES, min_size=3, max_size=3), COMING)
def test_fault_43_who_takes_the_same_of_the_same_buckets_leaves_in_the_order_of_coming(
    sizes: list[tuple[int, int]],
    coming: list[tuple[float, set[int], int, bool, int]],
) -> None:
    crowd, now = Crowd(sizes, 0.1), 0.0
    before: dict[tuple[tuple[int, ...], int], float] = {}
    for gap, which, size, _, _ in coming:
        now += gap
        cost = size % 3 * 6 + 1
        moment = crowd.come(now, sorted(which), cost, urgent=False)
        kind = tuple(sorted(which)), cost
        assert moment >= before.get(kind, 0.0) - 1e-6
        before[kind] = moment
    # Nor is any of them ever held up by others that come later.
    moments = sorted(x[0] for x in crowd.waiting)
    crowd.pass_time(inf)
    assert [x[0] for x in crowd.left] == moments
