"""Whoever closes an exchange ends the runs on it first: nothing of theirs stays open."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from unified_exchanges import (
    BadRequest,
    Exchange,
    JournalError,
    Market,
    OrderBook,
    async_exchange,
    exchange,
)
from unified_exchanges.recording import Recorder
from unified_exchanges.shells.aio_occupied import AsyncOccupied
from unified_exchanges.shells.occupied import Occupied
from unified_exchanges.strategies import Desk, RunReport, Strategy, async_run, run
from unified_exchanges.strategies.asked import Asked
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

from ..recording.sessions import Stage, stage


@pytest.fixture(scope="module", params=["kalshi", "polymarket"])
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param, enforce_limits=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def markets(at: Stage) -> list[Market]:
    with exchange(at.venue, **at.account) as ex:
        found = [m for m in ex.fetch_markets() if m.bid and m.bid > m.grid.lowest]
    return found[:2]


class Resting(Strategy):
    """Rests three bids, and breaks a moment later if it is to."""

    def __init__(self, market: Market, *, breaks: bool = False) -> None:
        self.market = market
        self.markets = [market.market_id]
        self.breaks = breaks
        self.rests = threading.Event()

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            low, first = self.market.grid.lowest, self.market.outcomes[0].label
            for _ in range(3):
                desk.place(book.market_id, first, "buy", low, 10)
            desk.timer("soon", timedelta(milliseconds=50))

    def on_timer(self, desk: Desk, name: str) -> None:
        if len(desk.open_orders) < 3:
            desk.timer("soon", timedelta(milliseconds=50))
            return
        self.rests.set()
        if self.breaks:
            raise ValueError("bug")


def test_one_run_that_breaks_lets_the_other_one_cancel_its_orders(
    at: Stage, markets: list[Market]
) -> None:
    reports: list[RunReport] = []

    async def go() -> None:
        async with async_exchange(at.venue, **at.account) as ex:
            other = Resting(markets[1])

            async def beside() -> None:
                reports.append(await async_run(other, ex, seconds=60))

            async def breaking() -> None:
                await asyncio.to_thread(other.rests.wait, 30)
                await async_run(Resting(markets[0], breaks=True), ex, seconds=60)

            await asyncio.gather(breaking(), beside())

    with pytest.raises(ValueError, match="bug"):
        asyncio.run(go())
    [report] = reports
    assert len(report.left_orders) == 3
    with exchange(at.venue, **at.account) as ex:
        assert ex.fetch_open_orders() == []


def test_an_exchange_is_closed_once_the_run_of_another_thread_is_over(
    at: Stage, markets: list[Market]
) -> None:
    strategy, reports = Resting(markets[0]), []
    with exchange(at.venue, **at.account) as ex:
        thread = threading.Thread(
            target=lambda: reports.append(run(strategy, ex, seconds=60))
        )
        thread.start()
        assert strategy.rests.wait(30)
    thread.join(10)
    assert [len(report.left_orders) for report in reports] == [3]
    with exchange(at.venue, **at.account) as ex:
        assert ex.fetch_open_orders() == []


def test_who_closes_it_within_a_run_does_not_wait_and_the_last_one_shuts_it() -> None:
    one, other = Occupied(), Occupied()
    shut: list[str] = []
    one.enter("run")
    one.enter("another")
    one.close(lambda: shut.append("one"))
    assert (one.is_closing(), shut) == (True, [])
    with pytest.raises(BadRequest, match="was closed"):
        one.enter("next")
    # Of another exchange neither: who is there may wait for this one.
    thread = threading.Thread(target=other.enter, args=("elsewhere",))
    thread.start()
    thread.join()
    other.close(lambda: shut.append("other"))
    assert (one.leave("next"), one.leave("run")) == (None, None)
    for last in (one.leave("another"), other.leave("elsewhere")):
        assert last is not None
        last()
    assert shut == ["one", "other"]
    assert one.leave("another") is None
    one.close(lambda: shut.append("again"))
    assert shut[-1] == "again"


class Closer(Strategy):
    """Closes the first of two exchanges."""

    def __init__(self, ex: Exchange, *markets: str) -> None:
        self.ex = ex
        self.markets = list(markets)

    def on_start(self, desk: Desk) -> None:
        self.ex.close()


@pytest.mark.parametrize("how", ["raises", "interrupted"])
def test_what_shuts_one_exchange_of_a_run_keeps_it_in_no_other(how: str) -> None:
    class Shutting(BlockingTransport):
        def close(self) -> None:
            if how == "raises":
                raise JournalError("disk full")
            os.kill(os.getpid(), signal.SIGINT)
            shut.append("cut in two")
            super().close()

    shut: list[str] = []
    with (
        stage("kalshi", enforce_limits=False) as at,
        stage("polymarket", enforce_limits=False) as beside,
        exchange("polymarket", **beside.account) as other,
    ):
        ex = exchange("kalshi", transport=Shutting(), **at.account)
        names = [f"{x.id}:{x.fetch_markets(limit=1)[0].market_id}" for x in (ex, other)]
        if how == "raises":
            report = run(Closer(ex, *names), ex, other, seconds=20)
            [note] = report.notes
            assert note.text.startswith("kalshi: it could not be closed at the end")
            assert "JournalError: disk full" in note.text
        else:
            with pytest.raises(KeyboardInterrupt):
                run(Closer(ex, *names), ex, other, seconds=20)
        thread = threading.Thread(target=other.close, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
    assert len(shut) == (how == "interrupted")


class Shutter(Strategy):
    """Closes exchanges which cannot be closed, and breaks afterwards if it is to."""

    def __init__(self, name: str, *exchanges: Exchange, breaks: bool = False) -> None:
        self.markets = [name]
        self.exchanges = exchanges
        self.breaks = breaks
        self.shut: list[int] = []

    def on_start(self, desk: Desk) -> None:
        for number, ex in enumerate(self.exchanges):
            ex.occupied.close(partial(self.fail, number))
        if self.breaks:
            raise ValueError("bug")

    def fail(self, number: int) -> None:
        self.shut.append(number)
        raise JournalError(f"disk {number}")


@pytest.mark.parametrize("breaks", [False, True])
def test_each_exchange_that_could_not_be_closed_is_told_and_the_report_is_given(
    caplog: pytest.LogCaptureFixture, *, breaks: bool
) -> None:
    with (
        stage("kalshi", enforce_limits=False) as at,
        stage("polymarket", enforce_limits=False) as beside,
        exchange("kalshi", **at.account) as ex,
        exchange("polymarket", **beside.account) as other,
    ):
        name = f"kalshi:{ex.fetch_markets(limit=1)[0].market_id}"
        strategy = Shutter(name, ex, other, breaks=breaks)
        if breaks:
            with pytest.raises(ValueError, match="bug") as caught:
                run(strategy, ex, other, seconds=20)
            told = caught.value.__notes__
        else:
            told = [x.text for x in run(strategy, ex, other, seconds=20).notes]
    assert sorted(strategy.shut) == [0, 1]
    assert len(told) == 2
    for venue, number in (("kalshi", 0), ("polymarket", 1)):
        [note] = [x for x in told if x.startswith(f"{venue}: it could not be closed")]
        assert f"JournalError: disk {number}" in note
        assert "close() it again" in note
        assert ("WARNING", note) in [(x.levelname, x.message) for x in caplog.records]


def test_so_it_is_over_a_recording(
    at: Stage, markets: list[Market], tmp_path: Path
) -> None:
    path = tmp_path / "day.jsonl"
    name = markets[0].market_id
    with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        run(Shutter(name), ex, seconds=0.3)
    with exchange("replay", path=path) as ex:
        report = run(Shutter(name, ex), ex)
    [note] = report.notes
    assert "JournalError: disk 0" in note.text


def test_in_a_loop_it_is_told_to_whoever_closes_the_exchange(
    at: Stage, markets: list[Market]
) -> None:
    class Shutting(AioTransport):
        async def close(self) -> None:
            await super().close()
            raise JournalError("disk full")

    async def go() -> RunReport:
        ex = async_exchange(at.venue, transport=Shutting(), **at.account)
        strategy = Resting(markets[0])

        async def closing() -> None:
            await asyncio.to_thread(strategy.rests.wait, 30)
            with pytest.raises(JournalError, match="disk full"):
                await ex.aclose()

        closer = asyncio.create_task(closing())
        report = await async_run(strategy, ex, seconds=60)
        await closer
        return report

    report = asyncio.run(go())
    assert [x.status for x in report.left_orders] == ["canceled"] * 3
    assert report.notes == ()


def test_all_are_left_whatever_shuts_one_of_them() -> None:
    exchanges = [SimpleNamespace(occupied=Occupied()) for _ in range(3)]
    shut: list[int] = []

    def shutting(number: int) -> None:
        shut.append(number)
        raise JournalError(f"disk {number}")

    asked = Asked(None, exchanges)
    asked.stay()
    for number, each in enumerate(exchanges):
        each.occupied.close(partial(shutting, number))
    with pytest.raises(JournalError):
        asked.leave()
    assert sorted(shut) == [0, 1, 2]
    assert not any(x.occupied._runs for x in exchanges)


def test_who_is_in_an_exchange_twice_leaves_it_once() -> None:
    inside, other = Occupied(), Occupied()
    for _ in range(2):
        inside.enter("run")
    inside.leave("run")
    thread = threading.Thread(target=other.enter, args=("elsewhere",))
    thread.start()
    thread.join()
    leaving = threading.Timer(0.3, other.leave, args=("elsewhere",))
    leaving.start()
    # It is in none any more: so it waits.
    other.close(lambda: None)
    assert not other._runs


def test_a_strategy_that_closes_its_exchange_ends_its_run(
    at: Stage, markets: list[Market]
) -> None:
    ex = exchange(at.venue, **at.account)

    class Closing(Resting):
        def on_timer(self, desk: Desk, name: str) -> None:
            super().on_timer(desk, name)
            if self.rests.is_set():
                ex.close()

    report = run(Closing(markets[0]), ex, seconds=60)
    assert [x.status for x in report.left_orders] == ["canceled"] * 3
    with pytest.raises(BadRequest, match="closed"):
        run(Resting(markets[0]), ex, seconds=1)


def test_one_interruption_while_it_waits_lets_runs_end_and_a_later_one_does_not() -> (
    None
):
    # A terminal, and whoever started it; then somebody who does not want to wait.
    for pauses, is_ended in (((0.1, 0.05), True), ((0.1, 0.05, 0.7), False)):
        inside, shut = Occupied(), []
        gone = threading.Event()

        def staying(inside: Occupied = inside, gone: threading.Event = gone) -> None:
            inside.enter("run")
            gone.wait(20)
            inside.leave("run")

        def interrupt(
            pauses: tuple[float, ...] = pauses,
            is_ended: bool = is_ended,
            gone: threading.Event = gone,
        ) -> None:
            for pause in pauses:
                gone.wait(pause)
                os.kill(os.getpid(), signal.SIGINT)
            if is_ended:
                gone.wait(0.2)
                gone.set()

        threads = [threading.Thread(target=x) for x in (staying, interrupt)]
        for thread in threads:
            thread.start()
        with pytest.raises(KeyboardInterrupt):
            inside.close(lambda shut=shut: shut.append("shut"))  # type: ignore[misc]
        assert shut == ["shut"]
        assert (not inside._runs) is is_ended
        gone.set()
        for thread in threads:
            thread.join()


async def test_neither_does_a_task() -> None:
    inside = AsyncOccupied()
    inside.enter("run")
    await inside.vacate()


async def test_who_waits_is_cancelled_once_they_have_ended() -> None:
    inside = AsyncOccupied()
    ended: list[str] = []
    over = asyncio.Event()

    async def staying() -> None:
        inside.enter("run")
        await over.wait()
        ended.append("run")
        inside.leave("run")

    async def closing() -> None:
        try:
            await inside.vacate()
        finally:
            ended.append("closed")

    run_of_it = asyncio.create_task(staying())
    await asyncio.sleep(0.02)
    task = asyncio.create_task(closing())
    await asyncio.sleep(0.02)
    assert inside.is_closing()
    task.cancel()
    await asyncio.sleep(0.02)
    assert ended == []
    over.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await run_of_it
    assert ended == ["run", "closed"]
    with pytest.raises(BadRequest):
        inside.enter("next")


async def test_who_is_cancelled_twice_waits_no_more() -> None:
    inside = AsyncOccupied()

    async def staying() -> None:
        inside.enter("run")
        await asyncio.sleep(60)

    run_of_it = asyncio.create_task(staying())
    await asyncio.sleep(0)
    task = asyncio.create_task(inside.vacate())
    for _ in range(2):
        await asyncio.sleep(0.02)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    run_of_it.cancel()
