"""What was recorded is also answered here: a superset of keys, less what was removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recorded import read_example

from .trader import Trader

# Removed since the recordings were made (docs.kalshi.com changelog, July to October
# 2026).
REMOVED = {
    "available_on_brokers",
    "fractional_trading_enabled",
    "liquidity_dollars",
    "response_price_units",
    "resting_orders_count",
    "service",
}
# Only some objects have these.
OCCASIONAL = {
    "cap_strike",
    "custom_strike",
    "floor_strike",
    "is_provisional",
    "mve_collection_ticker",
    "mve_selected_legs",
    "occurrence_datetime",
    "settlement_ts",
    "settlement_value_dollars",
    "strike_date",
    "strike_period",
    "product_metadata",
    "competition",
    "competition_scope",
}


def shape(value: Any) -> Any:
    """Keys all the way down; the shape of a list is that of all its items together."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        merged: dict[str, Any] = {}
        for item in value:
            inner = shape(item)
            if isinstance(inner, dict):
                merge(merged, inner)
        return [merged] if merged else []
    return type(value).__name__


def merge(whole: dict[str, Any], part: dict[str, Any]) -> None:
    for name, inner in part.items():
        if isinstance(inner, dict) and isinstance(whole.get(name), dict):
            merge(whole[name], inner)
        else:
            whole[name] = inner


def lacking(recorded: Any, answered: Any, place: str = "") -> list[str]:
    """Recorded keys that are not answered, and scalars of another type."""
    if isinstance(recorded, list) and isinstance(answered, list):
        pairs = [(recorded[0], answered[0])] if recorded and answered else []
        return [hit for a, b in pairs for hit in lacking(a, b, f"{place}[]")]
    if not isinstance(recorded, dict) or not isinstance(answered, dict):
        return [] if type(recorded) is type(answered) else [f"{place}: {answered}"]
    found = []
    for name, inner in recorded.items():
        if name in REMOVED or name in OCCASIONAL:
            continue
        if name not in answered:
            found.append(f"{place}.{name}")
        elif inner != "NoneType" and answered[name] != "NoneType":
            found += lacking(inner, answered[name], f"{place}.{name}")
    return found


def superset(example: str, answered: Any) -> list[str]:
    return lacking(shape(read_example(f"rest/{example}")), shape(answered))


@pytest.mark.parametrize(
    ("example", "path", "query"),
    [
        ("markets_page.json", "/markets", {"status": "open"}),
        ("markets_settled_page.json", "/markets", {"status": "settled"}),
        ("trades_page.json", "/markets/trades", {}),
        ("orders_page.json", "/portfolio/orders", {}),
        ("fills_page.json", "/portfolio/fills", {}),
        ("positions_page.json", "/portfolio/positions", {}),
        ("balance.json", "/portfolio/balance", {}),
        ("settlements_empty.json", "/portfolio/settlements", {}),
        ("account_limits_basic.json", "/account/limits", {}),
        ("account_endpoint_costs.json", "/account/endpoint_costs", {}),
        ("exchange_status_demo.json", "/exchange/status", {}),
        ("exchange_schedule_prod_2026-01-15.json", "/exchange/schedule", {}),
        ("series_fee_changes_empty.json", "/series/fee_changes", {}),
        (
            "events_nested_prod_2026-08-09.json",
            "/events",
            {"with_nested_markets": True},
        ),
    ],
)
def test_a_page_has_all_recorded_keys(
    museum: Trader, example: str, path: str, query: dict[str, Any]
) -> None:
    assert superset(example, museum.get(path, **query)) == []


@pytest.mark.parametrize("example", ["market.json", "market_prod_2026-08-09.json"])
def test_a_market_has_all_recorded_keys(museum: Trader, example: str) -> None:
    ticker = museum.market(shard=3)["ticker"]
    assert superset(example, museum.get(f"/markets/{ticker}")) == []


@pytest.mark.parametrize(
    "example", ["orderbook.json", "orderbook_prod_2026-08-09.json"]
)
def test_a_book_has_all_recorded_keys(museum: Trader, shown: Any, example: str) -> None:
    book = museum.get(f"/markets/{shown['ticker']}/orderbook")
    assert superset(example, book) == []


