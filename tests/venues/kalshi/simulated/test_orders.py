"""Order writes: what is accepted, refused, changed, cancelled, and where."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .trader import Answer, Trader

ORDERS = "/portfolio/events/orders"


def cancel(who: Trader, order_id: str, **query: Any) -> Answer:
    return who.ask("DELETE", f"{ORDERS}/{order_id}", **query)


def amend(who: Trader, market: Any, order_id: str, **changes: Any) -> Answer:
    body = {
        "ticker": market["ticker"],
        "side": "bid",
        "price": market["price_ranges"][0]["step"],
        "count": "3",
        **changes,
    }
    return who.ask("POST", f"{ORDERS}/{order_id}/amend", body)


def decrease(who: Trader, order_id: str, **body: Any) -> Answer:
    return who.ask("POST", f"{ORDERS}/{order_id}/decrease", body)


def status(who: Trader, order_id: str) -> str:
    return str(who.get(f"/portfolio/orders/{order_id}")["order"]["status"])


# Creation


def test_an_order_rests(ada: Trader, market: Any) -> None:
    answer = ada.place(market, count="2.50", client_order_id="a")
    assert answer.status == 201
    assert answer.body["client_order_id"] == "a"
    assert (answer.body["fill_count"], answer.body["remaining_count"]) == (
        "0.00",
        "2.50",
    )
    assert "average_fill_price" not in answer.body


def test_a_fill_happens_at_the_resting_price_and_costs_its_fee(
    ada: Trader, market: Any
) -> None:
    before = ada.cash()
    price = Decimal(market["yes_ask_dollars"])
    receipt = ada.take(market, count="3", price="0.9900")
    assert Decimal(receipt["average_fill_price"]) == price
    [fill] = ada.get("/portfolio/fills")["fills"]
    assert before - ada.cash() == price * 3 + Decimal(fill["fee_cost"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": "0.00001"}, "invalid_price"),
        ({"price": "0"}, "invalid_price"),
        ({"price": "1.00"}, "invalid_price"),
        ({"price": "-0.5"}, "invalid_price"),
        ({"price": "half"}, "invalid_price"),
        ({"price": "1e-1"}, "invalid_price"),
        ({"count": "0"}, "invalid_order_size"),
        ({"count": "-1"}, "invalid_order_size"),
        ({"count": "0.005"}, "invalid_order_size"),
        ({"count": "NaN"}, "invalid_order_size"),
        ({"count": "999999"}, "insufficient_balance"),
        ({"side": "buy"}, "invalid_parameters"),
        ({"time_in_force": "gtc"}, "invalid_parameters"),
        ({"self_trade_prevention_type": "none"}, "invalid_parameters"),
        ({"subaccount": 64}, "invalid_parameters"),
        ({"reduce_only": True}, "invalid_order"),
        ({"expiration_time": 1}, "invalid_order"),
        (
            {"expiration_time": 1 << 33, "time_in_force": "immediate_or_cancel"},
            "invalid_order",
        ),
        ({"post_only": True, "time_in_force": "fill_or_kill"}, "invalid_order"),
        (
            {"reduce_only": True, "time_in_force": "immediate_or_cancel"},
            "invalid_order",
        ),
    ],
)
def test_fault_14_an_order_that_breaks_a_rule_is_refused(
    idle: Trader, shown: Any, changes: dict[str, Any], code: str
) -> None:
    expensive = {"price": "0.9900"} if "count" in changes else {}
    answer = idle.place(shown, **expensive, **changes)
    assert (answer.status, answer.code) == (400, code)
    assert idle.get("/portfolio/orders")["orders"] == []


@pytest.mark.parametrize(
    "changes", [{"ticker": "NONE"}, {"subaccount": 5}, {"order_group_id": "none"}]
)
def test_an_order_for_something_unknown_is_not_found(
    idle: Trader, shown: Any, changes: dict[str, Any]
) -> None:
    assert idle.place(shown, **changes).status == 404


def test_post_only_that_would_cross_is_refused(idle: Trader, shown: Any) -> None:
    answer = idle.place(shown, price=shown["yes_ask_dollars"], post_only=True)
    assert answer.body["error"]["details"] == "post only cross"


def test_ioc_cancels_what_it_cannot_fill(ada: Trader, market: Any) -> None:
    size = Decimal(market["yes_ask_size_fp"])
    receipt = ada.take(market, count=str(size + 5), time_in_force="immediate_or_cancel")
    assert (Decimal(receipt["fill_count"]), receipt["remaining_count"]) == (
        size,
        "0.00",
    )
    assert status(ada, receipt["order_id"]) == "canceled"


def test_fok_fills_all_or_is_refused(ada: Trader, market: Any) -> None:
    size = Decimal(market["yes_ask_size_fp"])
    fok = {"time_in_force": "fill_or_kill", "price": market["yes_ask_dollars"]}
    answer = ada.place(market, count=str(size + 1), **fok)
    assert (answer.status, answer.code) == (400, "fok_insufficient_volume")
    assert ada.place(market, count="2", **fok).body["fill_count"] == "2.00"


def test_reduce_only_goes_no_further_than_flat(ada: Trader, market: Any) -> None:
    ada.take(market, count="3")
    answer = ada.place(
        market,
        side="ask",
        count="10",
        price=market["yes_bid_dollars"],
        time_in_force="immediate_or_cancel",
        reduce_only=True,
    )
    assert answer.body["fill_count"] == "3.00"


def test_an_order_expires(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market, expiration_time=round(ada.clock.now()) + 60)
    ada.clock.advance(59)
    assert status(ada, order_id) == "resting"
    ada.clock.advance(1)
    assert status(ada, order_id) == "canceled"


def alone_at_the_ask(ada: Trader, market: Any) -> str:
    """Rest an own order where the maker's best ask was; its id."""
    engine = ada.kalshi.engine
    best = Decimal(market["yes_ask_dollars"])
    for order in engine.orders(f"flow:maker:{market['ticker']}", status="resting"):
        if order.side == "ask" and order.price == best:
            engine.cancel(order.order_id, owner=order.owner)
    return ada.rest(market, side="ask", price=str(best), count="1")


