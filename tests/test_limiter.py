"""Who shares token buckets."""

from __future__ import annotations

import gc

from unified_exchanges import LimitPolicy, exchange
from unified_exchanges.clock import SystemClock, VirtualClock
from unified_exchanges.limiter import Limiter

ACCOUNT = ("kalshi", "http://127.0.0.1:9", "key")
POLICY = LimitPolicy()


def test_objects_of_one_account_share_their_buckets() -> None:
    one, two = (Limiter.of(ACCOUNT, POLICY, SystemClock()) for _ in range(2))
    other = Limiter.of((*ACCOUNT[:2], "another key"), POLICY, SystemClock())
    assert one is two
    assert other is not one


def test_another_policy_or_clock_is_not_shared() -> None:
    one = Limiter.of(ACCOUNT, POLICY, SystemClock())
    assert Limiter.of(ACCOUNT, LimitPolicy(cancel_share=0.2), SystemClock()) is not one
    assert Limiter.of(ACCOUNT, POLICY, VirtualClock()) is not one


def test_buckets_end_with_the_last_object_that_uses_them() -> None:
    one = Limiter.of(ACCOUNT, POLICY, SystemClock())
    one.buckets["read"] = None  # type: ignore[assignment]
    del one
    gc.collect()
    assert Limiter.of(ACCOUNT, POLICY, SystemClock()).buckets == {}


def test_two_exchange_objects_with_one_key_count_together() -> None:
    url = "http://127.0.0.1:9/trade-api/v2"
    with (
        exchange("kalshi", environment=url) as one,
        exchange("kalshi", environment=url) as two,
    ):
        assert one.venue.limiter is two.venue.limiter
