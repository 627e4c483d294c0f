"""Trades that fail on chain: the fill never was, and nothing opens again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venues.polymarket.scene import Scene
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import FillState, OrderStatus

D = Decimal


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


def test_a_fill_is_pending_until_the_chain_has_it(scene: Scene) -> None:
    scene.trader.lift(scene.market, 10)
    (fill,) = scene.trader.fetch_fills()
    assert fill.state is FillState.PENDING
    scene.advance(10)
    (fill,) = scene.trader.fetch_fills()
    assert fill.state is FillState.FINAL


def test_a_trade_that_fails_takes_the_position_back_and_opens_nothing(
    scene: Scene,
) -> None:
    trader = scene.trader
    cash = trader.fetch_balance().available
    scene.venue.settler.fail()
    order = trader.lift(scene.market, 10)
    assert order.status is OrderStatus.CLOSED
    held = trader.fetch_positions(market_id=scene.market.market_id)
    assert [x.size for x in held] == [10]
    scene.advance(10)
    assert trader.fetch_positions(market_id=scene.market.market_id) == []
    assert trader.fetch_balance().available == cash
    assert trader.fetch_fills() == []
    assert trader.fetch_open_orders() == []
    # What the venue says of the order does not change: it is over.
    assert not trader.fetch_order(order.order_id).is_open
    assert trader.close_position(scene.market.market_id, max_slippage="0.1") is None


def test_exposure_shrinks_once_positions_show_that_a_trade_failed(
    scene: Scene,
) -> None:
    guarded = scene.another(guards=GuardPolicy(max_exposure=D(100)))
    scene.venue.settler.fail()
    guarded.lift(scene.market, 10)
    assert guarded.exchange.exposure().total > 4
    scene.advance(60)
    guarded.fetch_positions()
    assert guarded.exchange.exposure().total == 0
