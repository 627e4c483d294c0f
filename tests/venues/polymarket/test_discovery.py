"""Status, series, events and markets out of the catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.polymarket.desk import (
    Turns,
    body,
    catalog,
    condition,
    desk,
    event,
    events,
    market,
    markets,
    resolved,
    series,
    token,
)
from unified_exchanges import (
    BadRequest,
    EventNotFound,
    ExchangeNotAvailable,
    MarketNotFound,
    MarketStatus,
    OnMaintenance,
    Outcome,
    PriceGrid,
    VenueSchemaError,
)
from unified_exchanges.venues.polymarket import listings

D = Decimal
LISTING = "/gamma/markets/keyset"
EVENTS = "/gamma/events/keyset"


# -- markets ---------------------------------------------------------------------------


def test_a_market_is_read_exactly(flavour: str) -> None:
    found = desk(flavour, {LISTING: catalog(market(1))})("fetch_market", condition(1))
    assert found.market_id == condition(1)
    assert (found.event_id, found.series_id) == ("77", "9")
    assert found.outcomes == (
        Outcome("yes", token(1), "Yes"),
        Outcome("no", token(1, 1), "No"),
    )
    assert found.status is MarketStatus.OPEN
    assert found.venue_status == "active, accepting orders"
    assert found.grid == PriceGrid.of("0.01")
    assert (found.minimum_size, found.lot) == (D(5), D("0.01"))
    assert (found.bid, found.ask, found.last_price) == (D("0.5"), D("0.51"), D("0.505"))
    assert found.created_at == datetime(2026, 11, 1, 0, 0, 0, 123456, UTC)
    assert found.closes_at == found.expires_at == datetime(2026, 11, 30, tzinfo=UTC)
    assert (found.result, found.settlement_price, found.settled_at) == (
        None,
        None,
        None,
    )
    assert found.rules == "Resolves Yes if it rains."
    assert found.raw["slug"] == "rain-1"


@pytest.mark.parametrize(
    ("tick", "lowest", "highest"),
    [
        (0.1, "0.1", "0.9"),
        (0.005, "0.005", "0.995"),
        (0.0025, "0.0025", "0.9975"),
        (0.001, "0.001", "0.999"),
        (0.0001, "0.0001", "0.9999"),
    ],
)
def test_every_tick_makes_a_grid_to_its_last_digit(
    tick: float, lowest: str, highest: str
) -> None:
    row = market(1, orderPriceMinTickSize=tick)
    grid = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1)).grid
    assert (grid.lowest, grid.highest) == (D(lowest), D(highest))


def test_labels_of_other_words_stay_as_they_are() -> None:
    row = market(1, outcomes='["Up", "Down"]', groupItemTitle="5 minutes")
    found = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))
    assert [x.label for x in found.outcomes] == ["Up", "Down"]
    assert found.outcomes[0].title == "5 minutes: Up"
    assert found.outcome("dOwN").outcome_id == token(1, 1)
    assert found.outcome(token(1, 1)).label == "Down"


def test_the_version_says_which_ids_are_the_tokens() -> None:
    two = {"version": "v2", "positionIds": ["7", 8]}
    found = desk(answers={LISTING: catalog(market(1, **two))})(
        "fetch_market", condition(1)
    )
    assert [x.outcome_id for x in found.outcomes] == ["7", "8"]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"acceptingOrders": False}, "paused", "active, not accepting orders"),
        ({"enableOrderBook": None}, "paused", "active, not accepting orders"),
        ({"active": False}, "unopened", "not active"),
        ({"active": None}, "unknown", ""),
        ({"closed": True}, "closed", "closed"),
        (
            {"closed": True, "umaResolutionStatus": "disputed"},
            "closed",
            "closed, disputed",
        ),
        (
            {"closed": True, "umaResolutionStatus": "resolved"},
            "settled",
            "closed, resolved",
        ),
        (
            {
                "closed": True,
                "version": "v2",
                "positionIds": ["7", "8"],
                "resolutionStatus": "resolved",
            },
            "settled",
            "closed, resolved",
        ),
    ],
)
def test_flags_become_a_status(fields: dict[str, Any], status: str, words: str) -> None:
    row = market(1, **fields)
    found = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))
    assert (str(found.status), found.venue_status) == (status, words)


@pytest.mark.parametrize(
    ("prices", "result", "pays"),
    [
        ('["1", "0"]', "yes", D(1)),
        ('["0", "1"]', "no", D(0)),
        ('["0.5", "0.5"]', "50-50", D("0.5")),
        ('["0", "0"]', None, None),
        ('["0.9995", "0.0005"]', None, None),
        (None, None, None),
    ],
)
def test_only_what_is_surely_a_result_is_one(
    prices: str, result: str | None, pays: D | None
) -> None:
    row = resolved(1, prices)
    found = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))
    assert (found.result, found.settlement_price) == (result, pays)
    assert found.closes_at == datetime(2026, 11, 19, 23, 20, 15, tzinfo=UTC)
    assert found.settled_at == (found.closes_at if result else None)


def test_prices_of_an_open_market_are_no_result() -> None:
    row = market(1, outcomePrices='["1", "0"]')
    found = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))
    assert (found.result, found.settlement_price) == (None, None)


def test_empty_sides_and_a_market_that_never_traded_have_no_prices() -> None:
    row = market(1, bestBid=0, bestAsk=1, lastTradePrice=0.5, volumeNum=0)
    found = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))
    assert (found.bid, found.ask, found.last_price) == (None, None, None)


def test_missing_fields_are_not_made_up() -> None:
    row = market(1)
    for name in (
        "bestBid",
        "bestAsk",
        "lastTradePrice",
        "endDate",
        "events",
        "volumeNum",
    ):
        del row[name]
    found = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))
    assert (found.bid, found.ask, found.last_price) == (None, None, None)
    assert (found.closes_at, found.event_id, found.series_id) == (None, "", None)


@pytest.mark.parametrize("text", ["soon", "2026-13-01", ""])
def test_an_odd_date_is_none(text: str) -> None:
    row = market(1, endDate=text)
    found = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))
    assert found.closes_at is None


def test_a_date_without_a_zone_is_utc() -> None:
    row = market(1, endDate="2026-11-30")
    found = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))
    assert found.closes_at == datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"orderPriceMinTickSize": None}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": 0}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": 0.3}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": "NaN"}, "orderPriceMinTickSize"),
        ({"orderMinSize": None}, "orderMinSize"),
        ({"orderMinSize": -1}, "orderMinSize"),
        ({"bestBid": 1.5}, "bestBid"),
        ({"clobTokenIds": '["1"]'}, "clobTokenIds"),
        ({"clobTokenIds": "1, 2"}, "clobTokenIds"),
        ({"clobTokenIds": '["1", "x"]'}, "clobTokenIds"),
        ({"outcomes": '["Yes"]'}, "clobTokenIds"),
        ({"version": "v2"}, "positionIds"),
    ],
)
def test_what_money_depends_on_is_not_guessed(
    fields: dict[str, Any], field: str
) -> None:
    row = market(1, **fields)
    with pytest.raises(VenueSchemaError) as caught:
        desk(answers={LISTING: markets(row)})("fetch_markets")
    assert caught.value.field == f"markets[0].{field}"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"orderPriceMinTickSize": 0.03}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": None, "acceptingOrders": False}, "PriceMinTickSize"),
        ({"orderMinSize": None}, "orderMinSize"),
        ({"bestBid": 1.5}, "bestBid"),
        ({"outcomes": 7}, "outcomes"),
    ],
)
def test_fault_26_a_market_that_cannot_be_read_hides_no_other_and_is_told_of(
    flavour: str, caplog: pytest.LogCaptureFixture, fields: dict[str, Any], field: str
) -> None:
    caplog.set_level("WARNING")
    told = desk(flavour, {LISTING: catalog(market(1), market(2, **fields), market(3))})
    for _ in range(2):
        found = told("fetch_markets")
        assert [x.market_id for x in found] == [condition(1), condition(3)]
    (line,) = caplog.messages
    assert line.startswith(f"{condition(2)} is left out of what is listed: ")
    assert field in line
    for asked in (
        {"market_ids": [condition(1), condition(2)]},
        {"params": {"slug": "rain-2"}},
    ):
        with pytest.raises(VenueSchemaError, match=field):
            told("fetch_markets", **asked)
    with pytest.raises(VenueSchemaError, match=field):
        told("fetch_market", condition(2))
    with pytest.raises(VenueSchemaError, match=field):
        told("create_order", condition(2), "yes", "buy", "0.4", 10)


def test_fault_26_a_market_that_cannot_be_read_does_not_end_a_listing(
    flavour: str,
) -> None:
    answers = {
        LISTING: Turns(
            markets(market(1, orderMinSize=None), market(2), cursor="next"),
            markets(market(3)),
        )
    }
    found = desk(flavour, answers)("fetch_markets")
    assert [x.market_id for x in found] == [condition(2), condition(3)]


def test_fault_26_a_page_of_which_nothing_can_be_read_is_no_empty_page(
    flavour: str,
) -> None:
    rows = [market(n, orderMinSize=None) for n in (1, 2)]
    with pytest.raises(VenueSchemaError, match="orderMinSize"):
        desk(flavour, {LISTING: markets(*rows)})("fetch_markets")


def test_rows_without_a_name_are_told_of_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING")
    rows: list[Any] = [market(1), 7, {"id": 8, "active": "yes"}]
    assert len(desk(answers={LISTING: markets(*rows)})("fetch_markets")) == 1
    first, second = caplog.messages
    assert first.startswith("a row is left out of what is listed: ")
    assert second.startswith("8 is left out of what is listed: ")


def test_what_is_left_out_is_remembered_for_so_many(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("WARNING")
    monkeypatch.setattr(listings, "_MOST_WARNED", 1)
    odd = [market(n, orderMinSize=None) for n in (2, 3)]
    told = desk(answers={LISTING: markets(market(1), *odd)})
    for _ in range(2):
        assert len(told("fetch_markets")) == 1
    assert len(caplog.messages) == 4


def test_fault_26_an_event_is_listed_with_all_its_markets_or_left_out(
    flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    odd = event(78, market(2), market(3, orderMinSize=None))
    answers = {
        EVENTS: events(event(77, market(1)), odd),
        "/gamma/public-search": {
            "events": [event(77, market(1)), odd],
            "pagination": {"hasMore": False},
        },
        "/gamma/events/78": odd,
    }
    told = desk(flavour, answers)
    assert [x.event_id for x in told("fetch_events")] == ["77"]
    assert [x.event_id for x in told("fetch_events", query="rain")] == ["77"]
    (line,) = caplog.messages
    assert line.startswith("78 is left out of what is listed: ")
    assert "events[1].markets[1].orderMinSize" in line
    with pytest.raises(VenueSchemaError, match="orderMinSize"):
        told("fetch_event", "78")
    with pytest.raises(VenueSchemaError, match="orderMinSize"):
        told("fetch_events", params={"slug": "weather-78"})


def test_a_market_that_takes_no_orders_may_lack_their_least_size(flavour: str) -> None:
    row = market(1, acceptingOrders=False, orderMinSize=None)
    found = desk(flavour, {LISTING: catalog(row)})("fetch_market", condition(1))
    assert (found.status, found.minimum_size) == (MarketStatus.PAUSED, D(0))


def test_a_schedule_that_cannot_be_read_is_an_error_to_whoever_asks_for_fees(
    flavour: str,
) -> None:
    row = market(1, feeSchedule={"rate": "dear", "exponent": 1})
    told = desk(flavour, {LISTING: catalog(row)})
    assert [x.market_id for x in told("fetch_markets")] == [condition(1)]
    with pytest.raises(VenueSchemaError, match="rate"):
        told("estimate_fee", condition(1), "yes", "buy", "0.4", 10)


def test_a_condition_that_is_none_is_refused() -> None:
    with pytest.raises(VenueSchemaError, match="conditionId"):
        desk(answers={LISTING: markets(market(1, conditionId="0x12"))})("fetch_markets")


def test_results_that_cannot_be_read_are_refused() -> None:
    row = resolved(1, "1, 0")
    with pytest.raises(VenueSchemaError, match="outcomePrices"):
        desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))


def test_a_closed_market_may_lack_its_rules() -> None:
    row = resolved(1, orderPriceMinTickSize=None, orderMinSize=None)
    found = desk(answers={LISTING: catalog(row)})("fetch_market", condition(1))
    assert (found.grid, found.minimum_size) == (PriceGrid.of("0.01"), D(0))


def test_what_never_had_a_book_is_left_out() -> None:
    old = market(2, enableOrderBook=False, clobTokenIds=None, conditionId="")
    three = market(3, enableOrderBook=False, outcomes='["A", "B", "C"]')
    found = desk(answers={LISTING: markets(old, market(1), three)})("fetch_markets")
    assert [x.market_id for x in found] == [condition(1)]


def test_placeholders_are_left_out_unless_asked_for_by_name(flavour: str) -> None:
    rows = [market(1), market(2, negRiskOther=True), market(3, question="")]
    answers = {
        LISTING: catalog(*rows),
        "/gamma/events/77": event(77, *rows),
    }
    told = desk(flavour, answers)
    assert [x.market_id for x in told("fetch_markets")] == [condition(1)]
    assert len(told("fetch_markets", event_id="77")) == 3
    assert len(told("fetch_markets", params={"slug": "rain-2"})) == 3
    assert told("fetch_market", condition(2)).market_id == condition(2)


def test_pages_are_followed_to_the_end_and_each_market_comes_once(flavour: str) -> None:
    answers = {
        LISTING: Turns(
            markets(market(1), market(2), cursor="next"),
            markets(market(2), market(3)),
        )
    }
    told = desk(flavour, answers)
    found = told("fetch_markets")
    assert [x.market_id for x in found] == [condition(n) for n in (1, 2, 3)]
    assert told.queries(LISTING) == [
        {"closed": "false", "limit": "100"},
        {"closed": "false", "limit": "100", "after_cursor": "next"},
    ]


@pytest.mark.parametrize(
    ("status", "found", "sides"),
    [
        ("open", [1], ["false"]),
        ("paused", [2], ["false"]),
        ("unopened", [], ["false"]),
        ("closed", [3], ["true"]),
        ("settled", [4], ["true"]),
        ("all", [1, 2, 3, 4], ["false", "true"]),
    ],
)
def test_a_status_asks_the_side_that_has_it(
    status: str, found: list[int], sides: list[str]
) -> None:
    rows = [
        market(1),
        market(2, acceptingOrders=False),
        market(3, closed=True),
        resolved(4),
    ]
    told = desk(answers={LISTING: catalog(*rows)})
    listed = told("fetch_markets", status=status)
    assert [x.market_id for x in listed] == [condition(n) for n in found]
    assert [query["closed"] for query in told.queries(LISTING)] == sides


def test_a_limit_is_kept_exactly(flavour: str) -> None:
    told = desk(flavour, {LISTING: markets(*map(market, range(1, 6)), cursor="next")})
    assert len(told("fetch_markets", limit=3)) == 3
    assert told.queries(LISTING) == [{"closed": "false", "limit": "3"}]


def test_a_status_that_is_sifted_is_read_in_whole_pages() -> None:
    told = desk(answers={LISTING: catalog(resolved(1)), EVENTS: events()})
    assert len(told("fetch_markets", status="settled", limit=1)) == 1
    assert told("fetch_events", status="paused", limit=1) == []
    assert told.queries(LISTING)[0]["limit"] == "100"
    assert told.queries(EVENTS)[0]["limit"] == "100"


def test_closed_markets_are_found_by_id_too(flavour: str) -> None:
    told = desk(flavour, {LISTING: catalog(market(1), resolved(2))})
    ids = [condition(2), condition(1), condition(2)]
    found = told("fetch_markets", market_ids=ids)
    assert [x.market_id for x in found] == [condition(2), condition(1)]
    assert told.queries(LISTING) == [
        {
            "condition_ids": f"{condition(2)},{condition(1)}",
            "closed": "false",
            "limit": "100",
        },
        {"condition_ids": condition(2), "closed": "true", "limit": "100"},
    ]


def test_many_ids_are_asked_for_a_hundred_at_a_time() -> None:
    told = desk(answers={LISTING: catalog(*map(market, range(1, 252)))})
    ids = [condition(n) for n in range(1, 252)]
    assert len(told("fetch_markets", market_ids=ids)) == 251
    counts = [len(q["condition_ids"].split(",")) for q in told.queries(LISTING)]
    assert counts == [100, 100, 51]


def test_an_id_in_capitals_is_the_same_market() -> None:
    told = desk(answers={LISTING: catalog(market(171))})
    assert told("fetch_market", condition(171).upper().replace("0X", "0x"))


def test_an_id_that_is_nowhere_is_a_typed_error(flavour: str) -> None:
    told = desk(flavour, {LISTING: catalog(market(1))})
    with pytest.raises(MarketNotFound, match="neither open nor closed"):
        told("fetch_markets", market_ids=[condition(1), condition(2)])


@pytest.mark.parametrize("ticker", ["KXRAIN-26NOV21-T60", "rain-1", "0x12", token(1)])
def test_the_id_of_something_else_is_refused_unsent(ticker: str, flavour: str) -> None:
    told = desk(flavour)
    with pytest.raises(MarketNotFound, match="condition ids, 0x and 64"):
        told("fetch_market", ticker)
    assert told.asked == []


def test_words_of_gamma_go_on_and_lists_are_repeated(flavour: str) -> None:
    told = desk(flavour, {LISTING: markets(market(1))})
    words = {
        "slug": "rain-1,rain-2",
        "tag_id": 101,
        "order": "volumeNum",
        "ascending": False,
    }
    told("fetch_markets", params=words)
    (asked,) = told.transport.requests
    assert asked.query == (
        ("slug", "rain-1"),
        ("slug", "rain-2"),
        ("tag_id", "101"),
        ("order", "volumeNum"),
        ("ascending", "false"),
        ("closed", "false"),
        ("limit", "100"),
    )


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"params": {"closed": True}}, "use the method's arguments"),
        ({"params": {"slugs": "a"}}, "Did you mean slug"),
        ({"params": {"ascending": "yes"}}, "must be bool"),
        ({"params": ["slug"]}, "params is a mapping"),
        ({"status": "resolved"}, "not one of unopened"),
        ({"market_ids": [condition(1)], "status": "closed"}, "whatever their status"),
        ({"market_ids": [condition(1)], "event_id": "7"}, "no filter goes with it"),
        ({"market_ids": condition(1)}, "list of ids, not the one text"),
        ({"event_id": "7", "params": {"slug": "a"}}, "does not go with event_id"),
    ],
)
def test_what_would_pass_for_an_answer_is_refused_unsent(
    fields: dict[str, Any], match: str
) -> None:
    told = desk()
    with pytest.raises(BadRequest, match=match):
        told("fetch_markets", **fields)
    assert told.asked == []


def test_markets_of_an_event_and_of_a_series(flavour: str) -> None:
    rows = [market(1), market(2, acceptingOrders=False)]
    answers = {
        "/gamma/events/77": event(77, *rows),
        EVENTS: lambda query: events(event(77, *rows) | {"asked": query}),
    }
    told = desk(flavour, answers)
    by_event = told("fetch_markets", event_id="77", series_id="9")
    by_series = told("fetch_markets", series_id="9", status="paused")
    assert [x.market_id for x in by_event] == [condition(1)]
    assert by_event[0].event_id == "77"
    assert [x.market_id for x in by_series] == [condition(2)]
    assert told.queries(EVENTS) == [
        {"series_id": "9", "closed": "false", "limit": "100"}
    ]


def test_an_event_of_another_series_is_refused() -> None:
    told = desk(answers={"/gamma/events/77": event(77, market(1))})
    with pytest.raises(BadRequest, match="event 77 is of series 9"):
        told("fetch_markets", event_id="77", series_id="8")


# -- events ----------------------------------------------------------------------------


def test_an_event_holds_its_markets(flavour: str) -> None:
    row = event(77, market(1), resolved(2), subtitle="Now", category="Weather")
    found = desk(flavour, {"/gamma/events/77": row})("fetch_event", "77")
    assert (found.event_id, found.series_id, found.title) == ("77", "9", "Weather")
    assert (found.subtitle, found.category) == ("Now", "Weather")
    assert found.mutually_exclusive
    assert [x.market_id for x in found.markets] == [condition(1), condition(2)]
    assert {x.event_id for x in found.markets} == {"77"}
    assert {x.series_id for x in found.markets} == {"9"}
    assert found.updated_at == datetime(2026, 11, 20, tzinfo=UTC)


def test_an_event_may_have_neither_markets_nor_series() -> None:
    row = event(77, markets=None, series=None, title=None, negRisk=None)
    found = desk(answers={"/gamma/events/77": row})("fetch_event", "77")
    assert (found.markets, found.series_id, found.mutually_exclusive) == (
        (),
        None,
        False,
    )


def test_a_mistake_in_a_market_of_an_event_names_its_place() -> None:
    row = event(77, market(1), market(2, orderMinSize=None))
    with pytest.raises(VenueSchemaError) as caught:
        desk(answers={"/gamma/events/77": row})("fetch_event", "77")
    assert caught.value.field == "markets[1].orderMinSize"


@pytest.mark.parametrize("method", ["fetch_event", "fetch_series"])
def test_a_number_that_is_nobody_s_is_a_typed_error(method: str, flavour: str) -> None:
    with pytest.raises(EventNotFound):
        desk(flavour)(method, "99")


@pytest.mark.parametrize("method", ["fetch_event", "fetch_series"])
def test_what_is_no_number_is_refused_unsent(method: str) -> None:
    told = desk()
    with pytest.raises(EventNotFound, match="are numbers"):
        told(method, "KXRAIN")
    assert told.asked == []


@pytest.mark.parametrize(
    ("status", "found"),
    [("open", ["1", "2"]), ("settled", ["3"]), ("all", ["1", "2", "4", "3"])],
)
def test_an_event_matches_if_any_of_its_markets_does(
    status: str, found: list[str]
) -> None:
    rows = [
        event(1, market(1)),
        event(2, resolved(2), market(3)),
        event(4, market(5, acceptingOrders=False)),
    ]

    def answer(query: dict[str, str]) -> Any:
        if query["closed"] == "true":
            return events(event(3, resolved(4)))
        return events(*rows)

    told = desk(answers={EVENTS: answer})
    assert [x.event_id for x in told("fetch_events", status=status)] == found


def test_events_without_their_markets(flavour: str) -> None:
    told = desk(flavour, {EVENTS: events(event(1, market(1)))})
    (found,) = told("fetch_events", with_markets=False)
    assert found.markets == ()


def test_a_series_without_events_must_exist(flavour: str) -> None:
    told = desk(flavour, {EVENTS: events(), "/gamma/series/9": series(9)})
    assert told("fetch_events", series_id="9") == []
    with pytest.raises(EventNotFound):
        told("fetch_events", series_id="8")


def test_a_search_goes_from_page_to_page(flavour: str) -> None:
    answers = {
        "/gamma/public-search": Turns(
            {"events": [event(1, market(1))], "pagination": {"hasMore": True}},
            {"events": None, "tags": [], "pagination": {"hasMore": False}},
        )
    }
    told = desk(flavour, answers)
    found = told("fetch_events", query=" rain ")
    assert [x.event_id for x in found] == ["1"]
    active = {"q": "rain", "keep_closed_markets": "1", "events_status": "active"}
    assert told.queries("/gamma/public-search") == [
        {**active, "page": "1"},
        {**active, "page": "2"},
    ]


@pytest.mark.parametrize("status", ["closed", "settled", "all"])
def test_a_search_for_what_ended_is_not_of_active_events(
    flavour: str, status: str
) -> None:
    row = event(1, resolved(1))
    page = {"events": [row], "pagination": {"hasMore": False}}
    told = desk(flavour, {"/gamma/public-search": page})
    found = told("fetch_events", query="rain", status=status)
    assert [x.event_id for x in found] == (["1"] if status != "closed" else [])
    assert "events_status" not in told.queries("/gamma/public-search")[0]


def test_a_search_takes_nothing_else() -> None:
    wrong = {"series_id": "9", "tag_id": "1", "params": {"live": True}}
    with pytest.raises(BadRequest, match="takes no live, series_id, tag_id"):
        desk()("fetch_events", query="rain", **wrong)
    with pytest.raises(BadRequest, match="use the method's arguments"):
        desk()("fetch_events", params={"q": "rain"})


@pytest.mark.parametrize("words", ["", "  ", 5])
def test_a_search_for_nothing_is_refused_unsent(words: Any) -> None:
    told = desk()
    with pytest.raises(BadRequest, match="no words"):
        told("fetch_events", query=words)
    assert told.asked == []


# -- series ----------------------------------------------------------------------------


def test_series_are_read_until_a_page_is_empty(flavour: str) -> None:
    answers = {"/gamma/series": Turns([series(1), series(2)], [series(3)], [])}
    told = desk(flavour, answers)
    found = told("fetch_series", category="Science")
    assert [x.series_id for x in found] == ["1", "2", "3"]
    assert [q["offset"] for q in told.queries("/gamma/series")] == ["0", "2", "3"]
    assert told.queries("/gamma/series")[0]["categories_labels"] == "Science"


def test_one_series(flavour: str) -> None:
    (found,) = desk(flavour, {"/gamma/series/9": series(9)})("fetch_series", "9")
    assert (found.series_id, found.title, found.frequency) == ("9", "Weather", "daily")
    assert (found.category, found.tags) == ("Science", ("Rain",))


def test_a_series_or_a_category() -> None:
    with pytest.raises(BadRequest, match="not both"):
        desk()("fetch_series", "9", category="Science")


# -- status ----------------------------------------------------------------------------


def test_the_exchange_is_up(flavour: str) -> None:
    answers = {"/clob/ok": "OK", "/clob/time": 1_795_200_000}
    found = desk(flavour, answers)("fetch_status")
    assert (found.is_active, found.is_trading, found.resumes_at) == (True, True, None)
    assert found.raw == {"value": 1_795_200_000}


@pytest.mark.parametrize("status", [425, 503])
def test_the_exchange_restarts(status: int) -> None:
    answers = {"/clob/ok": body("", status), "/clob/time": body("", status)}
    found = desk(answers=answers)("fetch_status")
    assert (found.is_active, found.is_trading) == (False, False)


def test_a_page_of_a_proxy_is_no_status() -> None:
    told = desk(answers={"/clob/ok": body("oops", 500)})
    with pytest.raises(ExchangeNotAvailable):
        told("fetch_status")


def test_a_mode_is_known_by_the_last_refusal_until_it_ends(flavour: str) -> None:
    refused = body(
        {
            "error": "post-only mode",
            "code": "post_only_mode",
            "retry_after_seconds": 79,
        },
        503,
    )
    answers = {"/clob/ok": "OK", "/clob/time": 1, "/clob/order": refused}
    told = desk(flavour, answers)
    with pytest.raises(OnMaintenance) as caught:
        told("request", "POST", "/clob/order", body={})
    assert caught.value.retry_after == 79
    found = told("fetch_status")
    assert (found.is_active, found.is_trading) == (True, False)
    assert (found.resumes_at.timestamp() - told.clock.now()) == pytest.approx(79)
    told.clock.advance(80)
    assert told("fetch_status").is_trading


def test_a_mode_without_a_time_is_believed_for_two_minutes() -> None:
    refused = body({"error": "Trading is currently cancel-only."}, 503)
    told = desk(answers={"/clob/ok": "OK", "/clob/time": 1, "/clob/order": refused})
    with pytest.raises(OnMaintenance):
        told("request", "POST", "/clob/order", body={})
    told.clock.advance(119)
    assert not told("fetch_status").is_trading
    told.clock.advance(2)
    assert told("fetch_status").is_trading
