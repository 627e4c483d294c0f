"""Orders that the venue does not tell by their id: alive until evidence says otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.polymarket.scene import Scene, answer, lost, unheard
from tests.venues.polymarket.test_waiting_settled import QuietScene
from unified_exchanges.errors import (
    GuardTripped,
    OrderNotDone,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import Order, OrderState, OrderStatus
from unified_exchanges.strategies.session import is_old

D = Decimal
GRACE = 30
"""Seconds of `RetryPolicy.order_grace`."""
MISSING = Response(404, {}, b'{"error":"order not found"}')
NULL = Response(200, {}, b"null")
EMPTY = Response(200, {}, b'{"data":[],"next_cursor":"LTE="}')


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


def untold(
    scene: Scene, told: Response = MISSING, count: int = 100_000, *, listed: bool = True
) -> Callable[[], None]:
    """The next reads by an id find nothing, nor does the list unless ``listed``."""
    venue = scene.ground.venue
    serve, left = venue.handle, [count]

    def handle(request: Request) -> Response:
        if "/data/order/" in request.url and left[0]:
            left[0] -= 1
            return told
        if request.url.endswith("/data/orders") and not listed:
            return EMPTY
        return serve(request)

    def relieve() -> None:
        venue.handle = serve  # type: ignore[method-assign]

    venue.handle = handle  # type: ignore[method-assign]
    return relieve


def only_open(scene: Scene) -> None:
    """The venue tells of open orders only, as in 2026-07."""
    venue = scene.ground.venue
    serve = venue.handle

    def handle(request: Request) -> Response:
        response = serve(request)
        is_one = "/data/order/" in request.url
        return MISSING if is_one and b'"LIVE"' not in response.body else response

    venue.handle = handle  # type: ignore[method-assign]


def at_risk(scene: Scene) -> Decimal:
    found: Decimal = scene.trader.exchange.exposure().orders
    return found


def tracked(scene: Scene, order: Order) -> Any:
    return scene.trader.exchange.orders.find(order_id=order.order_id)


def deletes(scene: Scene) -> int:
    return len([x for x in scene.trader.writes if x.method == "DELETE"])


# -- while it may live -----------------------------------------------------------------


@pytest.mark.parametrize("told", [MISSING, NULL], ids=["404", "null"])
@pytest.mark.parametrize("listed", [True, False])
def test_fault_27_one_not_found_ends_no_order_and_frees_no_money(
    scene: Scene, told: Response, *, listed: bool
) -> None:
    order = scene.trader.rest(scene.market, 100)
    before = at_risk(scene)
    assert before == order.price * 100
    scene.advance(60)
    relieve = untold(scene, told, listed=listed)
    found = scene.trader.fetch_order(order.order_id)
    assert (found.status, found.remaining) == (OrderStatus.OPEN, 100)
    # The list tells it as well as the venue tells anything.
    assert found.is_inferred is not listed
    assert tracked(scene, order).state is OrderState.OPEN
    assert at_risk(scene) == before
    relieve()
    assert not scene.trader.fetch_order(order.order_id).is_inferred


def test_fault_27_guards_go_on_counting_an_order_that_was_not_found(
    scene: Scene,
) -> None:
    cost = scene.market.grid.lowest * 100
    cap = GuardPolicy(max_exposure=cost * D("1.5"))
    trader = scene.trader = scene.another(guards=cap)
    order = trader.rest(scene.market, 100)
    assert order.price * 100 == cost
    untold(scene, listed=False)
    trader.fetch_order(order.order_id)
    with pytest.raises(GuardTripped):
        trader.rest(scene.market, 100)


@pytest.mark.parametrize("listed", [True, False])
def test_fault_27_an_order_that_was_not_found_is_cancelled_all_the_same(
    scene: Scene, *, listed: bool
) -> None:
    orders = [scene.trader.rest(scene.market) for _ in range(2)]
    relieve = untold(scene, listed=listed)
    for order in orders:
        scene.trader.fetch_order(order.order_id)
    relieve()
    first, second = orders
    assert scene.trader.cancel_order(first.order_id).status is OrderStatus.CANCELED
    (result,) = scene.trader.cancel_orders([second.order_id])
    assert result.order.status is OrderStatus.CANCELED
    assert deletes(scene) == 2
    assert scene.another().fetch_open_orders() == []


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("turn", ["lost", "not_found", "absent"])
def test_fault_19_a_cancel_that_did_nothing_and_a_not_found_leave_it_counting(
    scene: Scene, turn: str, *, several: bool
) -> None:
    order = scene.trader.rest(scene.market, 100)
    before = at_risk(scene)
    refused = {"canceled": [], "not_canceled": {order.order_id: "order not found"}}
    turns = {
        "lost": unheard,
        "not_found": answer(200, refused),
        "absent": answer(404, {"error": "order not found"}),
    }
    scene.always(turns[turn])
    untold(scene, listed=False)
    if several:
        (result,) = scene.trader.cancel_orders([order.order_id])
        error = result.error
    else:
        with pytest.raises(UnifiedExchangesError) as caught:
            scene.trader.cancel_order(order.order_id)
        error = caught.value
    assert "counts" in str(error)
    assert at_risk(scene) == before
    assert tracked(scene, order).state in (
        OrderState.OPEN,
        OrderState.CANCEL_PENDING,
    )


def test_fault_19_a_not_found_does_not_settle_a_cancel_that_was_lost(
    scene: Scene,
) -> None:
    order = scene.trader.rest(scene.market)
    scene.always(unheard)
    with pytest.raises(UnifiedExchangesError):
        scene.trader.cancel_order(order.order_id)
    relieve = untold(scene, listed=False)
    scene.advance(GRACE - 5)
    scene.trader.fetch_order(order.order_id)
    assert tracked(scene, order).state is OrderState.CANCEL_PENDING
    relieve()
    scene.trader.fetch_order(order.order_id)
    assert tracked(scene, order).state is OrderState.OPEN


def test_fault_27_an_order_that_a_delay_holds_is_not_ended_by_a_not_found(
    scene: Scene,
) -> None:
    (market, *_) = scene.markets(lambda x: bool(x.seconds_delay))
    order = scene.trader.lift(market, 10, outcome=market.outcomes[0].label)
    assert order.raw["status"] == "delayed"
    relieve = untold(scene)
    assert scene.trader.fetch_order(order.order_id).is_open
    relieve()
    scene.advance(15)
    found = scene.trader.fetch_order(order.order_id)
    assert (found.status, found.filled) == (OrderStatus.CLOSED, 10)


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_fault_27_nobody_who_waits_is_told_that_it_is_done(flavour: str) -> None:
    scene = QuietScene(flavour)
    order = scene.trader.rest(scene.market)
    untold(scene, listed=False)
    with pytest.raises(OrderNotDone):
        scene.trader.wait_done(order, timeout=5.0)


# -- when it has ended, as far as can be told ------------------------------------------


def unseen(scene: Scene, order: Order) -> Order:
    """An order that lives, and that nothing shows for as long as it takes to believe it."""
    relieve = untold(scene, listed=False)
    assert scene.trader.fetch_order(order.order_id).is_open
    scene.advance(GRACE - 1)
    assert scene.trader.fetch_order(order.order_id).is_open
    scene.advance(1)
    found: Order = scene.trader.fetch_order(order.order_id)
    relieve()
    return found


def test_what_no_look_shows_for_long_has_ended_and_frees_its_money(
    scene: Scene,
) -> None:
    order = scene.trader.rest(scene.market, 100)
    found = unseen(scene, order)
    assert (found.status, found.remaining) == (OrderStatus.CANCELED, 0)
    assert found.is_inferred
    assert tracked(scene, order).state is OrderState.CANCELED
    assert at_risk(scene) == 0


def test_a_sight_in_between_begins_the_time_anew(scene: Scene) -> None:
    order = scene.trader.rest(scene.market)
    relieve = untold(scene, listed=False)
    scene.trader.fetch_order(order.order_id)
    scene.advance(GRACE - 1)
    relieve()
    scene.trader.fetch_open_orders()
    untold(scene, listed=False)
    scene.advance(2)
    assert scene.trader.fetch_order(order.order_id).is_open


@pytest.mark.parametrize("by", ["list", "id", "stream"])
def test_fault_27_an_order_that_shows_again_counts_again(scene: Scene, by: str) -> None:
    order = scene.trader.rest(scene.market, 100)
    before = at_risk(scene)
    unseen(scene, order)
    assert at_risk(scene) == 0
    if by == "list":
        assert len(scene.trader.fetch_open_orders()) == 1
    elif by == "id":
        assert scene.trader.fetch_order(order.order_id).is_open
    else:
        scene.trader.exchange._calls.tracker.hear_order(order)
    assert tracked(scene, order).state is OrderState.OPEN
    assert at_risk(scene) == before
    assert scene.trader.cancel_order(order.order_id).status is OrderStatus.CANCELED
    assert (deletes(scene), at_risk(scene)) == (1, 0)
    # This end was told, and nothing takes it back.
    scene.trader.exchange._calls.tracker.hear_order(order)
    assert at_risk(scene) == 0


def test_fault_19_an_end_that_was_inferred_keeps_no_cancel_from_being_sent(
    scene: Scene,
) -> None:
    orders = [scene.trader.rest(scene.market) for _ in range(2)]
    for order in orders:
        unseen(scene, order)
    first, second = orders
    assert not scene.trader.cancel_order(first.order_id).is_inferred
    (result,) = scene.trader.cancel_orders([second.order_id])
    assert not result.order.is_inferred
    assert deletes(scene) == 2
    assert scene.another().fetch_open_orders() == []


def test_fault_17_a_venue_that_tells_open_orders_only_is_believed_where_it_cancels(
    scene: Scene,
) -> None:
    first, second, third, fourth = (scene.trader.rest(scene.market) for _ in range(4))
    only_open(scene)
    assert scene.trader.cancel_order(first.order_id).status is OrderStatus.CANCELED
    (result,) = scene.trader.cancel_orders([second.order_id])
    assert result.order.status is OrderStatus.CANCELED
    report = scene.trader.cancel_all_orders()
    assert report.is_complete
    assert {x.order_id for x in report.canceled} == {third.order_id, fourth.order_id}
    assert at_risk(scene) == 0


def test_a_strategy_hears_of_an_order_that_shows_again(scene: Scene) -> None:
    order = scene.trader.rest(scene.market)
    ended = unseen(scene, order)
    shown = scene.trader.fetch_order(order.order_id)
    assert not is_old(ended, shown)
    assert is_old(shown, shown)
    done = scene.trader.cancel_order(order.order_id)
    assert not is_old(ended, done)
    assert is_old(done, shown)


# -- what is told by its fills only ----------------------------------------------------


@pytest.mark.parametrize("lasting", ["gtc", "ioc"])
def test_fault_13_a_part_that_filled_ends_no_order(scene: Scene, lasting: str) -> None:
    best = scene.trader.book(scene.market).ask
    assert best is not None
    untold(scene, listed=False)
    scene.then(lost)
    order = scene.trader.lift(
        scene.market, best.size + 105, price=best.price, time_in_force=lasting
    )
    assert (order.status, order.filled) == (OrderStatus.OPEN, best.size)
    assert order.average_price == best.price
    assert order.is_inferred
    assert at_risk(scene) == 105 * best.price
    scene.advance(GRACE)
    found = scene.trader.fetch_order(order.order_id)
    assert (found.status, found.filled) == (OrderStatus.CANCELED, best.size)
    assert at_risk(scene) == 0


def parted(scene: Scene, share: Decimal = D("0.25")) -> Callable[[], None]:
    """The trades tell part of a match only, and no order is told."""
    relieve = untold(scene, NULL)
    venue = scene.ground.venue
    serve = venue.handle

    def handle(request: Request) -> Response:
        response = serve(request)
        if not request.url.endswith("/data/trades"):
            return response
        told = json.loads(response.body)
        for row in told["data"][:1]:
            row["size"] = str(D(row["size"]) * share)
        told["data"] = told["data"][:1]
        return Response(200, {}, json.dumps(told).encode())

    venue.handle = handle  # type: ignore[method-assign]
    return relieve


@pytest.mark.parametrize("lasting", ["fok", "ioc"])
def test_fault_13_one_part_of_a_match_that_was_told_frees_nothing_of_the_others(
    scene: Scene, lasting: str
) -> None:
    best = scene.trader.book(scene.market).ask
    assert best is not None
    size = best.size // 10 * 10  # in whole cents
    cap = GuardPolicy(max_exposure=size * best.price * D("1.5"))
    scene.trader = scene.another(guards=cap)
    relieve = parted(scene)
    scene.then(lost)
    buy = {"price": best.price, "time_in_force": lasting}
    order = scene.trader.lift(scene.market, size, **buy)
    assert order.is_inferred
    assert order.filled + order.remaining == size
    # Fill or kill is whole if it is anything; what else takes at once may be.
    expected = OrderStatus.CLOSED if lasting == "fok" else OrderStatus.OPEN
    assert order.status is expected
    assert (order.average_price is None) is (lasting == "fok")
    exposure = scene.trader.exchange.exposure()
    assert exposure.orders + exposure.positions == size * best.price
    with pytest.raises(GuardTripped):
        scene.trader.lift(scene.market, size, **buy)
    # It is asked again, and one part is still no proof.
    again = scene.trader.fetch_order(order.order_id)
    assert (again.status, again.is_inferred) == (expected, True)
    assert again.filled + again.remaining == size
    relieve()
    found = scene.trader.fetch_order(order.order_id)
    assert (found.status, found.filled) == (OrderStatus.CLOSED, size)
    assert not found.is_inferred
    held = scene.venue.tokens(scene.wallet, scene.listed().tokens[0])
    assert held == size
