"""Status, series, events and markets: complete, live and archived, or an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from unified_exchanges import Instrument
from unified_exchanges.errors import (
    BadRequest,
    EventNotFound,
    ExchangeNotAvailable,
    MarketNotFound,
    NotSupported,
    UnifiedExchangesError,
    VenueSchemaError,
)
from unified_exchanges.models import MarketStatus
from unified_exchanges.policy import RetryPolicy

from .desk import (
    NOW,
    PREFIX,
    Desk,
    body,
    desk,
    event,
    market,
    markets,
    refusal,
    simulated_desk,
)

ONCE = RetryPolicy(attempts=1)


@pytest.fixture(scope="module")
def venue() -> Desk:
    return simulated_desk()


# -- status ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 500, 503, 504])
def test_a_status_answer_is_an_answer_whatever_its_http_status(status: int) -> None:
    down = {"exchange_active": False, "trading_active": False}
    at = desk({"/exchange/status": body(down, status)})
    found = at.kalshi.fetch_status()
    assert (found.is_active, found.is_trading, len(at.asked)) == (False, False, 1)


def test_a_503_without_a_status_is_an_error() -> None:
    at = desk({"/exchange/status": body({"oops": 1}, 503)}, retry=ONCE)
    with pytest.raises(ExchangeNotAvailable):
        at.kalshi.fetch_status()


def test_a_200_without_a_status_names_what_is_missing() -> None:
    at = desk({"/exchange/status": {"exchange_active": True}})
    with pytest.raises(VenueSchemaError, match="trading_active"):
        at.kalshi.fetch_status()


# -- series ----------------------------------------------------------------------------


def test_all_series_of_a_category_or_one(venue: Desk) -> None:
    kalshi = venue.kalshi
    every = kalshi.fetch_series()
    sports = kalshi.fetch_series(category="Sports")
    one = kalshi.fetch_series(every[0].series_id)
    assert one == every[:1]
    assert 0 < len(sports) < len(every)
    assert {series.category for series in sports} == {"Sports"}


def test_an_unknown_series_is_named() -> None:
    with pytest.raises(EventNotFound, match="KXNONE"):
        desk().kalshi.fetch_series("KXNONE")


def test_series_by_id_and_category_is_refused() -> None:
    at = desk()
    with pytest.raises(BadRequest):
        at.kalshi.fetch_series("KXRAIN", category="Sports")
    assert at.asked == []


# -- one market ------------------------------------------------------------------------


def test_p01_markets_with_one_title_are_told_apart_by_their_id() -> None:
    at = desk({"/markets": markets("HIGH-T70", "HIGH-B70", title="NYC high?")})
    found = at.kalshi.fetch_markets()
    names = [str(x.instrument()) for x in found]
    assert names == ["kalshi:HIGH-T70:yes", "kalshi:HIGH-B70:yes"]
    assert [str(Instrument.parse(name)) for name in names] == names


def test_an_archived_market_is_found_as_if_it_were_live(venue: Desk) -> None:
    old = [
        x
        for x in venue.kalshi.fetch_markets(status="settled")
        if x.settled_at is not None and x.settled_at < NOW - timedelta(days=20)
    ]
    assert old
    assert venue.kalshi.fetch_market(old[0].market_id) == old[0]
    assert venue.asked[-2:] == [
        f"/markets/{old[0].market_id}",
        f"/historical/markets/{old[0].market_id}",
    ]


def test_a_market_that_is_nowhere_is_named() -> None:
    at = desk()
    with pytest.raises(MarketNotFound, match="'NOPE'"):
        at.kalshi.fetch_market("NOPE")
    assert at.asked == ["/markets/NOPE", "/historical/markets/NOPE"]


def test_a_failure_is_not_taken_for_absence() -> None:
    at = desk({"/markets/RAIN": body({}, 503)}, retry=ONCE)
    with pytest.raises(ExchangeNotAvailable):
        at.kalshi.fetch_market("RAIN")
    assert at.asked == ["/markets/RAIN"]


@pytest.mark.parametrize(
    "market_id",
    [
        "",
        " ",
        "A B",
        "A/B",
        "..",
        "A?B",
        "A#",
        "A%2F",
        "É",
        "A\n",
        "A\0",
        "A,B",
        7,
        None,
    ],
)
def test_a_bad_market_id_is_refused_before_anything_is_sent(market_id: Any) -> None:
    at = desk()
    with pytest.raises(BadRequest):
        at.kalshi.fetch_market(market_id)
    assert at.asked == []


def test_p08_a_market_without_a_price_is_an_error_that_names_it() -> None:
    broken = market("RAIN")
    del broken["yes_bid_dollars"]
    at = desk({"/markets/RAIN": {"market": broken}})
    with pytest.raises(VenueSchemaError, match="yes_bid_dollars"):
        at.kalshi.fetch_market("RAIN")


# -- many markets ----------------------------------------------------------------------


def test_every_status_lists_its_own_and_all_lists_everything(venue: Desk) -> None:
    words = ("unopened", "open", "paused", "closed", "settled")
    parts = {word: venue.kalshi.fetch_markets(status=word) for word in words}
    for word, found in parts.items():
        assert {x.status for x in found} == {MarketStatus(word)}
    every = {x.market_id for x in venue.kalshi.fetch_markets(status="all")}
    assert every == {x.market_id for found in parts.values() for x in found}


def test_settled_markets_come_from_both_tiers_without_a_cliff(venue: Desk) -> None:
    settled = venue.kalshi.fetch_markets(status="settled")
    edge = NOW - timedelta(days=14)
    ages = {x.settled_at < edge for x in settled if x.settled_at}
    assert ages == {True, False}


def test_a_market_in_both_tiers_comes_once() -> None:
    at = desk({"/markets": markets("A", "B"), "/historical/markets": markets("B", "C")})
    found = at.kalshi.fetch_markets(status="settled")
    assert [x.market_id for x in found] == ["A", "B", "C"]


def test_p09_six_thousand_markets_are_six_thousand() -> None:
    names = [f"M{number}" for number in range(6_000)]

    def page(query: dict[str, str]) -> Any:
        start = int(query.get("cursor", "0"))
        end = start + int(query["limit"])
        return markets(*names[start:end], cursor=str(end) if end < 6_000 else "")

    at = desk({"/markets": page})
    assert [x.market_id for x in at.kalshi.fetch_markets()] == names
    assert len(at.asked) == 6


@pytest.mark.parametrize(
    ("limit", "requests"), [(1, 1), (7, 1), (1000, 1), (1001, 2), (2500, 3)]
)
def test_p09_a_limit_is_kept_to_the_item_and_nothing_is_read_in_vain(
    limit: int, requests: int
) -> None:
    def page(query: dict[str, str]) -> Any:
        start = int(query.get("cursor", "0"))
        end = start + int(query["limit"])
        names = [f"M{number}" for number in range(start, end)]
        return markets(*names, cursor=str(end))

    at = desk({"/markets": page})
    found = at.kalshi.fetch_markets(limit=limit)
    assert (len(found), len(at.asked)) == (limit, requests)


@pytest.mark.parametrize("limit", [0, -1, 1.5, "5", True])
def test_a_bad_limit_is_refused(limit: Any) -> None:
    at = desk()
    with pytest.raises(BadRequest, match="limit"):
        at.kalshi.fetch_markets(limit=limit)
    assert at.asked == []


def test_a_limit_that_live_markets_meet_leaves_the_archive_alone() -> None:
    at = desk({"/markets": markets("A", "B", cursor="more")})
    assert len(at.kalshi.fetch_markets(status="settled", limit=2)) == 2
    assert at.asked == ["/markets"]


def test_fault_26_a_page_that_fails_fails_the_listing() -> None:
    pages = [markets("A", cursor="2"), body({}, 500)]
    at = desk({"/markets": pages}, retry=ONCE)
    with pytest.raises(ExchangeNotAvailable):
        at.kalshi.fetch_markets()


def test_fault_26_a_garbage_cursor_that_starts_anew_is_noticed() -> None:
    at = desk({"/markets": lambda _: markets("A", cursor="again")})
    with pytest.raises(VenueSchemaError, match="does not end"):
        at.kalshi.fetch_markets()


def test_combinations_are_left_out_unless_they_are_asked_for(venue: Desk) -> None:
    at = desk({"/markets": markets("A")})
    at.kalshi.fetch_markets()
    at.kalshi.fetch_markets(params={"mve_filter": "only"})
    at.kalshi.fetch_markets(params={"mve_filter": "all"})
    at.kalshi.fetch_markets(event_id="E")
    at.kalshi.fetch_markets(series_id="S")
    told = [query.get("mve_filter") for query in at.queries("/markets")]
    assert told == ["exclude", "only", None, None, None]


def test_changes_of_a_series_are_told_without_combinations() -> None:
    at = desk({"/markets": markets("A")})
    words = {"min_updated_ts": 1_900_000_000}
    at.kalshi.fetch_markets(status="all", series_id="S", params=words)
    assert [q.get("mve_filter") for q in at.queries("/markets")] == ["exclude"]


def test_events_of_combinations_are_read_to_the_last_page() -> None:
    first = {"events": [event("C1", "A")], "cursor": "more"}
    last = {"events": [event("C2", "B")], "cursor": ""}
    at = desk({"/events/multivariate": [first, last]})
    found = at.kalshi.fetch_events(params={"mve_filter": "only"})
    assert [x.event_id for x in found] == ["C1", "C2"]


def test_events_of_combinations_are_sifted_by_status() -> None:
    closed = event("C1")
    closed["markets"] = [market("A", event_ticker="C1", status="closed")]
    page = {"events": [closed, event("C2", "B")], "cursor": ""}
    at = desk({"/events/multivariate": page})
    words = {"mve_filter": "only"}
    found = at.kalshi.fetch_events(params=words, with_markets=False)
    assert [(x.event_id, x.markets) for x in found] == [("C2", ())]


@pytest.mark.parametrize(
    ("series_id", "words"),
    [
        (None, {"mve_filter": "all"}),
        (None, {"mve_filter": "only", "tickers": "A"}),
        (None, {"collection_ticker": "C"}),
        ("S", {"mve_filter": "only", "collection_ticker": "C"}),
    ],
)
def test_words_that_do_not_go_with_combinations_are_refused(
    series_id: str | None, words: dict[str, Any]
) -> None:
    at = desk()
    with pytest.raises(BadRequest):
        at.kalshi.fetch_events(series_id=series_id, params=words)
    assert at.asked == []


def test_archived_combinations_are_left_out_too() -> None:
    legs = [{"event_ticker": "E", "market_ticker": "A", "side": "yes"}]
    archived = markets("A", "COMBO")
    archived["markets"][1]["mve_selected_legs"] = legs
    answers = {"/markets": markets(), "/historical/markets": archived}
    found = desk(answers).kalshi.fetch_markets(
        status="settled", series_id="S", params={"mve_filter": "exclude"}
    )
    assert [x.market_id for x in found] == ["A"]


def test_a_limit_over_a_sifted_archive_reads_whole_pages() -> None:
    answers = {"/markets": markets(), "/historical/markets": markets("A", "B")}
    at = desk(answers)
    words = {"mve_filter": "exclude"}
    sifted = at.kalshi.fetch_markets(
        status="settled", series_id="S", limit=1, params=words
    )
    assert len(sifted) == 1
    assert len(at.kalshi.fetch_markets(status="settled", event_id="E", limit=1)) == 1
    told = [query["limit"] for query in at.queries("/historical/markets")]
    assert told == ["1000", "1"]


def test_archived_combinations_can_be_asked_for_alone() -> None:
    legs = [{"event_ticker": "E", "market_ticker": "A", "side": "yes"}]
    archived = markets("A", "COMBO")
    archived["markets"][1]["mve_selected_legs"] = legs
    answers = {"/markets": markets(), "/historical/markets": archived}
    found = desk(answers).kalshi.fetch_markets(
        status="settled", params={"mve_filter": "only"}
    )
    assert [x.market_id for x in found] == ["COMBO"]


def test_the_archive_is_asked_with_one_filter_at_most() -> None:
    at = desk({"/markets": markets(), "/historical/markets": markets("A")})
    at.kalshi.fetch_markets(status="settled")
    at.kalshi.fetch_markets(status="settled", series_id="S")
    at.kalshi.fetch_markets(status="settled", event_id="E")
    asked = [dict(q) for q in at.queries("/historical/markets")]
    assert asked == [
        {"mve_filter": "exclude", "limit": "1000"},
        {"series_ticker": "S", "limit": "1000"},
        {"event_ticker": "E", "limit": "1000"},
    ]


def test_an_unknown_status_is_refused() -> None:
    at = desk()
    with pytest.raises(BadRequest, match="settled"):
        at.kalshi.fetch_markets(status="finalized")  # type: ignore[arg-type]
    assert at.asked == []


# -- markets by id ---------------------------------------------------------------------


def test_markets_by_id_come_in_the_order_asked_each_once() -> None:
    at = desk({"/markets": markets("A", "B"), "/historical/markets": markets("OLD")})
    found = at.kalshi.fetch_markets(market_ids=["B", "OLD", "A", "B"])
    assert [x.market_id for x in found] == ["B", "OLD", "A"]
    assert at.queries("/historical/markets") == [{"tickers": "OLD", "limit": "1000"}]


def test_a_market_id_that_is_nowhere_is_named_not_dropped() -> None:
    answers = {"/markets": markets("A"), "/historical/markets": markets()}
    with pytest.raises(MarketNotFound, match="'NOPE'"):
        desk(answers).kalshi.fetch_markets(market_ids=["A", "NOPE"])


def test_many_ids_are_asked_a_hundred_at_a_time() -> None:
    at = desk({"/markets": lambda query: markets(*query["tickers"].split(","))})
    names = [f"M{number}" for number in range(250)]
    found = at.kalshi.fetch_markets(market_ids=names)
    assert ([x.market_id for x in found], len(at.asked)) == (names, 3)


def test_no_ids_are_no_markets() -> None:
    at = desk()
    assert (at.kalshi.fetch_markets(market_ids=[]), at.asked) == ([], [])


@pytest.mark.parametrize(
    "arguments",
    [
        {"market_ids": "RAIN"},
        {"market_ids": ["A B"]},
        {"market_ids": ["A"], "event_id": "E"},
        {"event_id": "E", "series_id": "S"},
        {"event_id": "a/b"},
        {"series_id": ""},
        {"params": {"cursor": "x"}},
        {"params": {"mve_filter": "some"}},
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any]) -> None:
    at = desk()
    with pytest.raises(BadRequest):
        at.kalshi.fetch_markets(**arguments)
    assert at.asked == []


# -- time filters ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "params"),
    [
        ("open", {"min_close_ts": 1}),
        ("settled", {"min_created_ts": 1}),
        ("closed", {"max_settled_ts": 1}),
        ("all", {"min_close_ts": 1, "min_settled_ts": 1}),
        ("open", {"min_updated_ts": 1}),
        ("all", {"min_updated_ts": 1, "mve_filter": "only"}),
        ("all", {"min_close_ts": 9, "max_close_ts": 1}),
        ("all", {"min_close_ts": "1"}),
        ("all", {"min_close_ts": True}),
        ("all", {"min_close_ts": -1}),
    ],
)
def test_time_filters_that_exclude_one_another_are_refused(
    status: Any, params: dict[str, Any]
) -> None:
    at = desk()
    with pytest.raises(BadRequest):
        at.kalshi.fetch_markets(status=status, params=params)
    assert at.asked == []


@pytest.mark.parametrize(
    ("status", "params"),
    [
        ("open", {"min_created_ts": 1}),
        ("closed", {"min_close_ts": 1, "max_close_ts": 2}),
        ("all", {"min_updated_ts": 1_900_000_000}),
    ],
)
def test_time_filters_that_go_together_are_passed_on(
    status: Any, params: dict[str, Any]
) -> None:
    at = desk({"/markets": markets()})
    at.kalshi.fetch_markets(status=status, params=params)
    told = at.queries("/markets")[0]
    assert {name: told[name] for name in params} == {
        name: str(value) for name, value in params.items()
    }


def test_updates_from_before_the_archive_begins_are_refused() -> None:
    at = desk({"/markets": markets()})
    with pytest.raises(BadRequest, match="reaches live markets only"):
        at.kalshi.fetch_markets(status="all", params={"min_updated_ts": 1})
    assert at.queries("/markets") == []


@pytest.mark.parametrize(
    "words",
    [
        {"status": "settled"},
        {"status": "foo"},
        {"params": {"min_settled_ts": 1}},
        {"params": {"mve_filter": "only"}},
    ],
)
def test_markets_by_their_ids_take_no_filter(words: dict[str, Any]) -> None:
    at = desk()
    with pytest.raises(BadRequest, match="filters listings"):
        at.kalshi.fetch_markets(market_ids=["A"], **words)
    assert at.asked == []


def test_the_archive_is_filtered_by_time_here() -> None:
    archived = markets("EARLY", "MIDDLE", "LATE")
    days = ("2026-09-01", "2026-10-01", "2026-11-01")
    for row, day in zip(archived["markets"], days, strict=True):
        row["settlement_ts"] = f"{day}T00:00:00Z"
    answers = {"/markets": markets(), "/historical/markets": archived}
    first, last = (
        int(datetime(2026, month, 15, tzinfo=UTC).timestamp()) for month in (9, 10)
    )
    found = desk(answers).kalshi.fetch_markets(
        status="settled", params={"min_settled_ts": first, "max_settled_ts": last}
    )
    assert [x.market_id for x in found] == ["MIDDLE"]


def test_an_archived_market_without_that_time_is_kept() -> None:
    answers = {"/markets": markets(), "/historical/markets": markets("A")}
    found = desk(answers).kalshi.fetch_markets(
        status="settled", params={"min_settled_ts": 1}
    )
    assert [x.market_id for x in found] == ["A"]


def test_a_recent_time_filter_leaves_the_archive_alone() -> None:
    at = desk({"/markets": markets("A")})
    recent = int((NOW - timedelta(days=1)).timestamp())
    at.kalshi.fetch_markets(status="settled", params={"min_settled_ts": recent})
    assert at.asked == ["/markets", "/historical/cutoff"]


# -- events ----------------------------------------------------------------------------


def test_events_come_with_their_markets(venue: Desk) -> None:
    found = venue.kalshi.fetch_events()
    assert all(x.markets for x in found)
    assert all(m.event_id == x.event_id for x in found for m in x.markets)


def test_all_events_have_all_markets_archived_ones_too(venue: Desk) -> None:
    nested = {
        m.market_id for x in venue.kalshi.fetch_events(status="all") for m in x.markets
    }
    assert nested == {x.market_id for x in venue.kalshi.fetch_markets(status="all")}


def test_the_archive_of_a_series_is_read_once_for_all_its_events() -> None:
    page = {"events": [event("E1", "A"), event("E2")], "cursor": ""}
    archived = {
        "markets": [
            market("OLD1", event_ticker="E1"),
            market("OLD2", event_ticker="E2"),
        ],
        "cursor": "",
    }
    at = desk({"/events": page, "/historical/markets": archived})
    found = at.kalshi.fetch_events(status="settled", series_id="KXRAIN")
    names = {x.event_id: [m.market_id for m in x.markets] for x in found}
    assert names == {"E1": ["A", "OLD1"], "E2": ["OLD2"]}
    assert at.asked == ["/events", "/historical/markets"]


def test_events_without_markets_do_not_touch_the_archive() -> None:
    at = desk({"/events": {"events": [event("E1")], "cursor": ""}})
    at.kalshi.fetch_events(status="settled", with_markets=False)
    assert at.asked == ["/events"]
    assert "with_nested_markets" not in at.queries("/events")[0]


def test_a_page_of_events_is_never_larger_than_kalshi_allows() -> None:
    at = desk({"/events": {"events": [], "cursor": ""}})
    at.kalshi.fetch_events(params={"with_milestones": True})
    at.kalshi.fetch_events(limit=3)
    told = at.queries("/events")
    assert [query["limit"] for query in told] == ["200", "3"]
    assert told[0]["with_milestones"] == "true"


def test_one_event_has_its_archived_markets_too(venue: Desk) -> None:
    old = venue.kalshi.fetch_markets(status="settled")[-1]
    found = venue.kalshi.fetch_event(old.event_id)
    assert old.market_id in {x.market_id for x in found.markets}


def test_an_unknown_event_is_named() -> None:
    with pytest.raises(EventNotFound, match="'KXNONE'"):
        desk().kalshi.fetch_event("KXNONE")


def test_paused_events_are_not_a_filter_of_kalshi() -> None:
    at = desk()
    with pytest.raises(NotSupported, match="fetch_markets"):
        at.kalshi.fetch_events(status="paused")
    assert at.asked == []


def test_events_of_an_unknown_status_are_refused() -> None:
    with pytest.raises(BadRequest):
        desk().kalshi.fetch_events(status="active")  # type: ignore[arg-type]


# -- what is remembered, and what is sent ----------------------------------------------


def test_every_market_that_passes_by_is_remembered() -> None:
    answers = {
        "/markets": markets("A"),
        "/events": {"events": [event("E", "B")], "cursor": ""},
        "/markets/C": {"market": market("C", exchange_index=2)},
    }
    kalshi = desk(answers).kalshi
    kalshi.fetch_markets()
    kalshi.fetch_events()
    kalshi.fetch_market("C")
    shards = [kalshi.venue.memory.rules(name).shard for name in "ABC"]  # type: ignore[attr-defined]
    assert shards == [0, 0, 2]


def test_raw_payloads_can_be_left_out_of_listings() -> None:
    answers = {"/markets": markets("A")}
    assert desk(answers).kalshi.fetch_markets()[0].raw["ticker"] == "A"
    lean = desk(answers, options={"keep_raw": False}).kalshi.fetch_markets()
    assert lean[0].raw == {}


def test_market_data_is_signed_when_there_is_a_key_and_open_when_not() -> None:
    for key_id, signed in (("a-key", True), (None, False)):
        at = desk({"/markets": markets("A")}, key_id=key_id)
        at.kalshi.fetch_markets()
        names = {name.lower() for name in at.transport.requests[0].headers}
        assert ("kalshi-access-signature" in names) is signed


def test_a_refused_listing_is_a_typed_error() -> None:
    at = desk({"/markets": refusal(400, "bad_request")})
    with pytest.raises(UnifiedExchangesError) as caught:
        at.kalshi.fetch_markets()
    assert (caught.value.status, caught.value.venue) == (400, "kalshi")
    assert at.transport.requests[0].url.endswith(f"{PREFIX}/markets")
