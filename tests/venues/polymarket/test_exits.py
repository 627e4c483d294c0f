"""Exits on Polymarket, on a real socket, in both flavours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import unified_exchanges as ux
from tests.canary import guarded
from unified_exchanges.execution import (
    ExitPlan,
    ExitRecord,
    ExitState,
    async_run_exit,
    run_exit,
)
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.polymarket.simulated import (
    SimulatedPolymarket,
    simulated,
)

SIZE = 10


class Scene:
    """A simulated Polymarket on a socket, and somebody who holds ten of its first market."""

    def __init__(self) -> None:
        self.sandbox = simulated()
        assert isinstance(self.sandbox.venue, SimulatedPolymarket)
        self.venue = self.sandbox.venue
        self.server = SimulatorServer(self.venue)

    @property
    def account(self) -> dict[str, Any]:
        told = self.sandbox.variables
        return guarded(
            private_key=self.sandbox.private_key,
            api_key=self.sandbox.api_key,
            secret=told["POLYMARKET_API_SECRET"],
            password=told["POLYMARKET_API_PASSPHRASE"],
            environment=self.server.url,
            options={
                "funder": told["POLYMARKET_FUNDER"],
                "signature_type": int(told["POLYMARKET_SIGNATURE_TYPE"]),
            },
            limits=LimitPolicy(enabled=False, discover=False),
        )

    def open(self) -> None:
        self.trader: Any = ux.exchange("polymarket", **self.account)
        self.market = next(m for m in self.trader.iter_markets() if m.bid and m.ask)
        self.label = self.market.outcomes[0].label
        bought = self.order("buy", self.book.ask.price)
        assert bought.filled == SIZE

    @property
    def book(self) -> Any:
        return self.trader.fetch_order_book(self.market.market_id, outcome=self.label)

    def order(self, side: str, price: Any) -> Any:
        return self.trader.create_order(
            self.market.market_id, self.label, side, price, SIZE
        )

    def plan(self) -> ExitPlan:
        """An exit that the book as it is sets off."""
        bid = self.book.bid.price
        return ExitPlan(
            name="exit",
            market_id=self.market.market_id,
            outcome=self.label,
            size=SIZE,
            stop_loss=bid,
            max_slippage=bid - self.market.grid.lowest,
        )

    def run(self, flavour: str, plan: ExitPlan, journal: Any) -> ExitRecord:
        settings = {**self.account, "journal": journal}

        async def work() -> ExitRecord:
            async with ux.async_exchange("polymarket", **settings) as made:
                return await async_run_exit(made, plan, timeout=40)

        if flavour == "async":
            return asyncio.run(work())
        with ux.exchange("polymarket", **settings) as made:
            return run_exit(made, plan, timeout=40)

    @property
    def sales(self) -> int:
        fills = self.trader.fetch_fills(market_id=self.market.market_id)
        return len({fill.order_id for fill in fills if fill.side == "sell"})


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    with made.server:
        made.open()
        with made.trader:
            yield made


def later(seconds: float, act: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


def test_it_sells_once_whoever_runs_it_again(
    scene: Scene, flavour: str, tmp_path: Any
) -> None:
    plan, journal = scene.plan(), tmp_path / "orders.db"
    record = scene.run(flavour, plan, journal)
    assert (record.state, record.filled) == (ExitState.FILLED, SIZE)
    scene.order("buy", scene.book.ask.price)
    assert scene.run(flavour, plan, journal) == record
    assert scene.sales == 1


def test_shares_that_another_order_locks_are_sold_once_it_is_cancelled(
    scene: Scene, flavour: str, tmp_path: Any
) -> None:
    resting = scene.order("sell", scene.market.grid.highest)
    later(1.5, lambda: scene.trader.cancel_order(resting.order_id))
    record = scene.run(flavour, scene.plan(), tmp_path / "orders.db")
    assert (record.state, record.size) == (ExitState.FILLED, SIZE)
    assert scene.sales == 1


def test_a_venue_that_only_cancels_is_waited_out(
    scene: Scene, flavour: str, tmp_path: Any
) -> None:
    modes = scene.venue._house.modes
    plan = scene.plan()
    modes.set("cancel_only")
    later(2, lambda: modes.set("normal"))
    record = scene.run(flavour, plan, tmp_path / "orders.db")
    assert (record.state, record.filled) == (ExitState.FILLED, SIZE)
    assert scene.sales == 1
