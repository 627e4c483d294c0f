"""Dry runs: a strategy goes on as ever, and the venue never hears of it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ...errors import UnifiedExchangesError
from ...guards import GuardPolicy
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

    @needs("dry run")
    @pytest.mark.parametrize(
        "policy",
        [
            {"max_order_cost": Decimal("0.001")},
            {"max_market_exposure": Decimal("0.001")},
            {"max_exposure": Decimal("0.001"), "account_age": 0},
            {"max_orders": 1, "seconds": 3_600},
            {"allowed_markets": ["nothing*"]},
            {"price_collar": Decimal("0.02"), "without_book": "refuse"},
            {"read_only": True},
        ],
        ids=lambda policy: next(iter(policy)),
    )
    def test_fault_51_a_guard_says_the_same_in_a_dry_run_and_live(
        self, trader: Trader, policy: dict[str, Any]
    ) -> None:
        guards, market = GuardPolicy(**policy), trader.quoted_market()
        told = []
        for dry_run in (True, False):
            guarded = trader.another(guards=guards, dry_run=dry_run)
            if "max_orders" in policy:
                guarded.rest(market)
            with pytest.raises(UnifiedExchangesError) as caught:
                guarded.rest(market, client_order_id="guarded")
            error = caught.value
            facts = _facts(error)
            told.append((type(error), str(error), facts, len(guarded.writes)))
        rehearsed, live = told
        sent = 1 if "max_orders" in policy else 0
        assert rehearsed[:3] == live[:3]
        assert (rehearsed[3], live[3]) == (0, sent)

    @needs("dry run")
    def test_fault_51_the_journal_of_others_is_left_alone(
        self, trader: Trader, tmp_path: Path
    ) -> None:
        path = tmp_path / "orders.db"
        real = trader.another(journal=path)
        real.cancel_order(real.rest(real.quoted_market()).order_id)
        trader.ground.clock.advance(2 * 86_400)
        before = {x.name: x.read_bytes() for x in tmp_path.iterdir()}
        rehearsal = trader.another(journal=path, dry_run=True)
        assert rehearsal.compact_journal(days=1) == 0
        assert {x.name: x.read_bytes() for x in tmp_path.iterdir()} == before
        assert real.compact_journal(days=1) == 1
        real.do(real.exchange.aclose if real.is_async else real.exchange.close)


def _facts(error: UnifiedExchangesError) -> tuple[object, ...]:
    """What a refusal says besides its words."""
    names = ("guard", "limit", "value", "venue", "client_order_id", "maybe_executed")
    return tuple(getattr(error, name, None) for name in names)
