"""Payloads against the vendor's documents, less what those are known to have wrong.

What the documents have wrong is listed in the README beside them; each exception here
names its line of that list.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges.flow import Request

from .contract import complaints, schema_of, wire_schema
from .stream.conftest import credentials
from .stream.listener import Listener
from .trader import HOST, Trader

CLOB, GAMMA, DATA = "clob-openapi.yaml", "gamma-openapi.yaml", "data-openapi.yaml"
FED = "will-the-fed-cut-rates-in-december"


def answer(one: Trader, method: str, path: str, body: Any = None, **query: Any) -> Any:
    """A body as the wire has it: numbers are floats, as validators want them."""
    host, _, rest = path.removeprefix("/").partition("/")
    text = "" if body is None else json.dumps(body, separators=(",", ":"))
    response = one.polymarket.handle(
        Request(
            method,
            f"{HOST}/{host}/{rest}",
            query=tuple((name, str(value)) for name, value in query.items()),
            headers=one.headers(method, f"/{rest}", text) if host == "clob" else {},
            body=text.encode() or None,
        )
    )
    assert response.status == 200, response
    return json.loads(response.body)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/time", {}),
        ("/book", {"token_id": "T"}),
        ("/books", {"token_ids": "T,U"}),
        ("/midpoints", {"token_ids": "T,U"}),
        ("/spread", {"token_id": "T"}),
        ("/last-trade-price", {"token_id": "T"}),
        ("/last-trades-prices", {"token_ids": "T,U"}),
        ("/fee-rate", {"token_id": "T"}),
        ("/tick-size", {"token_id": "T"}),
        ("/neg-risk", {"token_id": "T"}),
        ("/prices", {"token_ids": "T,U", "sides": "BUY,SELL"}),
        ("/simplified-markets", {}),
        ("/sampling-markets", {}),
        ("/sampling-simplified-markets", {}),
        ("/clob-markets/{condition_id}", {}),
        ("/markets-by-token/{token_id}", {}),
        ("/prices-history", {"market": "T", "interval": "1w"}),
        ("/auth/api-keys", {}),
        ("/auth/ban-status/closed-only", {}),
        ("/balance-allowance", {"asset_type": "COLLATERAL", "signature_type": "3"}),
        ("/notifications", {"signature_type": "3"}),
    ],
)
def test_reads_of_the_clob(museum: Trader, path: str, query: dict[str, str]) -> None:
    listed = museum.market()
    first, second = listed.tokens
    asked = path.replace("{condition_id}", listed.condition_id)
    asked = asked.replace("{token_id}", first)
    filled = {
        name: value.replace("T", first).replace("U", second)
        if name in {"token_id", "token_ids", "market"}
        else value
        for name, value in query.items()
    }
    told = answer(museum, "GET", "/clob" + asked, **filled)
    # Null is what captures have where there are no rewards and no game.
    assert seriously(complaints(schema_of(CLOB, "get", path), told)) == []


def seriously(found: list[str]) -> list[str]:
    """Without those about null."""
    return [text for text in found if ": None is not of type" not in text]


def test_a_midpoint_is_named_as_clients_read_it(museum: Trader) -> None:
    """``mid``, as both of the vendor's clients have it; the document says mid_price."""
    token = museum.market().tokens[0]
    assert list(answer(museum, "GET", "/clob/midpoint", token_id=token)) == ["mid"]


def test_trading_on_the_clob(ada: Trader, bob: Trader, fed, polymarket, clock) -> None:
    polymarket.change_tick(fed, "0.001")
    resting = bob.order(fed, "BUY", "0.445", "20", index=1)
    placed = answer(bob, "POST", "/clob/order", resting)
    assert complaints(schema_of(CLOB, "post", "/order"), placed) == []
    taken = answer(ada, "POST", "/clob/orders", [ada.order(fed, "BUY", "0.6", "5")])
    assert complaints(schema_of(CLOB, "post", "/orders"), taken) == []
    beat = answer(ada, "POST", "/clob/v1/heartbeats", {"heartbeat_id": ""})
    assert complaints(schema_of(CLOB, "post", "/v1/heartbeats"), beat) == []
    order_id = placed["orderID"]
    order = answer(bob, "GET", f"/clob/data/order/{order_id}")
    # Order statuses have no prefix on the wire.
    order["status"] = f"ORDER_STATUS_{order['status']}"
    assert complaints(schema_of(CLOB, "get", "/data/order/{orderID}"), order) == []
    # A trade has no hash before it is mined.
    clock.advance(2)
    trades = answer(bob, "GET", "/clob/data/trades")
    assert complaints(schema_of(CLOB, "get", "/data/trades"), trades) == []
    gone = answer(bob, "DELETE", "/clob/order", {"orderID": order_id})
    assert complaints(schema_of(CLOB, "delete", "/order"), gone) == []


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/events", "/events"),
        ("/events/slug/{slug}", "/events/slug/fed-decision-in-december"),
        ("/events/keyset", "/events/keyset"),
        ("/markets", "/markets"),
        ("/markets/slug/{slug}", f"/markets/slug/{FED}"),
        ("/markets/keyset", "/markets/keyset"),
        ("/tags", "/tags"),
        ("/tags/slug/{slug}", "/tags/slug/crypto"),
        ("/series", "/series"),
        ("/sports", "/sports"),
        ("/sports/market-types", "/sports/market-types"),
        ("/public-search", "/public-search"),
    ],
)
def test_gamma(museum: Trader, path: str, asked: str) -> None:
    query = {"q": "fed"} if path == "/public-search" else {}
    told = answer(museum, "GET", "/gamma" + asked, **query)
    assert complaints(schema_of(GAMMA, "get", path), told) == []


@pytest.mark.parametrize(
    "path",
    ["/", "/positions", "/closed-positions", "/trades", "/activity", "/value"],
)
def test_the_first_data_api(museum: Trader, path: str) -> None:
    told = answer(museum, "GET", "/data" + path, user=museum.wallet.name)
    if path == "/activity":
        # What is no trade has no side: an empty one.
        told = [row for row in told if row["type"] == "TRADE"]
    assert complaints(schema_of(DATA, "get", path), told) == []


def test_holders_and_interest(museum: Trader) -> None:
    for path in ("/holders", "/oi"):
        told = answer(
            museum, "GET", "/data" + path, market=museum.market().condition_id
        )
        assert complaints(schema_of(DATA, "get", path), told) == []


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
    for kind, schema in {
        "book": "BookEvent",
        "price_change": "PriceChangeEvent",
        "last_trade_price": "LastTradePriceEvent",
        "tick_size_change": "TickSizeChangeEvent",
        "best_bid_ask": "BestBidAskEvent",
        "new_market": "NewMarketEvent",
        "market_resolved": "MarketResolvedEvent",
    }.items():
        found = wire_schema("asyncapi-market.json", schema)
        assert complaints(found, events[kind]) == []


def test_the_user_channel(ada: Trader, bob: Trader, fed, polymarket, clock) -> None:
    polymarket.change_tick(fed, "0.001")
    listener = Listener(polymarket, "/ws/user")
    listener.say(auth=credentials(bob), type="user")
    bob.placed(fed, "BUY", "0.445", "20", index=1)
    ada.placed(fed, "BUY", "0.555", "5")
    clock.advance(10)
    bob.ask("DELETE", "/cancel-all")
    for event in listener.hear():
        schema = "OrderEvent" if event["event_type"] == "order" else "TradeEvent"
        # A trade has no hash before it is mined.
        found = complaints(wire_schema("asyncapi-user.json", schema), event)
        assert seriously(found) == []
