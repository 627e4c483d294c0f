"""Kalshi's own troubles: lost numbers, terminal errors, refusals, and what repairs them."""

from __future__ import annotations

import json

import pytest

from unified_exchanges.simulator.faults import (
    FaultPlan,
    FaultyStream,
    FaultyVenue,
    StreamFault,
    StreamPlan,
    unavailable,
)

from .listener import Listener, NaiveBooks, upgrade
from .test_books import venue_levels


@pytest.fixture
def plan() -> StreamPlan:
    return StreamPlan()


@pytest.fixture
def troubled(ada, plan, clock) -> Listener:
    """A listener behind faults."""
    session = ada.kalshi.connect(upgrade(ada))
    return Listener(ada, FaultyStream(session, plan, clock))


def raw(listener) -> list:
    """Frames as they come, whatever their numbers are."""
    return [json.loads(text) for text in listener.session.data_to_send()]


def test_a_lost_delta_shows_in_the_numbers_and_a_snapshot_repairs_the_book(
    troubled, plan, ada, market
) -> None:
    ticker, books = market["ticker"], NaiveBooks()
    plan.add(StreamFault("drop", frame="orderbook_delta", nth=2))
    sid = troubled.follow("orderbook_delta", market_ticker=ticker)
    for _ in range(3):
        ada.rest(market)
    assert [frame["seq"] for frame in raw(troubled)] == [2, 4]
    params = {"sid": sid, "action": "get_snapshot", "market_ticker": ticker}
    troubled.post("update_subscription", params)
    ada.rest(market)
    frames = raw(troubled)
    for frame in frames:
        books.hear(frame)
    assert [frame["seq"] for frame in frames] == [5, 6]
    assert books.sides == {ticker: venue_levels(ada, ticker, in_yes_price=False)}


@pytest.mark.parametrize(
    ("code", "text"), [(10, "Channel error"), (25, "Subscription buffer overflow")]
)
def test_after_a_terminal_error_one_subscribes_again(
    troubled, plan, ada, market, code, text
) -> None:
    sid = troubled.follow("orderbook_delta", market_ticker=market["ticker"])
    plan.add(StreamFault("fail", frame="orderbook_delta", code=code))
    ada.rest(market)
    [error] = raw(troubled)
    assert (error["type"], error["sid"]) == ("error", sid)
    assert error["msg"] == {"code": code, "msg": text}
    ada.rest(market)
    assert raw(troubled) == []
    again = troubled.subscribe("orderbook_delta", market_ticker=market["ticker"])
    assert again[0]["msg"]["sid"] == sid + 1


def test_a_subscription_that_failed_cannot_fail_again(listener) -> None:
    sid = listener.follow("trade")
    listener.session.fail(sid, 10)
    listener.session.fail(sid, 10)
    [error] = listener.frames()
    assert error["msg"]["code"] == 10


@pytest.mark.parametrize("code", [8, 18, 26, 27])
def test_a_subscription_is_refused_with_any_code(troubled, plan, code) -> None:
    plan.add(StreamFault("refuse", frame="subscribe", code=code))
    assert troubled.code("subscribe", {"channels": ["trade"]}) == code
    assert troubled.subscribe("trade")[0]["type"] == "subscribed"


def test_what_has_no_id_is_refused_without_one(troubled, plan) -> None:
    plan.add(StreamFault("refuse"))
    troubled.session.receive("nonsense")
    [error] = troubled.frames()
    assert "id" not in error


def test_a_code_nobody_knows_has_words_too(listener) -> None:
    sid = listener.follow("trade")
    listener.session.fail(sid, 99)
    [frame] = raw(listener)
    assert frame["msg"] == {"code": 99, "msg": "Error 99"}


def test_a_connection_that_closes_leaves_nothing_behind(
    troubled, plan, kalshi, ada, market
) -> None:
    plan.add(StreamFault("close", frame="trade"))
    troubled.follow("trade")
    ada.take(market)
    troubled.frames()
    assert (troubled.session.closing, kalshi.sessions) == (1001, [])


def test_an_upgrade_is_refused_twice_and_then_accepted(kalshi, ada, clock) -> None:
    refused = FaultPlan([unavailable(401, path="/ws/", count=2)])
    venue = FaultyVenue(kalshi, refused, clock)
    answers = [venue.connect(upgrade(ada)) for _ in range(3)]
    assert [getattr(answer, "status", 101) for answer in answers] == [401, 401, 101]
