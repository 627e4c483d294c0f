"""The body of a raw request: lists where the venue takes them, never a bare error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.errors import BadRequest
from unified_exchanges.testing.conformance import Ground, Trader

GROUPS = "/portfolio/order_groups/create"
ORDERS = "/portfolio/events/orders"


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=[False, True], ids=["sent", "rehearsed"])
def dry_run(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


@pytest.fixture
def kalshi(flavour: str, dry_run: bool) -> Trader:
    return _trader(KalshiGround(enforce_limits=False), flavour, dry_run=dry_run)


@pytest.fixture
def polymarket(flavour: str, dry_run: bool) -> Trader:
    return _trader(PolymarketGround(), flavour, dry_run=dry_run)


def _trader(ground: Ground, flavour: str, *, dry_run: bool) -> Trader:
    ground.clock.advance(60)
    return ground.trader(flavour, dry_run=dry_run)


def asked(trader: Trader) -> list[str]:
    return [x.url for x in trader.transport.requests]


# -- what is sent ----------------------------------------------------------------------


def test_books_are_asked_for_by_a_list(polymarket: Trader) -> None:
    market = polymarket.quoted_market()
    tokens = [{"token_id": x.outcome_id} for x in market.outcomes]
    told = polymarket.request("POST", "/clob/books", body=tokens)
    assert len(told) == len(tokens)


def test_an_empty_list_is_sent_as_one(polymarket: Trader) -> None:
    assert polymarket.request("POST", "/clob/books", body=[]) == []
    assert polymarket.transport.requests[-1].body == b"[]"
    with pytest.raises(BadRequest, match="Invalid order payload"):
        polymarket.request("POST", "/clob/orders", body=[])


def test_a_list_of_cancels_is_answered_for_each(polymarket: Trader) -> None:
    nowhere = polymarket.ground.missing_order
    told = polymarket.request("DELETE", "/clob/orders", body=[nowhere])
    assert list(told["not_canceled"]) == [nowhere]


@pytest.mark.parametrize(
    "body", [[], [{"a": 1}], (), "text", 5, b"{}", {"a": object()}]
)
def test_what_kalshi_does_not_take_is_a_bad_request(kalshi: Trader, body: Any) -> None:
    for method, path in (("POST", GROUPS), ("POST", f"{ORDERS}/batched")):
        with pytest.raises(BadRequest, match="body="):
            kalshi.request(method, path, body=body)
    assert asked(kalshi) == []


@pytest.mark.parametrize(
    "body", ["text", 5, b"[]", {1, 2}, [object()], {"a": object()}]
)
def test_what_is_no_json_is_a_bad_request(polymarket: Trader, body: Any) -> None:
    for path in ("/clob/books", "/clob/orders"):
        with pytest.raises(BadRequest, match="body="):
            polymarket.request("POST", path, body=body)
    assert asked(polymarket) == []


@pytest.mark.parametrize("body", [[], [1], {"a": 1}])
def test_a_get_takes_no_body_of_any_kind(
    kalshi: Trader, polymarket: Trader, body: Any
) -> None:
    for trader, path in ((kalshi, "/exchange/status"), (polymarket, "/clob/time")):
        with pytest.raises(BadRequest, match="has no body"):
            trader.request("GET", path, body=body)


# -- what makes no sense ---------------------------------------------------------------
# The venue and the rehearsal of it are held to the same.


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/clob/orders", {"orders": []}),
        ("POST", "/clob/orders", {"order": 1}),
        ("POST", "/clob/orders", [{}] * 16),
        ("POST", "/clob/order", [{"token_id": "1"}]),
        ("POST", "/clob/order", {"order": 1}),
        ("DELETE", "/clob/order", {}),
        ("DELETE", "/clob/order", {"orderID": 5}),
        ("DELETE", "/clob/orders", {"orderID": "x"}),
        ("DELETE", "/clob/orders", [5]),
        ("DELETE", "/clob/cancel-market-orders", {}),
        ("DELETE", "/clob/cancel-market-orders", ["x"]),
    ],
)
def test_polymarket_refuses_what_cannot_be_read(
    polymarket: Trader, method: str, path: str, body: Any
) -> None:
    with pytest.raises(BadRequest) as caught:
        polymarket.request(method, path, body=body)
    assert caught.value.status == 400


def test_an_entry_that_cannot_be_read_is_refused_by_itself(polymarket: Trader) -> None:
    nothing = {"side": "BUY", "makerAmount": "0", "takerAmount": "0", "tokenId": "1"}
    body = [{"token_id": "1"}, "x", {"order": nothing}]
    told = polymarket.request("POST", "/clob/orders", body=body)
    assert [bool(x["errorMsg"]) for x in told] == [True] * 3


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GROUPS, {}),
        (GROUPS, {"order": 1}),
        (GROUPS, {"contracts_limit": 0}),
        (GROUPS, {"contracts_limit": "many"}),
        (GROUPS, {"contracts_limit": True}),
        (GROUPS, {"contracts_limit": 1_000_001}),
        (GROUPS, {"contracts_limit_fp": "x"}),
        (GROUPS, {"contracts_limit_fp": 5}),
        (GROUPS, {"contracts_limit": 5, "contracts_limit_fp": "6.00"}),
        (f"{ORDERS}/batched", {}),
        (f"{ORDERS}/batched", {"orders": "x"}),
        (f"{ORDERS}/batched", {"orders": []}),
        (f"{ORDERS}/batched", {"orders": [1]}),
    ],
)
def test_kalshi_refuses_what_cannot_be_read(
    kalshi: Trader, path: str, body: Any
) -> None:
    with pytest.raises(BadRequest) as caught:
        kalshi.request("POST", path, body=body)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": "hold"},
        {"count": "0.00"},
        {"count": "-1.00"},
        {"expiration_time": "soon"},
        {"expiration_time": 10**30},
    ],
)
def test_kalshi_refuses_an_order_that_cannot_be_read(
    kalshi: Trader, wrong: dict[str, Any]
) -> None:
    order = {
        "ticker": kalshi.quoted_market().market_id,
        "side": "bid",
        "count": "2.00",
        "price": "0.0100",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
    }
    with pytest.raises(BadRequest) as caught:
        kalshi.request("POST", ORDERS, body={**order, **wrong})
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"contracts_limit": 5},
        {"contracts_limit_fp": "5.00"},
        {"contracts_limit": 5, "contracts_limit_fp": "5.00"},
    ],
)
def test_a_group_that_can_be_read_is_made(kalshi: Trader, body: Any) -> None:
    assert kalshi.request("POST", GROUPS, body=body)["order_group_id"]


def test_a_rehearsed_cancel_by_token_leaves_the_other(flavour: str) -> None:
    dry = _trader(PolymarketGround(), flavour, dry_run=True)
    market = dry.quoted_market()
    low = market.grid.lowest
    first, second = (
        dry.create_order(market.market_id, x.label, "buy", low, 10)
        for x in market.outcomes
    )
    path, token = "/clob/cancel-market-orders", market.outcomes[0].outcome_id
    told = dry.request("DELETE", path, body={"asset_id": token})
    assert first.order_id in told["canceled"]
    assert second.order_id not in told["canceled"]
    assert [x.order_id for x in dry.fetch_open_orders()] == [second.order_id]
