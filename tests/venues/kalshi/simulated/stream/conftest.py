"""A connection of each of the two traders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from ..trader import Trader
from .listener import Listener


@pytest.fixture
def listener(ada: Trader) -> Listener:
    return Listener(ada)


@pytest.fixture
def visitor(idle: Trader) -> Listener:
    """A connection to the venue that stays as it is."""
    return Listener(idle)


@pytest.fixture
def other(bob: Trader) -> Listener:
    return Listener(bob)


@pytest.fixture
def combo(kalshi: SimulatedKalshi, ada: Trader) -> Callable[[], Any]:
    """What asks for a combination of two open markets."""
    collection = next(iter(kalshi.catalog.collections.values()))
    legs = []
    for event in collection.event_tickers[:2]:
        leg = next(
            m for m in ada.get("/markets", event_ticker=event, status="open")["markets"]
        )
        legs.append(
            {"market_ticker": leg["ticker"], "event_ticker": event, "side": "yes"}
        )
    path = f"/multivariate_event_collections/{collection.ticker}"
    return lambda: ada.ask("POST", path, {"selected_markets": legs}).body
