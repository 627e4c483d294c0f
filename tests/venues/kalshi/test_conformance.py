"""Kalshi runs what every venue runs."""

from __future__ import annotations

import pytest

from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.testing import conformance


class OnKalshi:
    """The ground of every class below."""

    @pytest.fixture
    def ground(self) -> KalshiGround:
        return KalshiGround()


class TestCatalogue(OnKalshi, conformance.Catalogue):
    """Discovery and market data."""


class TestOrders(OnKalshi, conformance.Orders):
    """The life of orders."""


class TestPortfolio(OnKalshi, conformance.Portfolio):
    """Cash, fills and positions."""


class TestGuards(OnKalshi, conformance.Guards):
    """Caps that only a mistake meets."""


class TestDryRuns(OnKalshi, conformance.DryRuns):
    """Nothing but reads leaves."""


class TestCrashes(OnKalshi, conformance.Crashes):
    """What a crash left open."""


class TestHalts(OnKalshi, conformance.Halts):
    """Everything stops."""


class TestHaltsLive(OnKalshi, conformance.HaltsLive):
    """Everything stops while orders are placed."""


class TestLostAnswers(OnKalshi, conformance.LostAnswers):
    """Answers that are lost."""


class TestCommands(OnKalshi, conformance.Commands):
    """Creates and cancels under faults."""


class TestListings(OnKalshi, conformance.Listings):
    """Pages that fail or repeat."""


class TestPace(OnKalshi, conformance.Pace):
    """Rate limits and clocks."""


class TestSecrecy(OnKalshi, conformance.Secrecy):
    """Keys."""


class TestStreams(OnKalshi, conformance.Streams):
    """Books, orders and fills over sockets that fail."""


class TestSettling(OnKalshi, conformance.Settling):
    """Trades that are final later, or never were."""


class TestWire(OnKalshi, conformance.Wire):
    """Real sockets under REST."""
