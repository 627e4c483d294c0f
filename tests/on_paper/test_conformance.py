"""Paper runs what every venue runs, as far as it is about orders and not about the wire."""

from __future__ import annotations

import pytest

from tests.on_paper.ground import KalshiPaper, PolymarketPaper
from unified_exchanges.testing import conformance
from unified_exchanges.testing.conformance import Ground, Trader


class OnPaper:
    """The grounds of every class below."""

    @pytest.fixture(params=[KalshiPaper, PolymarketPaper])
    def ground(self, request: pytest.FixtureRequest) -> Ground:
        made: Ground = request.param()
        return made


class TestOrders(OnPaper, conformance.Orders):
    """The life of orders."""

    def test_p07_buying_the_other_outcome_is_the_complement_on_the_book(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        before = trader.book(market)
        trader.rest(market, outcome=market.outcomes[1].label)
        book = trader.book(market)
        assert (book.bids, book.asks) == (before.bids, before.asks)


class TestPortfolio(OnPaper, conformance.Portfolio):
    """Cash, fills and positions."""

    def test_fault_51_where_money_is_real_a_write_needs_live(
        self, trader: Trader
    ) -> None:
        real = trader.another(environment="production")
        assert not real.exchange.venue.environment.is_real_money
        real.exchange.venue.require_writable("an order on paper")


class TestGuards(OnPaper, conformance.Guards):
    """Caps that only a mistake meets."""


class TestSecrecy(conformance.Secrecy):
    """Keys, where reading wants some."""

    @pytest.fixture
    def ground(self) -> Ground:
        return KalshiPaper()
