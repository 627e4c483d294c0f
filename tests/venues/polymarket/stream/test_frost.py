"""A connection that answers pings and tells nothing any more is found out, and given up."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

import unified_exchanges as ux
from tests.watching.face import soon
from unified_exchanges.models import Level, OrderBook
from unified_exchanges.simulator.faults import StreamFault
from unified_exchanges.streams.protocol import BookWanted

from .desk import T0, A, MarketDesk, book, change, changes, gaps
from .scene import Scene
from .test_watching import levels, size_at

FROZEN = StreamFault("silence", after=2.0, seconds=3600, pings=True, pongs=True)


def rest(size: str = "7", *, at: int = 9, outcome: str = "yes") -> OrderBook:
    return OrderBook(
        venue="polymarket",
        market_id=A,
        outcome=outcome,
        bids=(Level(Decimal("0.45"), Decimal(size)),),
        asks=(),
        timestamp=datetime.fromtimestamp((T0 + at) / 1000, UTC),
    )


def pass_time(desk: MarketDesk, seconds: int) -> list[Any]:
    """Let time pass with answers to pings, until the connection is given up."""
    events: list[Any] = []
    for _ in range(seconds):
        desk.clock.advance(1)
        for text in desk.sent():
            if text == "PING":
                desk.tell("PONG")
        events += desk.stream.poll()
        if desk.stream.broken:
            break
    return events


def renew(desk: MarketDesk, *frames: Any) -> None:
    list(desk.stream.connection_lost(desk.stream.broken))
    desk.live(*frames)


# -- frame by frame ------------------------------------------------------------------


def test_fault_33_a_book_that_rest_proves_wrong_and_that_does_not_come_is_frost() -> (
    None
):
    desk = MarketDesk().follow().live()
    [gap] = gaps(desk.stream.doubt(A, "1 levels differ from REST"))
    assert gap.market_ids == (A,)
    pass_time(desk, 4)
    assert not desk.stream.broken
    pass_time(desk, 3)
    assert "frozen: REST has another book" in desk.stream.broken
    assert "frozen" in desk.stream.health().last_error
    [lost] = gaps(desk.stream.connection_lost(desk.stream.broken))
    assert lost.subject is None


@pytest.mark.parametrize("frame", [changes(change("0.44", "3")), book(at=5)])
def test_a_connection_that_tells_anything_is_not_frozen(frame: Any) -> None:
    desk = MarketDesk().follow().follow(A, outcome="no").live()
    list(desk.stream.doubt(A, "it differs", "no"))
    pass_time(desk, 2)
    desk.tell(frame)
    pass_time(desk, 60)
    assert not desk.stream.broken


def test_a_quiet_market_is_not_frozen() -> None:
    desk = MarketDesk().follow().live()
    pass_time(desk, 3_600)
    assert not desk.stream.broken
    assert desk.stream.health().state == "live"


def test_books_that_do_not_come_though_they_are_asked_for_thrice_are_frost() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    asked = 0
    began = desk.clock.monotonic()
    while not desk.stream.broken:
        for event in pass_time(desk, 1):
            if isinstance(event, BookWanted):
                asked += 1
                list(desk.stream.load(rest()))
                assert desk.is_live
    assert asked == 1
    assert desk.clock.monotonic() - began == pytest.approx(36, abs=2)
    assert "asked for 3 times" in desk.stream.broken


def test_a_book_of_rest_is_enough_where_the_connection_tells_its_changes() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    pass_time(desk, 7)
    list(desk.stream.load(rest()))
    desk.tell(changes(change("0.44", "3"), at=10))
    pass_time(desk, 600)
    assert not desk.stream.broken
    assert desk.is_live
    assert not desk.stream._awaited


def test_a_command_that_was_lost_is_said_again_though_rest_has_the_book() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    pass_time(desk, 7)
    list(desk.stream.load(rest()))
    desk.tell(book(token="999"))
    desk.clock.advance(10)
    desk.stream.poll()
    said = desk.asked()
    assert [x["operation"] for x in said] == ["unsubscribe", "subscribe"]
    assert desk.is_live


def test_one_token_that_rest_shows_to_move_unheard_is_frost_though_others_are_told() -> (
    None
):
    desk = MarketDesk().follow().follow(A, outcome="no")
    desk.live(book(), book("222"))
    list(desk.stream.doubt(A, "it differs"))
    pass_time(desk, 2)
    desk.tell(book("222", at=5))
    pass_time(desk, 5)
    list(desk.stream.load(rest(at=20)))
    desk.tell(book("222", at=30))
    list(desk.stream.doubt(A, "it differs again"))
    pass_time(desk, 1)
    assert "nothing more of it is told" in desk.stream.broken


def test_the_next_one_is_not_given_up_within_a_minute_and_is_degraded_meanwhile() -> (
    None
):
    desk = MarketDesk().follow().live()
    list(desk.stream.doubt(A, "it differs"))
    pass_time(desk, 10)
    assert desk.stream.broken
    renew(desk, book(at=10))
    list(desk.stream.doubt(A, "it differs"))
    pass_time(desk, 20)
    assert not desk.stream.broken
    assert desk.stream.health().state == "degraded"
    pass_time(desk, 60)
    assert desk.stream.broken
    renew(desk, book(at=20))
    assert desk.stream.health().state == "live"


def test_one_that_is_to_be_given_up_and_tells_again_is_kept() -> None:
    desk = MarketDesk().follow().live()
    list(desk.stream.doubt(A, "it differs"))
    pass_time(desk, 10)
    renew(desk, book(at=10))
    list(desk.stream.doubt(A, "it differs"))
    pass_time(desk, 10)
    desk.tell(book(at=20))
    pass_time(desk, 200)
    assert not desk.stream.broken
    assert desk.stream.health().state == "live"


def test_one_token_that_is_told_again_acquits_its_connection() -> None:
    desk = MarketDesk().follow().live()
    list(desk.stream.doubt(A, "it differs"))
    pass_time(desk, 10)
    renew(desk, book(at=10))
    list(desk.stream.doubt(A, "it differs"))
    desk.tell(book("999", at=10))
    pass_time(desk, 12)
    list(desk.stream.load(rest(at=20)))
    list(desk.stream.doubt(A, "it differs"))
    assert desk.stream.health().state == "degraded"
    desk.tell(book(at=30))
    pass_time(desk, 100)
    assert not desk.stream.broken


def test_those_that_never_tell_anything_are_given_up_ever_more_rarely() -> None:
    desk = MarketDesk().follow()
    lasted = []
    for _ in range(6):
        desk.connect()
        began = desk.clock.monotonic()
        while not desk.stream.broken:
            for event in pass_time(desk, 1):
                if isinstance(event, BookWanted):
                    list(desk.stream.load(rest()))
        lasted.append(round(desk.clock.monotonic() - began))
        list(desk.stream.connection_lost("given up"))
    assert lasted[0] < 40
    assert all(later >= 1.9 * earlier for earlier, later in pairwise(lasted[2:]))


def test_a_book_that_was_read_for_who_followed_before_is_not_taken() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    pass_time(desk, 7)
    desk.stream.unfollow(ux.Subject.ORDER_BOOK, [A])
    desk.follow()
    desk.sent()
    assert list(desk.stream.load(rest())) == []
    assert desk.stream.order_book(A) is None
    pass_time(desk, 7)
    assert list(desk.stream.load(rest()))
    assert desk.is_live


# -- on real sockets -----------------------------------------------------------------


def test_fault_33_a_frozen_socket_that_answers_pings_is_replaced(driver: str) -> None:
    with Scene(FROZEN) as scene:
        face = scene.face(driver, policy={"audit": 0.5, "silence": 25.0})
        watch = face.watch("order_book", scene.market, events=True)
        watch.next()
        assert soon(lambda: bool(scene.server.stream_faults.struck))
        scene.bid("7")
        began = time.monotonic()
        told = []
        while not told or not isinstance(told[-1], ux.Reconnected):
            told.append(watch.next(20))
        # A difference that lasts three seconds, and five for a book that does not come.
        assert time.monotonic() - began < 15
        breaks = [x for x in told if isinstance(x, ux.Gap)]
        assert any("differ from REST" in x.reason for x in breaks)
        assert any("frozen" in x.reason for x in breaks)
        read = watch.until(
            lambda x: isinstance(x, OrderBook) and size_at(x, "0.01") == 7
        )
        assert levels(read[-1]) == levels(face.call("fetch_order_book", scene.market))
        scene.bid("8")
        assert watch.until(
            lambda x: isinstance(x, OrderBook) and size_at(x, "0.01") == 15
        )
        health = face.call("stream_health")
        assert (health.state, health.connections) == ("live", 2)
