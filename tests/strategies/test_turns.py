"""Commands that are decided at once leave in that order, and no interrupt loses one."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import count, pairwise
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import (
    GuardPolicy,
    Market,
    Order,
    OrderBook,
    async_exchange,
    backtest,
    exchange,
)
from unified_exchanges import strategies as package
from unified_exchanges.flow import Judged, Judging, Request, Response, Sleep, advance
from unified_exchanges.models import BUY
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import (
    Desk,
    Failure,
    Strategy,
    async_run,
    contract_of,
    run,
)
from unified_exchanges.strategies.commands import Cancel, Command, Place
from unified_exchanges.strategies.turns import Turns, leaving
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

from ..recording.sessions import Stage, stage
from .test_interrupted import late

HERE = str(Path(package.__file__).parent)
COUNT = 12
PASSED = 4
SENDERS = "unified-exchanges-strategy"
"""What the threads of a run are named after."""
READ = Request("GET", "https://x.test/markets")
WRITE = Request("POST", "https://x.test/orders")


@pytest.fixture(scope="module", params=["kalshi", "polymarket"])
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param, enforce_limits=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def market(at: Stage) -> Market:
    with exchange(at.venue, **at.account) as ex:
        return next(m for m in ex.fetch_markets() if m.bid and m.bid > m.grid.lowest)


class Burst(Strategy):
    """Places many at once, of which the guards let the first ones pass."""

    def __init__(self, market: Market) -> None:
        self.markets = [market.market_id]
        self.keys: list[str] = []
        self.refused: set[int] = set()
        self.answered: set[int] = set()

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not self.keys:
            market = desk.market(book.market_id)
            low, first = market.grid.lowest, market.outcomes[0].label
            self.keys += [
                desk.place(book.market_id, first, "buy", low, 100 + n, post_only=True)
                for n in range(COUNT)
            ]
            desk.timer("enough", timedelta(seconds=20))

    def on_order(self, desk: Desk, order: Order) -> None:
        assert order.client_order_id is not None
        self.answered.add(self.keys.index(order.client_order_id))
        self._look(desk)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.refused.add(self.keys.index(failure.command.key))
        self._look(desk)

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()

    def _look(self, desk: Desk) -> None:
        if len(self.refused | self.answered) == COUNT:
            desk.stop()


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_of_many_at_once_the_guards_let_the_first_pass_as_in_a_backtest(
    at: Stage, market: Market, flavour: str, tmp_path: Path
) -> None:
    guards = GuardPolicy(max_orders=PASSED, seconds=3600)
    live, then, path = Burst(market), Burst(market), tmp_path / "session.jsonl"
    with exchange(at.venue, **at.account) as ex:
        contract = contract_of(ex, market.market_id)
    if flavour == "blocking":
        with exchange(at.venue, guards=guards, **at.account) as ex, Recorder(ex, path):
            run(live, ex, seconds=30)
    else:

        async def go() -> None:
            async with (
                async_exchange(at.venue, guards=guards, **at.account) as ex,
                Recorder(ex, path),
            ):
                await async_run(live, ex, seconds=30)

        asyncio.run(go())
    backtest(then, path, contracts=[contract], guards=guards)
    assert live.refused == then.refused == {*range(PASSED, COUNT)}
    with exchange("replay", path=path, guards=guards) as ex:
        again = Burst(market)
        run(again, ex)
    assert again.refused == live.refused


# -- no interrupt loses one ------------------------------------------------------------


class Struck(Strategy):
    """Rests three bids; a signal comes at a line of what hands them to threads."""

    def __init__(self, market: Market, struck: int) -> None:
        self.market = market
        self.markets = [market.market_id]
        self.struck = struck
        self.lines = 0
        self.where = ""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            for _ in range(3):
                low, first = self.market.grid.lowest, self.market.outcomes[0].label
                desk.place(book.market_id, first, "buy", low, 10)

    def on_order(self, desk: Desk, order: Order) -> None:
        if len(desk.open_orders) == 3:
            desk.stop()

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not _is_handing(frame):
            return self.trace if _is_ours(frame) else None
        if event == "line":
            self.lines += 1
            if self.lines == self.struck:
                self.where = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                signal.raise_signal(signal.SIGINT)
        return self.trace


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(HERE)


def _is_handing(frame: FrameType | None) -> bool:
    """Whether it hands commands to threads, or is of what it calls for that."""
    while frame is not None:
        if frame.f_code.co_name == "_send" and _is_ours(frame):
            return True
        frame = frame.f_back
    return False


def test_one_while_orders_are_handed_to_threads_loses_none(
    at: Stage, market: Market
) -> None:
    before = sys.gettrace()
    places = set()
    with exchange(at.venue, **at.account) as ex:
        for line in count(1, 3):
            strategy = Struck(market, line)
            sys.settrace(strategy.trace)
            try:
                run(strategy, ex, seconds=20)
            except KeyboardInterrupt as error:
                notes = getattr(error, "__notes__", [])
                assert not any("may still be open" in x for x in notes), strategy.where
                assert strategy.where
            finally:
                sys.settrace(before)
            places.add(strategy.where)
            assert ex.fetch_open_orders() == [], strategy.where
            if not strategy.where or line > 150:
                break
    assert len(places) > 10


# -- what is slow ----------------------------------------------------------------------


class Reads(BlockingTransport):
    """Reads wait for the end, once they are told to, and then take a second each."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = threading.Event()
        self.ended = threading.Event()

    def send(self, request: Request) -> Response:
        if request.method == "GET" and self.slow.is_set():
            assert self.ended.wait(60)
            time.sleep(1)
        return super().send(request)


