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
