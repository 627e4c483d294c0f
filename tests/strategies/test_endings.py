"""However a run ends, and whatever is raised meanwhile: nothing of it stays open."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    Fill,
    LimitPolicy,
    Market,
    Order,
    OrderBook,
    async_exchange,
    exchange,
)
from unified_exchanges.paper import Delays
from unified_exchanges.recording import Recorder
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.strategies import (
    Desk,
    RunReport,
    Strategy,
    async_run,
    contract_of,
    run,
)

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage

WHERE = (
    *("on_start", "on_book", "on_order", "on_fill", "on_timer", "on_stop"),
    "settling",
)
RAISED = (ValueError, SystemExit, KeyboardInterrupt, asyncio.CancelledError)
CASES = [
    (where, raised, flavour)
    for where in WHERE
    for raised in RAISED
    for flavour in FLAVOURS
    # Only a task is cancelled.
    if flavour == "async" or raised is not asyncio.CancelledError
]


@pytest.fixture(scope="module", params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param, enforce_limits=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def market(at: Stage) -> Market:
    with exchange(at.venue, **at.account) as ex:
        return next(
            m
            for m in ex.fetch_markets()
            if m.bid and m.ask and m.bid > m.grid.lowest and m.ask < m.grid.highest
        )


def ended(
    flavour: str, strategy: Strategy, kind: str, **how: Any
) -> RunReport | BaseException:
    """What came of a run, and then what is open."""
    times = {"seconds": how.pop("seconds", 20), "stop": how.pop("stop", None)}
    if flavour == "blocking":
        with exchange(kind, **how) as ex:
            ex.cancel_all_orders()
            try:
                return run(strategy, ex, **times)
            except BaseException as error:  # noqa: BLE001 - it is looked at
                return error
            finally:
                strategy.left = ex.fetch_open_orders()  # type: ignore[attr-defined]

    async def go() -> RunReport | BaseException:
        async with async_exchange(kind, **how) as ex:
            await ex.cancel_all_orders()
            try:
                return await async_run(strategy, ex, **times)
            except BaseException as error:  # noqa: BLE001 - it is looked at
                return error
            finally:
                strategy.left = await ex.fetch_open_orders()  # type: ignore[attr-defined]

    return asyncio.run(go())


class Bugged(Strategy):
    """Rests bids and takes some, then raises in one place, each time it comes there."""

    soon = 1

    def __init__(self, market: Market, where: str, raised: type[BaseException]) -> None:
        self.markets = (market.market_id,)
        self.first = market.outcomes[0].label
        self.where = where
        self.raised = raised
        self.is_ending = False
        self.came: list[str] = []
        self.left: list[Order] = []

    def come(self, where: str) -> None:
        self.came.append(where)
        if where == self.where:
            raise self.raised(f"a bug {where}")

    def on_start(self, desk: Desk) -> None:
        self.place(desk)
        self.come("on_start")

    def place(self, desk: Desk) -> None:
        [name] = self.markets
        for size in (10, 11, 12):
            desk.place(name, self.first, "buy", desk.market(name).grid.lowest, size)

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if "on_book" in self.came:
            return
        self.place(desk)
        if book.ask is not None:
            terms = (book.market_id, self.first, "buy", book.ask.price, 20)
            desk.place(*terms, time_in_force="ioc")
        # While the strategy works, the answers come: of what has left by then.
        desk.timer("work", timedelta(milliseconds=self.soon))
        desk.timer("late", timedelta(milliseconds=300))
        self.come("on_book")

    def on_order(self, desk: Desk, order: Order) -> None:
        self.come("settling" if self.is_ending else "on_order")

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.come("on_fill")

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "work":
            # Meanwhile what is handed to threads leaves, and is answered.
            time.sleep(0.4)
            if self.where == "settling":
                self.is_ending = True
                desk.stop()
        elif name == "enough":
            desk.stop()
        else:
            desk.timer("enough", timedelta(milliseconds=300))
            self.come("on_timer")

    def on_stop(self, desk: Desk) -> None:
        self.come("on_stop")


@pytest.mark.parametrize(("where", "raised", "flavour"), CASES)
def test_whatever_is_raised_wherever_it_is_told_and_nothing_stays_open(
    at: Stage,
    market: Market,
    where: str,
    raised: type[BaseException],
    flavour: str,
) -> None:
    bugged = Bugged(market, where, raised)
    if where == "settling":
        bugged.soon = 150
        at.server.faults.add(
            Fault("delay", method="POST", path="order", seconds=0.4, count=None)
        )
    # What waits for the limiter when a run ends is not sent.
    limits = LimitPolicy(enabled=False)
    error = ended(flavour, bugged, at.venue, limits=limits, **at.account)
    at.server.faults.clear()
    assert type(error) is raised
    assert str(error) == f"a bug {where}"
    assert bugged.left == []
    assert bugged.came[-1] == "on_stop"
    assert bugged.came.count("on_stop") == 1


@pytest.fixture(scope="module")
def recording(
    at: Stage, market: Market, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Some seconds of a market that moves."""
    path = tmp_path_factory.mktemp("day") / "day.jsonl"
    first, low = market.outcomes[0].label, market.grid.lowest
    with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        contract_of(ex, market.market_id)
        books = ex.watch_order_book(market.market_id)
        books.next(timeout=10)
        for size in range(10, 30):
            order = ex.create_order(market.market_id, first, "buy", low, size)
            books.next(timeout=10)
            ex.cancel_order(order.order_id)
            time.sleep(0.05)
    return path


@pytest.mark.parametrize(("where", "raised", "flavour"), CASES)
def test_so_it_is_on_paper_over_a_recording(
    recording: Path,
    market: Market,
    where: str,
    raised: type[BaseException],
    flavour: str,
) -> None:
    bugged = Bugged(market, where, raised)
    how = {
        "source": "replay",
        "path": recording,
        "cash": 1_000,
        "delays": Delays(order=50_000_000, event=20_000_000),
        "seconds": None,
    }
    error = ended(flavour, bugged, "paper", **how)
    assert type(error) is raised
    assert str(error) == f"a bug {where}"
    assert bugged.left == []
    assert bugged.came[-1] == "on_stop"


@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_run_that_is_asked_to_end_cancels_as_any_other(
    at: Stage, recording: Path, market: Market, flavour: str, *, is_live: bool
) -> None:
    stop: Any = threading.Event() if flavour == "blocking" else asyncio.Event()
    bugged = Bugged(market, "nowhere", ValueError)
    bugged.on_fill = lambda desk, fill: stop.set()  # type: ignore[method-assign]
    over = {"source": "replay", "path": recording, "cash": 1_000}
    live = {**at.account, "limits": LimitPolicy(enabled=False)}
    kind, how = (at.venue, live) if is_live else ("paper", over)
    report = ended(flavour, bugged, kind, **how, stop=stop)
    assert isinstance(report, RunReport)
    assert bugged.came[-1] == "on_stop"
    assert (len(report.left_orders), bugged.left) == (6, [])
