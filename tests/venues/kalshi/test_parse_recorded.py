"""Every recorded answer is read, and every amount in it survives to the last digit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.recorded import need_examples
from unified_exchanges.models import (
    Candle,
    Fill,
    Market,
    Ohlc,
    Order,
    Position,
    Record,
    Side,
    Trade,
)
from unified_exchanges.money import complement
from unified_exchanges.venues.kalshi import parse

D = Decimal
Reader = Callable[[bytes], Any]

GAME = "KXMLBGAME-26AUG071840TORPHI-TOR"
ANSWERS: dict[str, Reader] = {
    "account_endpoint_costs": lambda body: parse.limits(
        (need_examples() / "rest" / "account_limits_basic.json").read_bytes(), body
    ),
    "account_limits_basic": parse.limits,
    "balance": parse.balance,
    "candlesticks_prod_2026-08-07": lambda body: parse.candles(body, GAME, "1m"),
    "events_nested_prod_2026-08-09": parse.events_page,
    "exchange_schedule_prod_2026-01-15": parse.schedule,
    "exchange_status_demo": parse.status,
    "fills_page": parse.fills_page,
    "market": parse.market,
    "market_prod_2026-08-09": parse.market,
    "markets_last_page": parse.markets_page,
    "markets_page": parse.markets_page,
    "markets_settled_page": parse.markets_page,
    "order_get_resting": parse.order,
    "order_get_stale_after_cancel": parse.order,
    "orderbook": lambda body: parse.order_book(body, "M"),
    "orderbook_prod_2026-08-09": lambda body: parse.order_book(body, "M"),
    "orders_page": parse.orders_page,
    "positions_page": parse.positions_page,
    "series_fee_changes_empty": parse.series_fee_changes,
    "settlements_empty": parse.settlements_page,
    "trades_page": parse.trades_page,
}
# Bodies of requests, and receipts, which only mean something beside their request.
ELSEWHERE = {
    "documented_order_v2_examples",
    "order_cancel",
    "order_create_ioc_filled",
    "order_create_requests",
    "order_create_resting",
    "order_create_stp_taker_cancelled",
}
# Several answers in one file, by name.
SETS = {"series_prod_2026-08-20": parse.series}


def recorded(name: str) -> bytes:
    return (need_examples() / "rest" / f"{name}.json").read_bytes()


def models(name: str) -> list[Any]:
    """The models of one answer, whatever it comes in."""
    found = ANSWERS[name](recorded(name))
    if isinstance(found, tuple):
        found = found[0]
    return found if isinstance(found, list) else [found]


def test_every_recorded_answer_is_known() -> None:
    names = {path.stem for path in (need_examples() / "rest").glob("*.json")}
    assert names == set(ANSWERS) | ELSEWHERE | set(SETS)


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_recorded_answer_is_read(name: str) -> None:
    assert models(name) == models(name)


@pytest.mark.parametrize("name", sorted(SETS))
def test_each_answer_of_a_recorded_set_is_read(name: str) -> None:
    entries = json.loads(recorded(name), parse_float=D)
    for key, entry in entries.items():
        series = SETS[name](json.dumps(entry, default=str).encode())
        assert series.series_id == key
        assert series.fee_multiplier == D(str(entry["series"]["fee_multiplier"]))


def objects(name: str, *keys: str) -> Iterator[dict[str, Any]]:
    """The recorded objects that an answer's models are made of."""
    found = json.loads(recorded(name), parse_float=D)
    for key in keys:
        found = found[key]
    yield from found if isinstance(found, list) else [found]


def pairs(*places: tuple[str, ...]) -> list[tuple[Any, dict[str, Any]]]:
    return [
        (model, wire)
        for name, *keys in places
        for model, wire in zip(models(name), objects(name, *keys), strict=True)
    ]


def test_the_raw_of_each_model_is_the_recorded_object() -> None:
    places = pairs(
        ("balance",),
        ("candlesticks_prod_2026-08-07", "candlesticks"),
        ("events_nested_prod_2026-08-09", "events"),
        ("exchange_status_demo",),
        ("fills_page", "fills"),
        ("market", "market"),
        ("market_prod_2026-08-09", "market"),
        ("markets_page", "markets"),
        ("markets_settled_page", "markets"),
        ("order_get_resting", "order"),
        ("orderbook", "orderbook_fp"),
        ("orders_page", "orders"),
        ("positions_page", "market_positions"),
        ("trades_page", "trades"),
    )
    for model, wire in places:
        assert isinstance(model, Record)
        assert model.raw == wire


def markets() -> Iterator[tuple[Market, dict[str, Any]]]:
    yield from pairs(
        ("market", "market"),
        ("market_prod_2026-08-09", "market"),
        ("markets_last_page", "markets"),
        ("markets_page", "markets"),
        ("markets_settled_page", "markets"),
    )
    for event, wire in pairs(("events_nested_prod_2026-08-09", "events")):
        yield from zip(event.markets, wire["markets"], strict=True)


