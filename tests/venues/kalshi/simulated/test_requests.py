"""What every request meets: routes, parameters, bodies, pages, limits."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi
from unified_exchanges.venues.kalshi.simulated.routes import Call

from .contract import PREFIX
from .trader import HOST, Trader, trader


def test_an_unknown_path_is_not_found(idle: Trader) -> None:
    assert idle.kalshi.handle(Request("GET", f"{HOST}{PREFIX}/nowhere")).status == 404
    assert idle.kalshi.handle(Request("GET", f"{HOST}/elsewhere")).status == 404
    empty = f"{HOST}{PREFIX}/markets//orderbook"
    assert idle.kalshi.handle(Request("GET", empty)).status == 404


def test_a_method_that_a_path_does_not_have_is_refused(idle: Trader) -> None:
    assert idle.kalshi.handle(Request("PUT", f"{HOST}{PREFIX}/markets")).status == 405


def test_a_trailing_slash_is_redirected(idle: Trader) -> None:
    response = idle.kalshi.handle(Request("GET", f"{HOST}{PREFIX}/markets/"))
    assert (response.status, response.headers["location"]) == (301, f"{PREFIX}/markets")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/portfolio/orders"),
        ("POST", "/portfolio/orders/batched"),
        ("DELETE", "/portfolio/orders/1"),
        ("POST", "/portfolio/orders/1/amend"),
        ("POST", "/portfolio/orders/1/decrease"),
    ],
)
def test_legacy_order_writes_are_gone(idle: Trader, method: str, path: str) -> None:
    response = idle.kalshi.handle(Request(method, HOST + PREFIX + path))
    assert response.status == 410
    assert b"deprecated_v1_order_endpoint" in response.body


@pytest.mark.parametrize("path", ["/communications/rfqs", "/fcm/orders"])
def test_what_is_not_offered_is_not_found(idle: Trader, path: str) -> None:
    assert idle.kalshi.handle(Request("GET", HOST + PREFIX + path)).status == 404


# Parameters


@pytest.mark.parametrize(
    ("path", "query", "tag"),
    [
        ("/markets", {"limit": 1001}, "lte"),
        ("/markets", {"limit": -1}, "gte"),
        ("/markets", {"limit": "many"}, "number"),
        ("/markets", {"mve_filter": "some"}, "oneof"),
        ("/events", {"limit": 201}, "lte"),
        ("/events", {"with_nested_markets": "perhaps"}, "boolean"),
        ("/milestones", {}, "required"),
        ("/milestones", {"limit": 1, "minimum_start_date": "soon"}, "datetime"),
        (
            "/milestones",
            {"limit": 1, "minimum_start_date": "2026-01-01T00:00:00"},
            "datetime",
        ),
        ("/markets/orderbooks", {}, "required"),
        ("/portfolio/positions", {"settlement_status": "maybe"}, "oneof"),
        ("/portfolio/deposits", {"limit": 501}, "lte"),
    ],
)
def test_a_parameter_that_breaks_its_rule_is_told_as_msg(
    idle: Trader, path: str, query: dict[str, Any], tag: str
) -> None:
    answer = idle.ask("GET", path, **query)
    assert (answer.status, list(answer.body)) == (400, ["msg"])
    assert f"failed on the '{tag}' tag" in answer.body["msg"]


def test_a_list_that_is_too_long_is_refused(idle: Trader) -> None:
    request = Request(
        "GET",
        f"{HOST}{PREFIX}/markets/orderbooks",
        query=tuple(("tickers", f"T{n}") for n in range(101)),
    )
    assert idle.send(request).status == 400


def test_a_query_inside_the_url_is_read_too(idle: Trader) -> None:
    answer = idle.send(Request("GET", f"{HOST}{PREFIX}/markets?limit=1"))
    assert len(answer.body["markets"]) == 1


def test_an_unknown_parameter_is_ignored(idle: Trader) -> None:
    assert idle.ask("GET", "/markets", colour="blue").status == 200


# Pages


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/markets", "markets"),
        ("/events", "events"),
        ("/markets/trades", "trades"),
        ("/historical/markets", "markets"),
        ("/portfolio/orders", "orders"),
        ("/portfolio/fills", "fills"),
        ("/portfolio/positions", "market_positions"),
        ("/portfolio/settlements", "settlements"),
    ],
)
def test_p4_pages_lead_to_the_end_without_loss_or_repetition(
    museum: Trader, path: str, name: str
) -> None:
    extra = {"settlement_status": "all"} if path.endswith("positions") else {}
    whole = museum.get(path, limit=100, **extra)[name]
    found, cursor = [], None
    while cursor != "":
        query = {"cursor": cursor} if cursor else {}
        page = museum.get(path, limit=3, **query, **extra)
        found += page[name]
        cursor = page["cursor"]
    assert found[:100] == whole


def test_f8_a_garbage_cursor_starts_anew(idle: Trader) -> None:
    first = idle.get("/markets", limit=2)
    assert idle.get("/markets", limit=2, cursor="!!garbage") == first
    assert idle.get("/markets", limit=2, cursor="Z2FyYmFnZQ") == first


def test_incentives_name_their_cursor_otherwise(idle: Trader) -> None:
    page = idle.get("/incentive_programs", limit=1)
    rest = idle.get("/incentive_programs", cursor=page["next_cursor"])
    assert len(rest["incentive_programs"]) == 3


# Bodies


def test_a_write_without_a_body_is_refused_flat(idle: Trader) -> None:
    path = f"{PREFIX}/portfolio/events/orders"
    headers = idle.headers("POST", path)
    answer = idle.send(Request("POST", HOST + path, headers=headers))
    assert (answer.status, answer.body["code"]) == (400, "invalid_content_type")


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b'"\xff"'])
def test_a_body_that_is_no_json_object_is_refused_flat(
    idle: Trader, body: bytes
) -> None:
    path = f"{PREFIX}/portfolio/events/orders"
    headers = idle.headers("POST", path) | {"Content-Type": "application/json"}
    answer = idle.send(Request("POST", HOST + path, headers=headers, body=body))
    assert (answer.status, answer.body["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        (
            "count",
            1,
            "number into Go struct field CreateOrderV2Request.count of type string",
        ),
        (
            "price",
            0.5,
            "number into Go struct field CreateOrderV2Request.price of type string",
        ),
        (
            "post_only",
            "yes",
            "string into Go struct field CreateOrderV2Request.post_only",
        ),
        (
            "subaccount",
            "0",
            "string into Go struct field CreateOrderV2Request.subaccount",
        ),
        (
            "subaccount",
            True,
            "bool into Go struct field CreateOrderV2Request.subaccount",
        ),
        ("ticker", ["A"], "array into Go struct field CreateOrderV2Request.ticker"),
        ("ticker", {}, "object into Go struct field CreateOrderV2Request.ticker"),
    ],
)
def test_fault_15_a_value_of_the_wrong_type_is_refused_flat(
    idle: Trader, shown: Any, name: str, value: object, kind: str
) -> None:
    answer = idle.place(shown, **{name: value})
    assert (answer.status, answer.body["code"]) == (400, "bad_request")
    assert kind in answer.body["details"]


@pytest.mark.parametrize(
    "name",
    ["ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type"],
)
def test_an_order_without_a_required_field_is_refused(
    idle: Trader, shown: Any, name: str
) -> None:
    answer = idle.place(shown, **{name: None})
    assert (answer.status, name in answer.body["error"]["details"]) == (400, True)


# Limits


@pytest.fixture
def limited(clock: VirtualClock) -> Trader:
    return trader(SimulatedKalshi(clock=clock, enforce_limits=True), clock)


def spent(ask: Any, most: int = 200) -> int:
    """How many calls go through before the first 429."""
    for count in range(most):
        answer = ask()
        if answer.status == 429:
            assert answer.body == {"error": "too many requests"}
            assert "retry-after" not in answer.headers
            return count
    return most


def test_f11_reads_of_the_basic_tier_hold_three_seconds(limited: Trader) -> None:
    assert spent(lambda: limited.ask("GET", "/portfolio/balance")) == 60


def test_a_single_order_is_cheap_to_read(limited: Trader) -> None:
    market = limited.market()
    order_id = limited.rest(market)
    path = f"/portfolio/orders/{order_id}"
    assert spent(lambda: limited.ask("GET", path), 400) == (600 - 10) // 2


def test_tokens_come_back(limited: Trader) -> None:
    spent(lambda: limited.ask("GET", "/portfolio/balance"))
    limited.clock.advance(0.05)
    assert limited.ask("GET", "/portfolio/balance").status == 200
    assert limited.ask("GET", "/portfolio/balance").status == 429


def test_writes_and_reads_are_paid_from_different_buckets(limited: Trader) -> None:
    market = limited.market()
    assert spent(lambda: limited.place(market)) == 10
    assert limited.ask("GET", "/portfolio/balance").status == 200


def test_each_shard_has_its_own_write_bucket(limited: Trader) -> None:
    crypto, weather = limited.market(shard=2), limited.market()
    assert spent(lambda: limited.place(crypto)) == 10
    assert limited.place(weather).status == 201


def test_a_write_without_an_index_is_paid_on_every_shard(limited: Trader) -> None:
    crypto, weather = limited.market(shard=2), limited.market()
    assert spent(lambda: limited.place(crypto, exchange_index=None)) == 10
    assert limited.place(weather).status == 429
    assert limited.place(crypto).status == 429


def test_a_cancel_costs_two(limited: Trader) -> None:
    orders = "/portfolio/events/orders/none"
    assert spent(lambda: limited.ask("DELETE", orders)) == 50


def test_a_batch_must_fit_the_bucket_whole(limited: Trader) -> None:
    market = limited.market()
    path = "/portfolio/events/orders/batched"
    eleven = {"orders": [limited.order(market)] * 11}
    assert limited.ask("POST", path, eleven).status == 429
    ten = {"orders": [limited.order(market)] * 10}
    assert limited.ask("POST", path, ten).status == 201


def test_strangers_have_a_bucket_too(limited: Trader) -> None:
    assert spent(lambda: limited.ask("GET", "/markets", signed=False, limit=1)) == 60


def test_limits_are_those_that_are_told(clock: VirtualClock) -> None:
    expert = trader(SimulatedKalshi(clock=clock), clock, tier="expert")
    told = expert.get("/account/limits")
    assert (told["usage_tier"], told["write"]["bucket_capacity"]) == ("expert", 1800)
    assert spent(lambda: expert.place(expert.market()), 30) == 30


def test_limits_can_be_switched_off(idle: Trader) -> None:
    assert spent(lambda: idle.ask("GET", "/portfolio/balance"), 100) == 100
    assert idle.get("/account/limits")["usage_tier"] == "basic"


def test_basic_becomes_advanced_after_an_order(limited: Trader) -> None:
    path = "/account/api_usage_level/upgrade"
    assert limited.ask("POST", path).status == 403
    limited.rest(limited.market())
    assert limited.ask("POST", path).status == 201
    assert limited.get("/account/limits")["write"]["refill_rate"] == 300


def test_an_upgrade_does_nothing_above_basic(clock: VirtualClock) -> None:
    expert = trader(SimulatedKalshi(clock=clock), clock, tier="expert")
    expert.rest(expert.market())
    assert expert.ask("POST", "/account/api_usage_level/upgrade").status == 201
    assert expert.get("/account/limits")["usage_tier"] == "expert"


def test_only_a_signed_call_has_an_account(idle: Trader) -> None:
    [operation] = (o for o in idle.kalshi.operations if o.name == "GetMarkets")
    call = Call(operation=operation, path={}, query={}, body={}, now_us=0)
    with pytest.raises(LookupError, match="GetMarkets is open to anybody"):
        _ = call.account


def test_costs_that_differ_are_told(idle: Trader) -> None:
    costs = idle.get("/account/endpoint_costs")
    order = {
        "method": "DELETE",
        "path": f"{PREFIX}/portfolio/events/orders/:order_id",
        "cost": 2,
    }
    assert (costs["default_cost"], order in costs["endpoint_costs"]) == (10, True)
