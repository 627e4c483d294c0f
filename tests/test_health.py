"""Health: what requests made so far tell, and checks that run by themselves."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.flavours import FLAVOURS, Rig
from tests.toy import answer, toy
from unified_exchanges import AlertPolicy
from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import UnifiedExchangesError
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Health, Latency
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.simulator.faults import FaultPlan, unavailable
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.telemetry import MINUTE, Counts, Telemetry
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.venues.kalshi import AsyncKalshi, Kalshi
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .venues.kalshi.ground import KalshiGround

IMPATIENT = RetryPolicy(attempts=1)
FREE = LimitPolicy(enabled=False, discover=False)


@pytest.fixture(params=FLAVOURS)
def trader(request: pytest.FixtureRequest) -> Trader:
    ground = KalshiGround(enforce_limits=False)
    return ground.trader(request.param, retry=IMPATIENT)


# -- what is told ----------------------------------------------------------------------


def test_before_the_first_request_nothing_is_known(trader: Trader) -> None:
    health: Health = trader.health()
    assert health.is_healthy
    assert (health.requests, health.errors, health.error_rate) == (0, 0, 0)
    assert (health.last_contact_at, health.clock_offset_ms) == (None, None)
    assert health.latency.count == health.acknowledgement.count == 0
    assert trader.transport.requests == []


def test_reads_and_order_writes_are_timed_apart(trader: Trader) -> None:
    trader.rest(trader.quoted_market())
    health = trader.health()
    assert health.acknowledgement.count == 1
    assert health.latency.count == health.requests - 1


def test_the_used_share_of_the_limiter_grows_with_use(trader: Trader) -> None:
    trader.fetch_limits()
    used = trader.health().limiter_used["read"]
    trader.ground.clock.advance(60)
    assert trader.health().limiter_used["read"] == 0.0
    trader.fetch_balance()
    assert trader.health().limiter_used["read"] > 0.0
    assert 0.0 < used < 1.0


def test_last_contact_is_the_last_answer(trader: Trader) -> None:
    trader.fetch_status()
    first = trader.health().last_contact_at
    trader.ground.clock.advance(5)
    trader.suffer("lost before", reads=True)
    with pytest.raises(UnifiedExchangesError):
        trader.fetch_status()
    assert trader.health().last_contact_at == first


def test_failures_count_into_the_rate_and_make_unhealthy(trader: Trader) -> None:
    for _ in range(18):
        trader.fetch_status()
    fail(trader, 2)
    health = trader.health()
    assert (health.requests, health.errors, health.error_rate) == (20, 2, 0.1)
    reason = "10% of the requests of the last minute failed (2 of 20)"
    assert (health.is_healthy, health.reasons) == (False, (reason,))


def test_a_failure_among_few_requests_says_nothing_of_the_venue(
    trader: Trader,
) -> None:
    for _ in range(7):
        trader.fetch_status()
    fail(trader, 1)
    health = trader.health()
    assert (health.requests, health.errors, health.error_rate) == (8, 1, 0.125)
    assert (health.is_healthy, health.alerts) == (True, ())


def test_many_failures_among_few_requests_are_told(trader: Trader) -> None:
    for _ in range(6):
        trader.fetch_status()
    fail(trader, 2)
    health = trader.health()
    assert [alert.partition(":")[0] for alert in health.alerts] == [
        "the share of failed requests is 25%, above 5%"
    ]
    assert not health.is_healthy


def test_how_many_requests_an_alert_needs_is_the_caller_s_to_say(
    trader: Trader,
) -> None:
    flavour = "async" if trader.is_async else "blocking"
    eager = trader.ground.trader(
        flavour, retry=IMPATIENT, alerts=AlertPolicy(least_requests=2)
    )
    eager.fetch_status()
    fail(eager, 1)
    assert eager.health().reasons == (
        "50% of the requests of the last minute failed (1 of 2)",
    )


def test_that_nothing_works_is_told_of_the_first_request_on(trader: Trader) -> None:
    fail(trader, 1)
    assert trader.health().reasons == (
        "100% of the requests of the last minute failed (1 of 1)",
    )


def test_requests_and_errors_are_those_of_the_last_minute(trader: Trader) -> None:
    fail(trader, 3)
    trader.ground.clock.advance(30)
    for _ in range(2):
        trader.fetch_status()
    trader.rest(trader.quoted_market())
    before = trader.health()
    assert (before.errors, before.error_rate) == (3, 3 / before.requests)
    trader.ground.clock.advance(31)
    health = trader.health()
    assert (health.requests, health.errors) == (before.requests - 3, 0)
    assert (health.error_rate, health.is_healthy) == (0.0, True)
    # An answer that is an error has a latency too.
    assert health.latency.count == before.latency.count - 3
    trader.ground.clock.advance(30)
    health = trader.health()
    assert (health.requests, health.errors) == (0, 0)
    assert health.latency.count == health.acknowledgement.count == 0
    assert health.last_contact_at == before.last_contact_at


def test_fault_44_a_wall_clock_that_is_set_changes_no_minute(trader: Trader) -> None:
    fail(trader, 3)
    for hours in (2, -5):
        clock = trader.ground.clock
        clock.step(hours * 3_600)
        assert trader.health().errors == 3
    clock.advance(61)
    assert trader.health().errors == 0


def fail(trader: Trader, times: int) -> None:
    for _ in range(times):
        trader.suffer("503", reads=True)
        with pytest.raises(UnifiedExchangesError):
            trader.fetch_status()


def test_a_refusal_is_not_a_failure_of_the_venue(trader: Trader) -> None:
    with pytest.raises(UnifiedExchangesError):
        trader.fetch_market("NO-SUCH-MARKET")
    assert trader.health().is_healthy


def test_fault_44_a_clock_far_off_is_a_reason(trader: Trader) -> None:
    trader.fetch_status()
    inner = trader.ground.venue.handle

    def behind(request: Request) -> Response:
        answer = inner(request)
        answer.headers["date"] = "Sat, 21 Nov 2026 00:00:00 GMT"  # type: ignore[index]
        return answer

    trader.ground.venue.handle = behind  # type: ignore[method-assign]
    trader.fetch_status()
    assert any("clock differs" in reason for reason in trader.health().reasons)


def test_a_key_whose_rights_lapsed_is_a_reason(trader: Trader) -> None:
    trader.exchange.venue.note_key_expiry(int(trader.ground.clock.now()) - 1)
    assert any("rights lapsed" in reason for reason in trader.health().reasons)


@pytest.mark.parametrize("begun", [0.0, 0.5, 0.999])
def test_the_last_minute_is_so_many_whole_seconds_and_the_begun_one(
    begun: float,
) -> None:
    clock = VirtualClock()
    telemetry = Telemetry(clock)
    clock.advance(begun)
    telemetry.unanswered()
    answered(telemetry, 0.010)
    clock.advance(MINUTE)
    assert telemetry.counts == Counts(2, 1)
    assert telemetry.latency.count == 1
    clock.advance(1 - begun)
    assert telemetry.counts == Counts(0, 0)
    assert telemetry.latency == Latency(None, None, None, 0)


def test_all_of_a_busy_minute_count_not_the_last_few() -> None:
    clock = VirtualClock()
    telemetry = Telemetry(clock)
    for _ in range(50):
        telemetry.unanswered()
        answered(telemetry, 5.0)
    for _ in range(59):
        clock.advance(1)
        for _ in range(100):
            answered(telemetry, 0.010)
    assert telemetry.counts == Counts(6_000, 50)
    told = telemetry.latency
    assert (told.count, told.p50_ms, told.p99_ms) == (5_950, 10.0, 10.0)
    clock.advance(2)
    assert telemetry.counts == Counts(5_900, 0)


def test_memory_is_bounded_however_much_comes() -> None:
    clock = VirtualClock()
    telemetry = Telemetry(clock)
    rng = Random(7)
    for _ in range(3):
        clock.advance(1)
        for _ in range(5_000):
            telemetry.delivered(10 ** rng.uniform(-9, 9))
    assert telemetry.message_latency.count == 15_000
    assert max(len(second.messages) for second in telemetry._seconds) <= 1_164
    for _ in range(200):
        clock.advance(1)
        telemetry.unanswered()
    assert len(telemetry._seconds) == MINUTE + 1


@given(st.lists(st.floats(2e-5, 1e4), min_size=1, max_size=200))
def test_p20_percentiles_are_right_to_two_percent(durations: list[float]) -> None:
    telemetry = Telemetry(VirtualClock())
    for took in durations:
        answered(telemetry, took)
    told, ordered = telemetry.latency, sorted(durations)
    for share, found in ((0.5, told.p50_ms), (0.9, told.p90_ms), (0.99, told.p99_ms)):
        exact = ordered[round((len(ordered) - 1) * share)]
        assert found == pytest.approx(exact * 1000, rel=0.0201, abs=0.0006)
    assert told.count == len(durations)


def test_what_took_no_time_or_ages_is_counted_too() -> None:
    telemetry = Telemetry(VirtualClock())
    answered(telemetry, 0.0)
    assert telemetry.latency == Latency(0.0, 0.0, 0.0, 1)
    answered(telemetry, 1e9)
    assert telemetry.latency.p99_ms == 1e12


def test_p20_threads_lose_no_request_in_counting() -> None:
    telemetry = Telemetry(VirtualClock())

    def count() -> None:
        for _ in range(2_000):
            telemetry.answered(1.0, 0.010, is_order=False, failed=True)
            assert telemetry.counts.requests <= 8_000

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert telemetry.counts == Counts(8_000, 8_000)
    assert telemetry.latency == Latency(10.0, 10.0, 10.0, 8_000)


def test_latency_is_in_milliseconds() -> None:
    telemetry = Telemetry(VirtualClock())
    for number in range(1, 101):
        telemetry.answered(1.0, number / 1000, is_order=True, failed=False)
    told = telemetry.acknowledgement
    assert (told.p50_ms, told.p90_ms, told.p99_ms) == pytest.approx((51, 90, 99), 0.02)
    assert (told.count, telemetry.latency.count) == (100, 0)


def answered(telemetry: Telemetry, took: float) -> None:
    telemetry.answered(1.0, took, is_order=False, failed=False)


# -- asking ----------------------------------------------------------------------------


def test_a_check_asks_for_the_status_and_remembers_what_it_found(
    trader: Trader,
) -> None:
    assert trader.is_healthy
    assert trader.check_health().is_healthy
    trader.suffer("lost before", reads=True)
    health = trader.check_health()
    assert (health.is_healthy, trader.is_healthy) == (False, False)
    assert "could not be asked" in health.reasons[0]


def test_a_venue_that_does_not_trade_is_not_healthy(trader: Trader) -> None:
    ground = trader.ground
    assert isinstance(ground, KalshiGround)
    ground.kalshi.engine.pause(whole_exchange=True)
    assert trader.check_health().reasons[0] == "the venue is not active"
    ground.kalshi.engine.resume(whole_exchange=True)
    assert trader.check_health().is_healthy
    assert trader.is_healthy


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_fault_06_a_check_that_runs_by_itself_has_a_short_time(flavour: str) -> None:
    clock = VirtualClock()
    venue = toy(clock, retry=RetryPolicy(attempts=1_000))
    rig = Rig(flavour, [answer({}, 503)] * 1_000, clock)
    told: Health = rig.run(venue.check_health(within=venue.time_for_check(30.0)))
    assert not told.is_healthy
    assert clock.monotonic() <= 5.0
    assert max(request.timeout for request in rig.requests) <= 5.0


def test_a_check_has_time_enough_however_often_it_runs() -> None:
    assert [toy().time_for_check(n) for n in (0.01, 3.0, 60.0)] == [1.0, 3.0, 5.0]


# -- checks by themselves --------------------------------------------------------------


class Broken:
    """A transport with a fault of its own, in both flavours."""

    def __init__(self) -> None:
        self.asked = 0

    def send(self, request: Request) -> Response:
        self.asked += 1
        raise RuntimeError("a fault of the transport")

    def sleep(self, seconds: float) -> None:
        raise AssertionError

    def close(self) -> None:
        pass


class AsyncBroken(Broken):
    async def send(self, request: Request) -> Response:  # type: ignore[override]
        return super().send(request)

    async def sleep(self, seconds: float) -> None:  # type: ignore[override]
        raise AssertionError

    async def close(self) -> None:  # type: ignore[override]
        pass


def test_a_fault_that_nobody_expected_does_not_end_the_checks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Broken()
    with Kalshi(environment="demo", transport=broken, limits=FREE) as kalshi:
        kalshi.start_health_checks(0.01)
        assert eventually(lambda: broken.asked > 2)
        assert not kalshi.is_healthy
        assert "a fault of the transport" in kalshi.health().reasons[0]
    assert "failed unexpectedly" in caplog.text


async def test_a_fault_that_nobody_expected_does_not_end_the_async_checks() -> None:
    broken = AsyncBroken()
    async with AsyncKalshi(environment="demo", transport=broken, limits=FREE) as kalshi:
        await kalshi.start_health_checks(0.01)
        assert await eventually_async(lambda: broken.asked > 2)
        assert not kalshi.is_healthy
        assert "a fault of the transport" in kalshi.health().reasons[0]


@pytest.fixture
def plan() -> FaultPlan:
    return FaultPlan()


@pytest.fixture
def made(plan: FaultPlan) -> Iterator[dict[str, Any]]:
    venue = SimulatedKalshi(clock=VirtualClock(), enforce_limits=False)
    with SimulatorServer(venue, faults=plan) as server:
        # Both clocks stand still together, or the health would tell of the difference.
        yield {
            "environment": f"{server.url}/trade-api/v2",
            "clock": VirtualClock(),
            "limits": FREE,
            "retry": IMPATIENT,
        }


def down() -> Any:
    return unavailable(count=None, path="/exchange/status")


def eventually(is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not is_so() and time.monotonic() < end:
        threading.Event().wait(0.005)
    return is_so()


async def eventually_async(is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5
    while not is_so() and time.monotonic() < end:  # noqa: ASYNC110 - untold
        await asyncio.sleep(0.005)
    return is_so()


def checkers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "unified-exchanges-health"]


def test_checks_notice_that_the_venue_goes_down_and_comes_back(
    made: dict[str, Any], plan: FaultPlan
) -> None:
    with Kalshi(**made) as kalshi:
        for _ in range(50):
            answered(kalshi.venue.telemetry, 0.0)
        kalshi.start_health_checks(0.01)
        assert eventually(lambda: kalshi.health().requests > 1)
        assert kalshi.is_healthy
        plan.add(down())
        assert eventually(lambda: not kalshi.is_healthy)
        plan.clear()
        for _ in range(50):
            answered(kalshi.venue.telemetry, 0.0)
        assert eventually(lambda: kalshi.is_healthy), kalshi.health().reasons
    assert checkers() == []


async def test_checks_of_the_async_flavour_notice_it_too(
    made: dict[str, Any], plan: FaultPlan
) -> None:
    async with AsyncKalshi(**made) as kalshi:
        await kalshi.start_health_checks(0.01)
        assert await eventually_async(lambda: kalshi.health().requests > 1)
        assert kalshi.is_healthy
        plan.add(down())
        assert await eventually_async(lambda: not kalshi.is_healthy)
        plan.clear()
        for _ in range(50):
            answered(kalshi.venue.telemetry, 0.0)
        assert await eventually_async(lambda: kalshi.is_healthy)
    assert len(asyncio.all_tasks()) == 1


def test_one_thread_checks_however_often_it_is_started(made: dict[str, Any]) -> None:
    with Kalshi(**made) as kalshi:
        kalshi.start_health_checks(0.01)
        kalshi.start_health_checks(30)
        assert len(checkers()) == 1
        kalshi.stop_health_checks()
        assert checkers() == []
        kalshi.stop_health_checks()


async def test_one_task_checks_however_often_it_is_started(
    made: dict[str, Any],
) -> None:
    async with AsyncKalshi(**made) as kalshi:
        await kalshi.start_health_checks(0.01)
        await kalshi.start_health_checks(30)
        await kalshi.stop_health_checks()
        assert len(asyncio.all_tasks()) == 1
        await kalshi.stop_health_checks()


def test_closing_ends_a_long_wait_between_checks(made: dict[str, Any]) -> None:
    kalshi = Kalshi(**made)
    kalshi.start_health_checks(3_600)
    assert eventually(lambda: kalshi.health().requests == 1)
    started = time.monotonic()
    kalshi.close()
    assert time.monotonic() - started < 2
    kalshi.close()
