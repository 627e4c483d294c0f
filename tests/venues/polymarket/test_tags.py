"""Tags: what both venues list them by."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.kalshi import desk as kalshi
from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket import desk as polymarket
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges import (
    BadRequest,
    NotSupported,
    VenueSchemaError,
    exchange,
    exchanges,
)
from unified_exchanges.cli.practice import practice


def test_tags_of_polymarket_are_counted_by_what_a_page_held(flavour: str) -> None:
    pages = [[{"id": 1, "label": "A", "slug": "a"}, {"id": "2"}], [{"id": 3}], []]
    asked = polymarket.desk(flavour, {"/gamma/tags": polymarket.Turns(*pages)})
    first, *others = asked("fetch_tags")
    assert (first.tag_id, first.label, first.slug) == ("1", "A", "a")
    assert [(x.tag_id, x.label) for x in others] == [("2", None), ("3", None)]
    assert repr(others[0]) == "Tag(polymarket 2)"
    assert [q["offset"] for q in asked.queries("/gamma/tags")] == ["0", "2", "3"]


def test_a_tag_without_an_id_is_an_error(flavour: str) -> None:
    asked = polymarket.desk(flavour, {"/gamma/tags": [{"label": "A"}]})
    with pytest.raises(VenueSchemaError, match="id"):
        asked("fetch_tags")


def test_a_tag_of_kalshi_knows_its_categories() -> None:
    told: Any = {"A": ["x", "y"], "B": ["y"], "C": None}
    answers = {"/search/tags_by_categories": {"tags_by_categories": told}}
    found = kalshi.desk(answers).kalshi.fetch_tags()
    assert [(x.tag_id, x.categories) for x in found] == [
        ("x", ("A",)),
        ("y", ("A", "B")),
    ]


@pytest.mark.parametrize("name", exchanges)
def test_the_simulated_venue_lists_its_tags(name: str) -> None:
    with (
        practice(name, seed=7) as place,
        exchange(name, environment=place.url) as venue,
    ):
        found = venue.fetch_tags()
        assert venue.has["fetch_tags"] is True
    assert found
    assert len({x.tag_id for x in found}) == len(found)


def test_a_tag_filters_events_and_markets(flavour: str) -> None:
    trader = PolymarketGround().trader(flavour)
    tag = next(x for x in trader.fetch_tags() if x.slug == "crypto")
    wanted = {"tag_id": tag.tag_id, "status": "all"}
    events = trader.fetch_events(**wanted)
    markets = trader.fetch_markets(**wanted)
    assert 0 < len(events) < len(trader.fetch_events(status="all"))
    inside = {x.market_id for event in events for x in event.markets}
    assert {x.market_id for x in markets} == inside
    several = {"params": {"tag_id": tag.tag_id}, "status": "all"}
    assert trader.fetch_events(**several) == events


def test_a_tag_of_kalshi_filters_series_and_what_they_hold(flavour: str) -> None:
    trader = KalshiGround().trader(flavour)
    bearing = [x for x in trader.fetch_series() if x.tags]
    tag = bearing[0].tags[0]
    ids = [x.series_id for x in trader.fetch_series(tag_id=tag)]
    assert ids == [x.series_id for x in bearing if tag in x.tags]
    events = trader.fetch_events(tag_id=tag, with_markets=False)
    assert events
    assert events == [
        event
        for name in ids
        for event in trader.fetch_events(series_id=name, with_markets=False)
    ]
    markets = trader.fetch_markets(tag_id=tag)
    inside = {x.event_id for x in events}
    assert {x.event_id for x in markets} <= inside
    assert trader.fetch_markets(tag_id=tag, limit=1) == markets[:1]


@pytest.mark.parametrize("method", ["fetch_events", "fetch_markets"])
def test_a_tag_that_is_nowhere_is_told_from_one_without_anything(
    flavour: str, method: str
) -> None:
    trader = PolymarketGround().trader(flavour)
    with pytest.raises(BadRequest, match="no tag 987654"):
        getattr(trader, method)(tag_id="987654")
    with pytest.raises(BadRequest, match="which are numbers"):
        getattr(trader, method)(tag_id="crypto")
    with pytest.raises(BadRequest, match="not both"):
        getattr(trader, method)(tag_id="1", params={"tag_id": "2"})
    unused = polymarket.desk(
        flavour,
        {
            "/gamma/events/keyset": {"events": []},
            "/gamma/markets/keyset": {"markets": []},
            "/gamma/tags/5": {"id": "5", "label": "New"},
        },
    )
    assert unused(method, tag_id="5") == []


@pytest.mark.parametrize("method", ["fetch_series", "fetch_events", "fetch_markets"])
def test_a_tag_that_kalshi_has_not_is_refused(flavour: str, method: str) -> None:
    trader = KalshiGround().trader(flavour)
    for wrong in ("no such tag", "", "a,b", 5):
        with pytest.raises(BadRequest, match="fetch_tags"):
            getattr(trader, method)(tag_id=wrong)


def test_a_tag_of_kalshi_that_no_series_bears_has_none() -> None:
    answers = {
        "/search/tags_by_categories": {"tags_by_categories": {"A": ["x"]}},
        "/series": {"series": []},
    }
    assert kalshi.desk(answers).kalshi.fetch_series(tag_id="x") == []


def test_what_a_venue_does_not_find_by_says_what_to_do_instead(flavour: str) -> None:
    here, there = PolymarketGround().trader(flavour), KalshiGround().trader(flavour)
    with pytest.raises(NotSupported, match=r"fetch_events\(tag_id=…\)"):
        here.fetch_series(tag_id="1")
    with pytest.raises(NotSupported, match=r"no search by words.*tag_id"):
        there.fetch_events(query="rain")
    assert [x.exchange.has["search_events"] for x in (here, there)] == [True, False]
    with pytest.raises(BadRequest, match="not both"):
        there.fetch_events(tag_id="x", series_id="S")
    with pytest.raises(BadRequest, match="not both"):
        there.fetch_markets(tag_id="x", event_id="E")
    with pytest.raises(BadRequest, match="not both"):
        there.fetch_series("S", tag_id="x")
