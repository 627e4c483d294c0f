"""Observers that act while all is halted: a halt must neither break by one nor be undone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.flavours import FLAVOURS
from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import Halted
from unified_exchanges.observer import Labels, Metric, Readings
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.conformance import Trader

FREE = LimitPolicy(enabled=False, discover=False)
ACTS = ["raises", "stops", "halts", "orders", "resumes"]


class Acting:
    """An observer that does something with whatever it is told."""

    def __init__(self) -> None:
        self.act: Callable[[], object] | None = None
        self.told = 0

    def count(self, metric: Metric, labels: Labels, amount: int) -> None:
        self.told += 1
        if self.act is not None:
            self.act()

    def record(self, metric: Metric, labels: Labels, value: float) -> None:
        self.count(metric, labels, 0)

    def follow(
        self, metric: Metric, read: Callable[[], Readings]
    ) -> Callable[[], None]:
        return lambda: None


class Scene:
    """A client with three resting orders, and its observer."""

    def __init__(self, flavour: str) -> None:
        self.observer = Acting()
        ground = KalshiGround(enforce_limits=False)
        self.client: Trader = ground.trader(
            flavour, limits=FREE, observer=self.observer
        )
        self.market = self.client.quoted_market()
        for _ in range(3):
            self.client.rest(self.market)
        self.tasks: list[asyncio.Task[Any]] = []

    def acting(self, what: str) -> Callable[[], object]:
        exchange = self.client.exchange
        terms = self.market.market_id, "yes", "buy", self.market.grid.lowest, 1

        def fail() -> None:
            raise RuntimeError("the observer is broken")

        return {
            "raises": fail,
            "stops": lambda: exchange.stop_new_orders("observed"),
            "halts": self.soon(lambda: exchange.halt("observed")),
            "orders": self.soon(lambda: exchange.create_order(*terms)),
            "resumes": self.soon(lambda: exchange.resume("")),
        }[what]

    def soon(self, act: Callable[[], Any]) -> Callable[[], object]:
        """At once, or in a task of its own, which is all that a callback can do."""
        if not self.client.is_async:
            return act
        return lambda: self.tasks.append(asyncio.ensure_future(act()))

    def halt(self) -> Any:
        return self.run(lambda: self.client.exchange.halt("mine"))

    def run(self, act: Callable[[], Any]) -> Any:
        """Do something, and see what the observer has begun end."""
        if not self.client.is_async:
            return act()

        async def whole() -> Any:
            done = await act()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            self.tasks.clear()
            return done

        return self.client.do(whole)

    @property
    def creates(self) -> int:
        return len([x for x in self.client.writes if x.method == "POST"])


@pytest.fixture(params=FLAVOURS)
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.mark.parametrize("what", ACTS)
def test_fault_24_an_observer_that_acts_while_all_is_halted_breaks_nothing(
    scene: Scene, what: str
) -> None:
    before = scene.creates
    scene.observer.act = scene.acting(what)
    report = scene.halt()
    scene.observer.act = None
    assert (report.is_complete, report.reason) == (True, "mine")
    assert len(report.canceled) == 3
    assert scene.client.fetch_open_orders() == []
    assert scene.client.exchange.halted.reason == "mine"
    with pytest.raises(Halted):
        scene.client.rest(scene.market)
    assert scene.creates == before


@pytest.mark.parametrize("what", ["raises", "stops", "halts"])
def test_fault_24_an_observer_that_acts_after_a_halt_breaks_no_other(
    scene: Scene, what: str
) -> None:
    assert scene.halt().is_complete
    scene.observer.act = scene.acting(what)
    again = scene.halt()
    assert (again.is_complete, again.reason) == (True, "mine")
    assert scene.client.fetch_open_orders() == []


@pytest.mark.parametrize("what", ["stops", "halts"])
def test_fault_24_an_observer_may_halt_when_an_order_is_answered(
    scene: Scene, what: str
) -> None:
    scene.observer.act = scene.acting(what)
    exchange, market = scene.client.exchange, scene.market
    terms = market.market_id, "yes", "buy", market.grid.lowest, 1
    scene.run(lambda: exchange.create_order(*terms))
    scene.observer.act = None
    assert exchange.halted.reason == "observed"
    report = scene.halt()
    assert (report.is_complete, report.under_way) == (True, ())
    assert scene.client.fetch_open_orders() == []
    assert not scene.client.exchange.orders.open


def test_what_an_observer_does_itself_is_not_told_to_it(scene: Scene) -> None:
    exchange = scene.client.exchange
    scene.observer.act = scene.soon(exchange.fetch_balance)
    before = scene.observer.told
    scene.run(exchange.fetch_balance)
    told = scene.observer.told - before
    scene.observer.act = None
    before = scene.observer.told
    scene.client.do(exchange.fetch_balance)
    assert told == scene.observer.told - before
