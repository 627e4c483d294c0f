"""Hedges whose legs fail on chain after they matched: the report reads what stands."""

from __future__ import annotations

import asyncio

import pytest

from tests.venues.polymarket.scene import Scene
from unified_exchanges.execution import (
    HedgeLeg,
    HedgeReport,
    LegState,
    async_hedge,
    async_hedge_report,
    hedge,
    hedge_report,
)
from unified_exchanges.money import text


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


def hedged(scene: Scene) -> HedgeReport:
    found = [x for x in scene.trader.fetch_markets() if x.bid and x.ask and not x.legs]
    first = found[0]
    second = next(x for x in found if x.event_id != first.event_id)
    legs = [HedgeLeg(x.market_id, x.outcomes[0].label) for x in (first, second)]
    exchange = scene.trader.exchange
    if scene.trader.is_async:
        return asyncio.run(async_hedge(exchange, legs, 20, dry_run=False))
    return hedge(exchange, legs, 20, dry_run=False)


def told(scene: Scene) -> HedgeReport:
    exchange = scene.trader.exchange
    if scene.trader.is_async:
        return asyncio.run(async_hedge_report(exchange))
    return hedge_report(exchange)


def test_fault_30_f21_a_leg_that_failed_on_chain_is_not_filled(scene: Scene) -> None:
    scene.venue.settler.fail()
    first = hedged(scene)
    size = first.size
    # What matched counts as filled, and the report says that it may fail.
    assert (first.is_complete, first.is_settled) == (True, False)
    assert [leg.pending for leg in first.legs] == [size, size]
    assert "may still fail on chain" in str(first)
    scene.advance(60)
    later = told(scene)
    assert (later.is_complete, later.is_settled) == (False, True)
    failed, stands = later.legs
    found = failed.state, failed.filled, failed.reverted, failed.cost, failed.fees
    assert found == (LegState.UNFILLED, 0, size, 0, 0)
    assert (stands.state, stands.filled, stands.reverted) == (LegState.FILLED, size, 0)
    assert f"{text(size)} failed on chain after they matched" in str(later)
    assert later.payout == 0


def test_fault_30_a_hedge_that_settled_is_complete(scene: Scene) -> None:
    hedged(scene)
    scene.advance(60)
    later = told(scene)
    assert (later.is_complete, later.is_settled) == (True, True)
    assert "chain" not in str(later)
