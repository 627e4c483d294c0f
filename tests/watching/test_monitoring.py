"""What streams tell an observer: messages' age, reconnects, and how long books are stale."""

from __future__ import annotations

from typing import Any

import pytest

import unified_exchanges as ux
from tests.observing import Remembering
from unified_exchanges.models import Reconnected, Subject
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.faults import StreamFault

from .face import DRIVERS, Scene, soon
from .face import MARKET as FACED
from .studio import AsyncConsumer, BlockingConsumer, Studio, wish

MARKET, OTHER = "KXRAINSEA-26NOV25-R", "KXGDPVALUE-27FEB-V"
DEMO = ("kalshi", "demo")
FREE = LimitPolicy(enabled=False, discover=False)


@pytest.fixture
def seen() -> Remembering:
    return Remembering()


@pytest.fixture
def studio(seen: Remembering) -> Studio:
    return Studio(observer=seen)


@pytest.fixture
def trader(studio: Studio) -> Any:
    return studio.ground.trader("blocking", limits=FREE)


@pytest.fixture(params=[BlockingConsumer, AsyncConsumer])
def watch(request: pytest.FixtureRequest, studio: Studio) -> Any:
    return lambda *args, **kwargs: request.param(studio, wish(*args, **kwargs))


def rest(trader: Any, market: str = MARKET) -> Any:
    return trader.create_order(market, "yes", "buy", "0.01", 1)


def ages(seen: Remembering, subject: Subject) -> list[float]:
    return seen.values["message.latency", (*DEMO, str(subject))]


# -- messages --------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["latest", "every"])
def test_a_book_s_age_is_from_the_venue_to_the_consumer(
    studio: Studio, seen: Remembering, trader: Any, watch: Any, policy: str
) -> None:
    books = watch(Subject.ORDER_BOOK, MARKET, policy=policy)
    studio.pass_time(10)
    books.take()
    seen.values.clear()
    rest(trader)
    studio.pump()
    studio.clock.advance(0.25)
    books.take()
    assert ages(seen, Subject.ORDER_BOOK) == [pytest.approx(0.25, abs=0.002)]
    assert studio.feed.health(studio.protocol.health()).latency.count >= 1


def test_fills_orders_and_trades_have_ages_too(
    studio: Studio, seen: Remembering, trader: Any, watch: Any
) -> None:
    subjects = (Subject.FILLS, Subject.ORDERS, Subject.TRADES)
    watches = [watch(subject) for subject in subjects]
    studio.pass_time(10)
    ask = trader.fetch_order_book(MARKET).ask.price
    trader.create_order(MARKET, "yes", "buy", ask, 1)
    studio.pump()
    studio.clock.advance(0.1)
    for each in watches:
        each.take()
    for subject in subjects:
        assert ages(seen, subject) == [pytest.approx(0.1, abs=0.002)] * len(
            ages(seen, subject)
        )
        assert ages(seen, subject)


def test_orders_that_were_open_before_and_notices_have_no_age(
    studio: Studio, seen: Remembering, trader: Any, watch: Any
) -> None:
    order = rest(trader)
    studio.clock.advance(100)
    orders = watch(Subject.ORDERS, events=True)
    studio.pass_time(10)
    orders.take()
    assert order.order_id in [getattr(x, "order_id", "") for x in orders.items]
    assert ages(seen, Subject.ORDERS) == []


