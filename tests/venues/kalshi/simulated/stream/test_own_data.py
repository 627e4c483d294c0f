"""Orders, fills, positions and groups: one's own, and nobody else's."""

from __future__ import annotations

from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..trader import Trader
from .listener import Listener

PRIVATE = (
    "fill",
    "user_orders",
    "market_positions",
    "order_group_updates",
    "communications",
)


def by_type(frames) -> dict[str, list]:
    found: dict[str, list] = {}
    for frame in frames:
        found.setdefault(frame["type"], []).append(frame["msg"])
    return found


def test_a_fill_says_what_rest_says(listener, ada, market) -> None:
    listener.subscribe("fill")
    ada.take(market, count="2", client_order_id="mine")
    [body] = listener.bodies("fill")
    [fill] = ada.get("/portfolio/fills")["fills"]
    same = [
        "trade_id",
        "order_id",
        "market_ticker",
        "count_fp",
        "yes_price_dollars",
        "is_taker",
        "outcome_side",
        "book_side",
        "exchange_index",
    ]
    assert {name: body[name] for name in same} == {name: fill[name] for name in same}
    assert Decimal(body["fee_cost"]) == Decimal(fill["fee_cost"])
    assert (body["client_order_id"], body["post_position_fp"]) == ("mine", "2.00")
    assert "no_price_dollars" not in body
    assert "subaccount" not in body


def test_p02_a_position_in_no_is_negative(listener, ada, market) -> None:
    listener.subscribe("fill", "market_positions")
    ada.take(market, side="ask", price=market["yes_bid_dollars"], count="2")
    told = by_type(listener.frames())
    assert told["fill"][0]["post_position_fp"] == "-2.00"
    assert told["market_position"][0]["position_fp"] == "-2.00"


def test_a_maker_hears_of_its_fill_too(listener, ada, bob, market) -> None:
    inside = market["yes_bid_dollars"]
    order_id = ada.rest(market, price=inside, count="2")
    listener.subscribe("fill", "user_orders")
    bob.take(market, side="ask", price=inside, count="1000")
    told = by_type(listener.frames())
    assert [fill["is_taker"] for fill in told["fill"]] == [False]
    assert told["fill"][0]["order_id"] == order_id
    assert told["user_order"][-1]["status"] == "executed"


def test_the_life_of_an_order_is_told(listener, ada, market) -> None:
    listener.subscribe("user_orders")
    order_id = ada.rest(market, count="5", client_order_id="mine")
    path = f"/portfolio/events/orders/{order_id}"
    changed = ada.order(market, count="4", price=market["yes_bid_dollars"])
    ada.ask("POST", f"{path}/amend", changed)
    ada.ask("POST", f"{path}/decrease", {"reduce_by": "1.00"})
    ada.ask("DELETE", path)
    bodies = listener.bodies("user_order")
    story = [
        (b["status"], b["remaining_count_fp"], b.get("last_update_reason"))
        for b in bodies
    ]
    assert story == [
        ("resting", "5.00", None),
        ("resting", "4.00", "Amend"),
        ("resting", "3.00", "Decrease"),
        ("canceled", "0.00", None),
    ]
    assert {(b["client_order_id"], b["ticker"]) for b in bodies} == {
        ("mine", market["ticker"])
    }


def test_an_order_says_what_rest_says(listener, ada, market, clock) -> None:
    listener.subscribe("user_orders")
    expires = round(clock.now()) + 60
    order_id = ada.rest(market, client_order_id="mine", expiration_time=expires)
    [body] = listener.bodies("user_order")
    order = ada.get(f"/portfolio/orders/{order_id}")["order"]
    same = [
        "order_id",
        "user_id",
        "client_order_id",
        "ticker",
        "status",
        "outcome_side",
        "book_side",
        "yes_price_dollars",
        "initial_count_fp",
        "fill_count_fp",
        "remaining_count_fp",
        "self_trade_prevention_type",
        "exchange_index",
        "subaccount_number",
    ]
    assert {name: body[name] for name in same} == {name: order[name] for name in same}
    assert body["expiration_ts_ms"] == expires * 1000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"time_in_force": "immediate_or_cancel", "count": "2000"}, None),
        ({"expiration_time": True}, "ExpiryCancel"),
    ],
)
def test_why_an_order_ended_is_told(
    listener, ada, kalshi, market, clock, changes, reason
) -> None:
    if "expiration_time" in changes:
        changes = {"expiration_time": round(clock.now()) + 60}
    listener.subscribe("user_orders")
    ada.rest(market, **{"price": market["yes_bid_dollars"], "count": "1", **changes})
    clock.advance(120)
    kalshi.advance()
    last = listener.bodies("user_order")[-1]
    assert (last["status"], last.get("last_update_reason")) == ("canceled", reason)


