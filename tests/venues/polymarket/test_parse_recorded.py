"""Recorded answers and the vendor's examples are read to the last digit, where present."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.recorded import need_examples
from unified_exchanges import Liquidity, MarketStatus, PriceGrid, VenueSchemaError
from unified_exchanges.venues.polymarket import parse
from unified_exchanges.venues.polymarket.errors import error_from

D = Decimal
OURS = parse.Ours("00000000-0000-0000-0000-000000000001", "")


def recorded(name: str) -> bytes:
    return (need_examples("polymarket") / f"{name}.json").read_bytes()


def decoded(name: str) -> Any:
    return json.loads(recorded(name), parse_float=Decimal, parse_int=Decimal)


def listed(name: str) -> bytes:
    """A market as an element of a keyset page."""
    return b'{"markets":[' + recorded(name) + b"]}"


def sole(found: tuple[list[Any], Any]) -> Any:
    (only,), _ = found
    return only


@pytest.mark.parametrize(
    ("name", "status", "tick", "labels"),
    [
        ("gamma_market", MarketStatus.OPEN, "0.01", ["Up", "Down"]),
        ("gamma_market_2026_06_capture", MarketStatus.OPEN, "0.01", ["yes", "no"]),
        ("gamma_market_resolved", MarketStatus.SETTLED, "0.001", ["yes", "no"]),
    ],
)
def test_captured_markets(
    name: str, status: MarketStatus, tick: str, labels: list[str]
) -> None:
    wire = decoded(name)
    market = sole(parse.markets_page(listed(name)))
    assert market.market_id == wire["conditionId"]
    assert (market.status, market.grid) == (status, PriceGrid.of(tick))
    assert [x.label for x in market.outcomes] == labels
    assert [x.outcome_id for x in market.outcomes] == json.loads(wire["clobTokenIds"])
    assert market.bid == wire.get("bestBid")
    assert market.ask == wire.get("bestAsk")
    assert market.last_price == wire.get("lastTradePrice")
    assert market.minimum_size == wire["orderMinSize"]
    assert market.raw["slug"] == wire["slug"]


def test_a_captured_result() -> None:
    market = sole(parse.markets_page(listed("gamma_market_resolved")))
    assert (market.result, market.settlement_price) == ("no", D(0))
    assert str(market.settled_at) == "2026-03-19 23:20:15+00:00"


def test_the_fees_of_captured_markets() -> None:
    newer = sole(parse.markets_page(listed("gamma_market_2026_06_capture")))
    older = sole(parse.markets_page(listed("gamma_market")))
    assert parse.fee_terms(newer) == (parse.FeeTerms(D("0.05"), D(1)), True)
    # Captured before schedules were told.
    assert parse.fee_terms(older) == (None, False)


def test_a_keyset_page() -> None:
    markets, cursor = parse.markets_page(recorded("gamma_markets_keyset_page"))
    assert (len(markets), cursor) == (1, "eyJpZCI6IjUyNjkzNCJ9")


def test_a_captured_event() -> None:
    body = b'{"events":' + recorded("gamma_event") + b"}"
    event = sole(parse.events_page(body))
    assert (event.event_id, event.mutually_exclusive) == ("30829", True)
    assert len(event.markets) == 2
    assert {x.event_id for x in event.markets} == {"30829"}
    assert event.markets[0].bid == D("0.01")


def test_the_example_of_protocol_v2() -> None:
    fields = decoded("gamma_market_protocol_v2_fields")
    wire = json.loads(recorded("gamma_market")) | json.loads(
        recorded("gamma_market_protocol_v2_fields")
    )
    market = sole(parse.markets_page(json.dumps({"markets": [wire]}).encode()))
    assert [x.outcome_id for x in market.outcomes] == fields["positionIds"]
    assert market.market_id == fields["conditionId"]


@pytest.mark.parametrize("name", ["clob_book", "clob_book_2024_capture"])
def test_recorded_books(name: str) -> None:
    wire = decoded(name)
    if "min_order_size" not in wire and "market" not in wire:
        pytest.skip("it does not name its market")
    token, book = parse.order_book(recorded(name))
    assert (token, book.market_id) == (wire["asset_id"], wire["market"])
    for side, best in (("bids", max), ("asks", min)):
        levels = {D(x["price"]): D(x["size"]) for x in wire[side]}
        told = getattr(book, side)
        assert {x.price: x.size for x in told} == levels
        assert told[0].price == best(levels)


def test_the_two_books_of_a_market_mirror_each_other() -> None:
    yes, no = parse.order_books(recorded("clob_books")).values()
    assert yes.complement("").bids == no.bids
    assert yes.complement("").asks == no.asks
    assert parse.last_price(yes.raw_json) == D("0.090")


def test_terms_of_a_live_probe() -> None:
    found = parse.terms(recorded("clob_market_info"), "0x1")
    wire = decoded("clob_market_info")
    assert [x.outcome_id for x in found.outcomes] == [x["t"] for x in wire["t"]]
    assert (found.minimum_size, found.grid) == (D(5), PriceGrid.of("0.01"))
    assert (found.neg_risk, found.seconds_delay) == (True, 1)
    assert found.fees == parse.FeeTerms(D("0.05"), D(1))


def test_an_order() -> None:
    wire = decoded("order")
    for found in (
        parse.order(recorded("order")),
        sole(parse.orders_page(recorded("open_orders_page"))),
    ):
        assert found is not None
        assert (found.order_id, found.price) == (wire["id"], D("0.52"))
        assert (found.size, found.filled, found.remaining) == (D(10), D(4), D(6))


def test_our_part_of_a_trade_is_the_maker_s() -> None:
    found = sole(parse.fills_page(recorded("trades_page"), OURS))
    wire = decoded("trades_page")["data"][0]["maker_orders"][0]
    assert (found.order_id, found.liquidity) == (wire["order_id"], Liquidity.MAKER)
    assert (found.price, found.size) == (D(wire["price"]), D(wire["matched_amount"]))


def test_cash_and_shares() -> None:
    parts = json.loads(recorded("balance_allowance"))
    cash = parse.balance(json.dumps(parts["collateral"]).encode())
    shares = parse.balance(json.dumps(parts["conditional"]).encode())
    assert (cash.total, shares.total) == (D(1000), D(10))
    assert [x.amount for x in cash.allowances] == [None, None, D(0)]


def test_a_page_of_positions() -> None:
    ((token, found),), cursor = parse.positions_page(recorded("data_v2_positions_page"))
    wire = decoded("data_v2_positions_page")["data"][0]
    assert (token, cursor) == (wire["token_id"], "eyJvIjoxfQ")
    assert (found.size, found.cost) == (wire["current_size"], wire["entry_cost_usdc"])
    assert found.event_id == "12345"


def test_a_page_of_trades() -> None:
    ((token, found),), cursor = parse.trades_page(recorded("data_v2_trades_page"))
    wire = decoded("data_v2_trades_page")["data"][0]
    assert (token, cursor) == (wire["token_id"], None)
    assert (found.price, found.size) == (wire["price"], wire["size"])


def test_the_venue_s_time() -> None:
    told = json.loads(recorded("clob_prices"))["GET /time"]
    assert parse.clock(json.dumps(told).encode()) == 1782753357


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (parse.markets_page, "gamma_tags"),
        (parse.order_book, "order"),
        (lambda body: parse.fills_page(body, OURS), "open_orders_page"),
        (parse.trades_page, "data_v1_trades_2024_capture"),
        (parse.positions_page, "data_v1_positions"),
        (parse.balance, "api_key"),
    ],
)
def test_one_answer_is_not_read_as_another(
    read: Callable[[bytes], Any], name: str
) -> None:
    with pytest.raises(VenueSchemaError):
        read(recorded(name))


def test_every_recorded_refusal_says_what_to_do() -> None:
    for example in json.loads(recorded("errors")):
        body = example["body"]
        error = error_from(
            example["status"],
            example["headers"],
            body.encode() if isinstance(body, str) else json.dumps(body).encode(),
            asked="it",
            path=example["call"],
            now=0.0,
        )
        assert str(example["status"]) in error.message
        assert error.message.count(". ") >= 1
