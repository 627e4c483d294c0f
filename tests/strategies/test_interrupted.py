"""Runs that somebody interrupts while they end, and those whose answers do not come."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from unified_exchanges import (
    BadRequest,
    Fill,
    Market,
    Order,
    OrderBook,
    OrderNotFound,
    RetryPolicy,
    async_exchange,
    exchange,
)
from unified_exchanges.backtesting import backtest
from unified_exchanges.flow import Request, Response
from unified_exchanges.recording import Recorder
from unified_exchanges.simulator.faults import Fault, StreamFault
from unified_exchanges.strategies import (
    Desk,
    RunReport,
    Strategy,
    async_run,
    contract_of,
    run,
)
from unified_exchanges.strategies.interruptions import REPEAT
from unified_exchanges.strategies.lanes import SENDERS
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

from ..flavours import FLAVOURS
from ..recording.sessions import Stage, stage

MANY = 20
GAP = REPEAT + 0.1
"""Seconds between two interruptions that are two."""


@pytest.fixture
def at() -> Iterator[Stage]:
    with stage("kalshi", enforce_limits=False) as opened:
        yield opened


@pytest.fixture
def market(at: Stage) -> Market:
    with exchange(at.venue, **at.account) as ex:
        return next(m for m in ex.fetch_markets() if m.bid and m.bid > m.grid.lowest)


class Resting(Strategy):
    """Rests many bids, and stops by itself once they are open."""

    def __init__(self, market: Market, many: int = MANY) -> None:
        self.markets = [market.market_id]
        self.many = many
        self.ended = threading.Event()
        self.came: list[str] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            low = desk.market(book.market_id).grid.lowest
            for _ in range(self.many):
                desk.place(book.market_id, "yes", "buy", low, 10)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.came.append(order.order_id)
        if len(desk.open_orders) == self.many:
            desk.stop()

    def on_stop(self, desk: Desk) -> None:
        self.came.append("stop")
        self.ended.set()


@attrs.define
class Ended:
    """What became of a run, and what was open right after it."""

    report: RunReport | None = None
    error: BaseException | None = None
    left: list[Order] = attrs.field(factory=list)

    @property
    def notes(self) -> list[str]:
        return getattr(self.error, "__notes__", [])


def ended(
    flavour: str,
    strategy: Resting,
    at: Stage,
    interrupt: Callable[[Callable[[], None]], None],
    **how: Any,
) -> Ended:
    """Run it; ``interrupt`` is called in a thread, once it ends, with what interrupts."""
    found = Ended()
    stop = how.pop("stop", None)
    how = {**at.account, **how}

    def watch(act: Callable[[], None]) -> None:
        assert strategy.ended.wait(20)
        interrupt(act)

    if flavour == "blocking":
        me = threading.get_ident()

        def strike() -> None:
            signal.pthread_kill(me, signal.SIGINT)

        threading.Thread(target=watch, args=[strike]).start()
        with exchange(at.venue, **how) as ex:
            try:
                found.report = run(strategy, ex, seconds=20, stop=stop)
            except BaseException as error:  # noqa: BLE001 - it is looked at
                found.error = error
            found.left = ex.fetch_open_orders()
        return found

    async def go() -> None:
        async with async_exchange(at.venue, **how) as ex:
            going = async_run(strategy, ex, seconds=20, stop=stop)
            task = asyncio.create_task(going)
            loop = asyncio.get_running_loop()

            def strike() -> None:
                loop.call_soon_threadsafe(task.cancel)

            threading.Thread(target=watch, args=[strike]).start()
            try:
                found.report = await task
            except BaseException as error:  # noqa: BLE001 - it is looked at
                found.error = error
            found.left = await ex.fetch_open_orders()

    asyncio.run(go())
    return found


def begun(request: Request) -> Request:
    """A request of which the first byte leaves now."""
    if request.check is not None:
        request.check()
    return attrs.evolve(request, check=None)


class Late(BlockingTransport):
    """Orders arrive so many seconds late, whatever their deadline, or once they are let go.

    They have begun to leave, and nobody can take them back.  So do cancels with DELETE for a
    ``method``.
    """

    def __init__(self, seconds: float, method: str = "POST") -> None:
        super().__init__()
        self.seconds, self.method = seconds, method
        self.go = threading.Event()
        self.begun = 0

    def send(self, request: Request) -> Response:
        if request.method == self.method:
            self.begun += 1
            request = begun(request)
            self.go.wait(self.seconds)
        return super().send(request)


class AsyncLate(AioTransport):
    """The same on a loop."""

    def __init__(self, seconds: float, method: str = "POST") -> None:
        super().__init__()
        self.seconds, self.method = seconds, method
        self.go = threading.Event()
        self.begun = 0

    async def send(self, request: Request) -> Response:
        if request.method == self.method:
            self.begun += 1
            request = begun(request)
            end = time.monotonic() + self.seconds
            # Another thread lets them go.
            while not self.go.is_set() and time.monotonic() < end:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return await super().send(request)


def late(flavour: str, seconds: float = 20, method: str = "POST") -> Late | AsyncLate:
    return (Late if flavour == "blocking" else AsyncLate)(seconds, method)


INTERRUPTION = {"blocking": KeyboardInterrupt, "async": asyncio.CancelledError}


def slow_cancels(at: Stage, seconds: float) -> None:
    at.server.faults.add(Fault("delay", method="DELETE", seconds=seconds, count=None))
    # Nor does the stream tell what became of them.
    at.server.stream_faults.add(StreamFault("drop", frame="user_order", count=None))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_one_interruption_while_it_cancels_is_held_until_all_are_gone(
    at: Stage, market: Market, flavour: str
) -> None:
    cancels = late(flavour, method="DELETE")

    def interrupt(act: Callable[[], None]) -> None:
        time.sleep(0.3)
        act()
        time.sleep(0.3)
        cancels.go.set()

    found = ended(flavour, Resting(market), at, interrupt, transport=cancels)
    assert type(found.error) is INTERRUPTION[flavour]
    assert found.notes == []
    assert found.left == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_second_waits_no_more_and_names_each_order_that_may_be_open(
    at: Stage, market: Market, flavour: str
) -> None:
    slow_cancels(at, 4.0)

    began: list[float] = []

    def interrupt(act: Callable[[], None]) -> None:
        began.append(time.monotonic())
        for _ in range(2):
            time.sleep(GAP)
            act()

    found = ended(flavour, Resting(market), at, interrupt)
    assert type(found.error) is INTERRUPTION[flavour]
    # All would have taken twelve seconds.
    assert time.monotonic() - began[0] < 2 * GAP + 3
    told = [note for note in found.notes if "may still be open" in note]
    assert len(told) == len(found.notes) == MANY
    assert all(any(x.order_id in note for note in told) for x in found.left)
    # Each cancel has left by then, whatever became of it.
    assert all("its cancel was not confirmed" in note for note in told)
    with exchange(at.venue, **at.account) as ex:
        until = time.monotonic() + 10
        while ex.fetch_open_orders() and time.monotonic() < until:
            time.sleep(0.2)
        assert ex.fetch_open_orders() == []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_one_that_comes_twice_at_once_hurries_nothing(
    at: Stage, market: Market, flavour: str
) -> None:
    cancels = late(flavour, method="DELETE")

    def interrupt(act: Callable[[], None]) -> None:
        for _ in range(2):
            time.sleep(0.03)
            act()
        time.sleep(0.3)
        cancels.go.set()

    found = ended(flavour, Resting(market), at, interrupt, transport=cancels)
    assert type(found.error) is INTERRUPTION[flavour]
    assert (found.notes, found.left) == ([], [])


def test_a_loop_that_ends_lets_a_run_cancel_all(at: Stage, market: Market) -> None:
    strategy = Resting(market, 3)
    errors: list[BaseException] = []

    async def beside() -> None:
        cancels = AsyncLate(2, "DELETE")
        async with async_exchange(at.venue, **at.account, transport=cancels) as ex:
            try:
                await async_run(strategy, ex)
            except asyncio.CancelledError as error:
                errors.append(error)
                raise

    async def go() -> asyncio.Task[None]:
        task = asyncio.create_task(beside())
        await asyncio.to_thread(strategy.ended.wait, 20)
        await asyncio.sleep(0.1)
        return task  # nobody waits for it: each task of the loop is cancelled

    assert asyncio.run(go()).cancelled()
    assert [getattr(x, "__notes__", []) for x in errors] == [[]]
    with exchange(at.venue, **at.account) as ex:
        assert ex.fetch_open_orders() == []


def test_ctrl_c_is_raised_while_the_loop_of_a_run_that_ends_stands_still(
    at: Stage, market: Market
) -> None:
    strategy = Resting(market, 3)
    transports: list[AsyncLate] = []

    async def beside() -> None:
        transports.append(AsyncLate(20, "DELETE"))
        how = {**at.account, "transport": transports[0]}
        async with async_exchange(at.venue, **how) as ex:
            await async_run(strategy, ex)

    async def until_it_ends(task: asyncio.Task[None]) -> None:
        await asyncio.to_thread(strategy.ended.wait, 20)
        task.cancel()
        await asyncio.sleep(0.1)

    loop = asyncio.new_event_loop()
    try:
        task = loop.create_task(beside())
        loop.run_until_complete(until_it_ends(task))
        assert not task.done()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        transports[0].go.set()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
    finally:
        loop.close()
    with exchange(at.venue, **at.account) as ex:
        assert ex.fetch_open_orders() == []


# -- while it waits for answers --------------------------------------------------------


class Hasty(Resting):
    """Stops by itself while its orders are on their way, as many as there may be."""

    def __init__(
        self, market: Market, orders: Late | AsyncLate, many: int = MANY
    ) -> None:
        super().__init__(market, many)
        self.orders = orders

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        super().on_book(desk, book)
        if not self.came:
            self.came.append("book")
            desk.timer("soon", timedelta(milliseconds=200))

    def on_order(self, desk: Desk, order: Order) -> None:
        self.came.append(order.order_id)

    def on_timer(self, desk: Desk, name: str) -> None:
        if self.orders.begun < min(self.many, SENDERS):
            desk.timer("soon", timedelta(milliseconds=20))
            return
        self.ended.set()
        desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_nobody_has_begun_to_send_is_not_sent_any_more(
    at: Stage, market: Market, flavour: str
) -> None:
    orders = late(flavour)
    strategy = Hasty(market, orders)

    def release(_: Callable[[], None]) -> None:
        time.sleep(0.3)
        orders.go.set()

    found = ended(flavour, strategy, at, release, transport=orders)
    assert found.report is not None
    sent = len(found.report.left_orders)
    assert sent == SENDERS
    assert len(found.report.unsent) == MANY - sent
    assert found.left == []
    # What was on its way is told.
    assert len(strategy.came) == sent + 2


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_second_interruption_tells_no_answers_and_cancels_what_they_say(
    at: Stage, market: Market, flavour: str
) -> None:
    def interrupt(act: Callable[[], None]) -> None:
        for _ in range(2):
            time.sleep(GAP)
            act()
        time.sleep(1)
        orders.go.set()

    orders = late(flavour)
    strategy = Hasty(market, orders, 3)
    found = ended(flavour, strategy, at, interrupt, transport=orders)
    assert type(found.error) is INTERRUPTION[flavour]
    assert strategy.came == ["book", "stop"]
    assert found.left == []
    assert len([x for x in found.notes if "nobody heard" in x]) == 3
    assert not [x for x in found.notes if "may still be open" in x]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_stop_that_is_set_while_it_ends_counts_as_the_first(
    at: Stage, market: Market, flavour: str
) -> None:
    stop: Any = threading.Event() if flavour == "blocking" else asyncio.Event()

    def interrupt(act: Callable[[], None]) -> None:
        stop.set()
        time.sleep(GAP)
        act()
        time.sleep(1)
        orders.go.set()

    orders = late(flavour)
    strategy = Hasty(market, orders, 3)
    found = ended(flavour, strategy, at, interrupt, transport=orders, stop=stop)
    assert type(found.error) is INTERRUPTION[flavour]
    assert strategy.came == ["book", "stop"]
    assert found.left == []
    assert len([x for x in found.notes if "nobody heard" in x]) == 3


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_third_names_what_may_arrive_yet(
    at: Stage, market: Market, flavour: str
) -> None:
    def interrupt(act: Callable[[], None]) -> None:
        for _ in range(3):
            time.sleep(GAP)
            act()
        time.sleep(3)
        orders.go.set()

    orders = late(flavour)
    strategy = Hasty(market, orders, 3)
    found = ended(flavour, strategy, at, interrupt, transport=orders)
    assert type(found.error) is INTERRUPTION[flavour]
    keys = [x.partition("the order ")[2].split(",")[0] for x in found.notes]
    keys = [key for key in keys if key]
    assert len(keys) == 3
    for key in keys:
        assert any("may still be open" in x and key in x for x in found.notes)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(
    at: Stage, market: Market, flavour: str
) -> None:
    orders = late(flavour)
    retry = RetryPolicy(order_deadline=0.5, order_grace=0.5)
    strategy = Hasty(market, orders, 1)
    began: list[float] = []

    def release(_: Callable[[], None]) -> None:
        began.append(time.monotonic())
        if flavour == "blocking":
            time.sleep(4)
            orders.go.set()

    found = ended(flavour, strategy, at, release, transport=orders, retry=retry)
    assert time.monotonic() - began[0] < 10
    assert strategy.came == ["book", "stop"]
    # It is not there, and may be there later.
    assert isinstance(found.error, OrderNotFound)
    first, second = found.notes
    assert "nobody heard what became of" in first
    assert "may still be open" in second


def test_a_task_that_is_given_so_long_ends(at: Stage, market: Market) -> None:
    retry = RetryPolicy(order_deadline=0.5, order_grace=0.5)

    async def go() -> None:
        transport = AsyncLate(20)
        made = async_exchange(at.venue, **at.account, transport=transport, retry=retry)
        async with made as ex:
            task = async_run(Resting(market, 1), ex)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(task, 0.5)

    asyncio.run(asyncio.wait_for(go(), 10))


# -- timers ----------------------------------------------------------------------------


class Restless(Strategy):
    """Asks for a timer of no time in each."""

    def __init__(self, market: Market, takes: float = 0) -> None:
        self.markets = [market.market_id]
        self.takes = takes
        self.rung = 0

    def on_start(self, desk: Desk) -> None:
        desk.timer("x", timedelta(0))

    def on_timer(self, desk: Desk, name: str) -> None:
        self.rung += 1
        time.sleep(self.takes)
        desk.timer("x", timedelta(0))


def simply(flavour: str, strategy: Strategy, kind: str, **how: Any) -> RunReport:
    seconds = how.pop("seconds", None)
    if flavour == "blocking":
        with exchange(kind, **how) as ex:
            return run(strategy, ex, seconds=seconds)

    async def go() -> RunReport:
        async with async_exchange(kind, **how) as ex:
            return await async_run(strategy, ex, seconds=seconds)

    return asyncio.run(go())


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_timers_of_no_time_hold_up_neither_the_end_nor_books(
    at: Stage, market: Market, flavour: str
) -> None:
    # A book takes longer than a second to come where much else is done.
    for seconds in (1, 3, 9):
        strategy = Restless(market, 0.002)
        report = simply(flavour, strategy, at.venue, **at.account, seconds=seconds)
        if report.events:
            break
    assert report.events
    assert 0 < strategy.rung < 1_000 * seconds


_REFUSAL = (
    "timer 'x' is due at once, asked for in the call of one that was, 10,000 times"
)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_timers_of_no_time_for_ever_are_refused_in_every_kind_of_run(
    at: Stage, market: Market, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "day.jsonl"
    with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        contract = contract_of(ex, market.market_id)
        ex.watch_order_book(market.market_id).next(timeout=10)
    over = {"source": "replay", "path": path, "cash": 100}
    rung = []
    for kind, how in ((at.venue, at.account), ("paper", over)):
        strategy = Restless(market)
        with pytest.raises(BadRequest, match=_REFUSAL):
            simply(flavour, strategy, kind, **how)
        rung.append(strategy.rung)
    strategy = Restless(market)
    with pytest.raises(BadRequest, match=_REFUSAL):
        backtest(strategy, path, contracts=[contract])
    assert rung == [strategy.rung] * 2


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_nothing_is_told_once_a_timer_has_stopped_it(
    at: Stage, market: Market, flavour: str
) -> None:
    class Stopping(Strategy):
        markets = (market.market_id,)
        told: ClassVar[list[str]] = []

        def on_start(self, desk: Desk) -> None:
            for name in ("one", "two"):
                desk.timer(name, timedelta(0))

        def on_timer(self, desk: Desk, name: str) -> None:
            self.told.append(name)
            time.sleep(0.1)
            desk.stop()

        def on_book(self, desk: Desk, book: OrderBook) -> None:
            self.told.append("book")

    Stopping.told.clear()
    simply(flavour, Stopping(), at.venue, **at.account, seconds=20)
    assert Stopping.told.count("one") == 1
    assert "two" not in Stopping.told


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_fill_that_came_while_the_strategy_stopped_is_told(
    at: Stage, market: Market, flavour: str
) -> None:
    class Taking(Strategy):
        markets = (market.market_id,)
        told: ClassVar[list[Any]] = []

        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if not desk.decisions and book.ask:
                terms = (book.market_id, "yes", "buy", book.ask.price, 10)
                desk.place(*terms, time_in_force="ioc")
                desk.timer("soon", timedelta(milliseconds=1))
            self.told.append("book")

        def on_timer(self, desk: Desk, name: str) -> None:
            if flavour == "blocking":
                while not other.fetch_fills():
                    time.sleep(0.01)
                time.sleep(1)  # what came meanwhile waits
            elif not desk.positions():
                desk.timer("soon", timedelta(milliseconds=1))
                return
            desk.stop()
            self.told.append("stopped")

        def on_fill(self, desk: Desk, fill: Fill) -> None:
            self.told.append(fill)

    Taking.told.clear()
    with exchange(at.venue, **at.account) as other:
        report = simply(flavour, Taking(), at.venue, **at.account, seconds=20)
    assert list(report.fills) == [x for x in Taking.told if isinstance(x, Fill)]
    assert sum(fill.size for fill in report.fills) == 10
    assert "book" not in Taking.told[Taking.told.index("stopped") :]
