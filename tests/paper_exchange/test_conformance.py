"""Paper runs what every venue runs, as far as it is about orders and not about the wire."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from unified_exchanges.errors import ExchangeNotAvailable
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

    def test_what_may_only_reduce_passes_while_nothing_can_be_read(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        guarded = self._guarded(trader, max_exposure=Decimal("0.01"), account_age=0)
        trader.lift(market, trader.units(3))
        label = market.outcomes[0].label
        self._warm(guarded, market)
        guarded.suffer("503", 100, reads=True, writes=False)
        # The account itself is here, whatever the source does.
        self._refused(
            lambda: guarded.rest(market, guarded.units(1)), guarded, "max_exposure"
        )
        sale = market.market_id, label, "sell", market.grid.lowest, trader.units(3)
        # Guards let a sale pass, but what it would meet is not known: it is not placed.
        with pytest.raises(ExchangeNotAvailable, match="not placed on paper"):
            guarded.create_order(*sale, time_in_force="ioc", reduce_only=True)
        guarded.relieve()
        sold = guarded.create_order(*sale, time_in_force="ioc", reduce_only=True)
        assert sold.filled == trader.units(3)

    def test_fault_02_an_order_whose_answer_was_lost_is_exposure(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        guarded = trader.another()
        self._warm(guarded, market)
        guarded.suffer("lost after", 100, reads=True)
        # No answer about an order can be lost here: only reads are on the wire.
        with pytest.raises(ExchangeNotAvailable, match="not placed on paper"):
            guarded.rest(market, guarded.units(8))
        guarded.relieve()
        assert guarded.exchange.exposure().total == 0
        assert guarded.fetch_open_orders() == []


class TestSecrecy(conformance.Secrecy):
    """Keys, where reading wants some."""

    @pytest.fixture
    def ground(self) -> Ground:
        return KalshiPaper()