def test_a_self_trade_is_told_as_one(listener, ada, market) -> None:
    ada.rest(market, side="ask", price=market["yes_ask_dollars"], count="1000")
    listener.subscribe("user_orders")
    ada.place(
        market,
        price=market["yes_ask_dollars"],
        count="1000",
        self_trade_prevention_type="maker",
    )
    reasons = {b.get("last_update_reason") for b in listener.bodies("user_order")}
    assert "SelfTradeCancel" in reasons


def test_a_position_says_what_rest_says(listener, ada, market) -> None:
    listener.subscribe("market_positions")
    ada.take(market, count="2")
    body = listener.bodies("market_position")[-1]
    [row] = ada.get("/portfolio/positions")["market_positions"]
    assert body["position_fp"] == row["position_fp"]
    pairs = (
        ("position_cost_dollars", "market_exposure_dollars"),
        ("realized_pnl_dollars", "realized_pnl_dollars"),
        ("fees_paid_dollars", "fees_paid_dollars"),
    )
    for mine, theirs in pairs:
        assert Decimal(body[mine]) == Decimal(row[theirs])


def test_a_settlement_changes_the_position(listener, ada, kalshi, market) -> None:
    ada.take(market, count="2")
    listener.subscribe("market_positions")
    kalshi.engine.void(market["ticker"], Decimal(1))
    [body] = listener.bodies("market_position")
    assert body["position_fp"] == "0.00"
    assert Decimal(body["realized_pnl_dollars"]) > 0


def test_a_group_is_told_from_its_creation_to_its_end(listener, ada, market) -> None:
    listener.subscribe("order_group_updates")
    body = {"contracts_limit_fp": "5.00"}
    group_id = ada.ask("POST", "/portfolio/order_groups/create", body).body[
        "order_group_id"
    ]
    path = f"/portfolio/order_groups/{group_id}"
    ada.ask("PUT", f"{path}/limit", {"contracts_limit_fp": "7.00"})
    ada.ask("PUT", f"{path}/trigger", {})
    ada.ask("PUT", f"{path}/reset", {})
    ada.ask("DELETE", path)
    bodies = listener.bodies("order_group_updates")
    assert [(b["event_type"], b.get("contracts_limit_fp")) for b in bodies] == [
        ("created", "5.00"),
        ("limit_updated", "7.00"),
        ("triggered", None),
        ("reset", None),
        ("deleted", None),
    ]
    assert {b["order_group_id"] for b in bodies} == {group_id}


# Whose


def test_nobody_hears_of_the_orders_of_another(listener, other, ada, market) -> None:
    other.subscribe(*PRIVATE)
    ada.ask("POST", "/portfolio/order_groups/create", {"contracts_limit": 5})
    ada.take(market)
    ada.rest(market)
    assert other.frames() == []


def test_two_connections_of_one_account_hear_the_same(ada, market) -> None:
    pair = [Listener(ada), Listener(ada)]
    for each in pair:
        each.subscribe(*PRIVATE)
    ada.take(market)
    first, second = (each.frames() for each in pair)
    assert first == second != []


def bound_key(ada, subaccount: int) -> Trader:
    """Another key of the account, for one subaccount."""
    private = Ed25519PrivateKey.generate()
    key = ada.kalshi.add_key(
        ada.account_id, public_key=private.public_key(), subaccount=subaccount
    )
    return Trader(ada.kalshi, ada.clock, private, key.key_id)


def test_a_key_of_a_subaccount_hears_of_that_one_only(ada, market) -> None:
    ada.ask("POST", "/portfolio/subaccounts", {})
    transfer = {
        "client_transfer_id": "00000000-0000-4000-8000-000000000001",
        "from_subaccount": 0,
        "to_subaccount": 1,
        "amount_cents": 10_000,
    }
    assert ada.ask("POST", "/portfolio/subaccounts/transfer", transfer).status == 200
    bound, free = Listener(bound_key(ada, 1)), Listener(ada)
    for each in (bound, free):
        each.subscribe(*PRIVATE, "orderbook_delta", market_ticker=market["ticker"])
        each.frames()
    ada.rest(market, client_order_id="main")
    ada.rest(market, client_order_id="sub", subaccount=1)
    ada.take(market, count="1", client_order_id="taken", subaccount=1)
    mine, all_of_it = by_type(bound.frames()), by_type(free.frames())
    assert {b["client_order_id"] for b in mine["user_order"]} == {"sub", "taken"}
    assert {b["client_order_id"] for b in all_of_it["user_order"]} == {
        "main",
        "sub",
        "taken",
    }
    assert [b["subaccount"] for b in mine["fill"]] == [1]
    assert [b["subaccount"] for b in mine["market_position"]] == [1]
    named = [b.get("client_order_id") for b in mine["orderbook_delta"]]
    assert named == [None, "sub", None]
