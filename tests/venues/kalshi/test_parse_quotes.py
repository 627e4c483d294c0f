"""Trades, order books and candles, priced for either outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import VenueSchemaError
from unified_exchanges.models import BUY, SELL, Candle, Level, Ohlc, Period, Trade
from unified_exchanges.money import complement
from unified_exchanges.venues.kalshi import parse

from .answers import PEAK, answer, encode, read, with_field, without_field

D = Decimal
NOW = datetime(2026, 12, 2, 16, tzinfo=UTC)
END = datetime.fromtimestamp(1_796_227_200, UTC)


def book(payload: object, outcome: str = "yes") -> tuple[list[str], list[str]]:
    """The bids and asks of a book as texts."""
    found = parse.order_book(encode({"orderbook_fp": payload}), "M", outcome)
    bids, asks = (
        [f"{level.size}@{level.price}" for level in side]
        for side in (found.bids, found.asks)
    )
    return bids, asks


def test_a_trade_carries_every_field_exactly() -> None:
    expected = Trade(
        venue="kalshi",
        trade_id="t1",
        market_id="KXPEAK-26DEC24-B3.5",
        outcome="yes",
        price=D("0.43"),
        size=D("7.77"),
        taker_side=BUY,
        created_at=datetime(2026, 12, 2, 16, 0, 5, 250_001, UTC),
    )
    assert read("trades") == ([expected], "EhI")


def test_p4_a_trade_of_no_has_the_no_price() -> None:
    trades, _ = parse.trades_page(encode(answer("trades")), "no")
    assert (trades[0].outcome, trades[0].price) == ("no", D("0.57"))
    assert trades[0].taker_side is SELL


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("taker_book_side", "ask"),
        ("taker_outcome_side", "no"),
        ("no_price_dollars", "0.4300"),
        ("count_fp", "-7.77"),
        ("created_time", "noon"),
    ],
)
def test_p8_a_trade_that_contradicts_itself_is_refused(path: str, value: str) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        read("trades", with_field("trades", ("trades", 0, path), value))
    assert str(caught.value.field).startswith("trades[0].")


def test_a_trade_without_any_direction_is_refused() -> None:
    payload = without_field("trades", ("trades", 0, "taker_book_side"))
    del payload["trades"][0]["taker_outcome_side"]
    with pytest.raises(VenueSchemaError) as caught:
        read("trades", payload)
    assert caught.value.field == "trades[0].taker_book_side"


def test_a_block_trade_says_so() -> None:
    path = ("trades", 0, "is_block_trade")
    assert read("trades", with_field("trades", path, True))[0][0].is_block


BOOK = answer("orderbook")["orderbook_fp"]


def test_p4_the_bids_for_no_are_the_asks_for_yes() -> None:
    expected = (
        ["12.50@0.4210", "100.00@0.4000"],
        ["7.00@0.4390", "3.00@0.5000"],
    )
    assert book(BOOK) == expected


def test_p4_the_book_of_no_is_the_exact_complement() -> None:
    expected = (
        ["7.00@0.5610", "3.00@0.5000"],
        ["12.50@0.5790", "100.00@0.6000"],
    )
    assert book(BOOK, "no") == expected


def test_a_book_is_best_first_in_whatever_order_it_came() -> None:
    turned = {side: rows[::-1] for side, rows in BOOK.items()}
    assert book(turned) == book(BOOK)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"yes_dollars": [], "no_dollars": []},
        {"yes_dollars": None, "no_dollars": None},
        {"no_dollars": []},
    ],
)
def test_a_side_without_orders_may_be_empty_null_or_absent(payload: object) -> None:
    assert book(payload) == ([], [])


@pytest.mark.parametrize(
    "payload",
    [None, [], {"yes_dollars": {}}, {"yes": [["0.40", "1.00"]], "no": []}],
)
def test_p8_nothing_else_is_an_empty_book(payload: object) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        book(payload)
    assert str(caught.value.field).startswith("orderbook_fp")


def test_a_level_without_contracts_is_no_level() -> None:
    assert book({"yes_dollars": [["0.4000", "0.00"]]}) == ([], [])


@pytest.mark.parametrize(
    "row",
    [["1.0100", "1.00"], ["0.4", "-1.00"], ["0.4"], [0.4, 1], ["0.4", "1.00", "x"]],
)
def test_p8_a_level_that_is_malformed_is_refused(row: list[object]) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        book({"no_dollars": [row]})
    assert str(caught.value.field).startswith("orderbook_fp.no_dollars[")


def test_p15_two_levels_at_one_price_are_refused() -> None:
    with pytest.raises(VenueSchemaError, match="two levels at one price"):
        book({"yes_dollars": [["0.45", "1.00"], ["0.4500", "2.00"]]})


def test_a_book_tells_whose_it_is_and_when_it_arrived() -> None:
    found = parse.order_book(encode(answer("orderbook")), "M", "no", NOW)
    assert (found.market_id, found.outcome, found.timestamp) == ("M", "no", NOW)
    assert found.raw == BOOK


def test_several_books_come_by_their_market() -> None:
    books = parse.order_books(encode(answer("orderbooks")), "yes", NOW)
    assert list(books) == ["KXPEAK-26DEC24-B3.5", "KXPEAK-26DEC24-B5.5"]
    first, second = books.values()
    assert (first.bid, first.timestamp) == (Level(D("0.421"), D("12.5")), NOW)
    assert (second.bids, second.asks) == ((), ())


def test_an_error_in_one_of_several_books_names_it() -> None:
    path = ("orderbooks", 1, "orderbook_fp", "yes_dollars")
    with pytest.raises(VenueSchemaError) as caught:
        read("orderbooks", with_field("orderbooks", path, [["2", "1"]]))
    assert caught.value.field == "orderbooks[1].orderbook_fp.yes_dollars[]"


ticks = st.integers(1, 9_999)
levels = st.dictionaries(ticks, st.integers(1, 10**8), max_size=12)


@given(yes=levels, no=levels)
def test_p4_every_book_turned_twice_is_itself(
    yes: dict[int, int], no: dict[int, int]
) -> None:
    body = encode(
        {"orderbook_fp": {"yes_dollars": _rows(yes), "no_dollars": _rows(no)}}
    )
    found = parse.order_book(body, "M")
    other = parse.order_book(body, "M", "no")
    assert other.complement("yes") == found
    assert [x.price for x in found.bids] == [D(t) / 10_000 for t in sorted(yes)[::-1]]
    assert [complement(x.price) for x in found.asks] == [
        D(t) / 10_000 for t in sorted(no)[::-1]
    ]


def _rows(side: dict[int, int]) -> list[list[str]]:
    return [
        [f"0.{tick:04d}", f"{count // 100}.{count % 100:02d}"]
        for tick, count in side.items()
    ]


def test_a_candle_carries_every_field_exactly() -> None:
    expected = Candle(
        venue="kalshi",
        market_id=PEAK,
        outcome="yes",
        start=END - timedelta(minutes=1),
        end=END,
        price=Ohlc(D("0.41"), D("0.44"), D("0.40"), D("0.43")),
        bid=Ohlc(D("0.40"), D("0.43"), D("0.39"), D("0.42")),
        ask=Ohlc(D("0.42"), D("0.45"), D("0.41"), D("0.44")),
        volume=D("66.5"),
        open_interest=D("801.25"),
        mean=D("0.4233"),
        previous=D("0.4050"),
    )
    assert read("candlesticks")[0] == expected


def test_a_period_without_a_trade_has_quotes_but_no_price() -> None:
    quiet = read("candlesticks")[1]
    assert (quiet.price, quiet.mean, quiet.volume) == (None, None, D(0))
    assert quiet.previous == D("0.43")
    assert quiet.bid is not None


@pytest.mark.parametrize(("side", "nobody"), [("bid", "0.0000"), ("ask", "1.0000")])
def test_a_side_that_nobody_quoted_is_none(side: str, nobody: str) -> None:
    names = ("open_dollars", "high_dollars", "low_dollars", "close_dollars")
    path = ("candlesticks", 0, f"yes_{side}")
    payload = with_field("candlesticks", path, dict.fromkeys(names, nobody))
    assert getattr(read("candlesticks", payload)[0], side) is None
    payload = with_field("candlesticks", (*path, "close_dollars"), nobody)
    assert getattr(read("candlesticks", payload)[0], side) is not None


def test_prices_of_a_period_may_be_absent_instead_of_null() -> None:
    payload = with_field("candlesticks", ("candlesticks", 1, "price"), {})
    assert read("candlesticks", payload)[1].price is None


@pytest.mark.parametrize(
    ("period", "length"),
    [
        ("1m", timedelta(minutes=1)),
        ("1h", timedelta(hours=1)),
        ("1d", timedelta(days=1)),
    ],
)
def test_a_candle_starts_one_period_before_its_end(
    period: Period, length: timedelta
) -> None:
    candle = parse.candles(encode(answer("candlesticks")), PEAK, period)[0]
    assert (candle.start, candle.end) == (END - length, END)


def test_p4_a_candle_of_no_swaps_quotes_and_extremes() -> None:
    candle = parse.candles(encode(answer("candlesticks")), PEAK, "1m", "no")[0]
    assert candle.price == Ohlc(D("0.59"), D("0.60"), D("0.56"), D("0.57"))
    assert candle.bid == Ohlc(D("0.58"), D("0.59"), D("0.55"), D("0.56"))


def test_the_historical_tier_tells_the_same_under_other_names() -> None:
    body = encode(answer("candlesticks_historical"))
    assert parse.historical_candles(body, PEAK, "1m") == read("candlesticks")


def test_candles_of_several_markets_come_by_their_market() -> None:
    found = read("candlesticks_batch")
    assert [(key, len(value)) for key, value in found.items()] == [
        ("KXPEAK-26DEC24-B3.5", 1),
        ("KXPEAK-26DEC24-B5.5", 0),
    ]
    assert found["KXPEAK-26DEC24-B3.5"][0].market_id == "KXPEAK-26DEC24-B3.5"


def test_candles_of_an_event_say_how_far_they_reach() -> None:
    found = read("candlesticks_event")
    assert found.until == END + timedelta(minutes=1)
    assert [x[0].market_id for x in found.by_market.values()] == list(found.by_market)


def test_candles_of_an_event_that_do_not_match_its_markets_are_refused() -> None:
    payload = with_field("candlesticks_event", ("market_candlesticks",), [])
    with pytest.raises(VenueSchemaError) as caught:
        read("candlesticks_event", payload)
    assert caught.value.field == "market_candlesticks"


def test_p8_a_part_of_four_prices_is_refused() -> None:
    path = ("candlesticks", 0, "price", "low_dollars")
    with pytest.raises(VenueSchemaError) as caught:
        read("candlesticks", with_field("candlesticks", path, None))
    assert caught.value.field == "candlesticks[0].price.low_dollars"


def test_a_candle_that_ends_beyond_time_is_refused() -> None:
    path = ("candlesticks", 0, "end_period_ts")
    with pytest.raises(VenueSchemaError) as caught:
        read("candlesticks", with_field("candlesticks", path, 10**17))
    assert caught.value.field == "candlesticks[0].end_period_ts"