def test_maker_self_trade_prevention_cancels_the_resting_order(
    ada: Trader, market: Any
) -> None:
    own = alone_at_the_ask(ada, market)
    stop = {"self_trade_prevention_type": "maker"}
    receipt = ada.take(market, count="1", price="0.9900", **stop)
    assert (status(ada, own), receipt["fill_count"]) == ("canceled", "1.00")


def test_taker_self_trade_prevention_cancels_the_incoming_order(
    ada: Trader, market: Any
) -> None:
    own = alone_at_the_ask(ada, market)
    receipt = ada.take(market, count="1", price="0.9900")
    assert (status(ada, own), receipt["fill_count"]) == ("resting", "0.00")


def test_f1_a_client_order_id_is_taken_for_ever(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market, client_order_id="once")
    assert ada.place(market, client_order_id="once").status == 409
    cancel(ada, order_id)
    answer = ada.place(market, client_order_id="once", count="9")
    assert (answer.status, answer.code) == (409, "order_already_exists")


def test_a_refused_order_does_not_burn_its_id(ada: Trader, market: Any) -> None:
    assert ada.place(market, client_order_id="a", price="0.00001").status == 400
    assert ada.place(market, client_order_id="a").status == 201


def test_client_order_ids_of_others_do_not_matter(
    ada: Trader, bob: Trader, market: Any
) -> None:
    ada.rest(market, client_order_id="same")
    assert bob.place(market, client_order_id="same").status == 201


