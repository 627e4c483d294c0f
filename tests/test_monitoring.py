"""What requests tell an observer, and what they cost where nobody observes."""

from __future__ import annotations

import gc
import logging
import weakref
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.flavours import FLAVOURS, Rig
from tests.observing import Remembering
from tests.toy import answer, get, page, toy
from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges import AlertPolicy
from unified_exchanges.clock import ClockOffset, VirtualClock
from unified_exchanges.description import Environment
from unified_exchanges.errors import (
    ConnectionLost,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Request, Response, collect
from unified_exchanges.models import Trade
from unified_exchanges.monitor import Monitor, environment_label
from unified_exchanges.observer import RECONNECTS, REQUESTS, STALE_TIME
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.telemetry import Telemetry
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.venues.kalshi.families import family_of

IMPATIENT = RetryPolicy(attempts=1)
DEMO = ("kalshi", "demo")
TOY = ("toy", "demo")
FULL = (
    "the used share of the limiter is {}, above 0.80: ask less often, or requests will "
    "wait here"
)


@pytest.fixture
def seen() -> Remembering:
    return Remembering()


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def trader(flavour: str, seen: Remembering) -> Trader:
    ground = KalshiGround(enforce_limits=False)
    return ground.trader(flavour, retry=IMPATIENT, observer=seen)


# -- requests --------------------------------------------------------------------------


def test_every_request_is_counted_once_as_health_counts_it(
    trader: Trader, seen: Remembering
) -> None:
    market = trader.quoted_market()
    trader.rest(market)
    with pytest.raises(UnifiedExchangesError):
        trader.fetch_market("NO-SUCH-MARKET")
    trader.suffer("503", reads=True)
    with pytest.raises(UnifiedExchangesError):
        trader.fetch_status()
    trader.suffer("lost before", reads=True)
    with pytest.raises(UnifiedExchangesError):
        trader.fetch_status()
    counted = {labels: n for (name, labels), n in seen.counts.items()}
    health = trader.health()
    assert sum(counted.values()) == health.requests == len(trader.transport.requests)
    assert counted[*DEMO, "orders", "ok"] == 1
    assert counted[*DEMO, "markets", "refused"] >= 1
    assert counted[*DEMO, "exchange", "failed"] == 1
    assert counted[*DEMO, "exchange", "unanswered"] == 1
    assert health.errors == 2


def test_an_order_s_acknowledgement_is_a_histogram_of_its_own(
    trader: Trader, seen: Remembering
) -> None:
    trader.rest(trader.quoted_market())
    health = trader.health()
    acknowledged = seen.values["order.acknowledgement", (*DEMO, "orders")]
    reads = [v for (n, _), v in seen.values.items() if n == "request.duration"]
    assert len(acknowledged) == health.acknowledgement.count == 1
    assert sum(map(len, reads)) == health.latency.count


def test_a_throttled_request_is_told_as_such(flavour: str, seen: Remembering) -> None:
    venue = toy(observer=seen, retry=RetryPolicy(attempts=2))
    rig = Rig(flavour, [answer({}, 429), answer({})], venue.clock)  # type: ignore[arg-type]
    rig.run(venue.request("GET", "/x"))
    assert dict(seen.counts) == {
        ("requests", (*TOY, "reads", "throttled")): 1,
        ("requests", (*TOY, "reads", "ok")): 1,
    }


def test_a_page_that_was_asked_for_ahead_is_counted_once(
    flavour: str, seen: Remembering
) -> None:
    venue = toy(observer=seen, limited=False)
    lines = [page(["a"], "1"), page(["b"], "2"), page(["c"])]
    rig = Rig(flavour, lines, venue.clock)  # type: ignore[arg-type]
    assert rig.run(collect(venue.items(ahead=True))) == ["a", "b", "c"]
    assert dict(seen.counts) == {("requests", (*TOY, "reads", "ok")): 3}


def test_a_page_asked_for_ahead_that_is_lost_is_counted(
    flavour: str, seen: Remembering
) -> None:
    venue = toy(observer=seen, limited=False)
    lost = ConnectionLost("reset")
    rig = Rig(flavour, [page(["a"], "1"), lost, page(["b"])], venue.clock)  # type: ignore[arg-type]
    assert rig.run(collect(venue.items(ahead=True))) == ["a", "b"]
    assert dict(seen.counts) == {
        ("requests", (*TOY, "reads", "ok")): 2,
        ("requests", (*TOY, "reads", "unanswered")): 1,
    }


def test_what_is_written_and_what_is_ordered_have_families_of_their_own() -> None:
    venue = toy()
    order, write = get("/x", is_order=True), get("/x")
    write.method = "POST"
    assert [venue.family(x) for x in (order, write)] == ["orders", "writes"]


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("/portfolio/events/orders", "orders"),
        ("/portfolio/events/orders/batched", "orders"),
        ("/portfolio/orders/0f2c-11", "orders"),
        ("/historical/orders", "orders"),
        ("/markets/KX-1/orderbook", "order_books"),
        ("/series/KX/markets/KX-1/candlesticks", "candles"),
        ("/markets/trades", "trades"),
        ("/portfolio/balance", "portfolio"),
        ("/exchange/status", "exchange"),
        ("/anything/a-user/may/ask", "other"),
    ],
)
def test_a_family_is_one_of_few_whatever_is_asked(path: str, family: str) -> None:
    assert family_of(path) == family


