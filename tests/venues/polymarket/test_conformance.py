"""Polymarket runs what every venue runs."""

from __future__ import annotations

import pytest

from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.testing import conformance


class OnPolymarket:
    """The ground of every class below."""

    @pytest.fixture
    def ground(self) -> PolymarketGround:
        return PolymarketGround()


class TestCatalogue(OnPolymarket, conformance.Catalogue):
    """Discovery and market data."""


class TestOrders(OnPolymarket, conformance.Orders):
    """The life of orders."""


class TestPortfolio(OnPolymarket, conformance.Portfolio):
    """Cash, fills and positions."""


class TestGuards(OnPolymarket, conformance.Guards):
    """Caps that only a mistake meets."""


class TestDryRuns(OnPolymarket, conformance.DryRuns):
    """Nothing but reads leaves."""


class TestCrashes(OnPolymarket, conformance.Crashes):
    """What a crash left open."""


class TestHalts(OnPolymarket, conformance.Halts):
    """Everything stops."""


class TestHaltsLive(OnPolymarket, conformance.HaltsLive):
    """Everything stops while orders are placed."""


class TestLostAnswers(OnPolymarket, conformance.LostAnswers):
    """Answers that are lost."""


class TestCommands(OnPolymarket, conformance.Commands):
    """Creates and cancels under faults."""


class TestListings(OnPolymarket, conformance.Listings):
    """Pages that fail or repeat."""


class TestPace(OnPolymarket, conformance.Pace):
    """Rate limits and clocks."""


class TestSecrecy(OnPolymarket, conformance.Secrecy):
    """Keys."""


class TestStreams(OnPolymarket, conformance.Streams):
    """Books, orders and fills over sockets that fail."""


class TestSettling(OnPolymarket, conformance.Settling):
    """Trades that are final later, or never were."""


class TestWire(OnPolymarket, conformance.Wire):
    """Real sockets under REST."""