# Markets that do not trade


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("unopened", "market_inactive"),
        ("paused", "trading_is_paused"),
        ("closed", "market_inactive"),
        ("settled", "market_inactive"),
    ],
)
def test_a_market_that_does_not_trade_takes_no_orders(
    idle: Trader, word: str, code: str
) -> None:
    market = idle.get("/markets", status=word)["markets"][0]
    answer = idle.place(market)
    assert (answer.status, answer.code) == (409, code)


def test_in_a_trading_pause_orders_can_be_cancelled_only(
    ada: Trader, market: Any
) -> None:
    order_id = ada.rest(market)
    ada.kalshi.engine.pause()
    assert ada.place(market).code == "trading_is_paused"
    assert amend(ada, market, order_id, count="9").code == "trading_is_paused"
    assert not ada.get("/exchange/status")["trading_active"]
    assert cancel(ada, order_id).status == 200


def test_in_an_exchange_pause_nothing_works(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market)
    ada.kalshi.engine.pause(whole_exchange=True)
    assert (ada.place(market).status, cancel(ada, order_id).status) == (409, 409)
    assert not ada.get("/exchange/status")["exchange_active"]


def test_a_shard_pauses_alone(ada: Trader) -> None:
    ada.kalshi.engine.pause(shard=2)
    shards = ada.get("/exchange/status")["exchange_index_statuses"]
    assert [s["trading_active"] for s in shards] == [True, True, False, True]
    assert ada.place(ada.market()).status == 201


def test_cancel_on_pause_cancels_at_the_pause(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market, cancel_order_on_pause=True)
    ada.kalshi.engine.pause()
    assert status(ada, order_id) == "canceled"


def test_a_pause_of_one_market_is_its_deactivation(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market)
    ada.kalshi.engine.pause(market_id=market["ticker"])
    told = ada.get(f"/markets/{market['ticker']}")["market"]
    assert told["status"] == "inactive"
    assert ada.place(market).code == "trading_is_paused"
    assert status(ada, order_id) == "resting"
    ada.kalshi.engine.resume(market_id=market["ticker"])
    assert status(ada, order_id) == "canceled"


@pytest.mark.parametrize("scope", [{}, {"shard": 0}, {"whole_exchange": True}])
def test_what_rests_outlives_a_wider_pause(
    ada: Trader, market: Any, scope: dict[str, Any]
) -> None:
    order_id = ada.rest(market)
    ada.kalshi.engine.pause(**scope)
    ada.kalshi.engine.resume(**scope)
    assert status(ada, order_id) == "resting"


# Cancellation


def test_a_cancel_tells_what_was_open(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market, count="3")
    assert cancel(ada, order_id).body["reduced_by"] == "3.00"
    assert status(ada, order_id) == "canceled"


def test_fault_17_every_failed_cancel_looks_alike(
    ada: Trader, bob: Trader, market: Any
) -> None:
    cancelled = ada.rest(market)
    cancel(ada, cancelled)
    filled = ada.take(market)["order_id"]
    foreign = bob.rest(market)
    answers = [
        cancel(ada, order_id) for order_id in (cancelled, filled, foreign, "nothing")
    ]
    assert {(a.status, str(a.body)) for a in answers} == {
        (404, "{'error': {'code': 'not_found', 'message': 'not found'}}")
    }


def test_an_order_of_another_shard_is_found_by_index_or_ticker_only(
    ada: Trader,
) -> None:
    crypto = ada.market(shard=2)
    order_id = ada.rest(crypto)
    assert cancel(ada, order_id).status == 404
    assert cancel(ada, order_id, exchange_index=-1).status == 404
    assert cancel(ada, order_id, exchange_index=1).status == 404
    assert cancel(ada, order_id, market_ticker="NONE").status == 404
    assert cancel(ada, order_id, market_ticker=crypto["ticker"]).status == 200
    again = ada.rest(crypto)
    assert cancel(ada, again, exchange_index=2).status == 200


