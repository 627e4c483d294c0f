"""Tags: what both venues list them by."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venues.kalshi import desk as kalshi
from tests.venues.polymarket import desk as polymarket
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges import VenueSchemaError, exchange, exchanges
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
    wanted = {"params": {"tag_id": tag.tag_id}, "status": "all"}
    events = trader.fetch_events(**wanted)
    markets = trader.fetch_markets(**wanted)
    assert 0 < len(events) < len(trader.fetch_events(status="all"))
    inside = {x.market_id for event in events for x in event.markets}
    assert {x.market_id for x in markets} == inside
