"""Kalshi today against Kalshi as this version knows it: run weekly, with `-m live`.

A failure is the report: it names the fields that are gone.  Needs no key.  The same
comparison runs by default against the simulated Kalshi, so that it is known to work.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import Exchange, exchange
from unified_exchanges.testing import ScriptedTransport
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

PAYLOADS = Path(__file__).parent.parent / "venues" / "kalshi" / "payloads"
LISTINGS = {
    "/events": ("events", "events.json"),
    "/markets": ("markets", "markets.json"),
    "/markets/trades": ("trades", "trades.json"),
    "/series": ("series", "series_list.json"),
}
# Present only on some items, or when asked for.
OCCASIONAL = {
    "cap_strike",
    "custom_strike",
    "early_close_condition",
    "fee_waiver_expiration_time",
    "floor_strike",
    "functional_strike",
    "is_provisional",
    "markets",
    "mve_collection_ticker",
    "mve_selected_legs",
    "primary_participant_key",
    "settlement_ts",
    "settlement_value_dollars",
    "strike_date",
    "strike_period",
}


@pytest.fixture(params=[pytest.param("demo", marks=pytest.mark.live), "simulated"])
def kalshi(request: pytest.FixtureRequest) -> Exchange:
    if request.param == "demo":
        return exchange("kalshi", environment="demo")
    return exchange(
        "kalshi", environment="local", transport=ScriptedTransport(SimulatedKalshi())
    )


def keys(items: list[dict[str, Any]]) -> set[str]:
    return {key for item in items for key in item}


@pytest.mark.parametrize("path", LISTINGS)
def test_no_field_that_was_recorded_is_gone(kalshi: Exchange, path: str) -> None:
    name, recorded = LISTINGS[path]
    query = {} if path == "/series" else {"limit": 50}
    with kalshi:
        answer: Any = kalshi.request("GET", path, query=query)
    known = keys(json.loads((PAYLOADS / recorded).read_text())[name])
    assert known - keys(answer[name]) - OCCASIONAL == set()


def test_markets_and_a_book_are_understood(kalshi: Exchange) -> None:
    with kalshi:
        market = kalshi.fetch_markets(limit=5)[0]
        book = kalshi.fetch_order_book(market.market_id)
    assert book.market_id == market.market_id