def test_an_order_sent_to_the_wrong_shard_finds_no_market(ada: Trader) -> None:
    crypto = ada.market(shard=2)
    assert ada.place(crypto, exchange_index=0).status == 404
    assert ada.place(crypto, exchange_index=-1).status == 201
    assert ada.place(crypto, exchange_index=None).status == 201


def test_collateral_is_that_of_the_shard(ada: Trader) -> None:
    crypto = ada.market(shard=2)
    assert ada.place(crypto, price="0.0100", count="1100000").status == 400
    assert ada.place(crypto, price="0.0100", count="900000").status == 201
    assert (ada.cash(2), ada.cash(0)) == (Decimal(1_000), Decimal(10_000))


def test_a_subaccount_must_be_named_to_cancel(ada: Trader, market: Any) -> None:
    ada.ask("POST", "/portfolio/subaccounts")
    ada.ask(
        "POST",
        "/portfolio/intra_exchange_instance_transfer",
        {
            "source": "event_contract",
            "destination": "event_contract",
            "amount": 1_000_000,
            "destination_subaccount": 1,
        },
    )
    order_id = ada.rest(market, subaccount=1)
    assert cancel(ada, order_id).status == 404
    assert cancel(ada, order_id, subaccount=1).status == 200


def test_cancel_all_reaches_every_shard(ada: Trader) -> None:
    for shard in (0, 2, 3):
        ada.rest(ada.market(shard=shard))
    assert ada.ask("DELETE", ORDERS).status == 204
    assert ada.get("/portfolio/orders", status="resting")["orders"] == []


# Changes


def test_amend_counts_what_is_filled(ada: Trader, market: Any) -> None:
    size = Decimal(market["yes_ask_size_fp"])
    receipt = ada.take(market, count=str(size + 2))
    answer = amend(
        ada,
        market,
        receipt["order_id"],
        price=market["yes_ask_dollars"],
        count=str(size + 5),
    )
    assert answer.body["remaining_count"] == "5.00"


def test_amend_to_a_crossing_price_fills(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market, count="2")
    price = market["yes_ask_dollars"]
    answer = amend(ada, market, order_id, price=price, count="2")
    assert (answer.body["fill_count"], answer.body["average_fill_price"]) == (
        "2.00",
        price,
    )


def test_amend_of_the_expiry_alone_reports_no_counts(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market, count="3")
    later = round(ada.clock.now()) + 60
    answer = amend(ada, market, order_id, expiration_time=later)
    assert "remaining_count" not in answer.body
    assert amend(ada, market, order_id, expiration_time=0).status == 200
    ada.clock.advance(61)
    assert status(ada, order_id) == "resting"


def test_amend_can_rename(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market, client_order_id="a")
    answer = amend(
        ada, market, order_id, client_order_id="a", updated_client_order_id="b"
    )
    assert answer.body["client_order_id"] == "b"
    assert ada.place(market, client_order_id="a").status == 409


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"side": "ask"}, "order_side_mismatch"),
        ({"client_order_id": "z"}, "order_id_and_client_order_id_mismatch"),
        ({"price": "0.00001"}, "invalid_price"),
        ({"count": "0"}, "invalid_order_size"),
        ({"expiration_time": 5}, "invalid_order"),
    ],
)
def test_an_amend_that_does_not_fit_is_refused(
    ada: Trader, market: Any, changes: dict[str, Any], code: str
) -> None:
    answer = amend(ada, market, ada.rest(market, client_order_id="a"), **changes)
    assert (answer.status, answer.code) == (400, code)


def test_an_amend_that_names_another_market_is_refused(
    ada: Trader, market: Any
) -> None:
    order_id = ada.rest(market)
    body = {"ticker": "OTHER", "exchange_index": 0}
    answer = amend(ada, market, order_id, **body)
    assert (answer.status, answer.code) == (400, "order_ticker_mismatch")


