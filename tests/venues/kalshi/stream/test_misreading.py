"""Frames that cannot be read: counted and survived, and never taken for nothing."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.models import (
    Fill,
    Gap,
    MarketChange,
    MarketStatus,
    Subject,
    Trade,
)
from unified_exchanges.venues.kalshi.stream import Unrecognised

from .desk import A, B, Desk

TRADE = {
    "trade_id": "t1",
    "market_ticker": A,
    "yes_price_dollars": "0.3600",
    "no_price_dollars": "0.6400",
    "count_fp": "136.00",
    "taker_outcome_side": "no",
    "taker_book_side": "ask",
    "is_block_trade": False,
    "ts_ms": 1_669_149_841_000,
}
FILL = {
    "trade_id": "t1",
    "order_id": "o1",
    "market_ticker": A,
    "is_taker": True,
    "outcome_side": "yes",
    "book_side": "bid",
    "yes_price_dollars": "0.75",
    "count_fp": "278.00",
    "fee_cost": "1.23",
    "ts_ms": 1_671_899_397_000,
}


def books() -> Desk:
    return Desk().follow(A, B).connect().run()


@pytest.mark.parametrize(
    "change",
    [
        {"price_dollars": 0.4},
        {"delta_fp": 1},
        {"delta_fp": None},
        {"side": None},
        {"ts_ms": 10**18},
        {"ts_ms": -1},
        {"ts_ms": "now"},
    ],
)
def test_fault_38_a_malformed_change_spoils_its_book_and_not_the_stream(
    change: dict[str, Any],
) -> None:
    desk = books()
    msg = desk.change(A, "yes", "0.40", "1.00") | change
    [gap] = desk.push("orderbook_delta", "orderbook_delta", msg)
    assert isinstance(gap, Gap)
    assert gap.market_ids == (A,)
    assert (desk.is_stale(A), desk.is_stale(B)) == (True, False)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)
    health = desk.stream.health()
    assert (health.malformed_messages, health.gaps) == (1, 1)


@pytest.mark.parametrize("msg", [{}, [], "text", {"market_ticker": 7}])
def test_fault_38_a_change_without_its_market_spoils_every_book(msg: Any) -> None:
    desk = books()
    desk.push("orderbook_delta", "orderbook_delta", msg)
    assert (desk.is_stale(A), desk.is_stale(B)) == (True, True)
    desk.run()
    assert (desk.is_stale(A), desk.is_stale(B)) == (False, False)


def test_fault_38_a_malformed_change_of_a_market_that_nobody_follows_is_nothing() -> (
    None
):
    desk = books()
    msg = {"market_ticker": "OTHER", "price_dollars": 1}
    assert desk.push("orderbook_delta", "orderbook_delta", msg) == []
    assert desk.stream.health().stale_books == 0


def test_fault_38_a_malformed_snapshot_leaves_its_book_stale_and_is_asked_for_again() -> (
    None
):
    desk = books()
    rows = [["0.4", "1"], ["0.5"]]
    msg = {"market_ticker": A, "yes_dollars_fp": rows}
    [gap] = desk.push("orderbook_delta", "orderbook_snapshot", msg)
    assert gap.market_ids == (A,)
    desk.run()
    assert desk.agrees(A)


def test_fault_38_an_unknown_type_is_counted_told_and_consumes_its_number() -> None:
    desk = books()
    [news] = desk.push("orderbook_delta", "orderbook_weather", {"rain": True})
    assert news == Unrecognised(
        venue="kalshi", channel="orderbook_delta", kind="orderbook_weather"
    )
    assert news.raw == {
        "type": "orderbook_weather",
        "sid": 1,
        "msg": {"rain": True},
        "seq": 3,
    }
    desk.delta(A, "yes", "0.40", "1.00")
    health = desk.stream.health()
    assert (health.unknown_messages, health.gaps, desk.agrees(A)) == (1, 0, True)


def test_fault_38_an_unknown_type_of_a_channel_that_was_left_is_counted_only() -> None:
    desk = books()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A, B])
    assert desk.push("orderbook_delta", "orderbook_weather", {"rain": True}) == []
    assert desk.stream.health().unknown_messages == 1


def test_a_channel_that_is_not_known_tells_all_that_it_has_as_it_comes() -> None:
    desk = Desk()
    desk.stream.subscribe("weather_v3")
    desk.connect().run()
    [news] = desk.tell("weather_v3", "weather", {"rain": True, "inches": 0.1})
    assert isinstance(news, Unrecognised)
    assert (news.channel, news.kind) == ("weather_v3", "weather")
    assert news.raw["msg"] == {"rain": True, "inches": Decimal("0.1")}


def test_an_unknown_type_that_comes_after_a_gap_is_told_after_it() -> None:
    desk = Desk().follow(subject=Subject.TRADES).connect().run()
    desk.number("trade")
    gap, news = desk.push("trade", "trade_bust", {"trade_id": "t1"})
    assert (type(gap), type(news)) == (Gap, Unrecognised)


def test_fault_38_an_unknown_field_is_remembered_and_survived() -> None:
    desk = books()
    desk.delta(A, "yes", "0.40", "1.00", colour="red")
    msg = desk.change(A, "yes", "0.40", "1.00") | {"mood": "good"}
    for _ in range(256):
        desk.push("orderbook_delta", "orderbook_delta", msg)
    assert desk.stream.health().unknown_fields == (
        "orderbook_delta.colour",
        "orderbook_delta.msg.mood",
    )


def test_what_kalshi_documents_is_no_unknown_field() -> None:
    desk = books()
    msg = desk.change(A, "yes", "0.40", "1.00") | {"ts": "2022-11-22T20:44:01Z"}
    desk.push("orderbook_delta", "orderbook_delta", msg, sending_ts_ms=5)
    assert desk.stream.health().unknown_fields == ()


CUT = [
    "",
    "no json",
    b"\xff\xfe",
    "[1,2]",
    '"text"',
    "null",
    "7",
    "[" * 100_000,
    '{"type":7}',
    '{"sid":"one","type":"trade"}',
    '{"type":"fill","sid":1,"msg":{"trade_id":"t","ord',
    "\ud800",
]


@pytest.mark.parametrize("frame", CUT)
def test_fault_38_whatever_comes_nothing_is_raised_and_it_may_have_been_anything(
    frame: str | bytes,
) -> None:
    desk = books().follow(subject=Subject.FILLS).run()
    [gap] = desk.stream.receive(frame)
    assert isinstance(gap, Gap)
    assert (gap.subject, gap.market_ids) == (None, ())
    health = desk.stream.health()
    assert (health.malformed_messages, health.gaps, health.stale_books) == (1, 1, 2)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)
    desk.delta(A, "yes", "0.40", "1.00")
    assert desk.agrees(A)


def test_fault_38_a_change_that_was_cut_is_in_no_live_book() -> None:
    desk = books()
    desk.change(A, "yes", "0.40", "1.00")
    desk.number("orderbook_delta")
    list(desk.stream.receive('{"type":"orderbook_delta","sid":1,"seq":3,"ms'))
    assert desk.is_stale(A)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A), desk.agrees(B)) == (False, True, True)


def test_a_frame_that_cannot_be_read_is_nothing_to_who_follows_nothing() -> None:
    desk = Desk().connect()
    assert list(desk.stream.receive("no json")) == []
    assert desk.stream.health().malformed_messages == 1


def test_a_frame_without_a_type_is_an_unknown_one() -> None:
    desk = books()
    assert desk.hear({}) == []
    assert desk.stream.health().unknown_messages == 1


@pytest.mark.parametrize(
    "change",
    [
        {"taker_book_side": "sideways"},
        {"count_fp": 1},
        {"count_fp": "1e3"},
        {"yes_price_dollars": "1.01"},
        {"no_price_dollars": "0.65"},
        {"trade_id": ""},
        {"ts_ms": None},
        {"count_fp": "9" * 100},
    ],
)
def test_fault_38_a_malformed_trade_is_passed_over_and_told_as_a_gap(
    change: dict[str, Any],
) -> None:
    desk = Desk().follow(subject=Subject.TRADES).connect().run()
    told = desk.push("trade", "trade", TRADE | change)
    if change.get("count_fp") == "9" * 100:
        assert isinstance(told[0], Trade)
        return
    [gap] = told
    assert (gap.subject, gap.market_ids) == (Subject.TRADES, (A,))
    [trade] = desk.push("trade", "trade", TRADE)
    assert isinstance(trade, Trade)
    assert desk.stream.health().malformed_messages == 1


def test_fault_38_a_malformed_fill_has_the_fills_read_again() -> None:
    desk = Desk().follow(subject=Subject.FILLS).connect().run()
    [gap] = desk.tell("fill", "fill", FILL | {"fee_cost": "much"})
    assert (gap.subject, gap.market_ids) == (Subject.FILLS, (A,))
    [fill] = desk.tell("fill", "fill", FILL)
    assert isinstance(fill, Fill)


def test_fault_38_an_unknown_word_of_a_lifecycle_is_an_unknown_status() -> None:
    desk = Desk().follow(subject=Subject.MARKET_STATUS).connect().run()
    msg = {"event_type": "vanished", "market_ticker": A}
    [change] = desk.push("market_lifecycle_v2", "market_lifecycle_v2", msg)
    assert isinstance(change, MarketChange)
    assert (change.change, change.status) == ("vanished", MarketStatus.UNKNOWN)


def test_a_malformed_quote_is_replaced_by_the_next_one() -> None:
    desk = Desk().follow(subject=Subject.TICKER).connect().run()
    assert desk.tell("ticker", "ticker", {"market_ticker": A}) == []
    health = desk.stream.health()
    assert (health.state, health.malformed_messages) == ("live", 1)
    assert health.last_error.startswith(
        "a frame of type ticker could not be read and was passed over, 1 by now: "
    )


def test_fault_38_an_unknown_type_of_no_subscription_is_counted() -> None:
    desk = books()
    for _ in range(3):
        assert desk.hear({"type": "weather", "msg": {}}) == []
    assert desk.stream.health().unknown_messages == 3


def test_a_malformed_message_about_no_market_is_a_gap_in_all() -> None:
    desk = Desk()
    desk.stream.subscribe("order_group_updates")
    desk.connect().run()
    msg = {"event_type": "created", "order_group_id": "g", "contracts_limit_fp": "x"}
    [gap] = desk.push("order_group_updates", "order_group_updates", msg)
    assert (gap.subject, gap.market_ids) == (Subject.ORDERS, ())


def test_a_malformed_order_is_a_gap_in_its_market() -> None:
    desk = Desk().follow(subject=Subject.ORDERS).connect().run()
    order = {
        "order_id": "o1",
        "ticker": A,
        "status": "resting",
        "yes_price_dollars": "0.35",
        "fill_count_fp": "0",
        "remaining_count_fp": "10",
        "initial_count_fp": "10",
        "taker_fill_cost_dollars": "0",
        "maker_fill_cost_dollars": "0",
        "taker_fees_dollars": "0",
        "maker_fees_dollars": "0",
    }
    [gap] = desk.tell("user_orders", "user_order", order)
    assert (gap.subject, gap.market_ids) == (Subject.ORDERS, (A,))
    assert "book_side" in gap.reason


def test_what_belongs_to_no_subscription_is_passed_over() -> None:
    desk = books()
    assert desk.hear({"type": "trade", "sid": 99, "seq": 1, "msg": TRADE}) == []
    assert desk.hear({"type": "trade", "sid": 99, "seq": 2, "msg": {}}) == []
    msg = desk.change(A, "yes", "0.40", "1.00")
    assert desk.hear({"type": "orderbook_delta", "sid": 99, "seq": 1, "msg": msg}) == []


def test_malformed_frames_are_logged_without_who_somebody_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk().follow(subject=Subject.ORDERS).connect().run()
    msg = {"user_id": "3f6c-secret", "order_id": "o1"}
    with caplog.at_level(logging.DEBUG):
        for _ in range(5):
            desk.tell("user_orders", "user_order", msg)
    assert "3f6c-secret" not in caplog.text
    assert caplog.text.count("malformed user_order") == 3


def test_fault_38_a_storm_of_malformed_messages_leaves_one_plan_for_each_market() -> (
    None
):
    desk = books()
    for _ in range(2_000):
        msg = desk.change(A, "yes", "0.40", "1.00") | {"side": None}
        desk.push("orderbook_delta", "orderbook_delta", msg)
        desk.clock.advance(0.0001)
    assert len(desk.stream._wakes) == 1
    desk.wait(2)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)


def test_a_storm_of_gaps_leaves_one_plan() -> None:
    desk = books()
    for _ in range(2_000):
        desk.number("orderbook_delta")
        desk.delta(A, "yes", "0.40", "1.00")
        desk.run()
    assert len(desk.stream._wakes) == 1
    # What they bring is not asked for the more often.
    assert len(desk.commands) < 10
    desk.wait(2)
    desk.run()
    assert (desk.is_stale(A), desk.agrees(A)) == (False, True)