# -- the limiter -----------------------------------------------------------------------


def test_a_wait_for_the_limiter_is_told(flavour: str, seen: Remembering) -> None:
    venue = toy(observer=seen)
    venue.bucket("read").take(venue.clock.monotonic(), 100)
    rig = Rig(flavour, [answer({})], venue.clock)  # type: ignore[arg-type]
    rig.run(venue.request("GET", "/x"))
    assert seen.values["limiter.wait", (*TOY, "reads")] == [rig.sleeps[0]]


def test_the_limiter_s_use_is_shown_and_is_an_alert(
    flavour: str, seen: Remembering, caplog: pytest.LogCaptureFixture
) -> None:
    venue = toy(observer=seen)
    assert seen.shown("limiter.used") == {}
    rig = Rig(flavour, [answer({})] * 2, venue.clock)  # type: ignore[arg-type]
    rig.run(venue.request("GET", "/x"))
    assert seen.shown("limiter.used") == {(*TOY, "read"): pytest.approx(0.1)}
    assert venue.health().alerts == ()
    venue.bucket("read").take(venue.clock.monotonic(), 75)
    rig.run(venue.request("GET", "/x"))
    assert venue.health().alerts == (FULL.format("0.95"),)
    assert [r.name for r in caplog.records].count("unified_exchanges.alerts") == 1


def test_a_call_that_the_limiter_refuses_is_an_alert_though_nothing_is_sent(
    flavour: str,
) -> None:
    venue = toy(retry=RetryPolicy(deadline=1.0))
    venue.bucket("read").take(venue.clock.monotonic(), 100)
    for _ in range(2):
        with pytest.raises(RateLimitExceeded):
            Rig(flavour, [], venue.clock).run(venue.request("GET", "/x"))  # type: ignore[arg-type]
    assert venue.monitor.alerts.current == (FULL.format("1.00"),)


# -- thresholds ------------------------------------------------------------------------


def test_slow_orders_and_failing_requests_are_alerts(
    trader: Trader, caplog: pytest.LogCaptureFixture
) -> None:
    inner, clock = trader.ground.venue.handle, trader.ground.clock

    def slow(request: Request) -> Response:
        clock.advance(0.3)
        return inner(request)

    market = trader.quoted_market()
    trader.ground.venue.handle = slow  # type: ignore[method-assign]
    trader.rest(market)
    for _ in range(20):
        trader.suffer("503", reads=True)
        with pytest.raises(UnifiedExchangesError):
            trader.fetch_status()
    told = trader.health().alerts
    assert told[0].startswith("the acknowledgement of orders is 300 ms, above 100 ms:")
    assert told[1].startswith("the share of failed requests is ")
    assert len([r for r in caplog.records if r.name.endswith(".alerts")]) == 2
    trader.ground.venue.handle = inner  # type: ignore[method-assign]
    clock.advance(61)
    trader.fetch_status()
    assert trader.health().alerts == ()