def test_decrease_by_and_to(ada: Trader, market: Any) -> None:
    order_id = ada.rest(market, count="9")
    assert decrease(ada, order_id, reduce_by="2").body["remaining_count"] == "7.00"
    assert decrease(ada, order_id, reduce_to="3").body["remaining_count"] == "3.00"
    assert decrease(ada, order_id, reduce_to="0").body["remaining_count"] == "0.00"
    assert status(ada, order_id) == "canceled"


@pytest.mark.parametrize(
    "body",
    [{}, {"reduce_by": "1", "reduce_to": "1"}, {"reduce_by": "0"}, {"reduce_to": "-1"}],
)
def test_a_decrease_that_makes_no_sense_is_refused(
    ada: Trader, market: Any, body: dict[str, str]
) -> None:
    assert decrease(ada, ada.rest(market, count="3"), **body).status == 400


# Batches


def test_fault_20_a_batch_answers_item_by_item(ada: Trader, market: Any) -> None:
    orders = [
        ada.order(market, client_order_id="a"),
        ada.order(market, client_order_id="b", price="0.00001"),
        ada.order(market, client_order_id="a"),
        {"ticker": market["ticker"]},
    ]
    answer = ada.ask("POST", f"{ORDERS}/batched", {"orders": orders})
    assert answer.status == 201
    codes = [item.get("error", {}).get("code") for item in answer.body["orders"]]
    assert codes == [
        None,
        "invalid_price",
        "order_already_exists",
        "invalid_parameters",
    ]
    assert answer.body["orders"][1]["client_order_id"] == "b"


def test_fault_20_a_batch_of_cancels_answers_item_by_item(
    ada: Trader, market: Any
) -> None:
    order_id = ada.rest(market)
    items = [{"order_id": order_id}, {"order_id": "none"}, {}]
    answer = ada.ask("DELETE", f"{ORDERS}/batched", {"orders": items})
    done, unknown, empty = answer.body["orders"]
    assert (done["reduced_by"], "error" in done) == ("3.00", False)
    assert (unknown["reduced_by"], unknown["error"]["code"]) == ("0.00", "not_found")
    assert empty["error"]["code"] == "invalid_parameters"


@pytest.mark.parametrize("orders", [[], [7], [{"ticker": 7}]])
def test_a_batch_of_the_wrong_types_is_refused_whole(
    idle: Trader, orders: list[Any]
) -> None:
    answer = idle.ask("POST", f"{ORDERS}/batched", {"orders": orders})
    assert (answer.status, answer.body["code"]) == (400, "bad_request")


# Groups


GROUPS = "/portfolio/order_groups"


@pytest.fixture
def group(ada: Trader) -> str:
    made = ada.ask("POST", f"{GROUPS}/create", {"contracts_limit": 5})
    assert made.status == 201
    return str(made.body["order_group_id"])


def test_a_group_triggers_when_too_much_fills(
    ada: Trader, market: Any, group: str
) -> None:
    resting = ada.rest(market, order_group_id=group)
    assert ada.get(f"{GROUPS}/{group}")["orders"] == [resting]
    ada.take(market, count="6", order_group_id=group)
    assert status(ada, resting) == "canceled"
    assert ada.place(market, order_group_id=group).status == 400
    assert ada.ask("PUT", f"{GROUPS}/{group}/reset", {}).status == 200
    assert ada.place(market, order_group_id=group).status == 201


