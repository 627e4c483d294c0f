"""Who shares token buckets, and for how long they are there."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from unified_exchanges.clock import Clock, SystemClock, VirtualClock
from unified_exchanges.limiter import Limiter
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
