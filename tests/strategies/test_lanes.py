"""What is slow on its way holds up nothing of another kind, nor of another exchange."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest

from unified_exchanges import (
    LimitPolicy,
    Market,
    Order,
    OrderBook,
    RetryPolicy,
    async_exchange,
    exchange,
)
from unified_exchanges.paper import Delays
from unified_exchanges.simulator.faults import Fault, StreamFault, StreamPlan
from unified_exchanges.strategies import (
    Desk,
    Failure,
    RunReport,
    Strategy,
    async_run,
    run,
)

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_interrupted import late
from .test_told_alike import market_of, performed

MANY = 20
"""More than are on their way at a time."""


class Doing(Strategy):
    """Raises what fails, and knows when something was decided."""

    def __init__(self, *names: str) -> None:
        self.markets = list(names)
        self.keys: list[str] = []
        self.began = 0.0
        self.took: dict[str, float] = {}

    def bid(self, desk: Desk, name: str, size: int = 10) -> str:
        market = desk.market(name)
        label = market.outcomes[0].label
        return desk.place(name, label, "buy", market.grid.lowest, size)

    def note(self, order: Order) -> None:
        assert order.client_order_id is not None
        self.took[order.client_order_id] = time.monotonic() - self.began

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        raise failure.error


class Unread(Doing):
    """Takes many times, of which no stream tells, and then cancels what rests, and bids."""

    def __init__(self, market: Market, at: Stage, path: str) -> None:
        super().__init__(market.market_id)
        self.at = at
        self.path = path

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.keys:
            return
        fault = Fault("delay", method="GET", path=self.path, seconds=6, count=None)
        self.at.server.faults.add(fault)
        self.keys.append(self.bid(desk, book.market_id))
        terms = (book.market_id, book.outcome, "buy", "0.8", 10)
        for _ in range(MANY):
            desk.place(*terms, time_in_force="ioc")
        # By then all are read.
        desk.timer("cancel", timedelta(seconds=2.5))

    def on_timer(self, desk: Desk, name: str) -> None:
        self.began = time.monotonic()
        desk.cancel(self.keys[0])
        self.keys.append(self.bid(desk, self.markets[0], 20))

    def on_order(self, desk: Desk, order: Order) -> None:
        if self.began and order.client_order_id in self.keys:
            self.note(order)
            if len(self.took) == len(self.keys):
                desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_fills_that_are_read_slowly_hold_up_no_cancel_nor_order(
    venue: str, flavour: str
) -> None:
    frame, path = ("fill", "/fills") if venue == "kalshi" else ("trade", "/data/trades")
    plan = StreamPlan([StreamFault("drop", frame=frame, count=None)])
    with stage(venue, plan, enforce_limits=False) as at:
        strategy = Unread(market_of(at), at, path)
        performed(flavour, strategy, venue, **at.account)
    assert len(strategy.took) == 2
    assert max(strategy.took.values()) < 2.5


class Two(Doing):
    """Bids many times on one venue, which is slow, and once on the other."""

    def on_start(self, desk: Desk) -> None:
        slow, other = [name.partition(":")[2] for name in self.markets]
        self.began = time.monotonic()
        for _ in range(MANY):
            self.bid(desk, slow)
        self.keys.append(self.bid(desk, other, 5000))

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.client_order_id in self.keys and order.is_open:
            self.note(order)
            desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_orders_that_are_slow_on_one_exchange_hold_up_none_on_another(
    flavour: str,
) -> None:
    with (
        stage("kalshi", enforce_limits=False) as slow,
        stage("polymarket", enforce_limits=False) as other,
    ):
        stages = [slow, other]
        strategy = Two(*[f"{x.venue}:{market_of(x).market_id}" for x in stages])
        slow.server.faults.add(
            Fault("delay", method="POST", path="orders", seconds=2.5, count=None)
        )
        _ran(flavour, strategy, stages)
    [took] = strategy.took.values()
    assert took < 2


def _ran(flavour: str, strategy: Strategy, stages: list[Stage]) -> RunReport:
    if flavour == "blocking":
        first, second = stages
        with (
            exchange(first.venue, **first.account) as one,
            exchange(second.venue, **second.account) as other,
        ):
            return run(strategy, one, other, seconds=30)

    async def go() -> RunReport:
        async with AsyncExitStack() as opened:
            exchanges: list[Any] = [
                await opened.enter_async_context(async_exchange(x.venue, **x.account))
                for x in stages
            ]
            return await async_run(strategy, *exchanges, seconds=30)

    return asyncio.run(go())


class Unreadable(Doing):
    """Cancels more orders at once than there are threads, of which none can be read."""

    COUNT = 280

    def __init__(self, market: Market, at: Stage, threads: int) -> None:
        super().__init__(market.market_id)
        self.at = at
        self.left = threads

    def on_start(self, desk: Desk) -> None:
        self.keys = [self.bid(desk, self.markets[0]) for _ in range(self.COUNT)]

    def on_order(self, desk: Desk, order: Order) -> None:
        if not self.began and len(desk.open_orders) == self.COUNT:
            self.at.server.faults.add(Fault("stall", method="GET", count=None))
            self.began = time.monotonic()
            for key in self.keys:
                desk.cancel(key)
            desk.timer("bid", timedelta(seconds=0.5))
        elif order.client_order_id not in self.keys:
            self.note(order)
        elif self.began and not order.is_open:
            self.left -= 1
            if not self.left:
                self.note(order)
        if len(self.took) == 2:
            desk.stop()

    def on_timer(self, desk: Desk, name: str) -> None:
        self.bid(desk, self.markets[0], 20)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_cancels_that_wait_for_room_hold_up_no_order(flavour: str) -> None:
    unlimited, retry = LimitPolicy(enabled=False), RetryPolicy(deadline=6)
    # On a loop none takes a thread, and all leave.
    threads = Unreadable.COUNT if flavour == "async" else 256
    with stage("kalshi", enforce_limits=False) as at:
        strategy = Unreadable(market_of(at), at, threads)
        how = at.account | {"limits": unlimited, "retry": retry}
        performed(flavour, strategy, "kalshi", **how)
    assert len(strategy.took) == 2
    assert max(strategy.took.values()) < 5


class Quoting(Doing):
    """Bids many times, cancels half of that at once, and leaves the rest to the end."""

    ended = 0.0

    def on_start(self, desk: Desk) -> None:
        self.keys = [self.bid(desk, self.markets[0]) for _ in range(2 * MANY)]

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.is_open and len(desk.open_orders) == 2 * MANY:
            self.began = time.monotonic()
            for key in self.keys[:MANY]:
                desk.cancel(key)
        elif not order.is_open:
            self.note(order)
            if len(self.took) == MANY:
                desk.stop()

    def on_stop(self, desk: Desk) -> None:
        self.ended = -time.monotonic()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_on_paper_all_cancels_are_under_way_at_once(flavour: str) -> None:
    with stage("kalshi", enforce_limits=False) as at:
        strategy = Quoting(market_of(at).market_id)
        paper = {**at.account, "source": "kalshi", "cash": 10_000}
        delays = Delays(order=10**9)
        report = performed(flavour, strategy, "paper", delays=delays, **paper)
        strategy.ended += time.monotonic()
    assert len(strategy.took) == len(report.left_orders) == MANY
    assert max(strategy.took.values()) < 2.8
    assert strategy.ended < 2.8


# -- cancels ---------------------------------------------------------------------------


class Clearing(Doing):
    """Rests many bids, and cancels all of them while orders cannot be read."""

    def __init__(self, market: Market, at: Stage, fault: Fault) -> None:
        super().__init__(market.market_id)
        self.at, self.fault = at, fault
        self.bids = ""

    def on_start(self, desk: Desk) -> None:
        self.keys = [self.bid(desk, self.markets[0]) for _ in range(MANY)]

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.client_order_id == self.bids:
            self.took.setdefault("bid", time.monotonic() - self.began)
        elif not order.is_open:
            self.note(order)
        elif not self.began and len(desk.open_orders) == MANY:
            self.at.server.faults.add(self.fault)
            self.began = time.monotonic()
            for key in self.keys:
                desk.cancel(key)
            self.bids = self.bid(desk, self.markets[0], 20)
        if len(self.took) == MANY + 1:
            self.at.server.faults.clear()
            desk.stop()

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        """Nobody could read what had filled before."""


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_cancel_waits_behind_no_reads_of_those_before_it(
    venue: str, flavour: str
) -> None:
    fault = Fault("stall", method="GET", path="order", count=None)
    with stage(venue, enforce_limits=False) as at:
        strategy = Clearing(market_of(at), at, fault)
        retry = RetryPolicy(deadline=4)
        performed(flavour, strategy, venue, retry=retry, **at.account)
    assert len(strategy.took) == MANY + 1
    assert max(strategy.took.values()) < 3.5


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_cancels_that_wait_for_others_hold_up_no_order(flavour: str) -> None:
    fault = Fault("delay", method="DELETE", path="order", seconds=3, count=None)
    with stage("kalshi", enforce_limits=False) as at:
        strategy = Clearing(market_of(at), at, fault)
        performed(flavour, strategy, "kalshi", **at.account)
    assert strategy.took["bid"] < 2.5


class Leaving(Doing):
    """Rests many bids, and leaves them to the end."""

    def on_start(self, desk: Desk) -> None:
        self.keys = [self.bid(desk, self.markets[0]) for _ in range(MANY)]

    def on_order(self, desk: Desk, order: Order) -> None:
        if len(desk.open_orders) == MANY:
            self.began = time.monotonic()
            desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_cancels_of_an_end_that_hang_hold_up_the_others_for_two_seconds(
    venue: str, flavour: str
) -> None:
    cancels = late(flavour, 7, "DELETE")
    with stage(venue, enforce_limits=False) as at:
        strategy = Leaving(market_of(at).market_id)
        account = {**at.account, "transport": cancels}
        report = performed(flavour, strategy, venue, **account)
        took = time.monotonic() - strategy.began
    assert len(report.left_orders) == cancels.begun == MANY
    # Not three times seven, eight at a time.
    assert took < 13
