"""A hedge on Polymarket with games in it: their orders are held back before they trade."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.venues.polymarket.scene import Scene
from unified_exchanges.execution import HedgeLeg, HedgeReport, async_hedge, hedge
from unified_exchanges.flow import Request, Response
from unified_exchanges.models import Market
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)
D = Decimal


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.fixture
def trader(scene: Scene) -> Trader:
    return scene.another(limits=FREE, retry=RetryPolicy(attempts=1))


@pytest.fixture
def game(scene: Scene) -> Market:
    """A market whose taking orders are held back for three seconds."""
    (found, *_) = scene.markets(lambda x: x.seconds_delay == 3)
    return found


@pytest.fixture
def others(scene: Scene) -> list[Market]:
    found = scene.markets(lambda x: not x.seconds_delay and not x.blocks_takers)
    return [x for x in found if x.bid and D("0.2") < x.bid < D("0.7")][:2]


@pytest.fixture
def legs(game: Market, others: list[Market]) -> list[HedgeLeg]:
    """One leg that is held back, between two that are not."""
    markets = (others[0], game, others[1])
    return [HedgeLeg(x.market_id, x.outcomes[0].label) for x in markets]


def hedged(trader: Trader, legs: list[HedgeLeg], **settings: Any) -> HedgeReport:
    settings = {"dry_run": False, **settings}
    if trader.is_async:
        return asyncio.run(async_hedge(trader.exchange, legs, 60, **settings))
    return hedge(trader.exchange, legs, 60, **settings)


def when_sent(scene: Scene, nth: int, act: Callable[[], object]) -> None:
    """Let something happen once the so-manieth order was taken in."""

    def turn(_: Request, serve: Callable[[], Response]) -> Response:
        answer = serve()
        act()
        return answer

    scene.then(*([lambda _, serve: serve()] * nth), turn)


def held(scene: Scene, trader: Trader) -> dict[str, Decimal]:
    scene.advance(60)
    return {x.market_id: x.size for x in trader.fetch_positions(mark=False)}


def hold_back(scene: Scene, market: Market, seconds: int) -> None:
    listed = scene.listed(market)
    longer = attrs.evolve(listed, seconds_delay=seconds)
    scene.venue.catalog.markets[market.market_id] = longer


@pytest.mark.parametrize("on_failure", ["stop", "hold", "unwind"])
def test_fault_04_a_leg_that_is_held_back_is_waited_for(
    scene: Scene, trader: Trader, legs: list[HedgeLeg], on_failure: Any
) -> None:
    before = trader.fetch_balance().available
    report = hedged(trader, legs, on_failure=on_failure)
    assert [str(leg.state) for leg in report.legs] == ["filled"] * 3
    assert (report.is_complete, report.unresolved) == (True, ())
    # Those who keep count know that it has ended.
    assert [x for x in trader.exchange.orders if not x.is_done] == []
    assert held(scene, trader) == {x.market_id: report.size for x in report.legs}
    assert trader.fetch_balance().available == before - report.cost - report.fees


@pytest.mark.parametrize(
    ("on_failure", "states"),
    [
        ("stop", ["filled", "unfilled", "skipped"]),
        ("hold", ["filled", "unfilled", "filled"]),
        ("unwind", ["filled", "unfilled", "skipped"]),
    ],
)
def test_fault_04_a_leg_that_is_held_back_and_comes_too_late_has_failed(
    scene: Scene,
    trader: Trader,
    legs: list[HedgeLeg],
    game: Market,
    on_failure: Any,
    states: list[str],
) -> None:
    before = trader.fetch_balance().available
    when_sent(scene, 1, lambda: scene.venue.engine.deactivate(game.market_id))
    report = hedged(trader, legs, on_failure=on_failure)
    assert [str(leg.state) for leg in report.legs] == states
    assert report.unresolved == ()
    kept = {x.market_id: x.held for x in report.legs if x.held}
    assert len(kept) == {"stop": 1, "hold": 2, "unwind": 0}[on_failure]
    assert held(scene, trader) == kept
    assert trader.fetch_balance().available == before - report.cost - report.fees


def test_fault_04_a_leg_that_stays_held_back_is_unknown_after_a_while(
    scene: Scene, trader: Trader, legs: list[HedgeLeg], game: Market
) -> None:
    hold_back(scene, game, 600)
    began = scene.ground.clock.monotonic()
    report = hedged(trader, legs)
    assert 25 < scene.ground.clock.monotonic() - began < 60
    assert [str(leg.state) for leg in report.legs] == ["filled", "unknown", "skipped"]
    assert report.unresolved == (report.legs[1].client_order_id,)
    assert "UNRESOLVED" in str(report)


def test_fault_04_a_leg_that_cannot_be_read_while_it_is_held_back_is_unknown(
    scene: Scene, trader: Trader, legs: list[HedgeLeg]
) -> None:
    when_sent(
        scene, 1, lambda: trader.suffer("lost before", 9_999, reads=True, writes=False)
    )
    report = hedged(trader, legs)
    assert [str(leg.state) for leg in report.legs] == ["filled", "unknown", "skipped"]
    assert len(report.unresolved) == 1


@pytest.mark.parametrize("on_failure", ["stop", "unwind"])
def test_fault_04_a_sale_back_that_is_held_back_is_waited_for(
    scene: Scene,
    trader: Trader,
    legs: list[HedgeLeg],
    others: list[Market],
    on_failure: Any,
) -> None:
    before = trader.fetch_balance().available
    when_sent(scene, 1, lambda: scene.venue.engine.deactivate(others[1].market_id))
    report = hedged(trader, legs, on_failure=on_failure)
    assert [str(leg.state) for leg in report.legs] == ["filled", "filled", "refused"]
    is_unwound = on_failure == "unwind"
    assert [x.unwound for x in report.legs] == (
        [report.size, report.size, 0] if is_unwound else [0, 0, 0]
    )
    assert report.unresolved == ()
    kept = {x.market_id: x.held for x in report.legs if x.held}
    assert held(scene, trader) == kept
    assert trader.fetch_balance().available == before - report.cost - report.fees


def test_fault_04_a_sale_back_that_is_held_back_does_not_keep_the_others_waiting(
    scene: Scene, trader: Trader, game: Market, others: list[Market]
) -> None:
    markets = [game, *others]
    legs = [HedgeLeg(x.market_id, x.outcomes[0].label) for x in markets]
    when_sent(scene, 1, lambda: scene.venue.engine.deactivate(others[1].market_id))
    sent: list[float] = []
    mark = scene.ground.clock.monotonic
    # Two legs and one that is refused, then the sales back.
    scene.then(lambda _, serve: serve())
    for _ in range(2):
        when_sent(scene, 0, lambda: sent.append(mark()))
    report = hedged(trader, legs, on_failure="unwind")
    assert [x.unwound for x in report.legs] == [report.size, report.size, 0]
    assert sent[1] - sent[0] < 1
