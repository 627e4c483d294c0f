"""Reads that hang after a cancel neither hold up others nor make a failure of it."""

from __future__ import annotations

import time

import attrs
import pytest

from unified_exchanges import (
    ExchangeError,
    LimitPolicy,
    Order,
    OrderStatus,
    RetryPolicy,
    UnifiedExchangesError,
)
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.strategies import Desk, Failure

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_lanes import Doing
from .test_session import Scene, order
from .test_session import scene as scene  # noqa: PLC0414 - a fixture
from .test_told_alike import market_of, performed

CANCELED = OrderStatus.CANCELED
UNREAD = "order A is cancelled, but what had filled before could not be read"


def test_a_cancel_whose_order_was_told_to_have_ended_is_no_failure(
    scene: Scene,
) -> None:
    placed = scene.place()
    scene.session.answered(placed, order(placed.key))
    scene.desk.cancel(placed.key)
    cancel = scene.sent()
    scene.session.take(order(placed.key, status=CANCELED))
    scene.session.failed(cancel, ExchangeError(UNREAD, maybe_executed=True))
    assert [x.status for x in scene.heard.told] == ["open", "canceled"]
    assert not scene.session.failures
    assert scene.session.in_flight == 0


@pytest.mark.parametrize("is_inferred", [False, True])
def test_a_cancel_is_a_failure_while_its_order_may_be_open(
    scene: Scene, is_inferred: bool
) -> None:
    placed = scene.place()
    scene.session.answered(placed, order(placed.key))
    scene.desk.cancel(placed.key)
    cancel = scene.sent()
    if is_inferred:
        ended = order(placed.key, status=CANCELED)
        scene.session.take(attrs.evolve(ended, computed=frozenset({"status"})))
    scene.session.failed(cancel, ExchangeError(UNREAD, maybe_executed=True))
    assert [x.command for x in scene.session.failures] == [cancel]


def test_a_cancel_that_was_refused_is_a_failure_as_in_a_backtest(scene: Scene) -> None:
    placed = scene.place()
    scene.session.answered(placed, order(placed.key))
    scene.desk.cancel(placed.key)
    cancel = scene.sent()
    scene.session.take(order(placed.key, status=OrderStatus.CLOSED, filled=10))
    scene.session.failed(cancel, ExchangeError("it has filled"))
    assert [x.command for x in scene.session.failures] == [cancel]


class Unread(Doing):
    """Cancels all its orders while none can be read, and has another rest to the end."""

    def __init__(self, at: Stage, name: str, count: int) -> None:
        super().__init__(name)
        self.at = at
        self.count = count
        self.failed: list[Failure] = []

    def on_start(self, desk: Desk) -> None:
        self.keys = [self.bid(desk, self.markets[0]) for _ in range(self.count)]

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.is_open and len(desk.open_orders) == self.count:
            stalled = Fault("stall", method="GET", path="order", count=None)
            self.at.server.faults.add(stalled)
            self.began = time.monotonic()
            for key in self.keys[1:]:
                desk.cancel(key)
        elif not order.is_open:
            self.note(order)
            if len(self.took) == self.count - 1:
                desk.stop()

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.failed.append(failure)


# More than a hundred: each read that hangs has a connection.
@pytest.mark.parametrize("count", [25, 130])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_reads_that_hang_hold_up_no_cancels_and_cost_no_report(
    venue: str, flavour: str, count: int
) -> None:
    retry = RetryPolicy(deadline=6, order_deadline=6)
    limits = LimitPolicy(enabled=False)
    with stage(venue, enforce_limits=False) as at:
        strategy = Unread(at, market_of(at).market_id, count)
        how = {**at.account, "retry": retry, "limits": limits}
        report = performed(flavour, strategy, venue, **how)
    assert len(strategy.took) == count - 1
    # Eight at a time, and the reads of each take six seconds.
    assert max(strategy.took.values()) < 4
    assert strategy.failed == []
    assert report.failures == ()
    [left] = report.left_orders
    assert (left.client_order_id, left.status) == (strategy.keys[0], CANCELED)


class Stuck(Doing):
    """Stops once all its orders rest, none of which can be canceled any more."""

    def __init__(self, at: Stage, name: str) -> None:
        super().__init__(name)
        self.at = at

    def on_start(self, desk: Desk) -> None:
        self.keys = [self.bid(desk, self.markets[0]) for _ in range(30)]

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.is_open and len(desk.open_orders) == len(self.keys):
            stalled = Fault("stall", method="DELETE", commits=False, count=None)
            self.at.server.faults.add(stalled)
            self.began = time.monotonic()
            desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_cancels_of_the_end_that_are_not_answered_hold_up_the_others_for_a_while(
    flavour: str,
) -> None:
    retry = RetryPolicy(deadline=6, order_deadline=6)
    limits = LimitPolicy(enabled=False)
    with stage("kalshi", enforce_limits=False) as at:
        strategy = Stuck(at, market_of(at).market_id)
        how = {**at.account, "retry": retry, "limits": limits}
        with pytest.raises(UnifiedExchangesError) as raised:
            performed(flavour, strategy, "kalshi", **how)
        took = time.monotonic() - strategy.began
    notes = [x for x in raised.value.__notes__ if "may still be open" in x]
    assert len(notes) >= len(strategy.keys) - 1
    assert not any("no cancel was sent" in x for x in notes)
    # Eight at a time, for six seconds each, would be twenty-four.
    assert took < 16
