"""What a recorded run had decided and not sent when it ended is not sent over it either."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    GuardPolicy,
    LimitPolicy,
    Market,
    NotRecorded,
    Order,
    async_exchange,
    exchange,
)
from unified_exchanges.recording import Recorder
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.strategies import (
    Command,
    Desk,
    Failure,
    RunReport,
    Strategy,
    async_run,
    run,
)

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_replayed import replayed

SECONDS = 1.2
"""After which each run ends."""


class Many(Strategy):
    """Places many orders at once half a second after it began, and remembers what it hears."""

    def __init__(self, market: Market, count: int) -> None:
        self.market = market
        self.markets = [market.market_id]
        self.count = count
        self.said: dict[int, list[Any]] = defaultdict(list)

    def on_start(self, desk: Desk) -> None:
        desk.timer("place", timedelta(seconds=0.5))

    def on_timer(self, desk: Desk, name: str) -> None:
        for size in range(self.count):
            self.place(desk, 5_000 + size)

    def place(self, desk: Desk, size: int) -> str:
        first, low = self.market.outcomes[0].label, self.market.grid.lowest
        return desk.place(self.market.market_id, first, "buy", low, size)

    def on_order(self, desk: Desk, order: Order) -> None:
        key = number(order.client_order_id or "")
        self.said[key].append((order.order_id, order.status, order.size))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        error = type(failure.error)
        self.said[number(failure.command.key)].append((type(failure.command), error))


class Leaving(Many):
    """Cancels all of them at once, right before the run ends."""

    def on_start(self, desk: Desk) -> None:
        self.keys = [self.place(desk, 5_000 + size) for size in range(self.count)]
        desk.timer("cancel", timedelta(seconds=1))

    def on_timer(self, desk: Desk, name: str) -> None:
        for key in self.keys:
            desk.cancel(key)


def number(key: str) -> int:
    """Which order of its run it is: the rest of a key is drawn by lot."""
    return int(key.rpartition("-")[2])


def named(commands: Iterable[Command]) -> list[tuple[str, int]]:
    return [(type(x).__name__, number(x.key)) for x in commands]


def recorded(
    flavour: str, strategy: Strategy, at: Stage, path: Path, **how: Any
) -> RunReport:
    how |= at.account
    if flavour == "blocking":
        with exchange(at.venue, **how) as ex, Recorder(ex, path):
            return run(strategy, ex, seconds=SECONDS)

    async def go() -> RunReport:
        async with async_exchange(at.venue, **how) as ex:
            with Recorder(ex, path):
                return await async_run(strategy, ex, seconds=SECONDS)

    return asyncio.run(go())


def lowest_bid(at: Stage) -> Market:
    with exchange(at.venue, **at.account) as ex:
        return next(m for m in ex.fetch_markets() if m.bid and m.bid > m.grid.lowest)


def assert_same(again: RunReport, real: RunReport) -> None:
    assert again.failures == real.failures == ()
    assert named(again.unsent) == named(real.unsent)
    assert named(again.decisions) == named(real.decisions)
    assert {(x.order_id, x.status) for x in again.left_orders} == {
        (x.order_id, x.status) for x in real.left_orders
    }
    assert again.cash == real.cash


@pytest.mark.parametrize("slow", [0, 0.4], ids=["at_its_rate", "slow"])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_orders_that_were_not_begun_when_the_run_ended_are_not_sent_over_it(
    venue: str, flavour: str, slow: float, tmp_path: Path
) -> None:
    path = tmp_path / "many.jsonl"
    with stage(venue, enforce_limits=False) as at:
        if slow:
            at.server.faults.add(
                Fault("delay", method="POST", path="orders?$", seconds=slow, count=None)
            )
        live = Many(lowest_bid(at), 40)
        real = recorded(flavour, live, at, path)
        while len(real.unsent) > 32:
            # The machine stood still where eight leave at once: no recording tells that.
            path = path.with_stem(path.stem + "-again")
            live = Many(live.market, 40)
            real = recorded(flavour, live, at, path)
    if slow or venue == "kalshi":
        assert 10 < len(real.unsent) <= 32
    for other in FLAVOURS:
        strategy = Many(live.market, 40)
        again = replayed(other, strategy, path, seconds=SECONDS)
        assert_same(again, real)
        assert strategy.said == live.said


def said_end(failure: Failure) -> float:
    """With which ``seconds`` the run that was recorded seems to have ended."""
    assert isinstance(failure.error, NotRecorded)
    found = re.search(r"run\(…, seconds=(\d\.\d{3})\)", str(failure.error))
    assert found is not None, failure.error
    return float(found[1])


@pytest.mark.parametrize("slow", [0.4, 1])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_who_does_not_say_when_the_run_ended_is_told_what_to_say(
    venue: str, flavour: str, slow: float, tmp_path: Path
) -> None:
    """Else nothing tells that they were not sent from that they were not decided."""
    path = tmp_path / "untold.jsonl"
    with stage(venue, enforce_limits=False) as at:
        at.server.faults.add(
            Fault("delay", method="POST", path="orders?$", seconds=slow, count=None)
        )
        live = Many(lowest_bid(at), 40)
        real = recorded(flavour, live, at, path)
    assert len(real.unsent) > 10
    for other in FLAVOURS:
        failed = replayed(other, Many(live.market, 40), path).failures
        assert named(x.command for x in failed) == named(real.unsent)
        for failure in (failed[0], failed[-1]):
            strategy = Many(live.market, 40)
            again = replayed(other, strategy, path, seconds=said_end(failure))
            assert_same(again, real)
            assert strategy.said == live.said


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_orders_that_wait_for_the_limiter_when_the_run_ends_are_sent_as_they_were(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "limited.jsonl"
    with stage("kalshi", enforce_limits=False) as at:
        live = Many(lowest_bid(at), 40)
        real = recorded(flavour, live, at, path)
    assert 10 < len(real.unsent) < 30
    for other in FLAVOURS:
        strategy = Many(live.market, 40)
        # By default nothing waits for it in a replay.
        limits = LimitPolicy()
        again = replayed(other, strategy, path, seconds=SECONDS, limits=limits)
        assert_same(again, real)
        assert strategy.said == live.said


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_cancels_that_were_not_begun_when_the_run_ended_are_those_of_its_end(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "leaving.jsonl"
    with stage(venue, enforce_limits=False) as at:
        at.server.faults.add(
            Fault("delay", method="DELETE", path="order", seconds=0.4, count=None)
        )
        live = Leaving(lowest_bid(at), 12)
        real = recorded(flavour, live, at, path)
    assert [x for x, _ in named(real.unsent)] == ["Cancel"] * 4
    assert len(real.left_orders) == 4
    for other in FLAVOURS:
        strategy = Leaving(live.market, 12)
        again = replayed(other, strategy, path, seconds=SECONDS)
        assert_same(again, real)
        assert strategy.said == live.said


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_orders_that_waited_for_their_turn_when_the_run_ended_are_not_sent_over_it(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "turn.jsonl"
    # Each order has the account read first: the first does, and the others wait for it.
    guards = GuardPolicy(max_exposure=Decimal(1_000_000), account_age=0.05)
    with stage(venue, enforce_limits=False) as at:
        live = Many(lowest_bid(at), 6)
        with exchange(at.venue, **at.account) as ex:
            ex.fetch_positions()
        slow = Fault("delay", method="GET", path="positions", seconds=1, count=None)
        at.server.faults.add(slow)
        real = recorded(flavour, live, at, path, guards=guards)
    assert len(real.unsent) == 6
    for other in FLAVOURS:
        strategy = Many(live.market, 6)
        again = replayed(other, strategy, path, seconds=SECONDS, guards=guards)
        assert_same(again, real)
        assert strategy.said == live.said


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_orders_that_had_just_begun_when_the_run_ended_are_on_their_way_over_it(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "just.jsonl"
    with stage(venue, enforce_limits=False) as at:
        slow = Fault("delay", method="POST", path="orders?$", seconds=0.2, count=None)
        at.server.faults.add(slow)
        live = Many(lowest_bid(at), 10)
        real = recorded(flavour, live, at, path)
    assert len(real.left_orders) == 10
    for other in FLAVOURS:
        # Two are sent once the eight before them are answered, which is later than this.
        again = replayed(other, Many(live.market, 10), path, seconds=0.6)
        assert_same(again, real)
        assert again.unsent == ()


class Stopping(Many):
    """Stops so many seconds after its first order is told."""

    def __init__(self, market: Market, count: int, after: float) -> None:
        super().__init__(market, count)
        self.after: float | None = after

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "stop":
            desk.stop()
        else:
            super().on_timer(desk, name)

    def on_order(self, desk: Desk, order: Order) -> None:
        super().on_order(desk, order)
        if self.after is not None:
            desk.timer("stop", timedelta(seconds=self.after))
            self.after = None


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_would_have_begun_right_before_the_end_was_not_sent(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "right_before.jsonl"
    with stage(venue, enforce_limits=False) as at:
        slow = Fault("delay", method="POST", path="orders?$", seconds=1, count=None)
        at.server.faults.add(slow)
        live = Many(lowest_bid(at), 20)
        real = recorded(flavour, live, at, path)
    assert len(real.unsent) == 12
    for other in FLAVOURS:
        # The first are answered, so that others have room, 5 ms before this one ends; the
        # recording itself may end 20 ms after that.
        strategy = Stopping(live.market, 20, 0.005)
        again = replayed(other, strategy, path)
        assert again.failures == ()
        assert named(again.unsent) == named(real.unsent)
        # It goes on until the recording ends, which tells of no end before.
        again = replayed(other, Stopping(live.market, 20, 60), path)
        assert [type(x.error) for x in again.failures] == [NotRecorded] * 12
        assert again.unsent == ()


class Twice(Strategy):
    """Places an order after half a second and another half a second later."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.markets = [market.market_id]

    def on_start(self, desk: Desk) -> None:
        for size, seconds in ((5_000, 0.5), (5_001, 1.5)):
            desk.timer(str(size), timedelta(seconds=seconds))

    def on_timer(self, desk: Desk, name: str) -> None:
        first, low = self.market.outcomes[0].label, self.market.grid.lowest
        desk.place(self.market.market_id, first, "buy", low, int(name))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_is_decided_right_before_the_end_and_was_not_sent_is_unsent(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "twice.jsonl"
    with stage(venue, enforce_limits=False) as at:
        # The end takes a second, so that the recording lasts for longer.
        slow = Fault("delay", method="DELETE", path="order", seconds=1, count=None)
        at.server.faults.add(slow)
        market = lowest_bid(at)
        real = recorded(flavour, Twice(market), at, path)
    assert len(real.decisions) == 1
    for other in FLAVOURS:
        again = replayed(other, Twice(market), path, seconds=1.52)
        assert again.failures == ()
        assert named(again.unsent) == [("Place", 2)]
        with pytest.raises(NotRecorded, match="was not asked for at this moment"):
            replayed(other, Twice(market), path, seconds=1.7)
