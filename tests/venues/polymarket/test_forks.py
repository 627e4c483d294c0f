"""A forked child trades on Polymarket as itself: with its own salts, locks and sockets."""

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
from tests.canary import guarded
from tests.forking import forked, in_child
from unified_exchanges import fork
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.sandbox import Sandbox
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.polymarket.simulated import simulated

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

SLUG = "will-the-fed-cut-rates-in-december"


class Trader:
    """An exchange of either flavour; the async one on a loop of this process."""

    def __init__(self, flavour: str, box: Sandbox, url: str, **settings: Any) -> None:
        made = ux.exchange if flavour == "blocking" else ux.async_exchange
        self.is_async = flavour == "async"
        self.farewell = "aclose" if self.is_async else "close"
        self.market = box.venue.catalog.find(SLUG).condition_id  # type: ignore[attr-defined]
        names = box.variables
        words = guarded(
            private_key=box.private_key,
            api_key=box.api_key,
            secret=names["POLYMARKET_API_SECRET"],
            password=names["POLYMARKET_API_PASSPHRASE"],
            environment=url,
            limits=LimitPolicy(enabled=False, discover=False),
            options={
                "funder": names["POLYMARKET_FUNDER"],
                "signature_type": int(names["POLYMARKET_SIGNATURE_TYPE"]),
            },
            **settings,
        )
        self.exchange: Any = made("polymarket", **words)
        self._runner: dict[int, asyncio.Runner] = {}

    def do(self, name: str, *arguments: Any, **words: Any) -> Any:
        def call() -> Any:
            return getattr(self.exchange, name)(*arguments, **words)

        if not self.is_async:
            return call()
        runner = self._runner.setdefault(os.getpid(), asyncio.Runner())
        return runner.run(call())

    def bid(self, key: str | None = None) -> Any:
        return self.do(
            "create_order", self.market, "yes", "buy", "0.01", 5, client_order_id=key
        )

    def end(self) -> None:
        self.do(self.farewell)
        for runner in self._runner.values():
            runner.close()


@pytest.fixture(params=["blocking", "async"])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Trader]]:
    made: list[Trader] = []
    box = simulated()
    with SimulatorServer(box.venue) as server:

        def new(**settings: Any) -> Trader:
            made.append(Trader(request.param, box, server.url, **settings))
            return made[-1]

        yield new
        for trader in made:
            trader.end()


def open_ids(trader: Trader) -> set[str]:
    return {x.order_id for x in trader.do("fetch_open_orders")}


@pytest.mark.parametrize("has_file", [False, True], ids=["memory", "file"])
def test_parent_and_child_place_orders_of_their_own(
    make: Callable[..., Trader], has_file: bool, tmp_path: Path
) -> None:
    trader = make(journal=tmp_path / "orders.db" if has_file else None)

    def place(who: str) -> dict[str, str]:
        placed = [(f"{who}-{n}", trader.bid(f"{who}-{n}")) for n in range(3)]
        assert all(key == x.client_order_id for key, x in placed)
        return {key: x.order_id for key, x in placed}

    told = place("first")
    for turn in range(3):
        wait = forked(lambda turn=turn: place(f"child{turn}"))  # type: ignore[misc]
        told |= place(f"parent{turn}")
        told |= wait()
    assert open_ids(trader) == set(told.values())
    assert len(set(told.values())) == 21


@pytest.mark.parametrize("rng", [None, Random(7)], ids=["the system's", "a seeded one"])
def test_parent_and_child_sign_different_orders(
    make: Callable[..., Trader], rng: Random | None
) -> None:
    trader = make(rng=rng)
    trader.bid()

    def ids() -> set[str]:
        return {trader.bid().order_id for _ in range(3)}

    found = [in_child(ids), in_child(ids), ids()]
    assert len(set().union(*found)) == 9
    assert len(open_ids(trader)) == 10


def test_an_id_that_the_parent_sent_places_nothing_more_in_a_child(
    make: Callable[..., Trader],
) -> None:
    trader = make()
    mine = trader.bid("mine")
    assert in_child(lambda: trader.bid("mine").order_id) == mine.order_id
    assert open_ids(trader) == {mine.order_id}


def test_a_child_waits_for_no_lock_of_another_thread(
    make: Callable[..., Trader], tmp_path: Path
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
