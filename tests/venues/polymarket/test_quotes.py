"""Order books, tickers and terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.polymarket.desk import (
    NOW,
    book,
    catalog,
    condition,
    desk,
    market,
    markets,
    resolved,
    terms,
    token,
)
from unified_exchanges import (
    BadRequest,
    Level,
    MarketNotFound,
    Outcome,
    PriceGrid,
    VenueSchemaError,
)
from unified_exchanges.venues.polymarket.parse import FeeTerms

D = Decimal
LISTING = "/gamma/markets/keyset"


def answers(**more: Any) -> dict[str, Any]:
    def one(query: dict[str, str]) -> Any:
        wanted = query["token_id"]
        found = {token(n, i): book(n, i) for n in (1, 2) for i in (0, 1)}
        return found.get(wanted)

    def several(body: list[dict[str, str]]) -> Any:
        names = {row["token_id"] for row in body}
        # In no order, as the venue may.
        books = [book(n, i) for n in (2, 1) for i in (1, 0)]
        return [row for row in books if row["asset_id"] in names]

    return {
        LISTING: catalog(market(1), market(2), resolved(3)),
        "/clob/book": one,
        "/clob/books": several,
        **more,
    }


def test_a_book_is_best_first_whatever_the_venue_s_order(flavour: str) -> None:
    told = desk(flavour, answers())
    found = told("fetch_order_book", condition(1))
    assert (found.market_id, found.outcome) == (condition(1), "yes")
    assert found.bids == (
        Level(D("0.5"), D(30)),
        Level(D("0.01"), D("2151131.59")),
    )
    assert found.asks == (
        Level(D("0.51"), D("7.5")),
        Level(D("0.99"), D("218442.27")),
    )
    moment = datetime(2026, 11, 20, 18, 40, tzinfo=UTC) + timedelta(milliseconds=257)
    assert found.timestamp == moment
    assert found.raw["hash"] == "a" * 40


def test_a_book_tells_which_prices_may_be_ordered_now(flavour: str) -> None:
    told = desk(flavour, answers())
    assert told("fetch_order_book", condition(1)).grid == PriceGrid.of("0.01")
    several = told("fetch_order_books", [condition(1), condition(2)], outcome="no")
    assert [x.grid for x in several.values()] == [PriceGrid.of("0.01")] * 2


@pytest.mark.parametrize("told", ["", None])
def test_a_book_that_tells_no_tick_has_no_grid(told: str | None) -> None:
    asked = desk(answers={**answers(), "/clob/book": book(1, tick_size=told)})
    assert asked("fetch_order_book", condition(1)).grid is None


@pytest.mark.parametrize("told", ["0.03", "0", "1", "-0.01", "fine", "NaN"])
def test_a_tick_that_is_none_is_named(told: str) -> None:
    asked = desk(answers={**answers(), "/clob/book": book(1, tick_size=told)})
    with pytest.raises(VenueSchemaError) as caught:
        asked("fetch_order_book", condition(1))
    assert caught.value.field == "tick_size"


@pytest.mark.parametrize("outcome", ["no", "NO", token(1, 1)])
def test_each_outcome_has_a_book_of_its_own(outcome: str, flavour: str) -> None:
    told = desk(flavour, answers())
    assert told("fetch_order_book", condition(1), outcome=outcome).outcome == "no"
    assert told.queries("/clob/book") == [{"token_id": token(1, 1)}]


def test_the_tokens_of_a_market_are_asked_for_once(flavour: str) -> None:
    told = desk(flavour, answers())
    for outcome in ("yes", "no", "yes"):
        told("fetch_order_book", condition(1), outcome=outcome)
    assert told.asked == [f"GET {LISTING}", *["GET /clob/book"] * 3]


@pytest.mark.parametrize("outcome", ["maybe", "", token(2)])
def test_the_outcome_of_another_market_is_refused(outcome: str, flavour: str) -> None:
    told = desk(flavour, answers())
    with pytest.raises(BadRequest, match=r"it has: yes \(\d+\), no \(\d+\)"):
        told("fetch_order_book", condition(1), outcome=outcome)
    assert "GET /clob/book" not in told.asked


def test_a_closed_market_has_an_empty_book(flavour: str) -> None:
    told = desk(flavour, answers())
    found = told("fetch_order_book", condition(3), outcome="no")
    assert (found.bids, found.asks, found.outcome) == ((), (), "no")
    assert found.timestamp == NOW


def test_a_market_that_is_nowhere_has_none(flavour: str) -> None:
    with pytest.raises(MarketNotFound):
        desk(flavour, answers())("fetch_order_book", condition(9))


@pytest.mark.parametrize("depth", [0, -1, True, "1", 1.0])
def test_what_is_no_depth_is_refused_unsent(depth: object) -> None:
    told = desk(answers=answers())
    with pytest.raises(BadRequest, match="depth"):
        told("fetch_order_book", condition(1), depth=depth)
    assert told.asked == []


def test_a_depth_is_kept() -> None:
    found = desk(answers=answers())("fetch_order_book", condition(1), depth=1)
    assert (len(found.bids), len(found.asks)) == (1, 1)
    assert found.bids[0].price == D("0.5")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"bids": [{"price": "0", "size": "1"}]}, "bids[].price"),
        ({"asks": [{"price": "1", "size": "1"}]}, "asks[].price"),
        ({"asks": [{"price": "0.5x", "size": "1"}]}, "asks[].price"),
        ({"asks": [{"price": "0.51", "size": "-1"}]}, "asks[].size"),
        ({"asks": [{"price": "0.51"}]}, "asks[0].size"),
        ({"asks": [{"price": "0.50", "size": "1"}]}, "bids"),
        (
            {"bids": [{"price": "0.5", "size": "1"}, {"price": "0.50", "size": "2"}]},
            "bids",
        ),
        ({"timestamp": "soon"}, "timestamp"),
        ({"market": "0x12"}, "market"),
        ({"market": condition(2)}, "market"),
        ({"asset_id": "x"}, "asset_id"),
    ],
)
def test_a_book_that_cannot_be_trusted_is_refused(
    fields: dict[str, Any], field: str
) -> None:
    told = desk(answers=answers() | {"/clob/book": book(1, **fields)})
    with pytest.raises(VenueSchemaError) as caught:
        told("fetch_order_book", condition(1))
    assert caught.value.field == field


def test_a_level_of_nothing_is_no_level() -> None:
    row = book(1, bids=[{"price": "0.4", "size": "0"}], asks=[])
    found = desk(answers=answers() | {"/clob/book": row})(
        "fetch_order_book", condition(1)
    )
    assert (found.bids, found.asks) == ((), ())


def test_many_books_come_in_the_order_asked(flavour: str) -> None:
    told = desk(flavour, answers())
    ids = [condition(n) for n in (2, 3, 1)]
    found = told("fetch_order_books", ids, outcome="no", depth=1)
    assert list(found) == ids
    assert {x.outcome for x in found.values()} == {"no"}
    assert [len(x.bids) for x in found.values()] == [1, 0, 1]
    assert told.bodies("/clob/books") == [
        [{"token_id": token(n, 1)} for n in (2, 3, 1)]
    ]


def test_five_hundred_books_fit_one_request() -> None:
    many = range(1, 502)
    told = desk(answers={LISTING: catalog(*map(market, many)), "/clob/books": []})
    assert len(told("fetch_order_books", [condition(n) for n in many])) == 501
    assert [len(asked) for asked in told.bodies("/clob/books")] == [500, 1]


def test_books_of_none_are_none(flavour: str) -> None:
    told = desk(flavour, answers())
    assert told("fetch_order_books", []) == {}
    assert told.asked == []


def test_no_book_at_all_leaves_all_empty() -> None:
    told = desk(answers={LISTING: catalog(resolved(3))})
    assert told("fetch_order_books", [condition(3)])[condition(3)].bids == ()


def test_a_ticker_is_the_top_of_its_own_book(flavour: str) -> None:
    told = desk(flavour, answers())
    found = told("fetch_ticker", condition(1), outcome="no")
    assert (found.market_id, found.outcome) == (condition(1), "no")
    assert (found.bid, found.bid_size) == (D("0.5"), D(30))
    assert (found.ask, found.ask_size) == (D("0.51"), D("7.5"))
    assert found.last_price == D("0.505")
    assert found.volume is None


@pytest.mark.parametrize("last", ["", None])
def test_what_never_traded_has_no_last_price(last: str | None) -> None:
    row = book(1, last_trade_price=last, bids=[], asks=[])
    found = desk(answers=answers() | {"/clob/book": row})("fetch_ticker", condition(1))
    assert (found.last_price, found.bid, found.ask, found.bid_size) == (None,) * 4


def test_tickers_come_by_market(flavour: str) -> None:
    found = desk(flavour, answers())("fetch_tickers", [condition(1), condition(3)])
    assert [x.bid for x in found.values()] == [D("0.5"), None]


# -- terms -----------------------------------------------------------------------------


def test_terms_are_what_an_order_must_keep_to(flavour: str) -> None:
    told = desk(flavour, {f"/clob/clob-markets/{condition(1)}": terms(1, itode=True)})
    found = told.run(told.venue.terms(condition(1)))
    assert found.outcomes == (
        Outcome("yes", token(1), "Yes"),
        Outcome("no", token(1, 1), "No"),
    )
    assert (found.grid, found.minimum_size) == (PriceGrid.of("0.01"), D(5))
    assert (found.neg_risk, found.is_v2) == (True, False)
    assert (found.seconds_delay, found.has_taker_delay) == (1, True)
    assert found.fees == FeeTerms(D("0.05"), D(1))


def test_falsy_terms_are_left_out_and_v2_is_seen_by_the_token() -> None:
    token_v2 = str(1 << 248 | 7 << 120)
    row = terms(
        1, t=[{"t": token_v2, "o": "Yes"}, {"t": str(int(token_v2) + 1), "o": "No"}]
    )
    for name in ("nr", "sd", "fd"):
        del row[name]
    told = desk(answers={f"/clob/clob-markets/{condition(1)}": row})
    found = told.run(told.venue.terms(condition(1)))
    assert (found.neg_risk, found.is_v2, found.fees) == (False, True, None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"t": [{"t": "1", "o": "Yes"}]}, "t"),
        ({"mts": 0}, "mts"),
        ({"mos": -5}, "mos"),
        ({"fd": {"r": -1, "e": 1}}, "fee rate"),
    ],
)
def test_terms_are_not_guessed(fields: dict[str, Any], field: str) -> None:
    told = desk(answers={f"/clob/clob-markets/{condition(1)}": terms(1, **fields)})
    with pytest.raises(VenueSchemaError) as caught:
        told.run(told.venue.terms(condition(1)))
    assert caught.value.field == field


def test_a_rate_of_nothing_is_no_fee() -> None:
    row = terms(1, fd={"r": 0, "e": 1})
    told = desk(answers={f"/clob/clob-markets/{condition(1)}": row})
    assert told.run(told.venue.terms(condition(1))).fees is None


def test_a_market_without_terms_is_not_found(flavour: str) -> None:
    told = desk(flavour)
    with pytest.raises(MarketNotFound):
        told.run(told.venue.terms(condition(1)))


def test_markets_that_are_missing_are_told(flavour: str) -> None:
    told = desk(flavour, answers())
    wanted = [condition(n) for n in (1, 3, 8)]
    assert told.run(told.venue.missing_markets(wanted)) == [condition(8)]


def test_fault_26_a_market_that_cannot_be_read_is_not_missing(flavour: str) -> None:
    listing = catalog(market(1), market(2, orderMinSize=None))
    told = desk(flavour, answers() | {LISTING: listing})
    wanted = [condition(n) for n in (1, 2, 8)]
    assert told.run(told.venue.missing_markets(wanted)) == [condition(8)]
    # Of what can be read the fee is known.
    assert told.venue.known_fees(condition(1)) is not None
    assert told.venue.known_fees(condition(2)) is None


def test_a_row_that_may_be_of_any_market_has_none_taken_for_missing(
    flavour: str,
) -> None:
    def listing(_: dict[str, str]) -> Any:
        return markets(market(2, conditionId="?"))

    told = desk(flavour, answers() | {LISTING: listing})
    with pytest.raises(VenueSchemaError, match="conditionId"):
        told.run(told.venue.missing_markets([condition(2)]))


def test_fault_26_a_market_that_cannot_be_read_hides_no_ending(flavour: str) -> None:
    listing = catalog(resolved(3), resolved(2, "[?"))
    told = desk(flavour, answers() | {LISTING: listing})
    wanted = [condition(n) for n in (2, 3)]
    found = told.run(told.venue.settled_markets(wanted))
    assert [(x.market_id, x.value) for x in found] == [(condition(3), 1)]