class AsyncReads(AioTransport):
    """The same on a loop."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = threading.Event()
        self.ended = threading.Event()

    async def send(self, request: Request) -> Response:
        if request.method == "GET" and self.slow.is_set():
            await asyncio.to_thread(self.ended.wait, 60)
            await asyncio.sleep(1)
        return await super().send(request)


class Stopped(Burst):
    """Ends while the guards read the account for the first one."""

    def __init__(self, market: Market, reads: Reads | AsyncReads) -> None:
        super().__init__(market)
        self.reads = reads

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not self.keys:
            self.reads.slow.set()
            super().on_book(desk, book)
            desk.timer("end", timedelta(milliseconds=300))

    def on_timer(self, desk: Desk, name: str) -> None:
        super().on_timer(desk, name)
        self.reads.ended.set()


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_what_has_not_had_its_turn_when_a_run_ends_is_not_sent(
    at: Stage, market: Market, flavour: str
) -> None:
    guards = GuardPolicy(max_exposure=Decimal(100_000), account_age=0.05)
    how: dict[str, Any] = {"guards": guards, **at.account}
    reports = []
    if flavour == "blocking":
        reads = Reads()
        with exchange(at.venue, transport=reads, **how) as ex:
            reports.append(run(Stopped(market, reads), ex, seconds=60))
            # Nothing is sent by who finds the exchange closed: each has its time before.
            reads.slow.clear()
            for sender in threading.enumerate():
                if sender.name.startswith(SENDERS):
                    sender.join(60)
                    assert not sender.is_alive()
    else:

        async def go() -> None:
            reads = AsyncReads()
            async with async_exchange(at.venue, transport=reads, **how) as ex:
                reports.append(await async_run(Stopped(market, reads), ex, seconds=60))

        asyncio.run(go())
    assert [len(x.unsent) for x in reports] == [COUNT]
    with exchange(at.venue, **at.account) as ex:
        assert ex.fetch_open_orders() == []


class Undecided(Strategy):
    """Bids and changes that twice, many times at once, and ends before it is sent."""

    def __init__(self, market: Market) -> None:
        self.markets = [market.market_id]

    def on_start(self, desk: Desk) -> None:
        market = desk.market(self.markets[0])
        terms = market.market_id, market.outcomes[0].label, "buy", market.grid.lowest
        for n in range(COUNT):
            key = desk.place(*terms, 10 + n)
            desk.amend(key, size=9)
            desk.amend(key, size=8)
        desk.timer("end", timedelta(milliseconds=200))

    def on_timer(self, desk: Desk, name: str) -> None:
        market = desk.market(self.markets[0])
        first = market.outcomes[0].label
        desk.place(market.market_id, first, "buy", market.grid.lowest, 99)
        desk.stop()


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_what_was_not_sent_is_told_in_the_order_in_which_it_was_decided(
    at: Stage, market: Market, flavour: str
) -> None:
    reports = []
    if flavour == "blocking":
        with exchange(at.venue, transport=late(flavour, 1), **at.account) as ex:
            reports.append(run(Undecided(market), ex, seconds=60))
    else:

        async def go() -> None:
            slow = late(flavour, 1)
            async with async_exchange(at.venue, transport=slow, **at.account) as ex:
                reports.append(await async_run(Undecided(market), ex, seconds=60))

        asyncio.run(go())
    [report] = reports
    unsent = {id(command) for command in report.unsent}
    decided = [command for command in report.decisions if id(command) in unsent]
    assert [*report.unsent] == decided
    # Some had left; the others, all changes, and the last one had not.
    assert len(decided) > 2 * COUNT + 1


class Impatient(Burst):
    """Cancels its first order while many others, which leave late, are on their way."""

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self.first = ""
        self.took = 0.0

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not self.first:
            market = desk.market(book.market_id)
            low, first = market.grid.lowest, market.outcomes[0].label
            self.first = desk.place(book.market_id, first, "buy", low, 99)

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.client_order_id != self.first:
            return
        if order.is_open:
            market = desk.market(order.market_id)
            for n in range(2 * COUNT):
                desk.place(
                    order.market_id, order.outcome, "buy", market.grid.lowest, 10 + n
                )
            self.took = -time.monotonic()
            desk.timer("now", timedelta(milliseconds=200))
        else:
            self.took += time.monotonic()
            desk.stop()

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.cancel(self.first)


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_a_cancel_waits_behind_no_orders_that_are_slow(
    at: Stage, market: Market, flavour: str
) -> None:
    strategy = Impatient(market)
    if flavour == "blocking":
        with exchange(at.venue, transport=late(flavour, 3), **at.account) as ex:
            run(strategy, ex, seconds=60)
    else:

        async def go() -> None:
            slow = late(flavour, 3)
            async with async_exchange(at.venue, transport=slow, **at.account) as ex:
                await async_run(strategy, ex, seconds=60)

        asyncio.run(go())
    assert 0 < strategy.took < 2.5


# -- what waits for what ---------------------------------------------------------------


def place() -> Place:
    return Place(
        at=1,
        key="k",
        market_id="KXRAIN",
        outcome="yes",
        side=BUY,
        price=Decimal("0.4"),
        size=Decimal(10),
    )


def flow_of_an_order(*, passes: bool = True, waits: bool = False) -> Any:
    yield Judging()
    yield READ
    yield Judged(passes=passes)
    if not passes:
        yield READ
        raise ValueError
    if waits:
        yield Sleep(1.0)
    yield WRITE
    return "order"


def test_an_order_has_left_once_its_write_begins() -> None:
    left = threading.Event()
    flow = leaving(place(), flow_of_an_order(), left)
    told = []
    outcome: Any = None
    while (step := advance(flow, outcome)) is not WRITE:
        told.append(left.is_set())
        outcome = Response(200, {}, b"") if step is READ else None
    assert (told, left.is_set()) == ([False, False, False], True)


def test_an_order_that_reads_before_the_guards_are_asked_holds_up_no_other() -> None:
    def flow() -> Any:
        yield READ
        yield from flow_of_an_order()

    left = threading.Event()
    flowing = leaving(place(), flow(), left)
    assert advance(flowing, None) is READ
    assert left.is_set()
    flowing.close()


def test_one_that_waits_for_its_turn_or_is_refused_holds_up_no_other() -> None:
    for how in ({"waits": True}, {"passes": False}):
        left = threading.Event()
        flow = leaving(place(), flow_of_an_order(**how), left)
        advance(flow, None)
        advance(flow, None)
        advance(flow, Response(200, {}, b""))
        assert left.is_set() is (how == {"passes": False})
        advance(flow, None)
        assert left.is_set()
        flow.close()


def test_a_flow_that_ends_or_is_given_up_has_left() -> None:
    for end in ("closed", "failed"):
        left = threading.Event()
        flow = leaving(place(), flow_of_an_order(), left)
        advance(flow, None)
        if end == "closed":
            flow.close()
        else:
            with pytest.raises(ConnectionError):
                advance(flow, ConnectionError())
        assert left.is_set()


def test_a_cancel_waits_for_nothing_and_what_comes_later_for_it() -> None:
    turns = Turns(threading.Event)
    first, second, third = map(turns.take, (place(), Cancel(at=1, key="k"), place()))
    assert first.awaited is second.awaited is None
    assert third.awaited is first.left
    first.left.set()
    assert third.awaited is second.left
    second.left.set()
    assert third.awaited is None


def test_of_so_many_that_wait_each_waits_for_one() -> None:
    # If each waited for all before it, memory and time would grow with their square.
    turns = Turns(threading.Event)
    taken = [turns.take(place()) for _ in range(1_000)]
    for before, turn in pairwise(taken):
        assert turn.awaited is before.left
    taken[0].left.set()
    assert taken[1].awaited is None


def test_cancels_that_have_left_are_waited_for_by_nobody() -> None:
    turns = Turns(threading.Event)
    for number in range(1_000):
        turns.take(Cancel(at=1, key=str(number))).left.set()
    assert turns.take(place()).awaited is None


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.randoms())
def test_one_that_is_taken_back_lets_nobody_overtake_those_before_it(
    are_cancels: list[bool], rng: Random
) -> None:
    turns = Turns(threading.Event)
    commands: list[Command] = [
        Cancel(at=1, key="k") if is_cancel else place() for is_cancel in are_cancels
    ]
    taken = [turns.take(x) for x in commands]
    gone: set[int] = set()  # has left, or was taken back
    back: set[int] = set()
    last = turns.take(place())
    while len(gone) < len(taken):
        number = rng.choice([n for n in range(len(taken)) if n not in gone])
        is_ready = taken[number].awaited is None
        earlier = {n for n in range(number) if n not in gone}
        assert is_ready is (are_cancels[number] or not earlier)
        if not is_ready:
            back.add(number)
        gone.add(number)
        taken[number].left.set()
        assert (last.awaited is None) is (len(gone) == len(taken))
    assert turns.take(place()).awaited is last.left
