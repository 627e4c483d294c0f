"""What was canceled before it left never leaves, nor what has waited for too long."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    LimitPolicy,
    Market,
    Order,
    OrderBook,
    RateLimitExceeded,
    RetryPolicy,
)
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.strategies import (
    Cancel,
    Desk,
    Failure,
    Strategy,
)
from unified_exchanges.strategies.lanes import SENDERS

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_replayed import replayed
from .test_replayed_trouble import live as performed
from .test_replayed_unsent import lowest_bid, number
from .test_session import Scene, order
from .test_session import scene as scene  # noqa: PLC0414 - a fixture

COUNT = 20
MANY = 28
"""More than leave in time."""


class Pulled(Strategy):
    """Places many, and cancels all of them a while later, or at once."""

    def __init__(self, market: Market, *, at_once: bool = False) -> None:
        self.market = market
        self.markets = [market.market_id]
        self.at_once = at_once
        self.keys: list[str] = []
        self.told: dict[int, list[tuple[Any, ...]]] = defaultdict(list)

    def on_start(self, desk: Desk) -> None:
        desk.timer("place", timedelta(seconds=0.2))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "end":
            desk.stop()
            return
        if name == "place":
            first, low = self.market.outcomes[0].label, self.market.grid.lowest
            self.keys = [
                desk.place(self.market.market_id, first, "buy", low, 5_000 + size)
                for size in range(COUNT)
            ]
            if not self.at_once:
                desk.timer("pull", timedelta(seconds=1.5))
                return
        for key in self.keys:
            desk.cancel(key)

    def on_order(self, desk: Desk, order: Order) -> None:
        assert order.client_order_id is not None
        said = self.told[number(order.client_order_id)]
        said.append((order.order_id, str(order.status), order.size, order.filled))
        ended = [x for x in self.told.values() if x[-1][1] == "canceled"]
        if len(ended) == COUNT:
            # What were sent all the same would be told by then.
            desk.timer("end", timedelta(seconds=1))


def slow(at: Stage, seconds: float) -> None:
    at.server.faults.add(
        Fault("delay", method="POST", path="orders?$", seconds=seconds, count=None)
    )


@pytest.mark.parametrize("at_once", [False, True], ids=["later", "at_once"])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_is_canceled_while_it_waits_for_room_is_never_sent(
    venue: str, flavour: str, at_once: bool, tmp_path: Path
) -> None:
    path = tmp_path / "pulled.jsonl"
    with stage(venue, enforce_limits=False) as at:
        slow(at, 2)
        live = Pulled(lowest_bid(at), at_once=at_once)
        real = performed(flavour, live, at, path)
    assert real.failures == real.unsent == real.left_orders == ()
    unsent = [said for said in live.told.values() if not said[0][0]]
    assert len(unsent) == COUNT - SENDERS
    assert all(
        [x[1:] for x in said] == [("canceled", said[0][2], 0)] for said in unsent
    )
    # They are told at once: nobody waits for the others.
    assert all(live.told[n + 1] in unsent for n in range(SENDERS, COUNT))
    for other in FLAVOURS:
        strategy = Pulled(live.market, at_once=at_once)
        again = replayed(other, strategy, path)
        assert again.failures == again.unsent == again.left_orders == ()
        assert strategy.told == live.told
        assert again.cash == real.cash


def test_a_change_that_has_not_left_is_no_more_once_its_order_is_to_end(
    scene: Scene,
) -> None:
    placed = scene.place()
    scene.session.answered(placed, order(placed.key))
    scene.desk.amend(placed.key, price="0.4")
    amend = scene.sent()
    scene.session.take(order(placed.key, filled=3))
    scene.desk.cancel(placed.key)
    assert scene.session.ready() == []
    assert list(scene.session.revoked().values()) == [amend]
    scene.session.taken_back(amend)
    assert isinstance(scene.sent(), Cancel)
    assert scene.session.in_flight == 1


def test_an_order_that_never_left_is_told_as_canceled_and_its_cancel_is_not_sent(
    scene: Scene,
) -> None:
    placed = scene.place()
    scene.desk.amend(placed.key, price="0.4")
    scene.desk.cancel(placed.key)
    assert scene.session.ready() == []
    [revoked] = scene.session.revoked().values()
    assert revoked is placed
    assert scene.session.revoked() == {}
    scene.session.taken_back(placed)
    assert scene.session.ready() == []
    [told] = scene.heard.told
    assert (told.order_id, told.client_order_id) == ("", placed.key)
    assert (told.status, told.filled, told.remaining) == ("canceled", 0, 0)
    assert scene.desk.order(placed.key) is told
    assert scene.session.in_flight == 0
    assert scene.session.left() == []


# -- what waits for too long -----------------------------------------------------------


class Flood(Strategy):
    """Places more at once than are sent in time, and takes what fails."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.markets = [market.market_id]
        self.told: dict[int, list[str]] = defaultdict(list)
        self.errors: list[Failure] = []

    def on_start(self, desk: Desk) -> None:
        desk.timer("place", timedelta(seconds=0.2))

    def on_timer(self, desk: Desk, name: str) -> None:
        first, low = self.market.outcomes[0].label, self.market.grid.lowest
        for size in range(MANY):
            desk.place(self.market.market_id, first, "buy", low, 5_000 + size)

    def on_order(self, desk: Desk, order: Order) -> None:
        assert order.client_order_id is not None
        self.tell(desk, order.client_order_id, str(order.status))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.errors.append(failure)
        self.tell(desk, failure.command.key, type(failure.error).__name__)

    def tell(self, desk: Desk, key: str, what: str) -> None:
        self.told[number(key)].append(what)
        if len(self.told) == MANY:
            desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_an_order_that_waited_past_its_deadline_is_not_sent(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "flood.jsonl"
    with stage(venue, enforce_limits=False) as at:
        slow(at, 1.5)
        live = Flood(lowest_bid(at))
        # Eight leave at once, and eight more each time that these are answered.
        how: dict[str, Any] = {
            "retry": RetryPolicy(order_deadline=4),
            "limits": LimitPolicy(enabled=False),
        }
        real = performed(flavour, live, at, path, **how)
    assert [n for n, said in live.told.items() if "RateLimitExceeded" in said] == [
        *range(3 * SENDERS + 1, MANY + 1)
    ]
    for failure in live.errors:
        assert isinstance(failure.error, RateLimitExceeded)
        assert not failure.error.maybe_executed
        assert "for its turn among those of this run" in str(failure.error)
        assert failure.error.client_order_id == failure.command.key
    assert len(real.left_orders) == 3 * SENDERS
    for other in FLAVOURS:
        strategy = Flood(live.market)
        again = replayed(other, strategy, path, **how)
        assert strategy.told == live.told
        assert len(again.left_orders) == 3 * SENDERS


class Thoughtful(Strategy):
    """Thinks for longer than an order may wait, and then places one."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.markets = [market.market_id]
        self.told: list[str] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            time.sleep(0.7)
            first, low = self.market.outcomes[0].label, self.market.grid.lowest
            desk.place(self.market.market_id, first, "buy", low, 5_000)

    def on_order(self, desk: Desk, order: Order) -> None:
        desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_who_takes_long_to_decide_may_place_orders(
    flavour: str, tmp_path: Path
) -> None:
    with stage("kalshi", enforce_limits=False) as at:
        retry = RetryPolicy(order_deadline=0.5)
        strategy = Thoughtful(lowest_bid(at))
        report = performed(flavour, strategy, at, tmp_path / "x.jsonl", retry=retry)
    assert report.failures == ()
    assert len(report.left_orders) == 1