def test_series_have_all_recorded_keys(museum: Trader) -> None:
    for recorded in read_example("rest/series_prod_2026-08-20.json").values():
        answered = museum.get("/series/KXMLBGAME")
        assert lacking(shape(recorded), shape(answered)) == []


def test_candles_have_all_recorded_keys(museum: Trader) -> None:
    recorded = shape(read_example("rest/candlesticks_prod_2026-08-07.json"))
    now = round(museum.clock.now())
    settled = museum.get("/markets", status="settled", limit=1000)["markets"]
    traded = next(m for m in settled if m["ticker"].startswith("KXHIGHNY"))
    path = f"/series/KXHIGHNY/markets/{traded['ticker']}/candlesticks"
    span = {"start_ts": now - 8 * 86400, "end_ts": now, "period_interval": 60}
    assert lacking(recorded, shape(museum.get(path, **span))) == []


def test_an_order_that_rests_is_acknowledged_as_recorded(
    ada: Trader, market: Any
) -> None:
    answer = ada.place(market, client_order_id="a")
    assert superset("order_create_resting.json", answer.body) == []


def test_an_order_that_fills_is_acknowledged_as_recorded(
    ada: Trader, market: Any
) -> None:
    receipt = ada.take(market, client_order_id="a", time_in_force="immediate_or_cancel")
    assert superset("order_create_ioc_filled.json", receipt) == []


def test_an_order_stopped_at_an_own_one_is_acknowledged_as_recorded(
    ada: Trader, market: Any
) -> None:
    ada.rest(market, price=market["yes_bid_dollars"], count="1")
    top = ada.kalshi.engine
    for order in top.orders(f"flow:maker:{market['ticker']}", status="resting"):
        top.cancel(order.order_id, owner=order.owner)
    answer = ada.place(
        market, side="ask", price=market["yes_bid_dollars"], client_order_id="b"
    )
    assert superset("order_create_stp_taker_cancelled.json", answer.body) == []
    assert (answer.body["fill_count"], answer.body["remaining_count"]) == ("0.00",) * 2


def test_a_cancel_is_acknowledged_as_recorded(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market)
    answer = ada.ask("DELETE", f"/portfolio/events/orders/{order_id}")
    assert superset("order_cancel.json", answer.body) == []


def test_an_order_is_read_as_recorded(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market, client_order_id="a")
    answer = ada.get(f"/portfolio/orders/{order_id}")
    assert superset("order_get_resting.json", answer) == []


def test_every_recorded_error_is_answered_alike(ada: Trader, market: Any) -> None:
    fine = market["yes_ask_dollars"]
    done = ada.take(market, client_order_id="used", price=fine)["order_id"]
    gone = ada.rest(market)
    ada.ask("DELETE", f"/portfolio/events/orders/{gone}")
    orders = "/portfolio/events/orders"
    numeric = {"count": 1, "price": 0.01}
    asked = {
        "orders__duplicate_client_order_id": ada.place(market, client_order_id="used"),
        "orders__reuse_canceled_client_id": ada.place(market, client_order_id="used"),
        "orders__insufficient_balance": ada.place(market, count="999999", price=fine),
        "orders__invalid_price_structure": ada.place(market, price="0.51555"),
        "orders__post_only_cross": ada.place(market, price=fine, post_only=True),
        "orders__numeric_field_types": ada.place(market, **numeric),
        "orders__cancel_already_canceled": ada.ask("DELETE", f"{orders}/{gone}"),
        "orders__cancel_executed": ada.ask("DELETE", f"{orders}/{done}"),
        "orders__cancel_unknown_id": ada.ask("DELETE", f"{orders}/{'0' * 8}"),
        "markets__limit_over_max": ada.ask("GET", "/markets", limit=1001),
    }
    recorded = {
        case["case"]: case for case in read_example("errors/recorded_errors.json")
    }
    for name, answer in asked.items():
        body = recorded[name]["body"]
        if isinstance(body.get("error"), dict):
            body["error"].pop("service", None)
        assert (answer.status, answer.body) == (recorded[name]["status"], body), name
