"""A forked child trades as itself: on its own connections, with its own ids and threads."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

import unified_exchanges as ux
from tests.forking import forked, in_child
from tests.watching.face import FREE, MARKET, OTHER, Scene
from unified_exchanges import fork
from unified_exchanges.simulator.faults import Fault

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


class Trader:
    """An exchange of either flavour; the async one on a loop of this process."""

    def __init__(self, flavour: str, scene: Scene, **settings: Any) -> None:
        made = ux.exchange if flavour == "blocking" else ux.async_exchange
        self.is_async = flavour == "async"
        self.farewell = "aclose" if self.is_async else "close"
        words = {**scene.account, "limits": FREE, **settings}
        self.exchange: Any = made("kalshi", **words)
        self._runner: dict[int, asyncio.Runner] = {}

    def do(self, name: str, *arguments: Any, **words: Any) -> Any:
        def call() -> Any:
            return getattr(self.exchange, name)(*arguments, **words)

        if not self.is_async:
            return call()
        runner = self._runner.setdefault(os.getpid(), asyncio.Runner())
        return runner.run(call())

    def bid(self, key: str | None = None, market: str = MARKET) -> Any:
        return self.do(
            "create_order", market, "yes", "buy", "0.01", 1, client_order_id=key
        )

    def end(self) -> None:
        self.do(self.farewell)
        for runner in self._runner.values():
            runner.close()


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as scene:
        yield scene


@pytest.fixture(params=["blocking", "async"])
def flavour(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def make(scene: Scene, flavour: str) -> Iterator[Callable[..., Trader]]:
    made: list[Trader] = []

    def new(**settings: Any) -> Trader:
        made.append(Trader(flavour, scene, **settings))
        return made[-1]

    yield new
    for trader in made:
        trader.end()


@pytest.fixture
def trader(make: Callable[..., Trader]) -> Trader:
    return make()


def open_orders(scene: Scene) -> dict[str, str]:
    return {x.client_order_id: x.order_id for x in scene.trader.fetch_open_orders()}


@pytest.mark.parametrize("has_file", [False, True], ids=["memory", "file"])
def test_parent_and_child_are_told_of_their_own_orders(
    scene: Scene, make: Callable[..., Trader], has_file: bool, tmp_path: Path
) -> None:
    trader = make(journal=tmp_path / "orders.db" if has_file else None)
    scene.requests.add(
        Fault("delay", method="POST", path="/orders$", seconds=0.03, count=None)
    )
    told: dict[str, str] = {}

    def place(who: str, turn: int, market: str) -> dict[str, str]:
        keys = [f"{who}-{turn}-{n}" for n in range(3)]
        placed = [(key, trader.bid(key, market)) for key in keys]
        assert {(key, x.client_order_id, x.market_id) for key, x in placed} == {
            (key, key, market) for key in keys
        }
        return {key: x.order_id for key, x in placed}

    trader.bid("first")
    for turn in range(6):
        wait = forked(lambda turn=turn: place("child", turn, OTHER))  # type: ignore[misc]
        told |= place("parent", turn, MARKET)
        told |= wait()
    there = open_orders(scene)
    del there["first"]
    assert told == there
    assert len(told) == 36


def test_a_child_cancels_what_its_parent_placed_and_the_parent_what_the_child_placed(
    scene: Scene, trader: Trader
) -> None:
    mine = trader.bid("mine")
    theirs = in_child(lambda: trader.bid("theirs").order_id)
    in_child(lambda: trader.do("cancel_order", mine.order_id))
    assert open_orders(scene) == {"theirs": theirs}
    trader.do("cancel_order", theirs)
    assert open_orders(scene) == {}


def test_an_id_that_the_parent_sent_places_nothing_more_in_a_child(
    scene: Scene, trader: Trader
) -> None:
    mine = trader.bid("mine")
    assert in_child(lambda: trader.bid("mine").order_id) == mine.order_id
    assert open_orders(scene) == {"mine": mine.order_id}


@pytest.mark.parametrize("rng", [None, Random(7)], ids=["the system's", "a seeded one"])
def test_parent_and_child_draw_different_client_order_ids(
    scene: Scene, make: Callable[..., Trader], rng: Random | None
) -> None:
    trader = make(rng=rng)
    trader.bid()

    def ids() -> set[str]:
        return {trader.bid().client_order_id for _ in range(3)}

    found = [in_child(ids), in_child(ids), ids()]
    assert len(set().union(*found)) == 9
    assert len(open_orders(scene)) == 10


def test_a_child_waits_for_no_lock_of_another_thread(
    scene: Scene, make: Callable[..., Trader], tmp_path: Path
) -> None:
    trader = make(journal=tmp_path / "orders.db")
    trader.bid("first")
    locks = [x for x in list(fork._acts) if fork._acts[x] is fork.free]
    assert len(locks) > 8
    taken, go = threading.Event(), threading.Event()

    def hold() -> None:
        mine = [x for x in locks if x.acquire(timeout=5)]
        taken.set()
        go.wait()
        for x in mine:
            x.release()

    def trade() -> str:
        order = trader.bid("child")
        trader.do("cancel_order", order.order_id)
        trader.do("fetch_open_orders")
        trader.exchange.health()
        trader.do(trader.farewell)
        return str(order.client_order_id)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait()
    wait = forked(trade)
    go.set()
    holder.join()
    assert wait() == "child"


def test_a_child_trades_while_the_threads_of_its_parent_do_and_it_watches(
    scene: Scene,
) -> None:
    kalshi: Any = ux.exchange("kalshi", **scene.account, limits=FREE)
    ended = threading.Event()

    def trade(who: str) -> list[str]:
        found = []
        for n in range(4):
            order = kalshi.create_order(
                MARKET, "yes", "buy", "0.01", 1, client_order_id=f"{who}-{n}"
            )
            assert order.client_order_id == f"{who}-{n}"
            assert kalshi.cancel_order(order.order_id).order_id == order.order_id
            found.append(order.order_id)
        return found

    def read() -> None:
        while not ended.is_set():
            assert kalshi.fetch_market(OTHER).market_id == OTHER

    def child(turn: int) -> list[str]:
        found = trade(f"child{turn}")
        with pytest.raises(ux.BadRequest, match="after the fork"):
            kalshi.stream_health()
        kalshi.close()
        return found

    with kalshi, kalshi.watch_order_book(OTHER) as watch:
        watch.next(timeout=5.0)
        kalshi.start_health_checks(0.01)
        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        try:
            for turn in range(5):
                wait = forked(lambda turn=turn: child(turn))  # type: ignore[misc]
                assert len({*trade(f"parent{turn}"), *wait()}) == 8
        finally:
            ended.set()
            for reader in readers:
                reader.join()
        assert kalshi.stream_health().state == "live"


def test_a_child_has_the_health_checks_that_it_starts_itself(
    scene: Scene, flavour: str
) -> None:
    trader = Trader(flavour, scene)

    def check() -> bool:
        trader.do("start_health_checks", 0.01)
        trader.do("stop_health_checks")
        trader.do(trader.farewell)
        return bool(trader.exchange.is_healthy)

    trader.do("start_health_checks", 60)
    assert in_child(check)
    trader.do("stop_health_checks")
    trader.end()
