"""What was seen on the wire, or is documented, is also answered here: all of its keys."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.recorded import read_example

from .stream.conftest import credentials
from .stream.listener import Listener
from .trader import Trader

# Of Gamma, what no client of ours reads, and what only some markets have.
UNTOLD = {
    "clobRewards",
    "comboStatus",
    "competitive",
    "countryName",
    "createdBy",
    "cumulativeMarkets",
    "customLiveness",
    "deployingTimestamp",
    "electionType",
    "estimateValue",
    "eventMetadata",
    "eventStartTime",
    "forceHide",
    "gmpChartMode",
    "isCarousel",
    "makerRebatesFeeShareBps",
    "negRiskRequestID",
    "oneDayPriceChange",
    "oneMonthPriceChange",
    "oneWeekPriceChange",
    "oneYearPriceChange",
    "publishedAt",
    "seriesColor",
    "sortBy",
    "startTime",
    "updatedBy",
    "volume1mo",
    "volume1moClob",
    "volume1wk",
    "volume1wkClob",
    "volume1yr",
    "volume1yrClob",
    "volume24hrClob",
}
OCCASIONAL = {"bestAsk", "spread", "closedTime", "umaEndDate", "gst", "nr", "itode"}


def example(name: str) -> Any:
    return read_example(f"{name}.json", "polymarket")


def shape(value: Any) -> Any:
    """Keys all the way down; the shape of a list is that of all its items together."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        merged: dict[str, Any] = {}
        for item in value:
            inner = shape(item)
            if isinstance(inner, dict):
                merged |= inner
        return [merged] if merged else []
    return None


def missing(wanted: Any, told: Any, path: str = "") -> list[str]:
    """What is in the one and not in the other."""
    if isinstance(wanted, list) and isinstance(told, list):
        return missing(wanted[0], told[0], path) if wanted and told else []
    if not isinstance(wanted, dict):
        return []
    if not isinstance(told, dict):
        return [path]
    lacking = []
    for name, inner in wanted.items():
        if name in UNTOLD | OCCASIONAL:
            continue
        if name not in told:
            lacking.append(f"{path}.{name}")
        else:
            lacking += missing(inner, told[name], f"{path}.{name}")
    return lacking


def agree(wanted: Any, told: Any) -> None:
    assert missing(shape(wanted), shape(told)) == []


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("gamma_market", "ethereum-up-or-down-quarter"),
        ("gamma_market_2026_06_capture", "will-the-fed-cut-rates-in-december"),
        ("gamma_market_resolved", "will-globex-be-the-largest-company"),
        ("gamma_market_protocol_v2_fields", "bitcoin-above-120k-on-friday"),
    ],
)
def test_a_market_of_gamma(museum: Trader, name: str, slug: str) -> None:
    agree(example(name), museum.read(f"/gamma/markets/slug/{slug}"))


def test_an_event_of_gamma(museum: Trader) -> None:
    slug = "who-will-be-the-next-mayor-of-springfield"
    agree(example("gamma_event")[0], museum.read(f"/gamma/events/slug/{slug}"))
    agree(example("gamma_tags"), museum.read("/gamma/tags"))


def test_a_page_of_gamma(museum: Trader) -> None:
    told = museum.read("/gamma/markets/keyset", limit=3)
    agree(example("gamma_markets_keyset_page"), told)


def test_public_data_of_the_clob(museum: Trader) -> None:
    listed = museum.market("nba-gsw-lal")
    token = listed.tokens[0]
    agree(example("clob_book"), museum.read("/clob/book", token_id=token))
    agree(
        example("clob_market_info"),
        museum.read(f"/clob/clob-markets/{listed.condition_id}"),
    )
    long = museum.read(f"/clob/markets/{listed.condition_id}")
    agree(example("clob_market_2024_capture") | {"rewards": {}}, long)
    agree(example("clob_market_resolved"), long)
    by_token = museum.read(f"/clob/markets-by-token/{token}")
    agree(example("clob_market_by_token"), by_token)
    history = museum.read("/clob/prices-history", market=token, interval="1w")
    agree(example("clob_prices_history"), history)


def test_the_data_api(museum: Trader) -> None:
    user = museum.wallet.address
    token = museum.market().tokens[0]
    read = museum.read
    agree(example("data_v2_positions_page"), read("/data/v2/positions", user=user))
    agree(example("data_v2_trades_page"), read("/data/v2/trades", user=user))
    history = read("/data/v2/prices-history", token_id=token, interval="1w")
    agree(example("data_v2_prices_history"), history)
    agree(example("data_v1_positions"), read("/data/positions", user=user))
    agree(example("data_v1_trades_2024_capture"), read("/data/trades"))


