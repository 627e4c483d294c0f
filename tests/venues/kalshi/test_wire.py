"""No answer is read whose money, sizes, sides or ids are missing or malformed."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from unified_exchanges.errors import VenueSchemaError
from unified_exchanges.venues.kalshi.wire import (
    account,
    catalog,
    exchange,
    orders,
    quotes,
)
from unified_exchanges.venues.kalshi.wire.base import Wire

from .answers import READERS, answer, read, with_field, without_field

Path = tuple[str | int, ...]

# Where an object of each struct stands in which answer.
PLACES: list[tuple[type[Wire], str, Path]] = [
    (account.ApiKey, "api_keys", ("api_keys", 0)),
    (account.ApiKeys, "api_keys", ()),
    (account.Balance, "balance", ()),
    (account.Bucket, "limits", ("read",)),
    (account.Costs, "costs", ()),
    (account.EndpointCost, "costs", ("endpoint_costs", 0)),
    (account.IndexedBalance, "balance", ("balance_breakdown", 1)),
    (account.Limits, "limits", ()),
    (account.Position, "positions", ("market_positions", 0)),
    (account.PositionsPage, "positions", ()),
    (account.Settlement, "settlements", ("settlements", 0)),
    (account.SettlementsPage, "settlements", ()),
    (account.SubaccountBalance, "subaccount_balances", ("subaccount_balances", 1)),
    (account.SubaccountBalances, "subaccount_balances", ()),
    (catalog.Collection, "collections", ("multivariate_contracts", 0)),
    (catalog.CollectionAnswer, "collection", ()),
    (catalog.CollectionsPage, "collections", ()),
    (catalog.Event, "events", ("events", 0)),
    (catalog.EventAnswer, "event", ()),
    (catalog.EventFeeChange, "event_fee_changes", ("event_fee_changes", 1)),
    (catalog.EventFeeChangesPage, "event_fee_changes", ()),
    (catalog.EventsPage, "events", ()),
    (catalog.Leg, "markets", ("markets", 1, "mve_selected_legs", 0)),
    (catalog.Market, "market", ("market",)),
    (catalog.Market, "markets", ("markets", 1)),
    (catalog.Market, "events", ("events", 0, "markets", 0)),
    (catalog.Market, "event", ("markets", 0)),
    (catalog.MarketAnswer, "market", ()),
    (catalog.MarketsPage, "markets", ()),
    (catalog.MarketsRows, "markets", ()),
    (catalog.PriceRange, "market", ("market", "price_ranges", 1)),
    (catalog.Series, "series_list", ("series", 0)),
    (catalog.SeriesAnswer, "series", ()),
    (catalog.SeriesFeeChange, "series_fee_changes", ("series_fee_change_arr", 0)),
    (catalog.SeriesFeeChanges, "series_fee_changes", ()),
    (catalog.SeriesList, "series_list", ()),
    (exchange.Cutoff, "cutoff", ()),
    (exchange.DailyHours, "schedule", ("schedule", "standard_hours", 0, "friday", 0)),
    (exchange.ExchangeStatus, "status", ()),
    (exchange.Freshness, "user_data_timestamp", ()),
    (exchange.IndexedStatus, "status", ("exchange_index_statuses", 1)),
    (exchange.Maintenance, "schedule", ("schedule", "maintenance_windows", 0)),
    (exchange.Schedule, "schedule", ("schedule",)),
    (exchange.ScheduleAnswer, "schedule", ()),
    (exchange.WeeklyHours, "schedule", ("schedule", "standard_hours", 0)),
    (orders.Fill, "fills", ("fills", 0)),
    (orders.FillsPage, "fills", ()),
    (orders.Order, "order", ("order",)),
    (orders.Order, "orders", ("orders", 1)),
    (orders.OrderAnswer, "order", ()),
    (orders.OrderGroup, "order_groups", ("order_groups", 0)),
    (orders.OrderGroupDetail, "order_group", ()),
    (orders.OrderGroups, "order_groups", ()),
    (orders.OrdersPage, "orders", ()),
    (orders.QueuePosition, "queue_positions", ("queue_positions", 1)),
    (orders.QueuePositionAnswer, "queue_position", ()),
    (orders.QueuePositions, "queue_positions", ()),
    (quotes.Book, "orderbook", ("orderbook_fp",)),
    (quotes.BookAnswer, "orderbook", ()),
    (quotes.BookEntry, "orderbooks", ("orderbooks", 1)),
    (quotes.BooksAnswer, "orderbooks", ()),
    (quotes.Candle, "candlesticks", ("candlesticks", 1)),
    (quotes.Candle, "candlesticks_batch", ("markets", 0, "candlesticks", 0)),
    (quotes.Candle, "candlesticks_event", ("market_candlesticks", 1, 0)),
    (quotes.CandleSet, "candlesticks_batch", ("markets", 1)),
    (quotes.CandleSets, "candlesticks_batch", ()),
    (quotes.CandlesAnswer, "candlesticks", ()),
    (quotes.EventCandles, "candlesticks_event", ()),
    (quotes.HistoricalCandle, "candlesticks_historical", ("candlesticks", 1)),
    (
        quotes.HistoricalQuotes,
        "candlesticks_historical",
        ("candlesticks", 1, "yes_ask"),
    ),
    (
        quotes.HistoricalPrices,
        "candlesticks_historical",
        ("candlesticks", 0, "price"),
    ),
    (quotes.Prices, "candlesticks", ("candlesticks", 0, "price")),
    (quotes.Quotes, "candlesticks", ("candlesticks", 0, "yes_bid")),
    (quotes.Trade, "trades", ("trades", 0)),
    (quotes.TradesPage, "trades", ()),
]


def fields(*, required: bool, may_be_anything: tuple[type, ...] = ()) -> list[Any]:
    return [
        pytest.param(
            name, (*path, field.encode_name), id=f"{name}:{_text(path, field)}"
        )
        for struct, name, path in PLACES
        for field in msgspec.structs.fields(struct)
        if field.required is required and field.type not in may_be_anything
    ]


def _text(path: Path, field: msgspec.structs.FieldInfo) -> str:
    return ".".join(map(str, (*path, field.encode_name)))


def plain(field: str | None) -> str:
    """A path without its indexes."""
    return re.sub(r"\[\d*\]", "", field or "")


def expected(path: Path) -> str:
    return ".".join(step for step in path if isinstance(step, str))


@pytest.mark.parametrize("name", sorted(READERS))
def test_an_answer_as_documented_is_read(name: str) -> None:
    assert read(name) is not None


@pytest.mark.parametrize(("name", "path"), fields(required=True))
def test_f3_a_required_field_that_is_missing_is_an_error_that_names_it(
    name: str, path: Path
) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        read(name, without_field(name, path))
    assert plain(caught.value.field) == expected(path)
    assert caught.value.venue == "kalshi"


@pytest.mark.parametrize(
    ("name", "path"), fields(required=True, may_be_anything=(quotes.Prices,))
)
def test_p8_a_required_field_of_another_type_is_an_error_that_names_it(
    name: str, path: Path
) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        read(name, with_field(name, path, {"of": ["another", "type"]}))
    assert plain(caught.value.field).startswith(expected(path))
    assert caught.value.payload is not None


@pytest.mark.parametrize(("name", "path"), fields(required=False))
def test_a_field_that_is_not_required_may_be_absent(name: str, path: Path) -> None:
    payload = answer(name)
    holder: Any = payload
    for step in path[:-1]:
        holder = holder[step]
    holder.pop(path[-1], None)
    _keep_one_direction(holder, str(path[-1]))
    assert read(name, payload) is not None


def _keep_one_direction(holder: Any, field: str) -> None:
    """A part of four prices is no candle: leave all of them out."""
    four = {"open", "high", "low", "close"}
    if field.removesuffix("_dollars") in four:
        for key in [key for key in holder if key.removesuffix("_dollars") in four]:
            del holder[key]


@pytest.mark.parametrize(("struct", "name", "path"), PLACES)
def test_f14_a_field_that_is_not_known_is_ignored(
    struct: type[Wire], name: str, path: Path
) -> None:
    payload = with_field(name, (*path, "brand_new"), {"price": "9"})
    assert read(name, payload) == read(name)


def test_an_answer_that_is_not_json_is_an_error() -> None:
    with pytest.raises(VenueSchemaError, match="malformed") as caught:
        READERS["markets"](b"<html>Bad gateway</html>")
    assert caught.value.payload == "<html>Bad gateway</html>"


def test_an_answer_that_was_cut_off_is_an_error() -> None:
    with pytest.raises(VenueSchemaError, match="truncated"):
        READERS["balance"](b'{"balance_dollars": "98.0')


def test_the_excerpt_of_an_error_hides_identities() -> None:
    payload = with_field("api_keys", ("api_keys", 0, "scopes"), "all")
    with pytest.raises(VenueSchemaError) as caught:
        read("api_keys", payload)
    assert "key-1" not in f"{caught.value} {caught.value.payload}"
    assert '"api_key_id":"***"' in str(caught.value.payload)


def test_the_message_says_what_was_wrong_and_that_nothing_was_assumed() -> None:
    payload = with_field("market", ("market", "yes_bid_dollars"), 42)
    with pytest.raises(VenueSchemaError) as caught:
        read("market", payload)
    assert "market.yes_bid_dollars" in str(caught.value)
    assert "nothing was assumed" in str(caught.value)