def test_the_threshold_of_errors_is_also_that_of_health(flavour: str) -> None:
    ground = KalshiGround(enforce_limits=False)
    trader = ground.trader(flavour, retry=IMPATIENT, alerts=AlertPolicy(errors=None))
    trader.suffer("503", reads=True)
    with pytest.raises(UnifiedExchangesError):
        trader.fetch_status()
    health = trader.health()
    assert (health.error_rate, health.is_healthy, health.alerts) == (1.0, True, ())


def test_the_limiter_is_not_read_where_its_alert_is_off() -> None:
    venue = toy(alerts=AlertPolicy(limiter_used=None))
    venue.bucket("read").take(venue.clock.monotonic(), 100)
    assert venue.health().alerts == ()


# -- gauges ----------------------------------------------------------------------------


def test_the_clock_offset_is_shown_once_it_is_known(
    trader: Trader, seen: Remembering
) -> None:
    assert seen.shown("clock.offset") == {}
    trader.fetch_status()
    inner = trader.ground.venue.handle

    def dated(request: Request) -> Response:
        answered = inner(request)
        answered.headers["date"] = "Sun, 06 Nov 2033 08:49:37 GMT"  # type: ignore[index]
        return answered

    trader.ground.venue.handle = dated  # type: ignore[method-assign]
    trader.fetch_status()
    shown = seen.shown("clock.offset")[DEMO]
    assert shown * 1000 == pytest.approx(trader.health().clock_offset_ms, abs=1)


def test_unresolved_orders_are_a_gauge_of_whoever_counts_them(
    trader: Trader, seen: Remembering, caplog: pytest.LogCaptureFixture
) -> None:
    monitor = trader.exchange.venue.monitor
    assert seen.shown("unresolved_orders") == {DEMO: 0.0}
    assert trader.health().unresolved_orders == 0
    monitor.unresolved = lambda: 3
    assert seen.shown("unresolved_orders") == {DEMO: 3.0}
    assert trader.health().unresolved_orders == 3

    def broken() -> int:
        raise OSError("the file is gone")

    monitor.unresolved = broken
    assert trader.health().unresolved_orders is None
    assert "unresolved orders cannot be counted" in caplog.text


def test_a_closed_exchange_shows_nothing_and_keeps_its_counts(
    trader: Trader, seen: Remembering
) -> None:
    trader.fetch_status()
    assert len(seen.shown("limiter.used")) == 1
    closing = "aclose" if trader.is_async else "close"
    for _ in range(2):
        getattr(trader, closing)()
    assert seen.shown("limiter.used") == seen.shown("stale_books") == {}
    assert sum(seen.counts.values()) == 1


def test_an_exchange_that_is_dropped_is_not_kept_by_its_gauges(
    seen: Remembering,
) -> None:
    venue = toy(observer=seen)
    gone = weakref.ref(venue)
    assert seen.shown("stale_books") == {TOY: 0.0}
    del venue
    gc.collect()
    assert gone() is None
    assert seen.shown("stale_books") == {}


def test_several_exchanges_share_an_observer(seen: Remembering) -> None:
    first, second = toy(observer=seen), toy(observer=seen)
    first.monitor.unresolved = second.monitor.unresolved = lambda: 2
    assert seen.shown("unresolved_orders") == {TOY: 4.0}
    first.bucket("read").take(0.0, 10)
    second.bucket("read").take(0.0, 90)
    assert seen.shown("limiter.used") == {(*TOY, "read"): pytest.approx(0.9)}


# -- what an observer may do -----------------------------------------------------------


class Failing:
    """Cannot do anything."""

    def count(self, *_: object) -> None:
        raise RuntimeError("full")

    def record(self, *_: object) -> None:
        raise RuntimeError("full")

    def follow(self, *_: object) -> Any:
        raise RuntimeError("full")


