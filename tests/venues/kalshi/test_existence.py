"""An id that does not exist is an error, not an empty list; asked only where nothing came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from unified_exchanges.errors import EventNotFound, MarketNotFound
from unified_exchanges.venues.kalshi import Kalshi

from .desk import desk, event, fills, market, markets, orders, positions, trade, trades

EMPTY = {
    "/markets": markets(),
    "/historical/markets": markets(),
    "/events": {"events": [], "cursor": ""},
    "/markets/trades": trades(),
    "/historical/trades": trades(),
    "/portfolio/orders": orders(),
    "/historical/orders": orders(),
    "/portfolio/fills": fills(),
    "/historical/fills": fills(),
    "/portfolio/positions": positions(),
    "/portfolio/settlements": {"settlements": [], "cursor": ""},
}

OF_A_MARKET: dict[str, Callable[[Kalshi], list[Any]]] = {
    "trades": lambda kalshi: kalshi.fetch_trades("X"),
    "orders": lambda kalshi: kalshi.fetch_orders(market_id="X"),
    "open orders": lambda kalshi: kalshi.fetch_open_orders(market_id="X"),
    "closed orders": lambda kalshi: kalshi.fetch_closed_orders(market_id="X"),
    "fills": lambda kalshi: kalshi.fetch_fills(market_id="X"),
    "positions": lambda kalshi: kalshi.fetch_positions(market_id="X"),
    "settlements": lambda kalshi: kalshi.fetch_settlements(market_id="X"),
}

OF_AN_EVENT: dict[str, Callable[[Kalshi], list[Any]]] = {
    "markets": lambda kalshi: kalshi.fetch_markets(event_id="X"),
    "orders": lambda kalshi: kalshi.fetch_orders(event_id="X"),
    "positions": lambda kalshi: kalshi.fetch_positions(event_id="X"),
    "settlements": lambda kalshi: kalshi.fetch_settlements(event_id="X"),
}

OF_A_SERIES: dict[str, Callable[[Kalshi], list[Any]]] = {
    "markets": lambda kalshi: kalshi.fetch_markets(series_id="X"),
    "events": lambda kalshi: kalshi.fetch_events(series_id="X"),
}


@pytest.mark.parametrize("name", OF_A_MARKET)
def test_a_market_that_does_not_exist_is_no_empty_list(name: str) -> None:
    with pytest.raises(MarketNotFound, match="'X'"):
        OF_A_MARKET[name](desk(EMPTY).kalshi)


@pytest.mark.parametrize("name", OF_AN_EVENT)
def test_an_event_that_does_not_exist_is_no_empty_list(name: str) -> None:
    with pytest.raises(EventNotFound, match="no event 'X'"):
        OF_AN_EVENT[name](desk(EMPTY).kalshi)


@pytest.mark.parametrize("name", OF_A_SERIES)
def test_a_series_that_does_not_exist_is_no_empty_list(name: str) -> None:
    with pytest.raises(EventNotFound, match="no series 'X'"):
        OF_A_SERIES[name](desk(EMPTY).kalshi)


@pytest.mark.parametrize("name", OF_A_MARKET)
def test_a_market_without_anything_is_an_empty_list_and_looked_up_once(
    name: str,
) -> None:
    at = desk({**EMPTY, "/markets/X": {"market": market("X")}})
    assert OF_A_MARKET[name](at.kalshi) == []
    assert OF_A_MARKET[name](at.kalshi) == []
    assert at.asked.count("/markets/X") == 1


@pytest.mark.parametrize("name", OF_AN_EVENT)
def test_an_event_without_anything_is_an_empty_list_and_looked_up_once(
    name: str,
) -> None:
    at = desk({**EMPTY, "/events/X": {"event": event("X")}})
    assert OF_AN_EVENT[name](at.kalshi) == []
    assert OF_AN_EVENT[name](at.kalshi) == []
    assert at.asked.count("/events/X") == 1


def test_what_is_found_costs_no_further_request() -> None:
    at = desk({**EMPTY, "/markets/trades": trades(trade("t", "2026-11-20T10:00:00Z"))})
    found = at.kalshi.fetch_trades("RAIN", limit=1)
    assert [x.trade_id for x in found] == ["t"]
    assert not any(path.endswith("/RAIN") for path in at.asked)
