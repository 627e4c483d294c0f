"""An order whose place is not answered is canceled as soon as the stream tells its id."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from unified_exchanges import Order, OrderStatus, OrderUnknown, exchange
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.strategies import Cancel, Desk, Failure

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_lanes import Doing
from .test_session import Scene, order
from .test_session import scene as scene  # noqa: PLC0414 - a fixture
from .test_told_alike import market_of, performed

CANCELED = OrderStatus.CANCELED


@pytest.mark.parametrize("is_told_first", [True, False])
def test_its_cancel_is_sent_once_its_id_is_told(
    scene: Scene, is_told_first: bool
) -> None:
    placed = scene.place()
    if is_told_first:
        scene.session.take(order(placed.key))
    scene.desk.cancel(placed.key)
    if not is_told_first:
        assert scene.session.ready() == []
        scene.session.take(order(placed.key))
    cancel = scene.sent()
    assert isinstance(cancel, Cancel)
    assert scene.session.place_of(cancel) == (placed, "A")
    assert scene.session.in_flight == 2
    scene.session.answered(cancel, order(placed.key, status=CANCELED))
    # What the late answer tells was before.
    scene.session.answered(placed, order(placed.key))
    assert scene.heard.told[-1].status == "canceled"
    assert scene.session.in_flight == 0
    assert scene.session.left() == []


def test_one_whose_answers_are_both_given_up_may_be_open(scene: Scene) -> None:
    placed = scene.place()
    scene.session.take(order(placed.key))
    scene.desk.cancel(placed.key)
    assert isinstance(scene.sent(), Cancel)
    assert scene.session.give_up() == [placed.key]
    assert [x.key for x in scene.session.left()] == [placed.key]


class Lost(Doing):
    """Cancels an order that the venue has taken, and whose answer never comes."""

    def __init__(self, at: Stage, name: str) -> None:
        super().__init__(name)
        self.at = at

    def on_start(self, desk: Desk) -> None:
        lost = Fault("stall", method="POST", path="orders?$", count=None)
        self.at.server.faults.add(lost)
        self.keys = [self.bid(desk, self.markets[0])]
        desk.timer("cancel", timedelta(seconds=0.5))

    def on_timer(self, desk: Desk, name: str) -> None:
        self.began = time.monotonic()
        desk.cancel(self.keys[0])

    def on_order(self, desk: Desk, order: Order) -> None:
        if not order.is_open:
            self.note(order)
            desk.stop()

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        assert isinstance(failure.error, OrderUnknown)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_an_order_whose_answer_never_comes_is_canceled_at_once(
    venue: str, flavour: str
) -> None:
    with stage(venue, enforce_limits=False) as at:
        strategy = Lost(at, market_of(at).market_id)
        report = performed(flavour, strategy, venue, **at.account)
        orders = open_orders(at)
    assert max(strategy.took.values()) < 2
    assert report.left_orders == ()
    assert orders == []


def open_orders(at: Stage) -> list[Order]:
    with exchange(at.venue, **at.account) as ex:
        return ex.fetch_open_orders()