def test_every_amount_of_a_recorded_market_survives() -> None:
    for market, wire in markets():
        assert same(market.bid_size, wire["yes_bid_size_fp"])
        assert same(market.ask_size, wire["yes_ask_size_fp"])
        assert same(market.volume, wire["volume_fp"])
        assert same(market.volume_24h, wire["volume_24h_fp"])
        assert same(market.open_interest, wire["open_interest_fp"])
        assert same(market.payout, wire["notional_value_dollars"])
        assert quoted(market.bid, wire["yes_bid_dollars"], market.bid_size)
        assert quoted(market.ask, wire["yes_ask_dollars"], market.ask_size)
        assert traded(market.last_price, wire["last_price_dollars"])
        assert traded(market.previous_price, wire["previous_price_dollars"])
        assert same(market.settlement_price, wire.get("settlement_value_dollars"))


def same(value: Decimal | None, text: str | None) -> bool:
    """To the last digit, trailing zeros included."""
    return text == (None if value is None else str(value))


def quoted(value: Decimal | None, text: str, size: Decimal | None) -> bool:
    return same(value, text) if size else value is None


def traded(value: Decimal | None, text: str) -> bool:
    return same(value, text) if D(text) else value is None


def test_every_band_of_a_recorded_market_survives() -> None:
    for market, wire in markets():
        bands = [(str(b.start), str(b.end), str(b.step)) for b in market.grid.bands]
        assert bands == [
            (r["start"], r["end"], r["step"]) for r in wire["price_ranges"]
        ]


def test_every_amount_of_a_recorded_order_survives() -> None:
    places = (
        ("order_get_resting", "order"),
        ("order_get_stale_after_cancel", "order"),
        ("orders_page", "orders"),
    )
    order: Order
    for order, wire in pairs(*places):
        assert order.side is Side.BUY
        assert same(order.price, wire["yes_price_dollars"])
        assert complement(order.price) == D(wire["no_price_dollars"])
        assert same(order.size, wire["initial_count_fp"])
        assert same(order.filled, wire["fill_count_fp"])
        assert same(order.remaining, wire["remaining_count_fp"])
        fees = D(wire["taker_fees_dollars"]) + D(wire["maker_fees_dollars"])
        assert order.fee == fees
        cost = D(wire["taker_fill_cost_dollars"]) + D(wire["maker_fill_cost_dollars"])
        assert (order.average_price or 0) * order.filled == cost


def test_every_amount_of_a_recorded_fill_survives() -> None:
    fill: Fill
    for fill, wire in pairs(("fills_page", "fills")):
        assert same(fill.price, wire["yes_price_dollars"])
        assert fill.in_terms_of("no").price == D(wire["no_price_dollars"])
        assert same(fill.size, wire["count_fp"])
        assert same(fill.fee, wire["fee_cost"])


def test_every_amount_of_a_recorded_position_survives() -> None:
    position: Position
    for position, wire in pairs(("positions_page", "market_positions")):
        assert position.exposure("yes") == D(wire["position_fp"])
        assert same(position.cost, wire["market_exposure_dollars"])
        assert same(position.traded, wire["total_traded_dollars"])
        assert same(position.realized_pnl, wire["realized_pnl_dollars"])
        assert same(position.fees_paid, wire["fees_paid_dollars"])


def test_every_amount_of_a_recorded_balance_survives() -> None:
    for balance, wire in pairs(("balance",)):
        assert same(balance.available, wire["balance_dollars"])
        assert balance.position_value == D(wire["portfolio_value"]) / 100
        shards = [(x.shard, str(x.available)) for x in balance.shards]
        assert shards == [
            (x["exchange_index"], x["balance"]) for x in wire["balance_breakdown"]
        ]


def test_every_amount_of_a_recorded_trade_survives() -> None:
    trade: Trade
    for trade, wire in pairs(("trades_page", "trades")):
        assert same(trade.price, wire["yes_price_dollars"])
        assert same(trade.in_terms_of("no").price, wire["no_price_dollars"])
        assert same(trade.size, wire["count_fp"])


def test_every_level_of_a_recorded_book_survives() -> None:
    places = (
        ("orderbook", "orderbook_fp"),
        ("orderbook_prod_2026-08-09", "orderbook_fp"),
    )
    for book, wire in pairs(*places):
        bids = [[str(x.price), str(x.size)] for x in book.bids]
        asks = [[str(complement(x.price)), str(x.size)] for x in book.asks]
        assert bids[::-1] == wire["yes_dollars"]
        assert asks[::-1] == wire["no_dollars"]


def test_every_amount_of_a_recorded_candle_survives() -> None:
    candle: Candle
    for candle, wire in pairs(("candlesticks_prod_2026-08-07", "candlesticks")):
        assert four(candle.price) == four(wire["price"])
        assert four(candle.bid) == four(wire["yes_bid"])
        assert four(candle.ask) == four(wire["yes_ask"])
        assert same(candle.mean, wire["price"].get("mean_dollars"))
        assert same(candle.previous, wire["price"].get("previous_dollars"))
        assert same(candle.volume, wire["volume_fp"])
        assert same(candle.open_interest, wire["open_interest_fp"])


def four(move: Ohlc | dict[str, str | None] | None) -> list[str | None]:
    names = ("open", "high", "low", "close")
    if isinstance(move, dict):
        return [move.get(f"{name}_dollars") for name in names]
    return [None if move is None else str(getattr(move, name)) for name in names]