def test_private_data_of_the_clob(ada: Trader, bob: Trader, fed, polymarket) -> None:
    polymarket.change_tick(fed, "0.001")
    live = bob.placed(fed, "BUY", "0.445", "20", index=1)
    agree(example("post_order_responses")["live"], live)
    taken = ada.placed(fed, "BUY", "0.555", "5")
    agree(example("post_order_responses")["matched_with_hashes"], taken)
    [refused] = ada.ask("POST", "/orders", [{}]).body
    agree(example("post_order_responses")["batch_leg_rejected"][0], refused)
    agree(example("order"), bob.get(f"/data/order/{live['orderID']}"))
    agree(example("open_orders_page"), bob.get("/data/orders"))
    agree(example("trades_page"), bob.get("/data/trades"))
    told = ada.get("/balance-allowance", asset_type="COLLATERAL")
    assert set(told["allowances"]) == set(
        example("balance_allowance")["collateral"]["allowances"]
    )
    gone = bob.ask("DELETE", "/cancel-all").body
    agree(example("cancel_responses")["one"], gone)


def test_the_texts_of_refusals(ada: Trader, fed, polymarket) -> None:
    """Those that can be brought about with one order."""
    known = [
        e["body"]["error"] for e in example("errors") if "error" in (e["body"] or {})
    ]
    pattern = {text.split(" is invalid. ")[-1] for text in known}
    seen = [
        ada.place(fed, "BUY", "0.4", "99999").error,
        ada.place(fed, "BUY", "0.56", "10", postOnly=True).error,
        ada.place(fed, "BUY", "0.525", "10").error.split(" is invalid. ")[1],
        ada.place(fed, "BUY", "0.4", "3").error.split(" is invalid. ")[1],
        ada.place(fed, "BUY", "0.56", "9000", order_type="FOK").error,
        ada.place(fed, "BUY", "0.1", "10", order_type="FAK").error,
        ada.place(
            fed, "BUY", "0.6", "1", order_type="FAK", amounts=(500_000, 833_300)
        ).error,
        ada.place(
            fed, "BUY", "0.6", "1", order_type="FAK", amounts=(6_001_000, 10_001_600)
        ).error,
        ada.place(fed, "BUY", "0.4", "10", order_type="GTD").error,
    ]
    for mode in ("cancel_only", "disabled"):
        polymarket.set_mode(mode)
        seen.append(ada.place(fed, "BUY", "0.4", "10").error)
    assert [text for text in seen if text not in pattern] == []


def test_the_market_channel(ada: Trader, fed, polymarket) -> None:
    listener = Listener(polymarket, "/ws/market")
    listener.say(
        assets_ids=list(fed.tokens), type="market", custom_feature_enabled=True
    )
    ada.placed(fed, "BUY", "0.5", "10")
    ada.placed(fed, "BUY", "0.56", "5")
    polymarket.change_tick(fed, "0.001")
    ada.placed(fed, "BUY", "0.555", "10")
    polymarket.list_market(attrs.evolve(fed, condition_id="0x1", tokens=("1", "2")))
    polymarket.engine.determine(fed.condition_id, Decimal(1))
    events = {event["event_type"]: event for event in listener.hear()}
    for name, kind in {
        "ws_market_book": "book",
        "ws_market_price_change_two_tokens": "price_change",
        "ws_market_last_trade_price": "last_trade_price",
        "ws_market_tick_size_change": "tick_size_change",
        "ws_market_best_bid_ask": "best_bid_ask",
        "ws_market_new_market": "new_market",
        "ws_market_market_resolved": "market_resolved",
    }.items():
        agree(example(name), events[kind])


def test_the_user_channel(ada: Trader, bob: Trader, fed, polymarket) -> None:
    polymarket.change_tick(fed, "0.001")
    listener = Listener(polymarket, "/ws/user")
    listener.say(auth=credentials(bob), type="user")
    bob.placed(fed, "BUY", "0.445", "20", index=1)
    ada.placed(fed, "BUY", "0.555", "5")
    bob.ask("DELETE", "/cancel-all")
    bob.place(fed, "BUY", "0.56", "9000", order_type="FOK")
    placed, _, trade, cancelled, killed = listener.hear()
    agree(example("ws_user_order_placement_2024_capture"), placed)
    agree(example("ws_user_order_cancel_2024_capture"), cancelled)
    agree(example("ws_user_order_fok_killed"), killed)
    agree(example("ws_user_trade_maker_complement"), trade)
    steps = example("scenario_rest_partial_cancel")["steps"]
    for step in steps:
        wanted = step.get("ws_user")
        if wanted is not None:
            agree(wanted, trade if wanted["event_type"] == "trade" else placed)


def test_a_documented_order_is_accepted_as_it_was_signed(polymarket, clock) -> None:
    """The body of the example, byte for byte, but for its market: by id alone."""
    request = example("post_order_request")
    from unified_exchanges.venues.polymarket.simulated.chain import STANDARD
    from unified_exchanges.venues.polymarket.simulated.envelopes import read_envelope

    envelope = read_envelope(json.loads(request["body_exact"]))
    vector = example("signing_vectors")["orders"][0]
    assert envelope.digest(STANDARD) == vector["digest_is_order_id"]
    assert envelope.signed_for() == (STANDARD, vector["order"]["signer"])