def test_a_group_is_triggered_by_hand_changed_and_deleted(
    ada: Trader, market: Any, group: str
) -> None:
    resting = ada.rest(market, order_group_id=group)
    assert ada.ask("PUT", f"{GROUPS}/{group}/trigger", {}).status == 200
    assert status(ada, resting) == "canceled"
    limit = {"contracts_limit_fp": "7.50"}
    assert ada.ask("PUT", f"{GROUPS}/{group}/limit", limit).status == 200
    [listed] = ada.get(GROUPS)["order_groups"]
    assert (listed["id"], listed["contracts_limit_fp"]) == (group, "7.50")
    assert ada.ask("DELETE", f"{GROUPS}/{group}").status == 200
    assert ada.ask("GET", f"{GROUPS}/{group}").status == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contracts_limit": 0},
        {"contracts_limit": 1_000_001},
        {"contracts_limit_fp": "0.5"},
        {"contracts_limit": 5, "contracts_limit_fp": "6"},
        {"contracts_limit": 5, "subaccount": 7},
        {"contracts_limit": 5, "exchange_index": 9},
    ],
)
def test_a_group_that_makes_no_sense_is_refused(
    idle: Trader, body: dict[str, Any]
) -> None:
    assert idle.ask("POST", f"{GROUPS}/create", body).status == 400


def test_a_group_is_looked_for_where_the_request_says(ada: Trader, group: str) -> None:
    path = f"{GROUPS}/{group}/reset"
    assert ada.ask("PUT", path, {}, exchange_index=2).status == 404
    ada.ask("POST", "/portfolio/subaccounts")
    assert ada.ask("PUT", path, {}, subaccount=1).status == 404
    body = {"contracts_limit": 5, "subaccount": 1}
    other = ada.ask("POST", f"{GROUPS}/create", body).body["order_group_id"]
    assert ada.ask("PUT", f"{GROUPS}/{other}/reset", {}).status == 404


# Late reads


def test_f20_reads_can_lag(kalshi: SimulatedKalshi, ada: Trader, market: Any) -> None:
    order_id = ada.rest(market)
    ada.clock.advance(1)
    kalshi.read_lag = 0.4
    cancel(ada, order_id)
    path = f"/portfolio/orders/{order_id}"
    assert ada.get(path)["order"]["status"] == "resting"
    assert len(ada.get("/portfolio/orders", status="resting")["orders"]) == 1
    fresh = ada.get("/exchange/user_data_timestamp")["as_of_time"]
    assert fresh == "2026-11-20T18:40:00.6Z"
    ada.clock.advance(0.4)
    assert ada.get(path)["order"]["status"] == "canceled"


def test_f20_a_new_order_can_be_unknown_to_reads(
    kalshi: SimulatedKalshi, ada: Trader, market: Any
) -> None:
    kalshi.read_lag = 0.4
    receipt = ada.take(market)
    assert ada.ask("GET", f"/portfolio/orders/{receipt['order_id']}").status == 404
    assert ada.get("/portfolio/fills")["fills"] == []
    ada.clock.advance(0.4)
    assert status(ada, receipt["order_id"]) == "executed"
    assert len(ada.get("/portfolio/fills")["fills"]) == 1


def test_only_the_last_minute_can_be_read_late(
    kalshi: SimulatedKalshi, ada: Trader, market: Any
) -> None:
    order_id = ada.rest(market)
    ada.clock.advance(1)
    amend(ada, market, order_id, count="5")
    ada.clock.advance(90)
    cancel(ada, order_id)
    path = f"/portfolio/orders/{order_id}"
    kalshi.read_lag = 90
    assert ada.get(path)["order"]["initial_count_fp"] == "5.00"
    kalshi.read_lag = 91
    assert ada.ask("GET", path).status == 404


def test_f20_positions_and_cash_can_lag(
    kalshi: SimulatedKalshi, ada: Trader, market: Any
) -> None:
    before = ada.get("/portfolio/balance")["balance_dollars"]
    ada.clock.advance(90)
    kalshi.read_lag = 0.4
    ada.take(market)
    assert ada.get("/portfolio/positions")["market_positions"] == []
    assert ada.get("/portfolio/balance")["balance_dollars"] == before
    ada.clock.advance(0.4)
    (held,) = ada.get("/portfolio/positions")["market_positions"]
    assert ada.get("/portfolio/balance")["balance_dollars"] != before
    ada.take(market)
    assert ada.get("/portfolio/positions")["market_positions"] == [held]
