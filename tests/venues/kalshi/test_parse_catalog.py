"""Markets, events and series as models."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import VenueSchemaError
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import (
    Instrument,
    Leg,
    Market,
    MarketDraft,
    MarketStatus,
    Outcome,
)
from unified_exchanges.venue import reading
from unified_exchanges.venues.kalshi import parse
from unified_exchanges.venues.kalshi.parse import catalog

from .answers import answer, encode, read, with_field, without_field

D = Decimal
TAPERED = PriceGrid.of("0 0.1 0.001", "0.1 0.9 0.01", "0.9 1 0.001")


def changed(**fields: object) -> Market:
    payload = answer("market")
    payload["market"].update(fields)
    market: Market = read("market", payload)
    return market


def refusal(**fields: object) -> VenueSchemaError:
    with pytest.raises(VenueSchemaError) as caught:
        changed(**fields)
    return caught.value


def test_a_market_carries_every_field_exactly() -> None:
    expected = Market(
        venue="kalshi",
        market_id="KXPEAK-26DEC24-B3.5",
        event_id="KXPEAK-26DEC24",
        title="Peak between 3° and 4°?",
        status=MarketStatus.OPEN,
        venue_status="active",
        outcomes=(Outcome("yes", "yes", "3° to 4°"), Outcome("no", "no", "3° to 4°")),
        grid=TAPERED,
        bid=D("0.4210"),
        bid_size=D("12.50"),
        ask=D("0.4390"),
        ask_size=D("7.00"),
        last_price=D("0.43"),
        previous_price=D("0.4"),
        volume=D("10234.07"),
        volume_24h=D(55),
        open_interest=D("801.25"),
        created_at=datetime(2026, 12, 1, 8, 0, 0, 123456, UTC),
        opens_at=datetime(2026, 12, 2, 15, tzinfo=UTC),
        closes_at=datetime(2026, 12, 24, 23, 59, tzinfo=UTC),
        expires_at=datetime(2027, 1, 1, 15, tzinfo=UTC),
        rules="Resolves to Yes if the peak is 3° or 4°.",
        shard=2,
    )
    assert read("market") == expected


def test_a_parsed_market_has_every_field_of_the_model() -> None:
    market = read("market")
    for field in attrs.fields(Market):
        getattr(market, field.name)
    assert Market.__slots__ == MarketDraft.__slots__


def test_a_parsed_market_is_the_same_class_with_the_same_manners() -> None:
    market = read("market")
    again = attrs.evolve(market)
    assert type(market) is Market
    assert (market, hash(market), repr(market)) == (again, hash(again), repr(again))
    assert pickle.loads(pickle.dumps(market)) == market
    assert attrs.evolve(market, title="x") != market
    assert not hasattr(market, "__dict__")


@pytest.mark.parametrize("name", ["title", "bid", "brand_new"])
def test_a_parsed_market_is_frozen(name: str) -> None:
    market = read("market")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(market, name, None)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(market, name)


def test_raw_is_the_market_s_own_object_with_fractions_as_decimals() -> None:
    market = read("market")
    assert market.raw["floor_strike"] == D("3.5")
    assert market.raw["ticker"] == market.market_id
    assert "raw" not in repr(market)


def test_each_market_of_a_page_keeps_its_own_bytes() -> None:
    first, second = read("markets")[0]
    assert first.raw["ticker"] == "KXPEAK-26DEC24-B3.5"
    assert second.raw["ticker"] == "KXMVECOMBO-S1-A"


def test_a_page_can_be_read_without_payloads() -> None:
    body = encode(answer("markets"))
    lean, cursor = parse.markets_page(body, keep_raw=False)
    assert (lean, cursor) == parse.markets_page(body)
    assert [market.raw for market in lean] == [{}, {}]


@pytest.mark.parametrize("keep_raw", [True, False])
def test_an_error_names_the_place_on_the_page(*, keep_raw: bool) -> None:
    payload = with_field("markets", ("markets", 1, "volume_fp"), "-1.00")
    with pytest.raises(VenueSchemaError) as caught:
        parse.markets_page(encode(payload), keep_raw=keep_raw)
    assert caught.value.field == "markets[1].volume_fp"


def test_a_page_without_its_list_is_an_error_without_payloads_too() -> None:
    with pytest.raises(VenueSchemaError) as caught:
        parse.markets_page(b'{"cursor": ""}', keep_raw=False)
    assert caught.value.field == "markets"


def test_the_cursor_of_a_page_is_its_next_page() -> None:
    assert read("markets")[1] == "CgwIabc-_"


@pytest.mark.parametrize("cursor", ["", None])
def test_an_empty_cursor_is_the_last_page(cursor: str | None) -> None:
    assert read("markets", with_field("markets", ("cursor",), cursor))[1] is None
    assert read("markets", without_field("markets", ("cursor",)))[1] is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("initialized", MarketStatus.UNOPENED),
        ("active", MarketStatus.OPEN),
        ("inactive", MarketStatus.PAUSED),
        ("closed", MarketStatus.CLOSED),
        ("determined", MarketStatus.CLOSED),
        ("disputed", MarketStatus.CLOSED),
        ("amended", MarketStatus.CLOSED),
        ("finalized", MarketStatus.SETTLED),
    ],
)
def test_a_status_is_told_in_our_words_and_in_the_venue_s(
    word: str, status: MarketStatus
) -> None:
    market = changed(status=word)
    assert (market.status, market.venue_status) == (status, word)


def test_f14_an_unknown_status_is_unknown_and_keeps_the_word() -> None:
    market = changed(status="hibernating")
    assert market.status is MarketStatus.UNKNOWN
    assert (market.venue_status, market.raw["status"]) == ("hibernating",) * 2


def test_a_quote_of_size_zero_is_no_quote_whatever_its_price() -> None:
    market = changed(yes_bid_size_fp="0.00", yes_ask_size_fp="0.00")
    assert (market.bid, market.ask) == (None, None)
    assert (market.bid_size, market.ask_size) == (D(0), D(0))


def test_a_quote_at_the_edge_with_a_size_is_a_quote() -> None:
    market = changed(yes_bid_dollars="0.0000", yes_bid_size_fp="5.00")
    assert market.bid == D(0)


def test_a_last_price_of_zero_means_that_nothing_ever_traded() -> None:
    market = changed(last_price_dollars="0.0000", previous_price_dollars="0.0000")
    assert (market.last_price, market.previous_price) == (None, None)


def test_a_settled_combination_has_its_value_and_its_legs() -> None:
    market = read("markets")[0][1]
    assert (market.result, market.settlement_price) == ("scalar", D("0.3750"))
    assert market.settled_at == datetime(2026, 12, 26, 10, 0, 0, 500_000, UTC)
    assert market.legs == (
        Leg("KXPEAK-26DEC24", "KXPEAK-26DEC24-B3.5", "yes"),
        Leg("KXRAIN-26DEC24", "KXRAIN-26DEC24-T1", "no"),
    )


def test_a_market_without_its_optional_words_is_still_a_market() -> None:
    market = changed(
        title=None,
        yes_sub_title=None,
        no_sub_title=None,
        market_type=None,
        rules_primary=None,
        result=None,
        exchange_index=None,
        close_time=None,
    )
    assert (market.title, market.kind, market.rules) == ("", "binary", "")
    assert (market.result, market.shard, market.closes_at) == (None, 0, None)
    assert [outcome.title for outcome in market.outcomes] == ["", ""]


def test_p1_markets_with_like_titles_are_told_apart_by_their_ticker() -> None:
    payload = answer("markets")
    above, below = payload["markets"]
    above.update(ticker="KXPEAK-T70", yes_sub_title="> 70°", title="Peak")
    below.update(ticker="KXPEAK-B70", yes_sub_title="< 70°", title="Peak")
    markets, _ = read("markets", payload)
    names = [str(market.instrument("YES")) for market in markets]
    assert names == ["kalshi:KXPEAK-T70:yes", "kalshi:KXPEAK-B70:yes"]
    assert [Instrument.parse(name).market_id for name in names] == [
        "KXPEAK-T70",
        "KXPEAK-B70",
    ]


@pytest.mark.parametrize("ranges", [[], None, "0.01", [{"start": "0", "end": "1"}]])
def test_a_market_without_a_price_grid_is_refused(ranges: object) -> None:
    assert str(refusal(price_ranges=ranges).field).startswith("market.price_ranges")


@pytest.mark.parametrize(
    ("band", "field"),
    [
        ({"start": "0.0", "end": "1.0", "step": "0.0"}, "price_ranges"),
        ({"start": "0.5", "end": "0.5", "step": "0.1"}, "price_ranges"),
        ({"start": "0.0", "end": "2.0", "step": "0.1"}, "price_ranges[].end"),
        ({"start": "a", "end": "1.0", "step": "0.1"}, "price_ranges[].start"),
    ],
)
def test_a_price_grid_that_is_none_is_refused(band: dict[str, str], field: str) -> None:
    assert refusal(price_ranges=[band]).field == f"market.{field}"


PRICES = [
    "yes_bid_dollars",
    "yes_ask_dollars",
    "last_price_dollars",
    "previous_price_dollars",
    "notional_value_dollars",
    "settlement_value_dollars",
]
SIZES = [
    "yes_bid_size_fp",
    "yes_ask_size_fp",
    "volume_fp",
    "volume_24h_fp",
    "open_interest_fp",
]


@pytest.mark.parametrize("field", PRICES)
@pytest.mark.parametrize("text", ["1.0001", "-0.0100", "42", "NaN", "", "1e-1", " 0.5"])
def test_p8_a_price_that_is_none_is_refused_by_its_name(field: str, text: str) -> None:
    assert refusal(**{field: text}).field == f"market.{field}"


@pytest.mark.parametrize("field", SIZES)
@pytest.mark.parametrize(
    "text", ["-0.01", "Infinity", "NaN", "", "1e3", "1_0", "1.2.3", "²", " 1"]
)
def test_p8_a_size_that_is_none_is_refused_by_its_name(field: str, text: str) -> None:
    assert refusal(**{field: text}).field == f"market.{field}"


@pytest.mark.parametrize("text", ["yesterday", "2026-12-01", "2026-12-01T08:00:00"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    assert refusal(close_time=text).field == "market.close_time"


@given(bid=st.integers(0, 10_000), size=st.integers(1, 10**9))
def test_fault_16_every_four_decimal_price_survives(bid: int, size: int) -> None:
    price = f"{bid // 10_000}.{bid % 10_000:04d}"
    count = f"{size // 100}.{size % 100:02d}"
    market = changed(yes_bid_dollars=price, yes_bid_size_fp=count)
    assert (str(market.bid), str(market.bid_size)) == (price, count)


def test_what_is_remembered_is_bounded_and_never_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalog, "_MOST", 0)
    monkeypatch.setattr(reading, "_MOST_PRICES", 0)
    ranges = [{"start": "0", "end": "1", "step": "0.0125"}]
    market = changed(
        price_ranges=ranges, yes_sub_title="never seen", yes_bid_dollars="0.01250"
    )
    assert market.grid == PriceGrid.of("0.0125")
    assert market.outcomes[0].title == "never seen"
    assert str(market.bid) == "0.01250"
    assert "0.01250" not in reading.PRICES


def test_an_event_comes_with_the_markets_inside_it() -> None:
    event = read("events")[0][0]
    assert event.event_id == "KXPEAK-26DEC24"
    assert event.series_id == "KXPEAK"
    assert event.mutually_exclusive
    assert (event.subtitle, event.category) == ("On Dec 24", "Climate")
    assert (event.shard, event.updated_at) == (2, datetime(2026, 12, 1, 8, tzinfo=UTC))
    assert [market.market_id for market in event.markets] == ["KXPEAK-26DEC24-B3.5"]


def test_a_market_inside_an_event_learns_its_series_there() -> None:
    assert read("events")[0][0].markets[0].series_id == "KXPEAK"


def test_an_event_comes_with_the_markets_beside_it() -> None:
    event = read("event")
    assert [market.market_id for market in event.markets] == ["KXPEAK-26DEC24-B3.5"]


def test_an_event_may_have_no_markets() -> None:
    payload = with_field("event", ("markets",), None)
    assert read("event", payload).markets == ()


def test_the_raw_of_an_event_keeps_what_has_no_field_of_its_own() -> None:
    assert read("event").raw["fee_multiplier_override"] == D("0.5")


def test_an_error_inside_an_event_names_the_whole_path() -> None:
    path = ("events", 0, "markets", 0, "yes_ask_dollars")
    with pytest.raises(VenueSchemaError) as caught:
        read("events", with_field("events", path, "1.5"))
    assert caught.value.field == "events[0].markets[0].yes_ask_dollars"
    assert str(caught.value).count("cannot read") == 1


def test_a_series_carries_its_fee_rule_exactly() -> None:
    series = read("series")
    assert series == read("series_list")[0]
    assert (series.series_id, series.fee_type) == ("KXPEAK", "quadratic")
    assert str(series.fee_multiplier) == "0.07"
    assert series.tags == ("Daily", "Weather")


def test_a_series_may_have_null_tags() -> None:
    assert read("series", with_field("series", ("series", "tags"), None)).tags == ()


@pytest.mark.parametrize("factor", [-1, "NaN", "Infinity"])
def test_a_fee_multiplier_that_is_none_is_refused(factor: object) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        read("series", with_field("series", ("series", "fee_multiplier"), factor))
    assert caught.value.field == "series.fee_multiplier"


def test_a_fee_change_says_whose_it_is_and_from_when() -> None:
    change = read("series_fee_changes")[0]
    assert (change.series_id, change.event_id) == ("KXPEAK", None)
    assert (change.fee_type, change.fee_multiplier) == (
        "quadratic_with_maker_fees",
        D("1.25"),
    )
    assert change.since == datetime(2026, 12, 10, tzinfo=UTC)


def test_an_event_s_fee_change_may_give_it_back_to_its_series() -> None:
    (own, back), cursor = read("event_fee_changes")
    assert (own.event_id, own.fee_multiplier) == ("KXPEAK-26DEC24", D("0.5"))
    assert (back.fee_type, back.fee_multiplier) == (None, None)
    assert cursor == "next"


def test_a_template_of_combinations_names_its_events() -> None:
    collection = read("collection")
    assert ([collection], None) == read("collections")
    assert collection.collection_id == "KXMVECOMBO"
    assert collection.event_ids == ("KXPEAK-26DEC24", "KXRAIN-26DEC24")
    assert (collection.smallest, collection.largest) == (2, 6)
    assert collection.closes_at == datetime(2026, 12, 24, tzinfo=UTC)
