"""A fresh simulated Kalshi on a virtual clock, and who trades there."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .trader import Trader, trader


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def kalshi(clock: VirtualClock) -> SimulatedKalshi:
    return SimulatedKalshi(seed=7, clock=clock, enforce_limits=False)


@pytest.fixture
def ada(kalshi: SimulatedKalshi, clock: VirtualClock) -> Trader:
    return trader(kalshi, clock)


@pytest.fixture
def bob(kalshi: SimulatedKalshi, clock: VirtualClock) -> Trader:
    return trader(kalshi, clock)


@pytest.fixture
def veteran(kalshi: SimulatedKalshi, clock: VirtualClock) -> Trader:
    return trader(kalshi, clock, history=True)


@pytest.fixture
def market(ada: Trader) -> Any:
    return ada.market()


@pytest.fixture(scope="session")
def museum() -> Trader:
    """A veteran on a venue that stays as it is: for tests that change nothing."""
    clock = VirtualClock()
    kalshi = SimulatedKalshi(seed=7, clock=clock, enforce_limits=False)
    return trader(kalshi, clock, history=True)


@pytest.fixture(scope="session")
def idle(museum: Trader) -> Trader:
    """A newcomer there, whose every write is refused."""
    return trader(museum.kalshi, museum.clock)


@pytest.fixture(scope="session")
def shown(idle: Trader) -> Any:
    """A market there."""
    return idle.market()
