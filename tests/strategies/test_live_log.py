"""What a strategy logs, and what fails, is in Python's log as it comes; and Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import attrs
import pytest

from unified_exchanges import (
    Desk,
    Failure,
    Strategy,
    async_exchange,
    async_run,
    backtest,
    exchange,
    run,
    until_stopped,
)
from unified_exchanges.paper import Contract
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import RunReport, contract_of
from unified_exchanges.strategies.interruptions import REPEAT

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_replayed_trouble import quoted

LOGGER = "unified_exchanges.strategies"


class Refused(Strategy):
    """Logs, asks for an order off the grid, and keeps what of it is in the log by then."""

    def __init__(self, name: str, caplog: pytest.LogCaptureFixture) -> None:
        self.markets = [name]
        self._caplog = caplog

    def on_start(self, desk: Desk) -> None:
        desk.log("begun")
        label = desk.market(self.markets[0]).outcomes[0].label
        self.key = desk.place(self.markets[0], label, "buy", Decimal("0.1234567"), 10)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.error, self.at = failure.error, desk.moment
        self.seen = [
            (x.levelname, x.getMessage(), vars(x)["moment"])
            for x in self._caplog.records
            if x.name == LOGGER
        ]
        desk.stop()


def perform(
    flavour: str, strategy: Strategy, name: str, /, *, stop: Any = None, **terms: Any
) -> RunReport:
    if flavour == "blocking":
        with exchange(name, **terms) as ex:
            return run(strategy, ex, seconds=20, stop=stop)

    async def go() -> RunReport:
        async with async_exchange(name, **terms) as ex:
            return await async_run(strategy, ex, seconds=20, stop=stop)

    return asyncio.run(go())


@attrs.frozen
class Ground:
    at: Stage
    name: str
    contract: Contract
    path: Path


@pytest.fixture(scope="module", params=VENUES)
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    path = tmp_path_factory.mktemp(request.param) / "own.jsonl"
    with stage(request.param) as at:
        name = quoted(at)
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            contract = contract_of(ex, name)
            idle = Strategy()
            idle.markets = [name]
            run(idle, ex, seconds=1)
        yield Ground(at, name, contract, path)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("where", ["live", "paper", "replay", "paper over a recording"])
def test_lines_and_failures_are_in_the_log_as_they_come(
    flavour: str, where: str, ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    venue, account = ground.at.venue, ground.at.account
    name, terms = {
        "live": (venue, account),
        "paper": ("paper", {"source": venue, **account}),
        "replay": ("replay", {"path": ground.path}),
        "paper over a recording": (
            "paper",
            {"source": "replay", "path": ground.path},
        ),
    }[where]
    strategy = Refused(ground.name, caplog)
    report = perform(flavour, strategy, name, **terms)
    begun, failed = strategy.seen
    assert begun == ("INFO", "begun", report.notes[0].at)
    said = f"place {strategy.key}: {type(strategy.error).__name__}: {strategy.error}"
    assert failed == ("WARNING", said, strategy.at)
    assert (report.totals.notes, report.totals.failures) == (1, 1)


def test_a_backtest_is_silent(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    strategy = Refused(ground.name, caplog)
    report = backtest(strategy, ground.path, contracts=[ground.contract])
    assert (len(report.notes), len(report.failures)) == (1, 1)
    assert (strategy.seen, caplog.records) == ([], [])


class Interrupted(Strategy):
    """Somebody presses Ctrl-C, so many times."""

    def __init__(self, name: str, times: int) -> None:
        self.markets = [name]
        self._times = times

    def on_start(self, desk: Desk) -> None:
        market = desk.market(self.markets[0])
        label = market.outcomes[0].label
        desk.place(market.market_id, label, "buy", market.grid.lowest, 10)

    def on_order(self, desk: Desk, order: object) -> None:
        desk.timer("press", timedelta(milliseconds=50))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.log("pressed")
        for turn in range(self._times):
            if turn:  # at once would be the first again
                time.sleep(REPEAT + 0.1)
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_who_presses_ctrl_c_gets_the_report(flavour: str, ground: Ground) -> None:
    strategy, at = Interrupted(ground.name, 1), ground.at
    before = signal.getsignal(signal.SIGINT)
    with until_stopped() as stop:
        report = perform(flavour, strategy, at.venue, stop=stop, **at.account)
        assert stop.is_set()
    assert [note.text for note in report.notes] == ["pressed"]
    assert [order.status for order in report.left_orders] == ["canceled"]
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_second_ctrl_c_interrupts(flavour: str, ground: Ground) -> None:
    strategy, at = Interrupted(ground.name, 2), ground.at
    with until_stopped() as stop, pytest.raises(KeyboardInterrupt):
        perform(flavour, strategy, at.venue, stop=stop, **at.account)
    with exchange(at.venue, **at.account) as ex:
        assert ex.fetch_open_orders() == []


def test_outside_the_main_thread_the_program_itself_sets_it() -> None:
    found: list[bool] = []

    def go() -> None:
        with until_stopped() as stop:
            found.append(stop.is_set())

    thread = Thread(target=go)
    thread.start()
    thread.join()
    assert found == [False]
