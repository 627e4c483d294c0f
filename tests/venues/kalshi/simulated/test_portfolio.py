"""What an account holds, what it did, and where its money is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.money import total
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .trader import Trader, trader

ID = "11111111-1111-4111-8111-111111111111"
SHARDS = "/portfolio/intra_exchange_instance_transfer"
ALLOCATION = "/portfolio/target_balance_allocation"


def test_balance_is_told_whole_and_by_shard(idle: Trader) -> None:
    balance = idle.get("/portfolio/balance")
    assert (balance["balance"], balance["balance_dollars"]) == (4_000_000, "40000.0000")
    assert [row["balance"] for row in balance["balance_breakdown"]] == [
        "10000.0000"
    ] * 4
    one = idle.get("/portfolio/balance", exchange_index=2)
    assert one["balance_dollars"] == "10000.0000"


def test_the_balance_in_cents_is_cut_off(ada: Trader, market: Any) -> None:
    ada.take(market, count="0.01")
    balance = ada.get("/portfolio/balance")
    exact = Decimal(balance["balance_dollars"]) * 100
    assert (balance["balance"], exact > balance["balance"]) == (int(exact), True)


def test_an_unknown_subaccount_has_no_balance(idle: Trader) -> None:
    assert idle.ask("GET", "/portfolio/balance", subaccount=9).status == 404


def test_cash_positions_and_fees_reconcile(ada: Trader, market: Any) -> None:
    ada.take(market, count="5")
    ada.place(
        market,
        side="ask",
        count="2",
        price=market["yes_bid_dollars"],
        time_in_force="immediate_or_cancel",
    )
    [position] = ada.get("/portfolio/positions")["market_positions"]
    assert position["position_fp"] == "3.00"
    spent = Decimal(position["market_exposure_dollars"])
    made = Decimal(position["realized_pnl_dollars"])
    fees = Decimal(position["fees_paid_dollars"])
    assert ada.cash() == Decimal(10_000) - spent + made - fees
    fills = ada.get("/portfolio/fills")["fills"]
    assert total(Decimal(fill["fee_cost"]) for fill in fills) == fees


@pytest.mark.parametrize("step", [-5.0, 0.0, 5.0])
def test_fault_44_what_happened_is_shown_also_once_the_clock_was_set_back(
    ada: Trader, clock: VirtualClock, market: Any, step: float
) -> None:
    clock.advance(60)
    cost = Decimal("0.01") * 900
    before = ada.cash()
    ada.place(market, count="900", price="0.0100")
    assert ada.cash() == before - cost
    clock.step(step)
    ada.place(market, side="ask", count="900", price="0.9900")
    ada.take(market, count="2")
    clock.step(step)
    [position] = ada.get("/portfolio/positions")["market_positions"]
    [fill] = ada.get("/portfolio/fills")["fills"]
    assert position["position_fp"] == fill["count_fp"] == "2.00"
    spent = Decimal(position["market_exposure_dollars"]) + Decimal(fill["fee_cost"])
    # Two of what is offered close what is held by now.
    assert ada.cash() == before - 2 * cost + Decimal("0.02") - spent
    assert len(ada.get("/portfolio/orders", status="resting")["orders"]) == 2


def test_buying_no_is_selling_yes(ada: Trader, market: Any) -> None:
    ada.place(
        market,
        side="ask",
        count="4",
        price=market["yes_bid_dollars"],
        time_in_force="immediate_or_cancel",
    )
    [fill] = ada.get("/portfolio/fills")["fills"]
    [position] = ada.get("/portfolio/positions")["market_positions"]
    assert (fill["outcome_side"], fill["book_side"]) == ("no", "ask")
    assert position["position_fp"] == "-4.00"
    exposure = Decimal(position["market_exposure_dollars"])
    assert exposure == 4 * Decimal(fill["no_price_dollars"])


def test_positions_are_filtered(museum: Trader) -> None:
    ask = "/portfolio/positions"
    unsettled = museum.get(ask)["market_positions"]
    settled = museum.get(ask, settlement_status="settled")["market_positions"]
    assert {p["position_fp"] for p in settled} == {"0.00"}
    everything = museum.get(ask, settlement_status="all")["market_positions"]
    assert len(everything) == len(unsettled) + len(settled)
    held = museum.get(ask, settlement_status="all", count_filter="position")
    assert held["market_positions"] == unsettled
    traded = museum.get(ask, settlement_status="all", count_filter="total_traded")
    assert traded["market_positions"] == everything
    one = unsettled[0]["ticker"]
    assert len(museum.get(ask, ticker=one)["market_positions"]) == 1
    assert museum.ask("GET", ask, count_filter="nonsense").status == 400
    assert museum.get(ask, exchange_index=1)["market_positions"] == []
    assert museum.get(ask, event_ticker="NONE")["event_positions"] == []


def test_fills_are_filtered(museum: Trader) -> None:
    fills = museum.get("/portfolio/fills")["fills"]
    two = f"{fills[0]['ticker']},{fills[-1]['ticker']}"
    assert {
        f["ticker"] for f in museum.get("/portfolio/fills", ticker=two)["fills"]
    } == {
        fills[0]["ticker"],
        fills[-1]["ticker"],
    }
    order = fills[0]["order_id"]
    [mine] = museum.get("/portfolio/fills", order_id=order)["fills"]
    assert mine["fill_id"] == mine["trade_id"] == fills[0]["fill_id"]
    middle = fills[len(fills) // 2]["ts"]
    newer = museum.get("/portfolio/fills", min_ts=middle)["fills"]
    older = museum.get("/portfolio/fills", max_ts=middle - 1)["fills"]
    assert newer + older == fills
    tickers = ",".join(f"T{n}" for n in range(101))
    assert museum.ask("GET", "/portfolio/fills", ticker=tickers).status == 400


def test_orders_are_filtered(ada: Trader, market: Any) -> None:
    ada.rest(market)
    other = ada.market(shard=2)
    ada.take(other)
    for query, count in (
        ({"status": "resting"}, 1),
        ({"status": "executed"}, 1),
        ({"ticker": other["ticker"]}, 1),
        ({"event_ticker": f"{market['event_ticker']},{other['event_ticker']}"}, 2),
        ({"exchange_index": 2}, 1),
        ({"subaccount": 1}, 0),
    ):
        assert len(ada.get("/portfolio/orders", **query)["orders"]) == count
    assert ada.ask("GET", "/portfolio/orders", status="open").status == 400
    many = ",".join(f"E{n}" for n in range(11))
    assert ada.ask("GET", "/portfolio/orders", event_ticker=many).status == 400


def test_orders_of_others_are_not_found(ada: Trader, bob: Trader, market: Any) -> None:
    order_id = ada.rest(market)
    assert bob.ask("GET", f"/portfolio/orders/{order_id}").status == 404


def test_queue_positions_count_what_is_ahead(
    ada: Trader, bob: Trader, market: Any
) -> None:
    ada.rest(market, count="7")
    order_id = bob.rest(market)
    path = f"/portfolio/orders/{order_id}/queue_position"
    assert bob.get(path)["queue_position_fp"] == "7.00"
    listed = bob.get(
        "/portfolio/orders/queue_positions", market_tickers=market["ticker"]
    )
    assert [row["order_id"] for row in listed["queue_positions"]] == [order_id]
    by_event = bob.get(
        "/portfolio/orders/queue_positions", event_ticker=market["event_ticker"]
    )
    assert by_event == listed
    assert bob.ask("GET", "/portfolio/orders/queue_positions").status == 400
    bob.ask("DELETE", f"/portfolio/events/orders/{order_id}")
    assert bob.ask("GET", path).status == 404


def test_resting_orders_have_a_value(ada: Trader) -> None:
    crypto = ada.market(shard=2)
    ada.rest(crypto, price="0.0100", count="100")
    value = ada.get("/portfolio/summary/total_resting_order_value")
    assert value["total_resting_order_value"] == 100
    rows = {
        r["exchange_index"]: r["balance"]
        for r in value["resting_order_value_breakdown"]
    }
    assert (rows[2], rows[0]) == ("1.0000", "0.0000")


# Settlement


def test_p5_a_yes_position_is_paid_a_dollar_each(ada: Trader, market: Any) -> None:
    ada.take(market, count="5")
    before = ada.cash()
    ada.kalshi.engine.determine(market["ticker"], Decimal(1))
    ada.kalshi.engine.settle(market["ticker"])
    assert ada.cash() - before == 5
    [settlement] = ada.get("/portfolio/settlements")["settlements"]
    assert (settlement["market_result"], settlement["revenue"]) == ("yes", 500)
    assert (settlement["yes_count_fp"], settlement["no_count_fp"]) == ("5.00", "0.00")


def test_fault_29_a_scalar_market_pays_its_value(ada: Trader) -> None:
    scalar = ada.market(series="KXGDPVALUE")
    assert scalar["market_type"] == "scalar"
    ada.take(scalar, count="10")
    before = ada.cash()
    ada.kalshi.engine.determine(scalar["ticker"], Decimal("0.37"))
    ada.kalshi.engine.settle(scalar["ticker"])
    assert ada.cash() - before == Decimal("3.70")
    [settlement] = ada.get("/portfolio/settlements")["settlements"]
    assert (settlement["market_result"], settlement["value"]) == ("scalar", 37)


def test_settlements_are_filtered(museum: Trader) -> None:
    everything = museum.get("/portfolio/settlements")["settlements"]
    one = everything[0]
    for query in ({"ticker": one["ticker"]}, {"event_ticker": one["event_ticker"]}):
        found = museum.get("/portfolio/settlements", **query)["settlements"]
        assert one in found
        assert len(found) < len(everything)


# The historical tier


def test_p12_history_continues_where_the_live_tier_ends(museum: Trader) -> None:
    cutoff = museum.get("/historical/cutoff")["trades_created_ts"]
    live = museum.get("/portfolio/fills")["fills"]
    old = museum.get("/historical/fills")["fills"]
    assert live[-1]["created_time"] >= cutoff > old[0]["created_time"]
    assert {f["fill_id"] for f in live}.isdisjoint(f["fill_id"] for f in old)


@pytest.mark.parametrize(
    ("live", "old", "name", "key"),
    [
        ("/portfolio/orders", "/historical/orders", "orders", "order_id"),
        ("/portfolio/fills", "/historical/fills", "fills", "fill_id"),
        ("/markets/trades", "/historical/trades", "trades", "trade_id"),
        ("/markets", "/historical/markets", "markets", "ticker"),
    ],
)
def test_p12_after_two_weeks_everything_that_ended_is_historical(
    veteran: Trader, live: str, old: str, name: str, key: str
) -> None:
    both = {r[key] for path in (live, old) for r in veteran.get(path, limit=1000)[name]}
    veteran.clock.advance(15 * 86_400)
    after = {r[key] for r in veteran.get(old, limit=1000)[name]}
    if name != "markets":
        assert veteran.get(live)[name] == []
        assert after == both
    assert after - both == set()


def test_p12_an_old_order_is_not_found_among_the_live_ones(museum: Trader) -> None:
    old = museum.get("/historical/orders")["orders"][0]["order_id"]
    assert museum.ask("GET", f"/portfolio/orders/{old}").status == 404


def test_p12_positions_of_an_event_move_together(museum: Trader) -> None:
    old = museum.get("/historical/positions")
    live = museum.get("/portfolio/positions", settlement_status="all")
    events = {row["event_ticker"] for row in old["event_positions"]}
    assert events.isdisjoint(row["event_ticker"] for row in live["event_positions"])
    assert old["market_positions"] != []


def test_one_account_has_a_past_the_next_one_has_none(
    kalshi: SimulatedKalshi, clock: VirtualClock, veteran: Trader
) -> None:
    rich = trader(kalshi, clock, history=True, cash={0: Decimal(10**9)})
    assert (rich.cash(), rich.cash(2)) == (Decimal(10**9), Decimal(0))
    assert rich.get("/portfolio/orders")["orders"] == []


def test_a_veteran_can_be_rich(kalshi: SimulatedKalshi, clock: VirtualClock) -> None:
    rich = trader(kalshi, clock, history=True, cash={0: Decimal(10**9)})
    assert rich.cash() == Decimal(10**9)


def test_a_veteran_has_the_cash_that_was_asked_for(museum: Trader) -> None:
    assert [museum.cash(shard) for shard in range(4)] == [Decimal(10_000)] * 4


# Moving money


def move(who: Trader, **changes: Any) -> Any:
    body = {
        "source": "event_contract",
        "destination": "event_contract",
        "amount": 250_000,
        "source_exchange_shard": 0,
        "destination_exchange_shard": 2,
        **changes,
    }
    return who.ask("POST", SHARDS, body)


def test_money_moves_between_shards(ada: Trader) -> None:
    made = move(ada)
    assert (ada.cash(0), ada.cash(2)) == (Decimal(9975), Decimal(10025))
    transfer = ada.get(f"{SHARDS}s/{made.body['transfer_id']}")["transfer"]
    assert (transfer["amount"], transfer["status"]) == ("25.000000", "complete")
    assert ada.get(f"{SHARDS}s")["transfers"] == [transfer]
    assert ada.ask("GET", f"{SHARDS}s/none").status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": 999_999_999_999},
        {"source": "margined"},
        {"destination_exchange_shard": 0},
        {"destination_exchange_shard": 4},
        {"destination_subaccount": 3},
        {"client_transfer_id": "x"},
    ],
)
def test_a_transfer_that_makes_no_sense_is_refused(
    idle: Trader, changes: dict[str, Any]
) -> None:
    assert move(idle, **changes).status == 400


def test_a_transfer_id_is_good_for_once(ada: Trader) -> None:
    assert move(ada, client_transfer_id=ID).status == 200
    assert move(ada, client_transfer_id=ID).status == 409


def test_subaccounts_are_opened_funded_and_told(ada: Trader) -> None:
    made = ada.ask("POST", "/portfolio/subaccounts", {"exchange_index": 0})
    assert (made.status, made.body["subaccount_number"]) == (201, 1)
    body = {
        "client_transfer_id": ID,
        "from_subaccount": 0,
        "to_subaccount": 1,
        "amount_cents": 12_345,
    }
    assert ada.ask("POST", "/portfolio/subaccounts/transfer", body).status == 200
    assert ada.ask("POST", "/portfolio/subaccounts/transfer", body).status == 409
    rows = ada.get("/portfolio/subaccounts/balances")["subaccount_balances"]
    own = [r for r in rows if r["subaccount_number"] == 1]
    assert [r["balance"] for r in own] == ["123.4500"]
    [transfer] = ada.get("/portfolio/subaccounts/transfers")["transfers"]
    assert (transfer["amount_cents"], transfer["to_subaccount"]) == (12_345, 1)
    same = {**body, "client_transfer_id": ID[:-1] + "2", "to_subaccount": 0}
    assert ada.ask("POST", "/portfolio/subaccounts/transfer", same).status == 400


def test_netting_is_remembered(ada: Trader) -> None:
    path = "/portfolio/subaccounts/netting"
    body = {"subaccount_number": 0, "enabled": False}
    assert ada.ask("PUT", path, body).status == 200
    [row] = ada.get(path)["netting_configs"]
    assert (row["subaccount_number"], row["enabled"]) == (0, False)


def test_there_are_63_subaccounts_at_most(ada: Trader) -> None:
    for _ in range(63):
        ada.ask("POST", "/portfolio/subaccounts")
    assert ada.ask("POST", "/portfolio/subaccounts").status == 400


def test_cash_follows_its_target_allocation(ada: Trader) -> None:
    shares = [
        {"exchange_index": 0, "percent": 25},
        {"exchange_index": 2, "percent": 75},
    ]
    body = {"allocations": shares, "resting_margin_reservation": "max"}
    assert ada.ask("POST", ALLOCATION, body).status == 200
    assert ada.get(ALLOCATION) == body
    ada.clock.advance(10)
    assert [ada.cash(n) for n in range(4)] == [10_000, 0, 30_000, 0]
    shares[0]["percent"], shares[1]["percent"] = 60, 20
    body = {"allocations": [*shares, {"exchange_index": 3, "percent": 20}]}
    ada.ask("POST", ALLOCATION, body)
    assert [ada.cash(n) for n in range(4)] == [24_000, 0, 8_000, 8_000]
    percents = (10, 40, 10, 40)
    rows = [{"exchange_index": n, "percent": p} for n, p in enumerate(percents)]
    ada.ask("POST", ALLOCATION, {"allocations": rows})
    assert [ada.cash(n) for n in range(4)] == [4_000, 16_000, 4_000, 16_000]


@pytest.mark.parametrize(
    "body",
    [
        {"allocations": [{"exchange_index": 0, "percent": 99}]},
        {"allocations": [{"exchange_index": 0, "percent": 101}]},
        {"allocations": [{"exchange_index": 7, "percent": 100}]},
        {"allocations": [{"percent": 100}]},
        {"allocations": [], "resting_margin_reservation": "all"},
    ],
)
def test_an_allocation_that_makes_no_sense_is_refused(
    idle: Trader, body: dict[str, Any]
) -> None:
    assert idle.ask("POST", ALLOCATION, body).status == 400


def test_nothing_was_ever_deposited_or_withdrawn(idle: Trader) -> None:
    assert idle.get("/portfolio/deposits") == {"deposits": [], "cursor": ""}
    assert idle.get("/portfolio/withdrawals") == {"withdrawals": [], "cursor": ""}


def test_progress_counts_the_volume(ada: Trader, market: Any) -> None:
    ada.take(market, count="5")
    [progress] = ada.get("/account/api_usage_level/volume_progress")["volume_progress"]
    assert progress["trailing_30d_volume_fp"] == "5.00"
