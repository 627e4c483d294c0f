"""Health: what requests made so far tell, and checks that run by themselves."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.flavours import FLAVOURS, Rig
from tests.toy import answer, toy
from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import UnifiedExchangesError
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Health
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.simulator.faults import FaultPlan, unavailable
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.telemetry import Telemetry
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


def test_the_limiter_s_fill_falls_with_use(trader: Trader) -> None:
    trader.fetch_limits()
    full = trader.health().limiter["read"]
    trader.ground.clock.advance(60)
    assert trader.health().limiter["read"] == 1.0
    trader.fetch_balance()
    assert trader.health().limiter["read"] < 1.0
    assert full < 1.0


def test_last_contact_is_the_last_answer(trader: Trader) -> None:
    trader.fetch_status()
    first = trader.health().last_contact_at
    trader.ground.clock.advance(5)
    trader.suffer("lost before", reads=True)
    with pytest.raises(UnifiedExchangesError):
        trader.fetch_status()
    assert trader.health().last_contact_at == first


def test_failures_count_into_the_rate_and_make_unhealthy(trader: Trader) -> None:
    for _ in range(9):
        trader.fetch_status()
    trader.suffer("503", reads=True)
    with pytest.raises(UnifiedExchangesError):
        trader.fetch_status()
    health = trader.health()
    assert (health.requests, health.errors) == (10, 1)
    assert health.error_rate == 0.1
    assert not health.is_healthy
    assert health.reasons == ("10% of the requests of the last minute failed",)


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


def test_an_outage_is_over_a_minute_after_its_last_failure() -> None:
    telemetry = Telemetry()
    for _ in range(50):
        telemetry.unanswered(0.0)
    telemetry.answered(61.0, 0.010, is_order=False, failed=False)
    assert (telemetry.error_rate(59.0), telemetry.error_rate(61.0)) != (0.0, 0.0)
    assert telemetry.error_rate(61.0) == 0.0


def test_only_the_last_requests_count() -> None:
    telemetry = Telemetry()
    for _ in range(50):
        telemetry.unanswered(0)
    for _ in range(256):
        telemetry.answered(1.0, 0.010, is_order=False, failed=False)
    assert (telemetry.errors, telemetry.error_rate(1.0)) == (50, 0.0)
    assert telemetry.latency.p99 == 10.0


def test_p20_threads_lose_no_request_in_counting() -> None:
    telemetry = Telemetry()

    def count() -> None:
        for _ in range(2_000):
            telemetry.answered(1.0, 0.010, is_order=False, failed=True)
            assert telemetry.latency.count <= 256

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (telemetry.requests, telemetry.errors) == (8_000, 8_000)


def test_latency_is_in_milliseconds() -> None:
    telemetry = Telemetry()
    for number in range(1, 101):
        telemetry.answered(1.0, number / 1000, is_order=True, failed=False)
    told = telemetry.acknowledgement
    assert (told.p50, told.p90, told.p99, told.count) == (51, 90, 99, 100)


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
        for _ in range(300):
            kalshi.venue.telemetry.answered(
                kalshi.venue.clock.now(), 0, is_order=False, failed=False
            )
        kalshi.start_health_checks(0.01)
        assert eventually(lambda: kalshi.health().requests > 1)
        assert kalshi.is_healthy
        plan.add(down())
        assert eventually(lambda: not kalshi.is_healthy)
        plan.clear()
        for _ in range(300):
            kalshi.venue.telemetry.answered(
                kalshi.venue.clock.now(), 0, is_order=False, failed=False
            )
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
        for _ in range(300):
            kalshi.venue.telemetry.answered(
                kalshi.venue.clock.now(), 0, is_order=False, failed=False
            )
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
