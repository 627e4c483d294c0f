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


class TestDryRuns(OnKalshi, conformance.DryRuns):
    """Nothing but reads leaves."""


class TestCrashes(OnKalshi, conformance.Crashes):
    """What a crash left open."""


class TestLostAnswers(OnKalshi, conformance.LostAnswers):
    """Answers that are lost."""