def test_an_observer_that_fails_does_no_harm_and_is_told_ever_less_often(
    flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    ground = KalshiGround(enforce_limits=False)
    trader = ground.trader(flavour, observer=Failing())
    order = trader.rest(trader.quoted_market())
    assert order.is_open
    told = [r for r in caplog.records if "the observer failed" in r.getMessage()]
    assert 1 <= len(told) < 6
    assert "RuntimeError: full" in caplog.text


class Careless(Failing):
    """Follows gauges, and says nothing of how to end that."""

    def follow(self, *_: object) -> Any:
        return None


def test_an_observer_with_nothing_to_undo_lets_the_exchange_close(
    flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    trader = KalshiGround(enforce_limits=False).trader(flavour, observer=Careless())
    trader.do(trader.exchange.aclose if trader.is_async else trader.exchange.close)
    assert "the observer failed" not in caplog.text


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("production", "production"),
        ("http://127.0.0.1:8790/trade-api/v2", "local"),
        ("https://relay.test/Zm9vYmFyc2VjcmV0/v2", "custom"),
    ],
)
def test_fault_48_the_address_of_an_environment_is_no_label(
    name: str, label: str
) -> None:
    environment = Environment(name=name, rest=name)
    assert environment_label(environment, ["production", "demo"]) == label


# -- messages --------------------------------------------------------------------------


def monitor_of(clock: VirtualClock, seen: Remembering | None, **more: Any) -> Monitor:
    fields = {"offset": ClockOffset(clock), "telemetry": Telemetry(clock), **more}
    return Monitor(
        seen,
        AlertPolicy(),
        venue="toy",
        environment="demo",
        clock=clock,
        used=toy()._used,
        **fields,
    )


def trade_at(moment: float) -> Trade:
    return Trade(
        venue="toy",
        market_id="A",
        trade_id="1",
        outcome="yes",
        price=1,  # type: ignore[arg-type]
        size=1,  # type: ignore[arg-type]
        taker_side=None,
        created_at=datetime.fromtimestamp(moment, UTC),
    )


def test_fault_44_a_message_s_age_is_corrected_by_the_clock_offset(
    seen: Remembering,
) -> None:
    clock = VirtualClock(1_000.0)
    offset, telemetry = ClockOffset(clock), Telemetry(clock)
    # The venue's clock is ten seconds ahead of ours.
    offset.observe("Thu, 01 Jan 1970 00:16:50 GMT", 1_000.0, 1_000.0)
    assert offset.seconds == 10.0
    monitor = monitor_of(clock, seen, offset=offset, telemetry=telemetry)
    delivery = monitor.delivery("trades", 1_000.0)
    clock.advance(1.0)
    delivery.measure(trade_at(1_010.75))
    assert seen.values["message.latency", ("toy", "demo", "trades")] == [0.25]
    assert telemetry.message_latency.p50_ms == 250.0
    (told,) = monitor.alerts.current
    assert told.startswith("the latency of messages is 250 ms, above 50 ms: ")


def test_fault_44_what_was_before_a_consumer_is_so_by_the_venue_s_clock(
    seen: Remembering,
) -> None:
    clock = VirtualClock(1_000.0)
    offset = ClockOffset(clock)
    offset.observe("Thu, 01 Jan 1970 00:16:50 GMT", 1_000.0, 1_000.0)
    delivery = monitor_of(clock, seen, offset=offset).delivery("trades", 1_000.0)
    delivery.measure(trade_at(1_009.75))
    assert dict(seen.values) == {}
    clock.advance(0.5)
    delivery.measure(trade_at(1_010.0))
    assert seen.values["message.latency", ("toy", "demo", "trades")] == [0.5]


def test_thresholds_are_looked_at_four_times_a_second_at_most() -> None:
    venue = toy()
    clock, monitor = venue.clock, venue.monitor
    assert isinstance(clock, VirtualClock)
    monitor.look()
    venue.bucket("read").take(clock.monotonic(), 100)
    for _ in range(3):
        monitor.look()
    assert monitor.alerts.current == ()
    clock.advance(0.25)
    monitor.look()
    assert len(monitor.alerts.current) == 1


def test_a_slow_read_is_no_slow_order() -> None:
    venue = toy()
    venue.telemetry.answered(1.0, 0.01, is_order=True, failed=False)
    venue.telemetry.answered(1.0, 9.0, is_order=False, failed=False)
    assert venue.health().alerts == ()


def test_a_message_from_the_future_is_as_new_as_can_be(seen: Remembering) -> None:
    clock = VirtualClock(1_000.0)
    delivery = monitor_of(clock, seen).delivery("trades", 1_000.0)
    delivery.measure(trade_at(1_000.5))
    assert seen.values["message.latency", ("toy", "demo", "trades")] == [0.0]


