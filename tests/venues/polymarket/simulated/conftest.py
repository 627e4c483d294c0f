"""A fresh simulated Polymarket on a virtual clock, and who trades there."""

from __future__ import annotations

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket
from unified_exchanges.venues.polymarket.simulated.catalog import Listed

from .trader import Trader, trader

ADA, BOB = 0xA11CE, 0xB0B


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def polymarket(clock: VirtualClock) -> SimulatedPolymarket:
    return SimulatedPolymarket(seed=7, clock=clock, enforce_limits=False)


@pytest.fixture
def ada(polymarket: SimulatedPolymarket, clock: VirtualClock) -> Trader:
    return trader(polymarket, clock, ADA)


@pytest.fixture
def bob(polymarket: SimulatedPolymarket, clock: VirtualClock) -> Trader:
    return trader(polymarket, clock, BOB)


@pytest.fixture
def fed(ada: Trader) -> Listed:
    """A plain market at 0.55 to 0.56, with a tick of a cent."""
    return ada.market()


@pytest.fixture(scope="session")
def museum() -> Trader:
    """The wallet with a past, on a venue that stays as it is: for reads only."""
    clock = VirtualClock()
    polymarket = SimulatedPolymarket(seed=7, clock=clock, enforce_limits=False)
    return trader(polymarket, clock, polymarket.resident_key)