def test_slow_messages_are_an_alert_told_once(
    studio: Studio, trader: Any, watch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    books = watch(Subject.ORDER_BOOK, MARKET)
    for _ in range(3):
        studio.pump()
        books.take()
    for _ in range(5):
        rest(trader)
        studio.pump()
        studio.clock.advance(0.5)
        books.take()
    (told,) = [r for r in caplog.records if r.name == "unified_exchanges.alerts"]
    assert "the latency of messages is 500 ms, above 50 ms" in told.getMessage()


# -- breaks ----------------------------------------------------------------------------


def test_fault_35_each_reconnect_is_counted_once(
    studio: Studio, seen: Remembering, watch: Any
) -> None:
    books = watch(Subject.ORDER_BOOK, MARKET, events=True)
    trades = watch(Subject.TRADES, events=True)
    studio.pass_time(10)
    assert seen.counts["stream.reconnects", DEMO] == 0
    for _ in range(3):
        studio.lose(2.0)
        studio.pass_time(20)
    books.take()
    trades.take()
    assert sum(isinstance(x, Reconnected) for x in books.items) == 3
    health = studio.feed.health(studio.protocol.health())
    assert seen.counts["stream.reconnects", DEMO] == health.connections - 1 == 3


def test_fault_31_stale_time_is_from_the_gap_to_the_next_whole_book(
    studio: Studio, seen: Remembering, trader: Any, watch: Any
) -> None:
    books = watch(Subject.ORDER_BOOK, MARKET)
    studio.pass_time(10)
    studio.frames.add(StreamFault("drop", frame="orderbook_delta"))
    studio.frames.add(
        StreamFault("delay", frame="orderbook_snapshot", seconds=1.5, count=1)
    )
    rest(trader)
    rest(trader)
    studio.pump()
    assert seen.shown("stale_books") == {DEMO: 1.0}
    studio.clock.advance(1.0)
    assert seen.shown("book.stale.age") == {DEMO: pytest.approx(1.0)}
    health = studio.feed.health(studio.protocol.health())
    assert health.stale_ms == pytest.approx(1_000)
    studio.pass_time(10)
    (lasted,) = seen.values["book.stale.duration", DEMO]
    assert lasted >= 1.0
    assert books.error is None
    assert seen.shown("stale_books") == seen.shown("book.stale.age") == {DEMO: 0.0}


def test_all_followed_books_are_stale_while_there_is_no_connection(
    studio: Studio, seen: Remembering, watch: Any
) -> None:
    kept = watch(Subject.ORDER_BOOK, MARKET, OTHER), watch(Subject.TICKER)
    studio.pass_time(10)
    studio.lose(5.0)
    assert seen.shown("stale_books") == {DEMO: 2.0}
    studio.pass_time(30)
    lasted = seen.values["book.stale.duration", DEMO]
    assert len(lasted) == 2
    assert all(5.0 <= each < 8.0 for each in lasted)
    assert kept


def test_books_that_nobody_follows_any_more_are_not_missed(
    studio: Studio, seen: Remembering, watch: Any
) -> None:
    first, second = watch(Subject.ORDER_BOOK, MARKET), watch(Subject.ORDER_BOOK, OTHER)
    both = watch(Subject.ORDER_BOOK, MARKET, OTHER)
    studio.pass_time(10)
    studio.lose(60.0)
    second.leave()
    assert seen.shown("stale_books") == {DEMO: 2.0}
    studio.feed.drop([OTHER])
    assert seen.shown("stale_books") == {DEMO: 1.0}
    first.leave()
    both.leave()
    assert seen.shown("stale_books") == {DEMO: 0.0}
    assert seen.values["book.stale.duration", DEMO] == []


def test_a_gap_of_something_else_makes_no_book_stale(
    studio: Studio, seen: Remembering, watch: Any
) -> None:
    books = watch(Subject.ORDER_BOOK, MARKET)
    studio.pass_time(10)
    at = studio.protocol.health().last_message_at
    assert at is not None
    studio.feed.handle([ux.Gap(subject=Subject.TRADES, reason="lost", at=at)])
    studio.feed.handle(
        [ux.Gap(subject=Subject.ORDER_BOOK, market_ids=(OTHER,), reason="lost", at=at)]
    )
    assert seen.shown("stale_books") == {DEMO: 0.0}
    assert books.error is None


# -- on a real socket ------------------------------------------------------------------


@pytest.mark.parametrize("driver", DRIVERS)
def test_fault_35_a_socket_that_breaks_is_told_in_every_flavour(
    seen: Remembering, driver: str
) -> None:
    local = ("kalshi", "local")
    with Scene() as scene:
        # A handshake with the server that is going away must not take long.
        face = scene.face(driver, observer=seen, timeout=2.0)
        watch = face.watch("order_book", FACED)
        watch.next()
        scene.bid("3")
        watch.next()
        key = ("message.latency", (*local, "order_book"))
        assert soon(lambda: bool(seen.values[key]))
        assert 0 <= min(seen.values[key]) < 5
        scene.go_down()
        assert soon(lambda: seen.shown("stale_books") == {local: 1.0})
        scene.come_up()
        watch.next(20.0)
        assert soon(lambda: seen.shown("stale_books") == {local: 0.0})
        # A server that goes away may take a connection once more.
        again = face.exchange.stream_health().connections - 1
        assert seen.counts["stream.reconnects", local] == again >= 1
        assert seen.values["book.stale.duration", local]
        requests = [n for (name, _), n in seen.counts.items() if name == "requests"]
        assert sum(requests) == face.exchange.health().requests
    assert seen.shown("stale_books") == {}
