"""Dry runs: a strategy goes on as ever, and the venue never hears of it."""

from __future__ import annotations

import pytest

from ...models import OrderStatus
from .ground import Conformance, Trader
from .needs import needs

__all__ = ["DryRuns"]


class DryRuns(Conformance):
    """What `dry_run=True` sends, answers and reports."""

    @pytest.fixture
    def rehearsal(self, trader: Trader) -> Trader:
        flavour = "async" if trader.is_async else "blocking"
        return trader.ground.trader(flavour, dry_run=True)

    @needs("dry run")
    def test_fault_51_no_write_leaves(self, trader: Trader, rehearsal: Trader) -> None:
        market = trader.quoted_market()
        resting = trader.rest(market)
        rehearsal.rest(market)
        rehearsal.lift(market)
        rehearsal.cancel_order(resting.order_id)
        rehearsal.cancel_all_orders()
        assert rehearsal.writes == []
        assert trader.fetch_order(resting.order_id).is_open
        assert trader.fetch_fills() == []

    @needs("dry run")
    def test_what_rests_is_there_until_it_is_cancelled(
        self, trader: Trader, rehearsal: Trader
    ) -> None:
        placed = rehearsal.rest(trader.quoted_market())
        assert placed.order_id.startswith("dry-run-")
        assert (placed.status, placed.filled) == (OrderStatus.OPEN, 0)
        assert rehearsal.fetch_order(placed.order_id).is_open
        assert [o.order_id for o in rehearsal.fetch_open_orders()] == [placed.order_id]
        ended = rehearsal.cancel_order(placed.order_id)
        assert (ended.status, rehearsal.fetch_open_orders()) == (
            OrderStatus.CANCELED,
            [],
        )
        assert trader.fetch_open_orders() == []

    @needs("dry run")
    def test_a_write_leaves_a_report_of_what_the_preview_shows(
        self, trader: Trader, rehearsal: Trader
    ) -> None:
        market = trader.quoted_market()
        rehearsal.rest(market, client_order_id="dry")
        (report,) = rehearsal.exchange.dry_runs
        terms = market.market_id, market.outcomes[0].label, "buy", market.grid.lowest
        # By the same object: an order may have in it what is drawn once for its id.
        five = trader.units(5)
        preview = rehearsal.preview_order(*terms, five, client_order_id="dry")
        assert (report.method, report.url) == (preview.method, preview.url)
        assert (report.body, report.headers) == (preview.body, preview.headers)
        assert (report.cost, report.fee) == (preview.cost, preview.fee)
        assert report.exposure == report.cost
