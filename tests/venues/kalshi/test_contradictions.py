"""What contradicts itself, or names what is not there, is told."""

from __future__ import annotations

import pytest

from tests.venues.kalshi.desk import desk
from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    BadRequest,
    EventNotFound,
    InvalidPrice,
    InvalidSize,
    OrderNotFound,
    RateLimitExceeded,
)
from unified_exchanges.flow import Response
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)


@pytest.fixture(params=["blocking", "async"])
def trader(request: pytest.FixtureRequest) -> Trader:
    return KalshiGround(enforce_limits=False).trader(request.param, limits=FREE)


def test_fills_of_an_order_that_is_nowhere_are_not_an_empty_list(
    trader: Trader,
) -> None:
    with pytest.raises(OrderNotFound):
        trader.fetch_fills(order_id="no-such-order")


def test_an_order_without_fills_has_an_empty_list_of_them(trader: Trader) -> None:
    order = trader.rest(trader.quoted_market())
    assert trader.fetch_fills(order_id=order.order_id) == []


def test_fills_of_an_order_on_a_market_that_it_is_not_on_are_refused(
    trader: Trader,
) -> None:
    here, there = trader.fetch_markets(limit=2)
    order = trader.rest(here)
    with pytest.raises(OrderNotFound):
        trader.fetch_fills(order_id=order.order_id, market_id=there.market_id)


def test_an_order_is_not_cancelled_or_changed_on_another_market(trader: Trader) -> None:
    order = trader.rest(trader.quoted_market())
    for call, words in ((trader.cancel_order, {}), (trader.edit_order, {"size": 1})):
        with pytest.raises(BadRequest, match=f"is on {order.market_id}, not on"):
            call(order.order_id, market_id="ELSEWHERE", **words)
    assert trader.fetch_order(order.order_id).is_open


@pytest.mark.parametrize(
    ("error", "words"),
    [(InvalidPrice, {"price": "0.00001"}), (InvalidSize, {"size": "0.001"})],
)
def test_a_wrong_change_says_where_it_was_to_go(
    trader: Trader, error: type[BadRequest], words: dict[str, str]
) -> None:
    order = trader.rest(trader.quoted_market())
    with pytest.raises(error) as told:
        trader.edit_order(order.order_id, outcome="yes", **words)
    assert told.value.venue == "kalshi"
    assert str(told.value.request).endswith(f"/{order.order_id}/amend")


@pytest.mark.parametrize("orders", [None, 5, iter(())])
def test_a_batch_that_is_no_list_is_refused(trader: Trader, orders: object) -> None:
    with pytest.raises(BadRequest, match="takes a list of OrderRequest objects"):
        trader.create_orders(orders)


@pytest.mark.parametrize(
    "params",
    [
        {"subaccount": 64},
        {"subaccount": -1},
        {"exchange_index": -2},
        {"self_trade_prevention_type": "x"},
    ],
)
def test_a_value_that_kalshi_documents_as_wrong_never_leaves(
    trader: Trader, params: dict[str, object]
) -> None:
    market = trader.quoted_market()
    asked = len(trader.transport.requests)
    with pytest.raises(BadRequest, match=f"params {next(iter(params))}="):
        trader.rest(market, params=params)
    assert len(trader.transport.requests) == asked


def test_fault_43_a_bare_429_says_how_long_to_wait() -> None:
    bare = Response(429, {}, b'{"error":"too many requests"}')
    limits = LimitPolicy(discover=False, buckets={"read": (10.0, 50.0)})
    at = desk({"/exchange/status": bare}, limits=limits)
    with pytest.raises(RateLimitExceeded) as told:
        at.kalshi.fetch_status()
    assert told.value.retry_after == 1.0


def test_fault_48_the_key_s_id_is_not_repeated_after_the_venue() -> None:
    key = "00000000-0000-4000-8000-000000000001"
    said = b'{"code":"bad_request","message":"bad request","details":"k=%s"}'
    at = desk({"/exchange/status": Response(400, {}, said % key.encode())})
    with pytest.raises(BadRequest) as told:
        at.kalshi.fetch_status()
    assert key not in f"{told.value!r}{told.value.payload}"
    assert "k=REDACTED" in str(told.value)


def test_events_asked_for_by_name_exist_or_are_told(trader: Trader) -> None:
    known = trader.fetch_events(limit=1)[0].event_id
    found = trader.fetch_events(status="all", params={"tickers": known})
    assert [event.event_id for event in found] == [known]
    with pytest.raises(EventNotFound, match="NOSUCH"):
        trader.fetch_events(status="all", params={"tickers": f"{known},NOSUCH"})
