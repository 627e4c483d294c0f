"""What went wrong while a strategy was recorded goes wrong again over the recording."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    BadRequest,
    Fill,
    Gap,
    NotRecorded,
    Order,
    OrderBook,
    RequestTimeout,
    async_exchange,
    exchange,
)
from unified_exchanges.recording import DamagedRecording, Recorder
from unified_exchanges.simulator.faults import Fault, StreamFault, StreamPlan
from unified_exchanges.strategies import (
    Desk,
    Failure,
    RunReport,
    Strategy,
    async_run,
    contract_of,
    run,
)
from unified_exchanges.testing import cassette

from ..backtesting.test_making import cash_before
from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_replayed import replayed


def quoted(at: Stage) -> str:
    with exchange(at.venue, **at.account) as ex:
        return next(
            m.market_id
            for m in ex.fetch_markets()
            if m.bid and m.ask and m.bid > m.grid.lowest and m.ask < m.grid.highest
        )


def live(
    flavour: str,
    strategy: Strategy | Callable[[Any], Strategy],
    at: Stage,
    path: Path,
    **how: Any,
) -> RunReport:
    how |= at.account

    def made_for(ex: Any) -> Strategy:
        return strategy if isinstance(strategy, Strategy) else strategy(ex)

    if flavour == "blocking":
        with exchange(at.venue, **how) as ex, Recorder(ex, path):
            return run(made_for(ex), ex, seconds=30)

    async def go() -> RunReport:
        async with async_exchange(at.venue, **how) as ex, Recorder(ex, path):
            return await async_run(made_for(ex), ex, seconds=30)

    return asyncio.run(go())


class Told(Strategy):
    """Rests a bid; once it rests, and the book is whole again if it broke, takes some."""

    def __init__(self, name: str, *, breaks: bool) -> None:
        self.markets = [name]
        self.is_whole = not breaks
        self.is_broken = self.rests = False
        self.key = ""
        self.taken = ""
        self.said: list[Any] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.is_whole = self.is_whole or self.is_broken
        first = desk.market(book.market_id).outcomes[0].label
        if not self.key:
            low = desk.market(book.market_id).grid.lowest
            self.key = desk.place(book.market_id, first, "buy", low, 10)
        self.act(desk)

    def act(self, desk: Desk) -> None:
        book = desk.book(self.markets[0])
        if self.rests and self.is_whole and book and book.ask and not self.taken:
            terms = (book.market_id, book.outcome, "buy", book.ask.price, 20)
            self.taken = desk.place(*terms, time_in_force="ioc")

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        self.is_broken = True
        self.said.append((gap.subject, gap.market_ids, gap.reason))

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.client_order_id == self.key and order.is_open:
            self.rests = True
            self.act(desk)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.said.append((fill.fill_id, fill.price, fill.size, fill.fee))
        desk.timer("enough", timedelta(milliseconds=300))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.said.append((type(failure.error), failure.error.maybe_executed))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()


def assert_same(again: RunReport, real: RunReport) -> None:
    assert again.cash == real.cash
    assert again.positions == real.positions
    assert [x.order_id for x in again.left_orders] == [
        x.order_id for x in real.left_orders
    ]
    assert len(again.decisions) == len(real.decisions) == 2


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_connection_that_broke_in_a_run_breaks_again(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.jsonl"
    changes = "orderbook_delta" if venue == "kalshi" else "price_change"
    with stage(venue, StreamPlan([StreamFault("reset", frame=changes)])) as at:
        first = Told(quoted(at), breaks=True)
        real = live(flavour, first, at, path)
    assert [len(x) for x in first.said][:2] == [3, 4]
    for other in FLAVOURS:
        second = Told(first.markets[0], breaks=True)
        assert_same(replayed(other, second, path), real)
        assert second.said == first.said


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_an_answer_that_was_lost_is_lost_again_and_the_order_found(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "lost.jsonl"
    with stage(venue) as at:
        first = Told(quoted(at), breaks=False)
        at.server.faults.add(Fault("drop", method="POST", path="/orders?$"))
        real = live(flavour, first, at, path)
        assert at.server.faults.struck
    for other in FLAVOURS:
        second = Told(first.markets[0], breaks=False)
        assert_same(replayed(other, second, path), real)
        assert second.said == first.said


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_run_over_a_recording_of_the_market_alone_says_what_is_not_in_it(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "market.jsonl"
    with stage("kalshi") as at:
        name = quoted(at)
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            contract_of(ex, name)
            ex.watch_order_book(name).next(timeout=30)
    with pytest.raises(NotRecorded, match="portfolio/balance, which is not in it") as e:
        replayed(flavour, Told(name, breaks=False), path)
    # Not only that it is missing: what such a recording is good for.
    assert 'exchange("paper", source="replay", path=…)' in str(e.value)
    assert "backtest(strategy, path, contracts=…)" in str(e.value)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_run_over_a_recording_without_streams_says_so(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "requests.jsonl"
    with stage("kalshi") as at:
        name = quoted(at)
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            contract_of(ex, name)
            ex.fetch_balance()
            ex.fetch_positions()
    with pytest.raises(NotRecorded, match="was not followed when it was recorded"):
        replayed(flavour, Told(name, breaks=False), path)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_cassette_is_no_ground_for_a_run(flavour: str, tmp_path: Path) -> None:
    path = tmp_path / "session.yaml"
    with (
        stage("kalshi") as at,
        cassette(path, "record") as tape,
        exchange(at.venue, clock=tape.clock, **at.account) as ex,
    ):
        ex.fetch_balance()
    with pytest.raises(NotRecorded, match="a cassette holds requests only"):
        replayed(flavour, Silent("A"), path)


def test_a_recording_that_is_over_is_run_no_further(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with stage("kalshi") as at:
        first = Told(quoted(at), breaks=False)
        live("blocking", first, at, path)
    with exchange("replay", path=path) as ex:
        run(Silent(first.markets[0]), ex)
        with pytest.raises(NotRecorded, match="has come to its end"):
            run(Silent(first.markets[0]), ex)


def test_two_recordings_are_not_run_together(tmp_path: Path) -> None:
    paths = [tmp_path / "one.jsonl", tmp_path / "other.jsonl"]
    with stage("kalshi") as at:
        for path in paths:
            with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
                ex.fetch_balance()
    with (
        exchange("replay", path=paths[0]) as one,
        exchange("replay", path=paths[1]) as other,
        pytest.raises(BadRequest, match="each recording has a time of its own"),
    ):
        run(Told("A", breaks=False), one, other)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_run_ends_in_the_time_of_the_recording(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "whole.jsonl"
    with stage(venue) as at:
        first = Told(quoted(at), breaks=False)
        real = live("blocking", first, at, path)
    # A second passes in no time, and the order that rested then rests.
    early = replayed(flavour, Silent(first.markets[0]), path, seconds=0.25)
    assert early.ended_at - early.started_at == timedelta(seconds=0.25)
    whole = replayed(flavour, Silent(first.markets[0]), path, seconds=3_600)
    assert whole.ended_at - whole.started_at < timedelta(seconds=30)
    assert early.left_orders == whole.left_orders == early.fills == whole.fills == ()
    assert whole.cash == cash_before(real)


class Silent(Strategy):
    """Looks on, and looks up after a while."""

    def __init__(self, name: str) -> None:
        self.markets = [name]

    def on_start(self, desk: Desk) -> None:
        desk.timer("look", timedelta(seconds=0.2))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_dry_run_is_not_answered_by_what_was_really_sent(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "dry.jsonl"
    with stage("kalshi") as at:
        first = Told(quoted(at), breaks=False)
        live("blocking", first, at, path)
    with pytest.raises(BadRequest, match="leave dry_run=True away"):
        replayed(flavour, Silent(first.markets[0]), path, dry_run=True)


@pytest.mark.parametrize("source", [None, "replay"])
def test_a_recording_that_cannot_be_read_on_ends_the_run_with_that(
    source: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.jsonl"
    with stage("kalshi") as at:
        first = Told(quoted(at), breaks=False)
        live("blocking", first, at, path)
    whole = gzip.decompress(path.read_bytes())
    lines = whole.splitlines(keepends=True)
    how: dict[str, Any] = {} if source is None else {"source": source, "cash": 100}
    path.write_bytes(whole)
    with exchange("replay" if source is None else "paper", path=path, **how) as ex:
        # It was whole when it was opened.
        half = len(lines) * 2 // 3
        path.write_bytes(b"".join([*lines[:half], b"{]\n", *lines[half:]]))
        with pytest.raises(DamagedRecording, match="cannot be read"):
            run(Silent(first.markets[0]), ex)


class Regular(Strategy):
    """Rests the same bid again and again."""

    def __init__(self, name: str) -> None:
        self.markets = [name]

    def on_start(self, desk: Desk) -> None:
        desk.timer("next", timedelta(seconds=0.7))

    def on_timer(self, desk: Desk, name: str) -> None:
        market = desk.market(self.markets[0])
        label, low = market.outcomes[0].label, market.grid.lowest
        desk.place(market.market_id, label, "buy", low, 10)
        desk.timer("next", timedelta(seconds=0.7))


@pytest.mark.parametrize("venue", VENUES)
def test_who_goes_on_after_the_end_of_the_recorded_run_is_told_when_that_was(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.jsonl"
    with stage(venue) as at:
        name = quoted(at)
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            # Another who watches the market, so that the recording goes on after the run.
            books = ex.watch_order_book(name)
            books.next(timeout=30)
            real = run(Regular(name), ex, seconds=2.5)
            with suppress(RequestTimeout):
                while True:
                    books.next(timeout=2)
    assert len(real.decisions) == 3
    for flavour in FLAVOURS:
        with pytest.raises(NotRecorded) as raised:
            replayed(flavour, Regular(name), path)
        said = str(raised.value)
        told = re.search(
            r": the same was sent (.*) s earlier, and its answer was giv", said
        )
        assert told is not None, said
        assert 0.5 < float(told[1]) < 2
        assert "where . " not in said
        found = re.search(r"run\(…, seconds=(\d\.\d{3})\)", said)
        assert found is not None, said
        seconds = float(found[1])
        assert 2.5 <= seconds < 2.8
        again = replayed(flavour, Regular(name), path, seconds=seconds)
        assert len(again.decisions) == 3
        # Which of equal orders is which nobody can tell.
        ended, before = ({x.order_id for x in y.left_orders} for y in (again, real))
        assert ended == before
