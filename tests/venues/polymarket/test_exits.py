"""Exits on Polymarket, on a real socket, in both flavours."""

from __future__ import annotations

import asyncio
import threading
import time
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
from unified_exchanges.simulator.faults import Fault
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
        self.venue.settings.mined, self.venue.settings.confirmed = 0.1, 0.3
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

    def run(
        self, flavour: str, plan: ExitPlan, journal: Any, timeout: float = 40
    ) -> ExitRecord:
        settings = {**self.account, "journal": journal}

        async def work() -> ExitRecord:
            async with ux.async_exchange("polymarket", **settings) as made:
                return await async_run_exit(made, plan, timeout=timeout)

        if flavour == "async":
            return asyncio.run(work())
        with ux.exchange("polymarket", **settings) as made:
            return run_exit(made, plan, timeout=timeout)

    def settle(self) -> None:
        """Wait until what was bought is final: another trade is to fail."""
        end = time.monotonic() + 20
        while {fill.state for fill in self.trader.fetch_fills()} != {"final"}:
            assert time.monotonic() < end
            time.sleep(0.02)

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


@pytest.mark.parametrize("retrying", [True, False])
def test_fault_30_a_sale_that_fails_on_chain_is_sold_again(
    scene: Scene, flavour: str, tmp_path: Any, *, retrying: bool
) -> None:
    scene.settle()
    with scene.server.lock:
        scene.venue.settler.fail(retrying=retrying)
    record = scene.run(flavour, scene.plan(), tmp_path / "orders.db")
    found = record.state, record.filled, record.remaining, record.attempt
    assert found == (ExitState.FILLED, SIZE, 0, 1)
    assert "sales of 1 of its orders failed on chain" in str(record)
    assert scene.trader.fetch_positions(market_id=scene.market.market_id) == []
    # Neither is one that failed listed as a sale, nor was one made that is too many.
    assert scene.sales == 1


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["shown", "forgotten"])
def test_fault_30_what_failed_on_chain_is_sold_again_after_a_restart(
    scene: Scene, flavour: str, tmp_path: Any, *, is_forgotten: bool
) -> None:
    scene.settle()
    plan, journal = scene.plan(), tmp_path / "orders.db"
    with scene.server.lock:
        scene.venue.settings.mined = scene.venue.settings.confirmed = 3.0
        scene.venue.settler.fail(retrying=False)
    record = scene.run(flavour, plan, journal, timeout=1)
    assert (record.state, record.is_over) == (ExitState.SETTLING, False)
    assert "10 sold, which is not final yet" in str(record)
    with scene.server.lock:
        scene.venue.settings.mined = scene.venue.settings.confirmed = 0.3
    if is_forgotten:
        # Of an order that has ended nothing is shown any more, by its id.
        scene.server.faults.add(
            Fault(
                "answer", path=f"/data/order/{record.order_id}", status=404, count=None
            )
        )
    again = scene.run(flavour, plan, journal)
    assert (again.state, again.filled, again.attempt) == (ExitState.FILLED, SIZE, 1)
    assert scene.trader.fetch_positions(market_id=scene.market.market_id) == []
    assert scene.run(flavour, plan, journal) == again


def test_fault_30_a_sale_is_over_once_it_is_final(
    scene: Scene, flavour: str, tmp_path: Any
) -> None:
    plan, journal = scene.plan(), tmp_path / "orders.db"
    with scene.server.lock:
        scene.venue.settings.mined, scene.venue.settings.confirmed = 1.0, 2.0
    record = scene.run(flavour, plan, journal)
    (sale,) = [
        fill
        for fill in scene.trader.fetch_fills(market_id=scene.market.market_id)
        if fill.side == "sell"
    ]
    assert (record.state, sale.state) == (ExitState.FILLED, ux.FillState.FINAL)
