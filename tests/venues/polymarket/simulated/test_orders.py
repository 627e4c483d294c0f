"""Orders: every check in the venue's words, what is accepted, cancelled and read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.venues.polymarket.simulated.chain import NEG_RISK, V3

from .conftest import ADA
from .trader import Answer, Trader, trader

FOK = "order couldn't be fully filled. FOK orders are fully filled or killed."
SPREAD = "nba-gsw-lal-spread-home-3pt5"
MAYOR = "will-ada-quimby-be-the-next-mayor-of-springfield"


def refused(answer: Answer, text: str, status: int = 400) -> None:
    assert (answer.status, text in answer.error) == (status, True), answer


# What an order looks like


@pytest.mark.parametrize("kind", ["eoa", "proxy", "safe", "deposit"])
def test_every_kind_of_wallet_trades(polymarket, clock, kind) -> None:
    ada = trader(polymarket, clock, ADA, kind=kind)
    listed = ada.market()
    assert ada.placed(listed, "BUY", "0.4", "10")["status"] == "live"


@pytest.mark.parametrize(
    "slug",
    [MAYOR, SPREAD, "bitcoin-above-120k-on-friday", "ethereum-up-or-down-quarter"],
)
@pytest.mark.parametrize("index", [0, 1])
def test_every_contract_and_tick_takes_orders(ada: Trader, slug, index) -> None:
    listed = ada.market(slug)
    receipt = ada.placed(listed, "BUY", str(listed.tick), "200", index=index)
    assert receipt["status"] == "live"


def test_the_id_of_an_order_is_known_before_it_is_sent(ada: Trader, fed) -> None:
    body = ada.order(fed, "BUY", "0.4", "10")
    first = ada.ask("POST", "/order", body).body
    refused(
        ada.ask("POST", "/order", body), f"order {first['orderID']} is invalid. Dup"
    )


def test_a_refused_order_may_be_sent_again(polymarket, ada: Trader, fed) -> None:
    body = ada.order(fed, "BUY", "0.4", "10")
    polymarket.bring_to(ada.wallet, 1)
    refused(ada.ask("POST", "/order", body), "not enough balance / allowance")
    polymarket.bring_to(ada.wallet, 100)
    assert ada.ask("POST", "/order", body).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"side": "HOLD"},
        {"salt": "x"},
        {"salt": True},
        {"salt": -1},
        {"maker": "0x12"},
        {"maker": None},
        {"metadata": "0xzz"},
        {"signatureType": 4},
        {"makerAmount": "0"},
        {"takerAmount": "1" + "0" * 21},
        {"tokenId": "abc"},
    ],
)
def test_an_order_that_cannot_be_read_is_refused(ada: Trader, fed, changes) -> None:
    refused(
        ada.place(fed, "BUY", "0.4", "10", changes=changes), "Invalid order payload"
    )


@pytest.mark.parametrize("body", [[], {}, {"order": 1}])
def test_what_is_no_order_is_refused(ada: Trader, body) -> None:
    refused(ada.ask("POST", "/order", body), "Invalid order payload")


def test_a_body_that_is_no_json_is_refused(ada: Trader) -> None:
    headers = ada.headers("POST", "/order", "{")
    from unified_exchanges.flow import Request

    from .trader import HOST

    request = Request("POST", HOST + "/clob/order", headers=headers, body=b"{")
    refused(ada.send(request), "Invalid order payload")


def test_an_order_of_an_unknown_kind_is_refused(ada: Trader, fed) -> None:
    refused(
        ada.place(fed, "BUY", "0.4", "10", order_type="IOC"), "Invalid order payload"
    )


# Who sends it


def test_the_owner_is_the_key_that_signs(ada: Trader, bob: Trader, fed) -> None:
    body = ada.order(fed, "BUY", "0.4", "10") | {"owner": bob.key.key_id}
    refused(ada.ask("POST", "/order", body), "the order owner has to be the owner")


def test_the_signer_is_the_keys_address(polymarket, clock, bob: Trader, fed) -> None:
    eoa = trader(polymarket, clock, ADA, kind="eoa")
    changes = {"signer": bob.wallet.signer}
    refused(
        eoa.place(fed, "BUY", "0.4", "10", changes=changes),
        "the order signer address has to be the address of the API KEY",
    )


def test_a_wallet_that_is_not_known_cannot_trade(polymarket, clock, fed) -> None:
    eoa = trader(polymarket, clock, ADA, kind="eoa")
    eoa.wallet.is_allowed = False
    refused(
        eoa.place(fed, "BUY", "0.4", "10"),
        "maker address not allowed, please use the deposit wallet flow",
    )
    changes = {"maker": "0x" + "1" * 40}
    refused(eoa.place(fed, "BUY", "0.4", "10", changes=changes), "maker address not")


def test_a_banned_wallet_cannot_trade_and_a_closing_one_cannot_buy(
    ada: Trader, fed
) -> None:
    ada.wallet.is_closed_only = True
    refused(ada.place(fed, "BUY", "0.4", "10"), "address in closed only mode")
    refused(ada.place(fed, "SELL", "0.6", "10"), "not enough balance")
    assert ada.get("/auth/ban-status/closed-only") == {"closed_only": True}
    ada.wallet.is_banned = True
    refused(ada.place(fed, "SELL", "0.6", "10"), "address banned")


def test_from_a_blocked_place_no_order_is_taken(polymarket, ada: Trader, fed) -> None:
    polymarket.settings.blocked_country = "US"
    refused(ada.place(fed, "BUY", "0.4", "10"), "restricted in your region", 403)
    headers = ada.headers("GET", "/data/orders")
    assert ada.ask("GET", "/data/orders", headers=headers).status == 200


# Its signature


def test_a_signature_of_somebody_else_is_refused(ada: Trader, fed) -> None:
    refused(ada.place(fed, "BUY", "0.4", "10", signed_by=77), "invalid signature")


def test_a_signature_of_another_kind_is_refused(polymarket, clock, fed) -> None:
    eoa = trader(polymarket, clock, ADA, kind="eoa")
    eoa.wallet.kind = "safe"
    body = eoa.order(fed, "BUY", "0.4", "10")
    eoa.wallet.kind = "eoa"
    refused(eoa.ask("POST", "/order", body), "invalid signature")


@pytest.mark.parametrize("kind", ["eoa", "deposit"])
@pytest.mark.parametrize("exchange", [NEG_RISK, V3])
def test_a_signature_for_another_contract_is_told_apart(
    polymarket, clock, fed, kind, exchange
) -> None:
    ada = trader(polymarket, clock, ADA, kind=kind)
    refused(
        ada.place(fed, "BUY", "0.4", "10", exchange=exchange), "order_version_mismatch"
    )


@pytest.mark.parametrize("kind", ["eoa", "deposit"])
def test_an_order_that_was_changed_is_refused(polymarket, clock, fed, kind) -> None:
    ada = trader(polymarket, clock, ADA, kind=kind)
    changes = {"takerAmount": "20000000"}
    refused(ada.place(fed, "BUY", "0.4", "10", changes=changes), "invalid signature")


def test_a_wrapped_signature_must_recover(ada: Trader, fed) -> None:
    body = ada.order(fed, "BUY", "0.4", "10")
    whole = body["order"]["signature"]
    body["order"]["signature"] = "0x" + "00" * 65 + whole[2 + 130 :]
    refused(ada.ask("POST", "/order", body), "invalid signature")


# Its market


def test_an_unknown_token_is_refused(ada: Trader, fed) -> None:
    refused(
        ada.place(fed, "BUY", "0.4", "10", changes={"tokenId": "5"}), "Invalid token id"
    )


def test_a_market_that_does_not_trade_yet_or_any_more_is_refused(ada: Trader) -> None:
    early = ada.market("will-the-be-sharps-be-number-one")
    late = ada.market("will-it-rain-in-springfield-yesterday")
    for listed in (early, late):
        refused(
            ada.place(listed, "BUY", "0.4", "10"),
            "the market is not yet ready to process new orders",
        )
    over = ada.market("nba-chi-bos")
    refused(ada.place(over, "BUY", "0.4", "10"), "No orderbook exists", 404)


# Its amounts


@pytest.mark.parametrize(
    ("slug", "price"),
    [
        (None, "0.405"),
        (None, "0.001"),
        (None, "1"),
        (SPREAD, "0.401"),
        (MAYOR, "0.4005"),
    ],
)
def test_a_price_off_the_grid_is_refused(ada: Trader, slug, price) -> None:
    listed = ada.market(slug) if slug else ada.market()
    answer = ada.place(listed, "BUY", price, "10")
    tick = listed.tick
    refused(
        answer, f"is invalid. Price ({price}) breaks minimum tick size rule: {tick}"
    )


def test_a_grid_may_change_while_orders_rest(polymarket, ada: Trader, fed) -> None:
    refused(ada.place(fed, "BUY", "0.405", "10"), "breaks minimum tick size rule: 0.01")
    order_id = ada.placed(fed, "BUY", "0.4", "10")["orderID"]
    polymarket.change_tick(fed, "0.001")
    assert ada.placed(fed, "BUY", "0.405", "10")["status"] == "live"
    assert ada.get(f"/data/order/{order_id}")["status"] == "LIVE"
    told = ada.read("/clob/tick-size", token_id=fed.tokens[0])
    assert told == {"minimum_tick_size": Decimal("0.001")}


def test_a_size_has_two_decimals_and_a_minimum(ada: Trader, fed) -> None:
    refused(ada.place(fed, "BUY", "0.4", "10.005"), "Maximum lot size is 2")
    refused(
        ada.place(fed, "BUY", "0.4", "4.99"),
        "is invalid. Size (4.99) lower than the minimum: 5",
    )
    assert ada.placed(fed, "BUY", "0.01", "5.01")["status"] == "live"


def test_a_marketable_buy_is_of_a_dollar_at_least(ada: Trader, fed) -> None:
    refused(
        ada.place(
            fed, "BUY", "0.6", "0.8", order_type="FAK", amounts=(500_000, 833_300)
        ),
        "invalid amount for a marketable BUY order ($0.5), min size: $1",
    )


def test_a_market_buy_has_few_decimals(ada: Trader, fed) -> None:
    refused(
        ada.place(
            fed, "BUY", "0.6", "10", order_type="FAK", amounts=(6_001_000, 10_001_600)
        ),
        "supports a max accuracy of 2 decimals, taker amount a max of 4 decimals",
    )
    mayor = ada.market(MAYOR)
    refused(
        ada.place(
            mayor, "BUY", "0.6", "10", order_type="FOK", amounts=(6_001_000, 10_001_600)
        ),
        "taker amount a max of 5 decimals",
    )


def test_a_market_buy_spends_its_dollars_at_the_floor_of_shares(
    ada: Trader, fed
) -> None:
    receipt = ada.placed(
        fed, "BUY", "0.56", "1", order_type="FAK", amounts=(10_000_000, 17_857_100)
    )
    assert (receipt["makingAmount"], receipt["takingAmount"]) == ("9.999976", "17.8571")


# When it ends


@pytest.mark.parametrize(
    ("order_type", "seconds"), [("GTC", 1), ("FAK", 600), ("GTD", 0), ("GTD", 179)]
)
def test_an_expiration_must_fit_its_kind(ada: Trader, fed, clock, order_type, seconds):
    expiration = int(clock.now()) + seconds
    answer = ada.place(
        fed, "BUY", "0.4", "10", order_type=order_type, expiration=expiration
    )
    refused(answer, "invalid expiration")


def test_an_order_ends_a_minute_before_its_expiration(ada: Trader, fed, clock) -> None:
    expiration = int(clock.now()) + 180
    order_id = ada.placed(
        fed, "BUY", "0.4", "10", order_type="GTD", expiration=expiration
    )["orderID"]
    clock.advance(119)
    assert ada.get(f"/data/order/{order_id}")["expiration"] == str(expiration)
    clock.advance(1)
    assert ada.get(f"/data/order/{order_id}")["status"] == "CANCELED_EXPIRED_ORDER"


# Money


def test_open_orders_hold_money_beside_the_balance(
    polymarket, ada: Trader, fed
) -> None:
    polymarket.bring_to(ada.wallet, 10)
    ada.placed(fed, "BUY", "0.4", "20")
    told = ada.get("/balance-allowance", asset_type="COLLATERAL", signature_type=3)
    assert told["balance"] == "10000000"
    refused(ada.place(fed, "BUY", "0.4", "10"), "not enough balance / allowance")
    assert ada.placed(fed, "BUY", "0.2", "10")["status"] == "live"


def test_a_taker_must_have_the_fee_too(polymarket, ada: Trader, fed) -> None:
    polymarket.bring_to(ada.wallet, "5.6")
    refused(ada.place(fed, "BUY", "0.56", "10"), "not enough balance / allowance")
    polymarket.bring_to(ada.wallet, "5.72320")
    assert ada.placed(fed, "BUY", "0.56", "10")["status"] == "matched"
    assert ada.cash == 0


def test_money_needs_the_allowance_of_the_right_contract(ada: Trader, fed) -> None:
    ada.wallet.allowances[fed.exchange.address] = 5_000_000
    refused(ada.place(fed, "BUY", "0.4", "20"), "not enough balance / allowance")
    assert ada.placed(fed, "BUY", "0.4", "10")["status"] == "live"
    neg_risk = ada.market(MAYOR)
    assert ada.placed(neg_risk, "BUY", "0.4", "20")["status"] == "live"


def test_only_tokens_that_are_held_and_approved_are_sold(
    polymarket, ada: Trader, fed
) -> None:
    refused(ada.place(fed, "SELL", "0.6", "10"), "not enough balance / allowance")
    polymarket.split(ada.wallet, fed, 10)
    assert ada.placed(fed, "SELL", "0.6", "6")["status"] == "live"
    refused(ada.place(fed, "SELL", "0.6", "5"), "not enough balance / allowance")
    assert ada.placed(fed, "SELL", "0.5", "10", index=1)["status"] == "live"
    ada.wallet.approved.clear()
    refused(ada.place(fed, "SELL", "0.7", "5"), "not enough balance / allowance")


def test_an_order_against_all_of_ones_own_is_refused_by_its_money(
    polymarket, ada: Trader, fed
) -> None:
    polymarket.bring_to(ada.wallet, 10)
    polymarket.split(ada.wallet, fed, 10)
    ada.placed(fed, "SELL", "0.99", "10")
    assert ada.placed(fed, "SELL", "0.99", "10", index=1)["status"] == "live"


# Kinds


def test_a_post_only_order_that_would_trade_is_refused(ada: Trader, fed) -> None:
    refused(
        ada.place(fed, "BUY", "0.56", "10", postOnly=True),
        "invalid post-only order: order crosses book",
    )
    refused(
        ada.place(fed, "BUY", "0.56", "10", order_type="FOK", postOnly=True),
        "invalid post-only order",
    )
    assert ada.placed(fed, "BUY", "0.55", "10", postOnly=True)["status"] == "live"


def test_a_fill_or_kill_order_is_filled_or_killed(ada: Trader, fed) -> None:
    refused(ada.place(fed, "BUY", "0.56", "9000", order_type="FOK"), FOK)
    receipt = ada.placed(fed, "BUY", "0.56", "10", order_type="FOK")
    assert (receipt["status"], receipt["takingAmount"]) == ("matched", "10")


def test_a_fill_and_kill_order_takes_what_is_there(ada: Trader, fed) -> None:
    refused(
        ada.place(fed, "BUY", "0.5", "10", order_type="FAK"),
        "no orders found to match with FAK order",
    )
    there = Decimal(ada.read("/clob/book", token_id=fed.tokens[0])["asks"][-1]["size"])
    receipt = ada.placed(fed, "BUY", "0.56", "9000", order_type="FAK")
    assert Decimal(receipt["takingAmount"]) == there
    order = ada.get(f"/data/order/{receipt['orderID']}")
    assert (order["status"], Decimal(order["size_matched"])) == ("CANCELED", there)
    assert ada.get("/data/orders")["data"] == []


def test_what_is_left_of_a_matched_order_rests(ada: Trader, fed) -> None:
    there = Decimal(ada.read("/clob/book", token_id=fed.tokens[0])["asks"][-1]["size"])
    receipt = ada.placed(fed, "BUY", "0.56", str(there + 10))
    assert (receipt["status"], Decimal(receipt["takingAmount"])) == ("matched", there)
    [order] = ada.get("/data/orders")["data"]
    assert order["associate_trades"] == receipt["tradeIDs"]


@pytest.fixture
def gap(polymarket, fed):
    """The same market with room between its bid and its ask, at 0.555."""
    polymarket.change_tick(fed, "0.001")
    return fed


def test_the_taker_gets_the_makers_price(ada: Trader, bob: Trader, gap) -> None:
    bob.placed(gap, "BUY", "0.445", "20", index=1)
    assert ada.best(gap, "ask") == "0.555"
    receipt = ada.placed(gap, "BUY", "0.600", "20")
    assert (receipt["makingAmount"], receipt["takingAmount"]) == ("11.1", "20")
    [trade] = ada.get("/data/trades")["data"]
    [maker] = trade["maker_orders"]
    assert (trade["price"], maker["price"], maker["side"]) == ("0.555", "0.445", "BUY")
    assert (trade["outcome"], maker["outcome"]) == ("Yes", "No")
    [seen] = bob.get("/data/trades")["data"]
    assert (seen["id"], seen["trader_side"]) == (trade["id"], "MAKER")


def test_a_match_over_several_prices_is_several_trades(ada: Trader, fed) -> None:
    book = ada.read("/clob/book", token_id=fed.tokens[0])
    sizes = [Decimal(row["size"]) for row in reversed(book["asks"])]
    receipt = ada.placed(fed, "BUY", "0.57", str(sizes[0] + 10))
    assert len(receipt["tradeIDs"]) == 2
    trades = ada.get("/data/trades")["data"]
    told = [(t["bucket_index"], t["price"], Decimal(t["size"])) for t in trades]
    assert told == [(1, "0.57", 10), (0, "0.56", sizes[0])]
    paid = sizes[0] * Decimal("0.56") + Decimal("5.7")
    assert Decimal(receipt["makingAmount"]) == paid


def test_several_makers_at_one_price_are_one_trade(
    polymarket, clock, ada: Trader, bob: Trader, gap
) -> None:
    cy = trader(polymarket, clock, 0xC1)
    bob.placed(gap, "BUY", "0.445", "20", index=1)
    polymarket.split(cy.wallet, gap, 20)
    cy.placed(gap, "SELL", "0.555", "20")
    receipt = ada.placed(gap, "BUY", "0.555", "30")
    [trade] = ada.get("/data/trades", id=receipt["tradeIDs"][0])["data"]
    assert (trade["size"], len(trade["maker_orders"])) == ("30", 2)
    assert [m["matched_amount"] for m in trade["maker_orders"]] == ["20", "10"]
    # 0.05 x size x 0.555 x 0.445, charged per maker and to five decimals.
    assert ada.cash == 10_000 - Decimal("16.65") - Decimal("0.24698") - Decimal(
        "0.12349"
    )


def test_a_taking_order_of_a_game_is_held_back(ada: Trader, clock) -> None:
    game = ada.market("nba-gsw-lal")
    ask = ada.best(game, "ask")
    receipt = ada.placed(game, "BUY", ask, "10")
    assert (receipt["status"], receipt["tradeIDs"]) == ("delayed", [])
    order_id = receipt["orderID"]
    assert ada.get(f"/data/order/{order_id}")["status"] == "DELAYED"
    gone = ada.ask("DELETE", "/order", {"orderID": order_id}).body
    assert gone["not_canceled"] == {
        order_id: "the order is delayed and cannot be canceled"
    }
    clock.advance(3)
    assert ada.get(f"/data/order/{order_id}")["status"] == "MATCHED"
    assert ada.placed(game, "BUY", "0.1", "10")["status"] == "live"


def test_a_delayed_order_may_come_too_late(polymarket, ada: Trader, clock) -> None:
    game = ada.market("nba-gsw-lal")
    order_id = ada.placed(game, "BUY", ada.best(game, "ask"), "10")["orderID"]
    polymarket.engine.determine(game.condition_id, Decimal(1))
    clock.advance(3)
    order = ada.get(f"/data/order/{order_id}")
    assert order["status"].startswith("CANCELED_No orderbook exists")


def test_a_delayed_order_may_lose_its_money(polymarket, ada: Trader, clock) -> None:
    game = ada.market("nba-gsw-lal")
    order_id = ada.placed(game, "BUY", ada.best(game, "ask"), "10")["orderID"]
    polymarket.bring_to(ada.wallet, 0)
    clock.advance(3)
    order = ada.get(f"/data/order/{order_id}")
    assert order["status"] == "CANCELED_not enough balance / allowance"


def test_resting_orders_of_a_game_go_when_it_starts(ada: Trader, clock) -> None:
    game = ada.market("nba-gsw-lal")
    ada.placed(game, "BUY", "0.1", "10")
    clock.advance(2 * 86_400)
    assert ada.get("/data/orders")["data"] == []


# Batches


def test_a_batch_answers_each_entry(ada: Trader, fed) -> None:
    batch = [
        ada.order(fed, "BUY", "0.4", "10"),
        ada.order(fed, "BUY", "0.405", "10"),
        {"order": None},
    ]
    good, bad, worse = ada.ask("POST", "/orders", batch).body
    assert (good["status"], good["success"]) == ("live", True)
    assert (bad["orderID"], bad["success"]) == ("", True)
    assert "breaks minimum tick size" in bad["errorMsg"]
    assert worse["errorMsg"] == "Invalid order payload"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "Invalid order payload"),
        (16, "Too many orders in payload: 16, max allowed: 15"),
    ],
)
def test_a_batch_has_one_to_fifteen(ada: Trader, count, text) -> None:
    refused(ada.ask("POST", "/orders", [{}] * count), text)
    refused(ada.ask("POST", "/orders", {}), "Invalid order payload")


# Cancelling


def test_cancelling_tells_what_could_not_be_cancelled(
    ada: Trader, bob: Trader, fed
) -> None:
    first = ada.placed(fed, "BUY", "0.4", "10")["orderID"]
    done = ada.placed(fed, "BUY", "0.56", "10")["orderID"]
    others = bob.placed(fed, "BUY", "0.4", "10")["orderID"]
    answer = ada.ask("DELETE", "/orders", [first, first, done, others, "0x1"])
    missing = "order can't be found - already canceled or matched"
    assert answer.body == {
        "canceled": [first],
        "not_canceled": {
            done: "already canceled or matched",
            others: missing,
            "0x1": missing,
        },
    }


def test_all_orders_go_and_those_of_a_market(ada: Trader, fed) -> None:
    mayor = ada.market(MAYOR)

    def rest() -> list[str]:
        return [
            ada.placed(fed, "BUY", "0.4", "10")["orderID"],
            ada.placed(fed, "BUY", "0.4", "10", index=1)["orderID"],
            ada.placed(mayor, "BUY", "0.4", "10")["orderID"],
        ]

    yes, no, other = rest()
    path = "/cancel-market-orders"
    gone = ada.ask("DELETE", path, {"asset_id": fed.tokens[1]}).body
    assert gone["canceled"] == [no]
    gone = ada.ask("DELETE", path, {"market": fed.condition_id}).body
    assert gone["canceled"] == [yes]
    assert ada.ask("DELETE", "/cancel-all").body["canceled"] == [other]
    assert ada.ask("DELETE", "/cancel-all").body["canceled"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/order", {}),
        ("/order", []),
        ("/orders", {}),
        ("/orders", [1]),
        ("/orders", ["0x1"] * 1001),
        ("/cancel-market-orders", {}),
        ("/cancel-market-orders", []),
    ],
)
def test_a_cancel_that_cannot_be_read_is_refused(ada: Trader, path, body) -> None:
    assert ada.ask("DELETE", path, body).status == 400


# Reading


def test_open_orders_are_paged_and_filtered(ada: Trader, fed) -> None:
    ids = [ada.placed(fed, "BUY", "0.01", "5")["orderID"] for _ in range(101)]
    first = ada.get("/data/orders")
    assert (first["count"], first["limit"]) == (100, 100)
    second = ada.get("/data/orders", next_cursor=first["next_cursor"])
    assert second["next_cursor"] == "LTE="
    assert [row["id"] for row in first["data"] + second["data"]] == ids[::-1]
    assert ada.get("/data/orders", id=ids[3])["count"] == 1
    assert ada.get("/data/orders", market="0x1")["count"] == 0
    assert ada.get("/data/orders", asset_id=fed.tokens[1])["count"] == 0


def test_an_order_is_read_by_its_key_only(ada: Trader, bob: Trader, fed) -> None:
    order_id = ada.placed(fed, "BUY", "0.4", "10")["orderID"]
    assert ada.get(f"/data/order/{order_id}") == ada.get("/data/orders")["data"][0]
    refused(bob.ask("GET", f"/data/order/{order_id}"), "Order not found", 404)
    assert ada.get("/order-scoring", order_id=order_id) == {"scoring": True}
    assert ada.get("/order-scoring", order_id="0x1") == {"scoring": False}


def test_trades_are_filtered(ada: Trader, fed, clock) -> None:
    first = ada.placed(fed, "BUY", "0.56", "10")["tradeIDs"][0]
    clock.advance(10)
    ada.placed(fed, "BUY", "0.6", "10", index=1)
    now = int(clock.now())

    def found(**query: Any) -> int:
        return int(ada.get("/data/trades", **query)["count"])

    assert found() == 2
    assert found(id=first) == 1
    assert found(asset_id=fed.tokens[1]) == 1
    assert found(maker_address=ada.wallet.address) == 2
    assert found(maker_address="0x1") == 0
    assert found(market="0x1") == 0
    assert found(after=now - 1) == 1
    assert found(before=now) == 1
