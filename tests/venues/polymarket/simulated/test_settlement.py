"""From match to chain: how trades settle, and what happens when they do not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .test_tokens import check
from .trader import Trader


def status(one: Trader) -> str:
    return str(one.get("/data/trades")["data"][0]["status"])


def test_a_trade_is_mined_and_confirmed(ada: Trader, fed, clock) -> None:
    ada.placed(fed, "BUY", "0.56", "10")
    [trade] = ada.get("/data/trades")["data"]
    assert (trade["status"], trade["transaction_hash"]) == ("TRADE_STATUS_MATCHED", "")
    clock.advance(2)
    [trade] = ada.get("/data/trades")["data"]
    assert trade["status"] == "TRADE_STATUS_MINED"
    assert trade["transaction_hash"].startswith("0x")
    clock.advance(3)
    [trade] = ada.get("/data/trades")["data"]
    assert trade["status"] == "TRADE_STATUS_CONFIRMED"
    assert int(trade["last_update"]) == int(trade["match_time"]) + 5


def test_a_trade_may_need_a_second_attempt(polymarket, ada: Trader, fed, clock) -> None:
    polymarket.settler.retry()
    ada.placed(fed, "BUY", "0.56", "10")
    seen = []
    for _ in range(9):
        clock.advance(1)
        seen.append(status(ada).removeprefix("TRADE_STATUS_"))
    assert list(dict.fromkeys(seen)) == ["MATCHED", "RETRYING", "MINED", "CONFIRMED"]


@pytest.mark.parametrize("retrying", [True, False])
def test_a_failed_trade_never_happened(
    polymarket, ada: Trader, bob: Trader, fed, clock, retrying
) -> None:
    polymarket.split(bob.wallet, fed, 20)
    polymarket.change_tick(fed, "0.001")
    bob.placed(fed, "SELL", "0.555", "20")
    polymarket.settler.fail(retrying=retrying)
    ada.placed(fed, "BUY", "0.555", "20")
    assert (ada.tokens(fed), bob.tokens(fed)) == (20, 0)
    clock.advance(10)
    polymarket.advance()
    assert (ada.tokens(fed), bob.tokens(fed)) == (0, 20)
    assert (ada.cash, bob.cash) == (10_000, 9980)
    [trade] = ada.get("/data/trades")["data"]
    assert trade["status"] == "TRADE_STATUS_FAILED"
    assert trade["err_msg"]
    assert ada.read("/data/v2/trades", user=ada.wallet.address)["data"] == []
    [row] = ada.read("/data/v2/positions", user=ada.wallet.address)["data"]
    assert (row["current_size"], row["total_size"], row["entry_fees_usdc"]) == (0, 0, 0)
    check(polymarket)


def test_a_failed_sale_gives_the_tokens_back(polymarket, ada: Trader, fed, clock):
    polymarket.split(ada.wallet, fed, 20)
    polymarket.settler.fail()
    ada.placed(fed, "SELL", "0.55", "20")
    clock.advance(10)
    polymarket.advance()
    assert (ada.tokens(fed), ada.cash) == (20, 9980)
    check(polymarket)


def test_what_a_failure_uncovers_is_cancelled(polymarket, ada: Trader, fed, clock):
    polymarket.settler.fail()
    ada.placed(fed, "BUY", "0.56", "10")
    order_id = ada.placed(fed, "SELL", "0.9", "10")["orderID"]
    clock.advance(10)
    order = ada.get(f"/data/order/{order_id}")
    assert order["status"] == "CANCELED_NOT_ENOUGH_BALANCE"


def test_tokens_that_went_on_cannot_fail_any_more(polymarket, ada: Trader, fed, clock):
    polymarket.settler.fail()
    ada.placed(fed, "BUY", "0.56", "10")
    ada.placed(fed, "SELL", "0.55", "10")
    clock.advance(10)
    polymarket.advance()
    trades = ada.get("/data/trades")["data"]
    assert {trade["status"] for trade in trades} == {"TRADE_STATUS_CONFIRMED"}
    check(polymarket)


def test_money_that_went_on_cannot_fail_any_more(polymarket, ada: Trader, fed, clock):
    polymarket.split(ada.wallet, fed, 20)
    polymarket.settler.fail()
    ada.placed(fed, "SELL", "0.55", "20")
    polymarket.bring_to(ada.wallet, 0)
    clock.advance(10)
    assert status(ada) == "TRADE_STATUS_CONFIRMED"
    check(polymarket)


def test_a_settled_market_cannot_fail_any_more(polymarket, ada: Trader, fed, clock):
    polymarket.settler.fail()
    ada.placed(fed, "BUY", "0.56", "10")
    polymarket.engine.determine(fed.condition_id, Decimal(1))
    clock.advance(10)
    assert status(ada) == "TRADE_STATUS_CONFIRMED"
    check(polymarket)


def test_so_many_trades_fail_and_no_more(polymarket, ada: Trader, fed, clock) -> None:
    polymarket.settler.fail(2)
    for _ in range(3):
        ada.placed(fed, "BUY", "0.56", "10")
    clock.advance(10)
    trades = ada.get("/data/trades")["data"]
    failed = [t["status"] == "TRADE_STATUS_FAILED" for t in trades]
    assert failed == [False, True, True]
    assert ada.tokens(fed) == 10
