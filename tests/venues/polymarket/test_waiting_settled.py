"""Waiting until what an order filled is final: it may fail on chain until then."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import unified_exchanges as ux
from tests.venues.polymarket.scene import Scene
from tests.venues.polymarket.stream.scene import Scene as LiveScene
from tests.watching.face import DRIVERS, Face
from unified_exchanges.models import Order, OrderState, OrderStatus
from unified_exchanges.shells.aio import AsyncExchange
from unified_exchanges.shells.blocking import Exchange
from unified_exchanges.testing.conformance.ground import Trader
from unified_exchanges.venue import Venue
from unified_exchanges.venues.polymarket.venue import PolymarketVenue

D = Decimal


class Quiet(PolymarketVenue):
    """A Polymarket without a stream."""

    stream, lines = Venue.stream, Venue.lines


class _Blocking(Exchange):
    venue_type = Quiet


class _Async(AsyncExchange):
    venue_type = Quiet


class QuietScene(Scene):
    """Traders who hear of nothing that they do not read."""

    def another(self, **settings: Any) -> Trader:
        self.ground.exchange = (  # type: ignore[method-assign]
            lambda flavour, **more: (_Async if flavour == "async" else _Blocking)(
                **more
            )
        )
        return super().another(**settings)


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return QuietScene(request.param)


def buy(scene: Scene, size: int = 20) -> Order:
    order: Order = scene.trader.lift(scene.market, size)
    assert order.status is OrderStatus.CLOSED
    return order


def tracked(scene: Scene, order: Order) -> ux.TrackedOrder:
    found: ux.TrackedOrder | None
    found = scene.trader.exchange.orders.find(order_id=order.order_id)
    assert found is not None
    return found


def test_fault_30_an_order_is_waited_for_until_its_fills_are_final(
    scene: Scene,
) -> None:
    order = buy(scene)
    assert scene.trader.wait_filled(order, 60).filled == 20
    assert tracked(scene, order).pending == 20
    filled = scene.trader.wait_filled(order, 60, settled=True)
    assert (filled.status, filled.filled) == (OrderStatus.CLOSED, 20)
    (fill,) = scene.trader.fetch_fills()
    assert (fill.state, tracked(scene, order).pending) == ("final", 0)


def test_fault_30_a_fill_that_fails_is_an_error_that_names_it(scene: Scene) -> None:
    scene.venue.settler.fail()
    order = buy(scene)
    (fill,) = scene.trader.fetch_fills()
    with pytest.raises(ux.OrderNotFilled, match="20 failed to settle") as caught:
        scene.trader.wait_filled(order, 60, settled=True)
    error = caught.value
    assert fill.fill_id in str(error)
    known = error.tracked
    assert known is not None
    assert (known.state, known.filled, known.failed) == (OrderState.FILLED, 0, 20)
    assert (known.failed_fills, known.pending) == ((fill.fill_id,), 0)
    # It is known by now, so that no wait passes the order off as filled.
    with pytest.raises(ux.OrderNotFilled, match="never traded"):
        scene.trader.wait_filled(order, 60)
    assert scene.trader.wait_done(order, 0).status is OrderStatus.CLOSED


def take_in_part(scene: Scene) -> Order:
    """More than is offered at the best price: the rest is cancelled."""
    asks = scene.trader.book(scene.market).asks
    there = sum(x.size for x in asks if x.price == asks[0].price)
    size = int(there) // 1000 * 1000 + 1000  # whole cents at any price
    order: Order = scene.trader.lift(scene.market, size)
    assert (order.status, 0 < order.filled < order.size) == (OrderStatus.CANCELED, True)
    return order


@pytest.mark.parametrize("fails", [False, True], ids=["settles", "fails"])
def test_fault_30_what_filled_of_an_order_that_ended_otherwise_is_waited_for_too(
    scene: Scene, *, fails: bool
) -> None:
    if fails:
        scene.venue.settler.fail()
    order = take_in_part(scene)
    assert scene.trader.wait_done(order, 60).failed == 0
    assert tracked(scene, order).pending == order.filled
    done = scene.trader.wait_done(order, 60, settled=True)
    assert (done.status, done.failed > 0) == (OrderStatus.CANCELED, fails)
    assert tracked(scene, order).pending == 0
    assert tracked(scene, order).failed == done.failed


def test_fault_30_that_an_order_filled_in_part_is_told_once_that_part_is_final(
    scene: Scene,
) -> None:
    order = take_in_part(scene)
    with pytest.raises(ux.OrderNotFilled) as caught:
        scene.trader.wait_filled(order, 60, settled=True)
    assert caught.value.tracked is not None
    assert caught.value.tracked.pending == 0


def test_time_that_is_up_says_what_may_still_fail(scene: Scene) -> None:
    order = buy(scene)
    with pytest.raises(ux.OrderNotDone, match="20 of it may still fail") as caught:
        scene.trader.wait_filled(order, 0, settled=True)
    assert caught.value.tracked is not None
    assert caught.value.tracked.pending == 20
    assert "cancel_order" not in str(caught.value)


def test_an_order_of_an_earlier_run_is_waited_for_as_well(scene: Scene) -> None:
    order = buy(scene)
    scene.advance(60)
    scene.trader = scene.another()
    assert scene.trader.wait_filled(order.order_id, 60, settled=True).filled == 20


def test_settled_is_true_or_false(scene: Scene) -> None:
    order = buy(scene)
    with pytest.raises(ux.BadRequest, match="settled must be True or False"):
        scene.trader.wait_filled(order, 60, settled="yes")


# -- on sockets ------------------------------------------------------------------------


@pytest.fixture
def live() -> Iterator[LiveScene]:
    with LiveScene() as live:
        yield live


@pytest.fixture(params=DRIVERS)
def face(request: pytest.FixtureRequest, live: LiveScene) -> Face:
    return live.face(request.param)


def take(live: LiveScene, face: Face) -> Any:
    price = face.call("fetch_order_book", live.market, outcome="Yes").ask.price
    return face.call("create_order", live.market, "Yes", "buy", price, 20)


def test_fault_30_a_wait_beside_a_stream_ends_once_fills_are_final(
    live: LiveScene, face: Face
) -> None:
    order = take(live, face)
    filled = face.call("wait_filled", order, 15, settled=True)
    assert filled.filled == 20
    assert face.exchange.orders.find(order_id=order.order_id).pending == 0


def test_fault_30_a_wait_beside_a_stream_ends_once_a_fill_has_failed(
    live: LiveScene, face: Face
) -> None:
    live.venue.settler.fail(retrying=False)
    order = take(live, face)
    with pytest.raises(ux.OrderNotFilled, match="failed to settle"):
        face.call("wait_filled", order, 15, settled=True)
