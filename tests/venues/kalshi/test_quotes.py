"""Tickers, books, candles and fees, said of either outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.errors import (
    ArgumentsRequired,
    BadRequest,
    EventNotFound,
    InvalidPrice,
    InvalidSize,
    MarketNotFound,
    VenueSchemaError,
)
from unified_exchanges.models import BUY, SELL, Level
from unified_exchanges.money import complement

from .desk import (
    NOW,
    Desk,
    candle,
    desk,
    event,
    market,
    markets,
    simulated_desk,
)

D = Decimal
BOOK = {
    "orderbook_fp": {
        "yes_dollars": [["0.4600", "5.00"], ["0.4700", "3.00"]],
        "no_dollars": [["0.4700", "1.00"], ["0.4800", "2.00"]],
    }
}


@pytest.fixture(scope="module")
def venue() -> Desk:
    return simulated_desk()


# -- tickers ---------------------------------------------------------------------------


def test_a_ticker_is_of_yes_unless_said_otherwise() -> None:
    found = desk({"/markets/RAIN": {"market": market("RAIN")}}).kalshi.fetch_ticker(
        "RAIN"
    )
    assert found.outcome == "yes"
    assert (found.bid, found.ask) == (D("0.47"), D("0.52"))
    assert (found.bid_size, found.ask_size) == (D(3), D(2))
    assert found.timestamp == NOW


def test_p04_a_ticker_of_no_is_the_complement() -> None:
    at = desk({"/markets/RAIN": {"market": market("RAIN")}})
    found = at.kalshi.fetch_ticker("RAIN", outcome="NO")
    assert found.outcome == "no"
    assert (found.bid, found.ask) == (D("0.48"), D("0.53"))
    assert (found.bid_size, found.ask_size) == (D(2), D(3))
    assert (found.last_price, found.previous_price) == (D("0.50"), D("0.51"))


def test_p08_a_side_without_a_quote_is_none_on_both_outcomes() -> None:
    empty = market("RAIN", yes_ask_dollars="1.0000", yes_ask_size_fp="0.00")
    at = desk({"/markets/RAIN": {"market": empty}})
    assert at.kalshi.fetch_ticker("RAIN").ask is None
    assert at.kalshi.fetch_ticker("RAIN", outcome="no").bid is None


def test_tickers_come_in_the_order_asked_in_one_request() -> None:
    at = desk({"/markets": markets("A", "B")})
    found = at.kalshi.fetch_tickers(["B", "A"], outcome="no")
    assert [(name, x.market_id) for name, x in found.items()] == [
        ("B", "B"),
        ("A", "A"),
    ]
    assert at.asked == ["/markets"]


def test_tickers_of_an_unknown_market_are_an_error() -> None:
    answers = {"/markets": markets("A"), "/historical/markets": markets()}
    with pytest.raises(MarketNotFound, match="'NOPE'"):
        desk(answers).kalshi.fetch_tickers(["A", "NOPE"])


QUOTES: list[Callable[[Any, str], object]] = [
    lambda kalshi, outcome: kalshi.fetch_ticker("RAIN", outcome=outcome),
    lambda kalshi, outcome: kalshi.fetch_tickers(["RAIN"], outcome=outcome),
    lambda kalshi, outcome: kalshi.fetch_order_book("RAIN", outcome=outcome),
    lambda kalshi, outcome: kalshi.fetch_order_books(["RAIN"], outcome=outcome),
    lambda kalshi, outcome: kalshi.fetch_ohlcv("RAIN", outcome=outcome),
    lambda kalshi, outcome: kalshi.fetch_trades("RAIN", outcome=outcome),
    lambda kalshi, outcome: kalshi.fetch_orders(outcome=outcome),
    lambda kalshi, outcome: kalshi.fetch_fills(outcome=outcome),
    lambda kalshi, outcome: kalshi.estimate_fee("RAIN", outcome, "buy", "0.5", 1),
]


@pytest.mark.parametrize("call", QUOTES)
@pytest.mark.parametrize("outcome", ["maybe", "", 1])
def test_an_outcome_that_is_neither_is_refused_before_anything_is_sent(
    call: Callable[[Any, str], object], outcome: str
) -> None:
    at = desk()
    with pytest.raises(BadRequest, match="yes, no"):
        call(at.kalshi, outcome)
    assert at.asked == []


# -- order books -----------------------------------------------------------------------


def test_a_book_is_best_first_on_both_sides() -> None:
    at = desk({"/markets/RAIN/orderbook": BOOK})
    book = at.kalshi.fetch_order_book("RAIN")
    assert book.bids == (Level(D("0.47"), D(3)), Level(D("0.46"), D(5)))
    assert book.asks == (Level(D("0.52"), D(2)), Level(D("0.53"), D(1)))
    assert (book.timestamp, book.outcome) == (NOW, "yes")


def test_p04_the_book_of_no_is_the_complement_of_the_one_book() -> None:
    at = desk({"/markets/RAIN/orderbook": BOOK})
    book = at.kalshi.fetch_order_book("RAIN", outcome="no")
    assert book.bids == (Level(D("0.48"), D(2)), Level(D("0.47"), D(1)))
    assert book.asks == (Level(D("0.53"), D(3)), Level(D("0.54"), D(5)))


@pytest.mark.parametrize("side", [[], None])
def test_an_empty_side_is_empty_however_it_is_written(side: Any) -> None:
    told = {"yes_dollars": [["0.4700", "3.00"]]}
    if side is not None:
        told["no_dollars"] = side
    at = desk({"/markets/RAIN/orderbook": {"orderbook_fp": told}})
    assert at.kalshi.fetch_order_book("RAIN").asks == ()


def test_p15_levels_at_one_price_written_twice_are_not_two_levels() -> None:
    told = {"yes_dollars": [["0.45", "3.00"], ["0.4500", "1.00"]], "no_dollars": []}
    at = desk({"/markets/RAIN/orderbook": {"orderbook_fp": told}})
    with pytest.raises(VenueSchemaError, match="yes_dollars"):
        at.kalshi.fetch_order_book("RAIN")


def test_the_depth_is_asked_for_and_kept() -> None:
    at = desk({"/markets/RAIN/orderbook": BOOK})
    book = at.kalshi.fetch_order_book("RAIN", outcome="no", depth=1)
    assert (len(book.bids), len(book.asks)) == (1, 1)
    assert at.queries("/markets/RAIN/orderbook") == [{"depth": "1"}]


@pytest.mark.parametrize("depth", [0, -1, 101, 1.5, True, "3"])
def test_a_bad_depth_is_refused(depth: Any) -> None:
    at = desk()
    with pytest.raises(BadRequest, match="depth"):
        at.kalshi.fetch_order_book("RAIN", depth=depth)
    with pytest.raises(BadRequest, match="depth"):
        at.kalshi.fetch_order_books(["RAIN"], depth=depth)
    assert at.asked == []


def test_the_book_of_an_unknown_market_is_an_error() -> None:
    with pytest.raises(MarketNotFound, match="'NOPE'"):
        desk().kalshi.fetch_order_book("NOPE")


def test_books_of_many_markets_come_a_hundred_at_a_time() -> None:
    def page(query: dict[str, str]) -> Any:
        names = query["tickers"].split(",")
        return {"orderbooks": [{"ticker": name, **BOOK} for name in names]}

    at = desk({"/markets/orderbooks": page})
    names = [f"M{number}" for number in range(150)]
    found = at.kalshi.fetch_order_books(names, outcome="no", depth=1)
    assert list(found) == names
    assert {x.outcome for x in found.values()} == {"no"}
    counts = [len(request.query) for request in at.transport.requests]
    assert counts == [100, 50]


A_BOOK = {"ticker": "A", **BOOK}
NOWHERE = {"/markets": markets(), "/historical/markets": markets()}


def test_a_book_that_did_not_come_is_an_error() -> None:
    at = desk({**NOWHERE, "/markets/orderbooks": {"orderbooks": [A_BOOK]}})
    with pytest.raises(MarketNotFound, match="'B'"):
        at.kalshi.fetch_order_books(["A", "B"])


def test_books_of_markets_that_are_all_unknown_are_an_error() -> None:
    with pytest.raises(MarketNotFound, match="'A', 'B'"):
        desk(NOWHERE).kalshi.fetch_order_books(["A", "B"])


def test_archived_markets_have_an_empty_book_however_it_is_asked_for(
    venue: Desk,
) -> None:
    settled = venue.kalshi.fetch_markets(status="settled")
    old = min(settled, key=lambda x: x.settled_at or NOW).market_id
    one = venue.kalshi.fetch_order_book(old, outcome="no")
    several = venue.kalshi.fetch_order_books([old], outcome="no")
    assert (one.outcome, one.bids, one.asks) == ("no", (), ())
    assert several == {old: one}


def test_books_that_are_missing_are_empty_if_their_markets_are_archived() -> None:
    answers = {
        "/markets/orderbooks": {"orderbooks": [A_BOOK]},
        "/markets": markets(),
        "/historical/markets": markets("OLD"),
    }
    found = desk(answers).kalshi.fetch_order_books(["A", "OLD"], outcome="no")
    assert found["OLD"].bids == found["OLD"].asks == ()
    assert {x.outcome for x in found.values()} == {"no"}


def test_book_and_ticker_of_the_simulated_exchange_agree(venue: Desk) -> None:
    ids = [x.market_id for x in venue.kalshi.fetch_markets()]
    for outcome in ("yes", "no"):
        books = venue.kalshi.fetch_order_books(ids, outcome=outcome)
        tickers = venue.kalshi.fetch_tickers(ids, outcome=outcome)
        for name, book in books.items():
            best = [x and x.price for x in (book.bid, book.ask)]
            assert best == [tickers[name].bid, tickers[name].ask]


# -- candles ---------------------------------------------------------------------------

HOUR = 3_600
TOP = int(NOW.timestamp()) // HOUR * HOUR


def candles_of(period: int) -> Callable[[dict[str, str]], Any]:
    """A server that has a candle for every period."""

    def answer(query: dict[str, str]) -> Any:
        start, end = int(query["start_ts"]), int(query["end_ts"])
        first = -(-start // period) * period
        ends = range(first, end + 1, period)
        assert len(ends) <= 5_000
        return {"ticker": "RAIN", "candlesticks": [candle(x) for x in ends]}

    return answer


def candle_desk(period: int = HOUR, **fields: Any) -> Desk:
    return desk(
        {
            "/markets/RAIN": {"market": market("RAIN", **fields)},
            "/events/KXRAIN-26NOV21": {"event": event("KXRAIN-26NOV21")},
            "/series/KXRAIN/markets/RAIN/candlesticks": candles_of(period),
        }
    )


def test_candles_begin_when_the_market_opened_and_end_now() -> None:
    at = candle_desk(open_time="2026-11-20T12:30:00Z")
    found = at.kalshi.fetch_ohlcv("RAIN")
    ends = [x.end.hour for x in found]
    assert ends == [13, 14, 15, 16, 17, 18]
    assert all(x.start == x.end - timedelta(hours=1) for x in found)


def test_candles_end_with_the_period_in_which_the_market_closed() -> None:
    at = candle_desk(
        open_time="2026-11-20T08:00:00Z", close_time="2026-11-20T10:30:00Z"
    )
    assert [x.end.hour for x in at.kalshi.fetch_ohlcv("RAIN")] == [9, 10, 11]


def test_without_any_opening_time_a_start_is_asked_for() -> None:
    at = candle_desk(open_time=None, created_time=None)
    with pytest.raises(ArgumentsRequired, match="since="):
        at.kalshi.fetch_ohlcv("RAIN")


def test_a_market_without_a_closing_time_has_candles_until_now() -> None:
    at = candle_desk(close_time=None)
    assert at.kalshi.fetch_ohlcv("RAIN", limit=1)[0].end.timestamp() == TOP


def test_since_is_left_out_and_until_is_included_so_that_calls_join() -> None:
    at = candle_desk()
    start = datetime(2026, 11, 19, 10, tzinfo=UTC)
    first = at.kalshi.fetch_ohlcv("RAIN", since=start, until=start + timedelta(hours=3))
    more = at.kalshi.fetch_ohlcv(
        "RAIN", since=first[-1].end, until=start + timedelta(hours=5)
    )
    assert [x.end.hour for x in first + more] == [11, 12, 13, 14, 15]


@pytest.mark.parametrize("limit", [1, 3, 7_000])
def test_a_limit_keeps_the_newest_candles(limit: int) -> None:
    at = candle_desk(60)
    found = at.kalshi.fetch_ohlcv("RAIN", "1m", limit=limit)
    assert len(found) == limit
    assert found == sorted(found, key=lambda x: x.end)
    assert NOW - found[-1].end < timedelta(minutes=1)


def test_long_ranges_are_asked_in_parts_that_kalshi_can_answer() -> None:
    at = candle_desk(60)
    found = at.kalshi.fetch_ohlcv("RAIN", "1m", since=NOW - timedelta(days=10))
    assert len(found) == 10 * 24 * 60
    assert len(at.queries("/series/KXRAIN/markets/RAIN/candlesticks")) == 3


def test_a_market_with_gaps_still_gives_as_many_candles_as_asked() -> None:
    at = candle_desk()

    def gappy(query: dict[str, str]) -> Any:
        ends = [TOP - 3 * HOUR, TOP - 90 * HOUR]
        span = range(int(query["start_ts"]), int(query["end_ts"]) + 1)
        return {
            "ticker": "RAIN",
            "candlesticks": [candle(x) for x in ends if x in span],
        }

    at.answers["/series/KXRAIN/markets/RAIN/candlesticks"] = gappy
    assert len(at.kalshi.fetch_ohlcv("RAIN", limit=2)) == 2


def test_p04_candles_of_no_are_the_complement() -> None:
    at = candle_desk()
    yes = at.kalshi.fetch_ohlcv("RAIN", limit=1)[0]
    no = at.kalshi.fetch_ohlcv("RAIN", limit=1, outcome="no")[0]
    assert yes.price is not None
    assert no.price is not None
    assert (no.price.high, no.price.low) == (
        complement(yes.price.low),
        complement(yes.price.high),
    )
    assert yes.ask is not None
    assert no.bid == yes.ask.complement()
    assert (no.mean, no.volume) == (D("0.55"), yes.volume)


def test_the_archive_answers_for_an_archived_market(venue: Desk) -> None:
    settled = venue.kalshi.fetch_markets(status="settled")
    old = min(settled, key=lambda x: x.settled_at or NOW)
    found = venue.kalshi.fetch_ohlcv(old.market_id, "1d")
    assert found
    assert venue.asked[-1] == f"/historical/markets/{old.market_id}/candlesticks"


def test_candles_that_moved_to_the_archive_meanwhile_are_found_there() -> None:
    old = {
        "ticker": "RAIN",
        "candlesticks": [
            {
                "end_period_ts": TOP,
                "yes_bid": dict.fromkeys(("open", "low", "high", "close"), "0.4000"),
                "yes_ask": dict.fromkeys(("open", "low", "high", "close"), "0.5000"),
                "price": dict.fromkeys(("open", "low", "high", "close")),
                "volume": "1.00",
                "open_interest": "2.00",
            }
        ],
    }
    at = candle_desk()
    at.answers["/series/KXRAIN/markets/RAIN/candlesticks"] = None
    at.answers["/historical/markets/RAIN/candlesticks"] = old
    found = at.kalshi.fetch_ohlcv("RAIN", limit=1)
    assert [(x.end.timestamp(), x.price) for x in found] == [(TOP, None)]


def test_candles_that_are_nowhere_are_an_error() -> None:
    at = candle_desk()
    path = "/series/KXRAIN/markets/RAIN/candlesticks"
    at.answers[path] = None
    with pytest.raises(MarketNotFound):
        at.kalshi.fetch_ohlcv("RAIN")


def test_the_series_of_an_event_is_asked_for_once() -> None:
    at = candle_desk()
    at.kalshi.fetch_ohlcv("RAIN", limit=1)
    at.kalshi.fetch_ohlcv("RAIN", limit=1)
    assert at.asked.count("/events/KXRAIN-26NOV21") == 1


def test_a_range_in_the_future_has_no_candles() -> None:
    at = candle_desk()
    later = NOW + timedelta(days=1)
    assert at.kalshi.fetch_ohlcv("RAIN", since=later, until=None) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"period": "5m"},
        {"period": 60},
        {"since": datetime(2026, 11, 1)},  # noqa: DTZ001 - that is the fault
        {"until": datetime(2026, 11, 1)},  # noqa: DTZ001 - that is the fault
        {"since": "2026-11-01"},
        {"since": NOW, "until": NOW - timedelta(seconds=1)},
        {"limit": 0},
    ],
)
def test_a_range_that_makes_no_sense_is_refused(arguments: dict[str, Any]) -> None:
    at = desk()
    with pytest.raises(BadRequest):
        at.kalshi.fetch_ohlcv("RAIN", **arguments)
    assert at.asked == []


# -- fees ------------------------------------------------------------------------------


MILLS = {"start": "0.0000", "end": "1.0000", "step": "0.0010"}


def fee_desk(
    *,
    series: dict[str, Any] | None = None,
    override: dict[str, Any] | None = None,
    changes: list[dict[str, Any]] | None = None,
    event_changes: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> Desk:
    rule = {"ticker": "KXRAIN", "fee_type": "quadratic", "fee_multiplier": 1}
    return desk(
        {
            "/markets/RAIN": {"market": market("RAIN", **fields)},
            "/events/KXRAIN-26NOV21": {
                "event": event("KXRAIN-26NOV21", **(override or {}))
            },
            "/series/KXRAIN": {"series": rule | (series or {})},
            "/series/fee_changes": {"series_fee_change_arr": changes or []},
            "/events/fee_changes": {
                "event_fee_changes": event_changes or [],
                "cursor": "",
            },
        }
    )


def fee(at: Desk, *, maker: bool = False) -> Decimal:
    return at.kalshi.estimate_fee("RAIN", "yes", BUY, "0.33", 20, maker=maker)


@pytest.mark.parametrize(
    ("outcome", "price", "size", "expected"),
    [
        ("yes", "0.0010", "227.27", "0.015930"),
        ("yes", "0.0330", "28.32", "0.063340"),
        ("yes", "0.2280", "4.15", "0.051200"),
        ("yes", "0.3300", "20.00", "0.309600"),
        ("no", "0.1600", "10.00", "0.094100"),
        ("no", "0.1500", "20.00", "0.178500"),
    ],
)
def test_p19_recorded_fills_cost_what_is_estimated(
    outcome: str, price: str, size: str, expected: str
) -> None:
    # Production fills of August 2026.
    found = fee_desk(price_ranges=[MILLS]).kalshi.estimate_fee(
        "RAIN", outcome, "buy", price, size
    )
    assert found == D(expected)


@pytest.mark.parametrize("outcome", ["yes", "no"])
def test_the_fee_of_a_price_off_the_grid_is_refused(outcome: str) -> None:
    with pytest.raises(InvalidPrice, match="grid") as caught:
        fee_desk().kalshi.estimate_fee("RAIN", outcome, "buy", "0.335", 1)
    assert caught.value.venue == "kalshi"


def test_the_fee_of_no_outcome_is_refused() -> None:
    at = fee_desk()
    outcome: Any = None
    with pytest.raises(ArgumentsRequired, match="outcome="):
        at.kalshi.estimate_fee("RAIN", outcome, "buy", "0.33", 1)
    assert at.asked == []


def test_selling_one_outcome_costs_what_buying_the_other_does() -> None:
    kalshi = fee_desk().kalshi
    sold = kalshi.estimate_fee("RAIN", "yes", SELL, "0.33", 20)
    bought = kalshi.estimate_fee("RAIN", "no", BUY, "0.67", 20)
    assert sold == bought


def test_p19_a_maker_pays_the_makers_rate() -> None:
    assert fee(fee_desk(), maker=True) == 0
    paying = fee_desk(series={"fee_type": "quadratic_with_maker_fees"})
    assert fee(paying, maker=True) == D("0.0774")


def test_the_override_of_an_event_wins() -> None:
    halved = {"fee_multiplier_override": 0.5}
    assert fee(fee_desk(override=halved)) == D("0.1548")


def test_a_waiver_is_honoured_until_it_ends() -> None:
    at = fee_desk(fee_waiver_expiration_time="2026-11-20T18:41:00Z")
    before = fee(at)
    at.clock.advance(60)
    assert (before, fee(at)) == (0, D("0.3096"))


def test_an_announced_change_holds_from_its_time_on_without_asking_again() -> None:
    change = {
        "id": "1",
        "series_ticker": "KXRAIN",
        "fee_type": "quadratic",
        "fee_multiplier": 2,
        "scheduled_ts": "2026-11-20T18:41:00Z",
    }
    at = fee_desk(changes=[change])
    before = fee(at)
    asked = len(at.asked)
    at.clock.advance(60)
    assert (before, fee(at)) == (D("0.3096"), D("0.6191"))
    assert len(at.asked) == asked


def test_an_announced_change_of_an_event_may_give_it_back_to_its_series() -> None:
    change = {
        "id": "1",
        "event_ticker": "KXRAIN-26NOV21",
        "fee_type_override": None,
        "fee_multiplier_override": None,
        "scheduled_ts": "2026-11-20T18:41:00Z",
    }
    halved = {"fee_multiplier_override": 0.5}
    at = fee_desk(override=halved, event_changes=[change])
    before = fee(at)
    at.clock.advance(60)
    assert (before, fee(at)) == (D("0.1548"), D("0.3096"))


def test_a_fee_rule_is_read_anew_after_five_minutes() -> None:
    at = fee_desk()
    fee(at)
    fee(at)
    assert at.asked.count("/series/KXRAIN") == 1
    at.clock.advance(300)
    fee(at)
    assert at.asked.count("/series/KXRAIN") == 2


@pytest.mark.parametrize(
    "override",
    [
        {"fee_multiplier_override": "0.5"},
        {"fee_multiplier_override": -1},
        {"fee_multiplier_override": True},
        {"fee_type_override": 7},
    ],
)
def test_p08_a_malformed_fee_rule_is_an_error_not_a_guess(
    override: dict[str, Any],
) -> None:
    with pytest.raises(VenueSchemaError, match="override"):
        fee(fee_desk(override=override))


@pytest.mark.parametrize("moment", ["soon", "2026-11-20T18:41:00"])
def test_p08_a_malformed_waiver_is_an_error_not_a_guess(moment: str) -> None:
    with pytest.raises(VenueSchemaError, match="fee_waiver_expiration_time"):
        fee(fee_desk(fee_waiver_expiration_time=moment))


def test_an_event_without_its_series_is_an_error() -> None:
    with pytest.raises(VenueSchemaError, match="series"):
        fee(fee_desk(override={"series_ticker": ""}))


def test_an_unknown_series_is_an_error() -> None:
    at = fee_desk()
    at.answers["/series/KXRAIN"] = None
    with pytest.raises(EventNotFound):
        fee(at)


@pytest.mark.parametrize(
    ("price", "size", "error"),
    [("1.2", 1, InvalidPrice), ("0.5", 0, InvalidSize), ("0.5", "0.001", InvalidSize)],
)
def test_a_fee_of_an_impossible_fill_is_refused(
    price: str, size: Any, error: type[BadRequest]
) -> None:
    at = desk()
    with pytest.raises(error):
        at.kalshi.estimate_fee("RAIN", "yes", "buy", price, size)
    assert at.asked == []


def test_estimates_agree_with_what_the_simulated_exchange_charged(venue: Desk) -> None:
    taken = [x for x in venue.kalshi.fetch_fills() if x.liquidity == "taker"]
    first = {x.order_id: x for x in reversed(taken)}
    assert first
    for x in first.values():
        told = venue.kalshi.estimate_fee(
            x.market_id, x.outcome, x.side, x.price, x.size
        )
        assert told == x.fee