def test_what_was_before_a_consumer_came_says_nothing(seen: Remembering) -> None:
    clock = VirtualClock(1_000.0)
    delivery = monitor_of(clock, seen).delivery("trades", 1_000.0)
    delivery.measure(trade_at(999.0))
    delivery.measure("a gap has no time of the venue")
    assert dict(seen.values) == {}


def turns(seen: Remembering | None, policy: AlertPolicy) -> list[bool]:
    venue = toy(observer=seen, alerts=policy)
    told = venue.monitor.delivery("trades", 0.0).turns
    return [next(told) for _ in range(16 + 3 * 64)]


def test_all_is_measured_for_an_observer_and_a_sample_for_an_alert(
    seen: Remembering,
) -> None:
    off = AlertPolicy(latency_ms=None)
    assert turns(seen, off) == turns(seen, AlertPolicy()) == [True] * 208
    assert turns(None, off) == [False] * 208
    sampled = turns(None, AlertPolicy())
    assert sampled[:16] == [True] * 16
    assert [n for n, turn in enumerate(sampled[16:]) if turn] == [63, 127, 191]


def test_without_an_observer_nothing_is_told() -> None:
    clock = VirtualClock(1_000.0)
    monitor = monitor_of(clock, None)
    monitor.answered("orders", 200, 0.1, is_order=True)
    monitor.unanswered("orders")
    monitor.held_back("orders", 1.0)
    monitor.reconnected()
    monitor.books_lost(["A"])
    monitor.book_whole("A")
    monitor.delivery("trades", 1_000.0).measure(trade_at(1_000.0))
    monitor.close()
    assert monitor.alerts.current == ()


def test_a_monitor_whose_owner_is_gone_reads_no_limiter(seen: Remembering) -> None:
    monitor = monitor_of(VirtualClock(), seen)
    gc.collect()
    assert seen.shown("limiter.used") == {}
    assert monitor.review() == ()


def test_names_of_metrics_are_stable() -> None:
    assert [m.name for m in (REQUESTS, RECONNECTS, STALE_TIME)] == [
        "requests",
        "stream.reconnects",
        "book.stale.duration",
    ]


def test_limits_that_are_off_show_untouched_buckets(seen: Remembering) -> None:
    ground = KalshiGround(enforce_limits=False)
    off = LimitPolicy(enabled=False, discover=False)
    trader = ground.trader("blocking", observer=seen, limits=off)
    trader.fetch_status()
    assert set(seen.shown("limiter.used").values()) <= {0.0}


def test_whoever_hears_a_warning_may_ask_for_the_health(
    caplog: pytest.LogCaptureFixture,
) -> None:
    venue = toy()
    heard: list[tuple[str, ...]] = []

    class Asking(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            heard.append(venue.health().alerts)

    venue.bucket("read").take(venue.clock.monotonic(), 100)
    logger, handler = logging.getLogger("unified_exchanges.alerts"), Asking()
    logger.addHandler(handler)
    try:
        venue.health()
    finally:
        logger.removeHandler(handler)
    assert heard == [(FULL.format("1.00"),)]


def test_the_wall_clock_is_read_as_often_whatever_time_passes(flavour: str) -> None:
    """A cassette replays it reading by reading."""

    class Counting(VirtualClock):
        reads = 0

        def now(self) -> float:
            self.reads += 1
            return super().now()

    counted = []
    for pause in (0.0, 10.0):
        clock = Counting()
        venue = toy(clock)
        rig = Rig(flavour, [answer({})] * 3, clock)
        for _ in range(3):
            rig.run(venue.request("GET", "/x"))
            clock.advance(pause)
        counted.append(clock.reads)
    assert counted[0] == counted[1]


def test_fault_44_a_clock_that_is_set_back_does_not_silence_the_alerts(
    flavour: str,
) -> None:
    venue = toy()
    clock = venue.clock
    assert isinstance(clock, VirtualClock)
    rig = Rig(flavour, [answer({})] * 2, clock)
    rig.run(venue.request("GET", "/x"))
    clock.step(-3_600)
    venue.bucket("read").take(clock.monotonic(), 90)
    rig.run(venue.request("GET", "/x"))
    assert len(venue.monitor.alerts.current) == 1
