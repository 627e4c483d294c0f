"""Gamma: what is listed, found by filters, pages and words."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

from .trader import Trader

FED = "will-the-fed-cut-rates-in-december"
MAYOR = "who-will-be-the-next-mayor-of-springfield"


def slugs(
    museum: Trader, path: str = "/gamma/markets/keyset", **query: Any
) -> list[str]:
    read = museum.read(path, limit=100, **query)
    rows = read if isinstance(read, list) else read[path.split("/")[2]]
    return [row["slug"] for row in rows]


def one(museum: Trader, slug: str = FED) -> Any:
    return museum.read(f"/gamma/markets/slug/{slug}")


def test_arrays_of_a_market_are_texts(museum: Trader) -> None:
    market = one(museum)
    assert json.loads(market["outcomes"]) == ["Yes", "No"]
    assert json.loads(market["outcomePrices"]) == ["0.555", "0.445"]
    assert len(json.loads(market["clobTokenIds"])) == 2
    assert market["orderPriceMinTickSize"] == Decimal("0.01")
    assert market["feeSchedule"]["rate"] == Decimal("0.05")


def test_a_market_without_fees_has_no_schedule(museum: Trader) -> None:
    market = one(museum, "ceasefire-in-freedonia-by-the-end-of-the-year")
    assert (market["feesEnabled"], market["feeType"]) == (False, None)
    assert "feeSchedule" not in market


def test_a_market_of_protocol_v2_has_positions(museum: Trader) -> None:
    market = one(museum, "bitcoin-above-120k-on-friday")
    first, second = (int(n).to_bytes(32, "big") for n in market["positionIds"])
    assert (first[0], first[31], second[31]) == (1, 0, 1)
    assert int.from_bytes(first, "big") & ((2**64 - 1) << 40) == 0
    assert market["conditionId"] == "0x" + (first[:31] + b"\0").hex()
    assert market["positionIds"] != json.loads(market["clobTokenIds"])


def test_a_game_has_its_start_its_line_and_its_delay(museum: Trader) -> None:
    market = one(museum, "nba-gsw-lal-spread-home-3pt5")
    assert json.loads(market["outcomes"]) == ["Lakers", "Warriors"]
    assert (market["line"], market["secondsDelay"]) == (Decimal("-3.5"), 3)
    assert market["gameStartTime"].endswith("Z")


def test_a_market_that_is_not_open_yet_takes_no_orders(museum: Trader) -> None:
    market = one(museum, "will-the-be-sharps-be-number-one")
    assert (market["active"], market["closed"], market["acceptingOrders"]) == (
        True,
        False,
        False,
    )
    assert "bestBid" not in market


def test_a_resolved_market_tells_its_result(museum: Trader) -> None:
    market = one(museum, "will-globex-be-the-largest-company")
    assert (market["closed"], market["outcomePrices"]) == (True, '["1", "0"]')
    assert market["umaResolutionStatus"] == "resolved"
    assert market["closedTime"].endswith("+00")
    assert one(museum, "nba-chi-bos")["outcomePrices"] == '["0.5", "0.5"]'


def test_what_is_past_its_end_is_not_closed(museum: Trader) -> None:
    market = one(museum, "will-it-rain-in-springfield-yesterday")
    assert (market["closed"], market["acceptingOrders"]) == (False, False)


def test_closed_markets_are_hidden_unless_asked(museum: Trader) -> None:
    assert len(slugs(museum)) == 15
    closed = slugs(museum, closed="true")
    assert "will-globex-be-the-largest-company" in closed
    assert not set(closed) & set(slugs(museum))
    token = json.loads(one(museum, closed[0])["clobTokenIds"])[0]
    assert slugs(museum, clob_token_ids=token) == []
    assert slugs(museum, clob_token_ids=token, closed="true") == [closed[0]]


def test_a_slug_finds_a_closed_market_too(museum: Trader) -> None:
    assert slugs(museum, slug="nba-chi-bos") == ["nba-chi-bos"]
    assert slugs(museum, slug="nba-chi-bos", closed="false") == []


def test_pages_end_without_a_cursor(museum: Trader) -> None:
    found, cursor = [], ""
    while True:
        page = museum.read("/gamma/markets/keyset", limit=4, after_cursor=cursor)
        found += [market["slug"] for market in page["markets"]]
        cursor = page.get("next_cursor", "")
        if not cursor:
            break
    assert found == slugs(museum)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"offset": "3"}, 422),
        ({"limit": "-1"}, 422),
        ({"after_cursor": "!"}, 400),
        ({"after_cursor": "A"}, 400),
        ({"after_cursor": "eyJ4IjoxfQ"}, 400),
        ({"limit": "many"}, 400),
        ({"volume_num_min": "much"}, 422),
        ({"end_date_min": "soon"}, 422),
    ],
)
def test_a_query_that_cannot_be_read_is_refused(museum: Trader, query, status) -> None:
    answer = museum.ask("GET", "/markets/keyset", host="/gamma", headers={}, **query)
    assert answer.status == status


def test_a_deep_offset_is_refused(museum: Trader) -> None:
    answer = museum.ask("GET", "/markets", host="/gamma", headers={}, offset=2001)
    assert (answer.status, answer.body["type"]) == (422, "validation error")
    assert slugs(museum, "/gamma/markets", offset=14) == slugs(museum)[14:]


def test_filters_narrow(museum: Trader) -> None:
    market = one(museum)
    everything = slugs(museum)
    for name, value in {
        "id": market["id"],
        "condition_ids": market["conditionId"],
        "question_ids": market["questionID"],
        "clob_token_ids": json.loads(market["clobTokenIds"])[1],
    }.items():
        assert slugs(museum, **{name: value}) == [FED]
    assert slugs(museum, sports_market_types="spreads") == [
        "nba-gsw-lal-spread-home-3pt5"
    ]
    assert len(slugs(museum, tag_id="1")) == 2
    assert slugs(museum, volume_num_min="1000000000") == []
    assert slugs(museum, volume_num_max="1000000000") == everything
    assert FED in slugs(museum, end_date_min="2026-12-01T00:00:00Z")
    assert FED not in slugs(museum, end_date_max="2026-12-01")
    assert slugs(museum, start_date_min="2030-01-01") == []
    assert len(slugs(museum, uma_resolution_status="resolved", closed="true")) == 3


def test_markets_are_ordered_by_a_field(museum: Trader) -> None:
    def best(**query: Any) -> list[Any]:
        rows = museum.read(
            "/gamma/markets/keyset", limit=100, order="bestBid", **query
        )["markets"]
        return [row["bestBid"] for row in rows if "bestBid" in row]

    assert best() == sorted(best())
    assert best(ascending="false") == sorted(best(), reverse=True)
    by_word = slugs(museum, order="slug")
    assert by_word == sorted(by_word)


def test_tags_may_come_with_a_market(museum: Trader) -> None:
    page = museum.read("/gamma/markets/keyset", slug=FED, include_tag="true")
    assert page["markets"][0]["tags"][0]["slug"] == "economy"
    with_tags = museum.read(f"/gamma/markets/slug/{FED}", include_tag="true")
    assert museum.read(f"/gamma/markets/{with_tags['id']}/tags") == with_tags["tags"]


def test_events_hold_their_markets(museum: Trader) -> None:
    event = museum.read(f"/gamma/events/slug/{MAYOR}")
    assert (event["negRisk"], event["negRiskAugmented"]) == (True, True)
    assert [m["groupItemTitle"] for m in event["markets"]][-1] == "Other"
    assert event["markets"][-1]["negRiskOther"]
    assert all("events" not in market for market in event["markets"])
    assert museum.read(f"/gamma/events/{event['id']}") == event


def test_events_are_filtered_too(museum: Trader) -> None:
    def found(**query: Any) -> list[str]:
        return slugs(museum, "/gamma/events/keyset", **query)

    everything = found()
    event = museum.read(f"/gamma/events/slug/{MAYOR}")
    assert found(id=event["id"]) == found(slug=MAYOR) == [MAYOR]
    assert found(tag_slug="elections") == [MAYOR]
    assert found(tag_id="2") == [MAYOR]
    assert MAYOR not in found(exclude_tag_id="2")
    assert found(title_search="FED") == ["fed-decision-in-december"]
    assert found(series_id="10115") == ["ethereum-up-or-down-hourly"]
    assert len(found(end_date_max="2026-11-22T00:00:00Z")) == 2
    assert len(found(closed="true")) == 2
    assert len(everything) == 9
    assert slugs(museum, "/gamma/events", offset=1) == everything[1:]
    bare = museum.read("/gamma/events/keyset", slug=MAYOR, include_markets="false")
    assert "markets" not in bare["events"][0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/markets/slug/none", 404),
        ("/markets/999999999", 404),
        ("/markets/word", 422),
        ("/markets/999999999/tags", 404),
        ("/events/slug/none", 404),
        ("/events/999999999", 404),
        ("/tags/999999999", 404),
        ("/series/999999999", 404),
        ("/public-search", 400),
        ("/nothing", 404),
    ],
)
def test_what_is_missing_is_said_to_be(museum: Trader, path: str, status: int) -> None:
    assert museum.ask("GET", path, host="/gamma", headers={}).status == status


def test_what_is_around_is_listed(museum: Trader) -> None:
    tags = museum.read("/gamma/tags", limit=100)
    assert museum.read("/gamma/tags/slug/crypto") in tags
    assert museum.read(f"/gamma/tags/{tags[0]['id']}") == tags[0]
    series = museum.read("/gamma/series")
    assert museum.read(f"/gamma/series/{series[0]['id']}") == series[0]
    assert [row["sport"] for row in museum.read("/gamma/sports")] == ["nba"]
    kinds = museum.read("/gamma/sports/market-types")
    assert kinds == {"marketTypes": ["moneyline", "spreads"]}


def test_words_find_events(museum: Trader) -> None:
    found = museum.read("/gamma/public-search", q="mayor terwilliger")
    assert [event["slug"] for event in found["events"]] == [MAYOR]
    one_page = museum.read("/gamma/public-search", q="the", limit_per_type=1)
    assert (len(one_page["events"]), one_page["pagination"]["hasMore"]) == (1, True)
    ended = museum.read("/gamma/public-search", q="globex")
    assert len(ended["events"]) == 1
    hidden = museum.read("/gamma/public-search", q="globex", events_status="active")
    assert hidden["events"] == []


def test_a_proposed_and_a_disputed_result_are_told(
    polymarket: SimulatedPolymarket, ada: Trader
) -> None:
    listed = ada.market()
    pit = polymarket.engine._floor.pit(listed.condition_id)
    pit.status = "determined"
    assert one(ada)["umaResolutionStatus"] == "proposed"
    pit.status = "disputed"
    assert one(ada)["umaResolutionStatuses"] == '["disputed"]'


def test_the_same_seed_lists_the_same_markets() -> None:
    def ids(seed: int) -> list[str]:
        venue = SimulatedPolymarket(seed=seed, clock=VirtualClock())
        return list(venue.catalog.markets)

    assert ids(3) == ids(3)
    assert ids(3) != ids(4)


def test_the_geoblock_is_probed(polymarket: SimulatedPolymarket, ada: Trader) -> None:
    free = ada.ask("GET", "/api/geoblock", host="", headers={})
    assert free.body["blocked"] is False
    polymarket.settings.blocked_country = "US"
    blocked = ada.ask("GET", "/api/geoblock", host="", headers={})
    assert (blocked.body["blocked"], blocked.body["country"]) == (True, "US")
