"""`async_run`: a strategy on live exchanges, in the running loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from threading import Event
from typing import Final, TypeAlias, cast

from ..errors import OrderNotFound
from ..models import Fill, Gap, Order
from ..paper import Contract
from ..shells.aio import AsyncExchange
from ..watching.handed import Handed
from .asked import Asked
from .beginning import read_subjects, routed, rules_learnt, time_of
from .commands import Cancel, Command, Place
from .ending import Ending, Hurry, Outcome, is_nothing, unconfirmed, unsent
from .flows import flow_of
from .given import check_exchanges, check_limits, check_strategy
from .grounds import Recorded, alone
from .hearing import heard
from .lanes import Lanes
from .missing_fills import fills_of, found
from .on_record import account_read
from .own import Own
from .permit import TAKEN_BACK, Permit, permitted
from .recorded import BREATH, RecordedRun, is_recorded
from .report import RunReport
from .running import BEAT, Progress, Running, of_markets, patience
from .seats import Seat
from .session import News, as_library_error
from .strategy import Strategy
from .turns import Turn, leaving, nothing
from .waiting import Item

__all__ = ["async_contract_of", "async_run"]

_INTERRUPTIONS: Final = (asyncio.CancelledError, KeyboardInterrupt)
_WANTED: Final = (
    "an AsyncExchange, such as async_exchange(…), or take the blocking function"
)
_Lanes: TypeAlias = Lanes[asyncio.Semaphore, asyncio.Semaphore, asyncio.Event]
_Stop: TypeAlias = asyncio.Event | Event
_HELD: Final = 0.05
"""Seconds of real time for which a run over a recording keeps the loop from others at most, but
for the call that it is in."""
_LEAVING: Final[set[asyncio.Task[Outcome]]] = set()
"""Cancels that nobody waits for any more."""


async def async_run(
    strategy: Strategy,
    *exchanges: AsyncExchange,
    seconds: float | None = None,
    stop: _Stop | None = None,
    progress: Progress | None = None,
    keep: int = 100_000,
) -> RunReport:
    """Run a strategy on an event loop; see `run`.

    The strategy is the same object, with the same plain methods: they are called in the
    loop, and must not wait.  A task that is cancelled cancels its orders first.

    Raises `BadRequest` for markets or subjects that cannot be followed, and what the
    exchanges raise.

    >>> async def for_an_hour(strategy: Strategy, exchange: AsyncExchange) -> None:
    ...     report = await async_run(strategy, exchange, seconds=3_600)
    ...     print(len(report.fills), report.cash)
    """
    check_strategy(strategy)
    check_limits(seconds=seconds, stop=stop, progress=progress, keep=keep)
    check_exchanges(exchanges, AsyncExchange, _WANTED)
    asked = Asked(stop, exchanges)
    try:
        asked.stay()
        if is_recorded(x.venue for x in exchanges):
            with alone(exchanges[0].venue):
                how = keep, seconds, asked, progress
                return await _recorded(strategy, exchanges, *how)
        running = _AsyncRun(strategy, exchanges)
        await running.open(keep)
        return await running.go(seconds, asked, progress)
    finally:
        asked.leave()


def _ending(asked: Asked[AsyncExchange]) -> Ending:
    """The end of a run on a loop, which somebody may leave and come back to."""
    running = asyncio.get_running_loop().is_running
    return Ending(*_INTERRUPTIONS, is_asked=asked.is_set, is_here=running)


async def _recorded(
    strategy: Strategy,
    exchanges: tuple[AsyncExchange, ...],
    keep: int,
    seconds: float | None,
    asked: Asked[AsyncExchange],
    progress: Progress | None,
) -> RunReport:
    [exchange] = exchanges
    names = routed(strategy.markets, [exchange.venue])
    contracts = {x: await async_contract_of(exchange, x) for x in names}
    with account_read():
        balances = [await exchange.fetch_balance()]
        positions = await exchange.fetch_positions()
    recorded = cast("Recorded", exchange)
    run = RecordedRun(strategy, recorded, contracts, balances, positions, keep=keep)
    with _ending(asked) as ending:
        try:
            try:
                run.begin(seconds, asked.is_set)
                now = asyncio.get_running_loop().time
                since = now()
                for turn in count(1):
                    if not run.step(progress):
                        break
                    if not turn % BREATH or now() - since > _HELD:
                        await asyncio.sleep(0)
                        since = now()
            finally:
                ending.hold()
        except BaseException as error:  # noqa: BLE001 - raised once orders are gone
            ending.hold()
            ending.met(error)
        return run.end(ending, asked)


class _AsyncRun:
    def __init__(
        self, strategy: Strategy, exchanges: tuple[AsyncExchange, ...]
    ) -> None:
        self._strategy = strategy
        self._subjects = read_subjects(strategy)
        self._exchanges = exchanges
        self._route = routed(strategy.markets, [x.venue for x in exchanges])
        self._ready = asyncio.Event()
        self._lanes = [
            Lanes(x.venue, asyncio.Semaphore, asyncio.Semaphore, asyncio.Event)
            for x in exchanges
        ]
        self._handed: list[Handed] = []
        self._sent: dict[asyncio.Task[Order], tuple[Command, Permit]] = {}
        """What is on its way."""
        self._ending: set[asyncio.Task[Order]] = set()
        """What was taken back, and is not over yet."""
        self._reads: set[asyncio.Task[list[Fill]]] = set()

    async def open(self, keep: int) -> None:
        exchanges = self._exchanges
        self._running = Running(
            self._strategy,
            exchanges[0].venue,
            {
                x: await async_contract_of(exchanges[n], x)
                for x, n in self._route.items()
            },
            [await exchange.fetch_balance() for exchange in exchanges],
            [
                held
                for n, x in enumerate(exchanges)
                for held in await x.fetch_positions()
                # What another account holds of a market is not of the run.
                if self._route.get(held.market_id) == n
            ],
            patience=patience(x.venue for x in exchanges),
            keep=keep,
        )
        self._session = self._running.session

    async def go(
        self,
        seconds: float | None,
        asked: Asked[AsyncExchange],
        progress: Progress | None,
    ) -> RunReport:
        with _ending(asked) as ending:
            try:
                try:
                    await self._live(seconds, asked, progress)
                finally:
                    # No sooner: until then signals are of whoever runs the loop.
                    ending.hold()
            except BaseException as error:  # noqa: BLE001 - raised once orders are gone
                ending.hold()
                ending.met(error)
            return await self._end_all(ending)

    async def _live(
        self,
        seconds: float | None,
        asked: Asked[AsyncExchange],
        progress: Progress | None,
    ) -> None:
        running = self._running
        self._follow()
        running.begin(seconds, asked.is_set)
        if not running.is_over:
            self._send()
        while not running.is_over:
            running.show(progress)
            await self._turn(running.pause)
            for handed in self._handed:
                handed.check()
            self._send()
            self._ask()

    async def _turn(self, seconds: float) -> None:
        """Wait so long for what comes; tell the timers, and one thing of what came."""
        await self._wait(seconds)
        # First, as it may raise: what is taken is told.
        self._running.ring()
        if not self._running.is_over:
            self._running.tell(self._running.waiting.take())

    async def _wait(self, seconds: float) -> None:
        if self._running.waiting:
            # Others have their turn: the stream, and what is on its way.
            await asyncio.sleep(0)
            return
        self._ready.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        except TimeoutError:
            pass

    # -- what is told ------------------------------------------------------------------

    def _follow(self) -> None:
        for number, exchange in enumerate(self._exchanges):
            names = tuple(x for x, place in self._route.items() if place == number)
            if names:
                hear = partial(self._hear, names)
                self._handed += heard(exchange, names, self._subjects, hear)

    def _hear(self, names: tuple[str, ...], news: News) -> None:
        self._put(of_markets(news, names) if isinstance(news, Gap) else news)

    def _put(self, item: Item) -> None:
        self._running.waiting.put(item)
        self._ready.set()

    # -- what is sent ------------------------------------------------------------------

    def _send(self) -> None:
        self._running.send(self._begin, self._has_room, self._take_back, self._put)

    def _has_room(self, command: Command) -> bool:
        return self._lanes_of(self._session.place_of(command)[0]).has_room

    def _begin(self, command: Command) -> None:
        place, _ = self._session.place_of(command)
        lanes, venue = self._lanes_of(place), self._exchange_of(place).venue
        turn = lanes.turns.take(command)
        permit = self._running.permit(command, venue, turn.left)
        lanes.enter(command, turn.left)
        sent = asyncio.create_task(self._queue(command, permit, turn))
        self._sent[sent] = command, permit
        sent.add_done_callback(partial(self._answer, lanes, command, turn.left))

    def _ask(self) -> None:
        """Read the fills that no stream has told."""
        for own in self._session.states.asks():
            read = asyncio.create_task(self._read(own))
            self._reads.add(read)
            read.add_done_callback(self._found)

    async def _read(self, own: Own) -> list[Fill]:
        async with self._lanes_of(own.place).reads:
            return await self._exchange_of(own.place).fetch_fills(**fills_of(own))

    def _found(self, read: asyncio.Task[list[Fill]]) -> None:
        self._reads.discard(read)
        for fill in found(None if read.cancelled() else read):
            self._put(fill)

    def _answer(
        self,
        lanes: _Lanes,
        command: Command,
        left: asyncio.Event,
        sent: asyncio.Task[Order],
    ) -> None:
        left.set()  # also where it was withdrawn
        lanes.leave(command)
        error = asyncio.CancelledError() if sent.cancelled() else sent.exception()
        if self._sent.pop(sent, None) is None:
            return  # it was withdrawn
        if error is None:
            self._put(partial(self._session.answered, command, sent.result()))
        else:
            self._put(partial(self._session.failed, command, as_library_error(error)))

    def _withdraw(self) -> list[Command]:
        """Take back what has not begun to leave."""
        withdrawn = self._take_back(None)
        for command in withdrawn:
            self._session.withdraw(command)
        return withdrawn

    def _take_back(self, wanted: Mapping[int, Command] | None) -> list[Command]:
        """Of these, or of all, what has not begun to leave, and will not."""
        taken = []
        for sent, (command, permit) in list(self._sent.items()):
            is_wanted = wanted is None or id(command) in wanted
            if is_wanted and permit.withdraw():
                del self._sent[sent]
                taken.append(command)
                self._ending.add(sent)
                sent.add_done_callback(self._ending.discard)
                if not permit.ends_itself:
                    sent.cancel()
        return taken

    async def _queue(
        self, command: Command, permit: Permit, turn: Turn[asyncio.Event]
    ) -> Order:
        place, _ = self._session.place_of(command)
        lanes = self._lanes_of(place)
        if not isinstance(command, Cancel):
            async with lanes.orders:
                while (event := turn.awaited) is not None:
                    await event.wait()
                return await self._perform(command, permit, nothing)
        if lanes.seats.locked():
            # Who waits for others himself holds up no order.
            permit.left.set()
        await lanes.seats.acquire()
        seat = Seat(lanes.seats)
        try:
            return await self._perform(command, permit, seat.free)
        finally:
            seat.free()

    async def _perform(
        self, command: Command, permit: Permit, answered: Callable[[], None]
    ) -> Order:
        permit.check()
        place, order_id = self._session.place_of(command)
        exchange = self._exchange_of(place)
        flow = permitted(flow_of(exchange, command, place, order_id), permit)
        return await exchange.run(leaving(command, flow, permit.left, answered))

    def _exchange_of(self, place: Place) -> AsyncExchange:
        return self._exchanges[self._route[place.market_id]]

    def _lanes_of(self, place: Place) -> _Lanes:
        return self._lanes[self._route[place.market_id]]

    # -- the end -----------------------------------------------------------------------

    async def _end_all(self, ending: Ending) -> RunReport:
        """Each step is done, whatever another raises."""
        kept: list[Command] = []
        left: dict[str, Outcome] = {}
        ending.surely(lambda: kept.extend(self._session.stop()))
        ending.surely(lambda: kept.extend(self._withdraw()))
        for act in (
            self._settle(ending),
            self._cancel(ending, left),
            self._book(ending, left),
            self._write_owed(),
        ):
            try:
                await act
            except BaseException as error:  # noqa: BLE001 - raised once orders are gone
                ending.met(error)
        # What is still on its way is waited for by nobody.
        for sent in (*self._sent, *self._reads):
            sent.cancel()
        for handed in self._handed:
            ending.surely(handed.close)
        return self._running.report(ending, kept, left)

    async def _write_owed(self) -> None:
        """Have journals know what was taken back: the next process asks them first."""
        if self._ending:
            await asyncio.wait(self._ending, timeout=TAKEN_BACK)
        for exchange in self._exchanges:
            await exchange.run(exchange.venue.write_owed())

    async def _settle(self, ending: Ending) -> None:
        """Wait for what is on its way, and tell the strategy that it is over."""
        running = self._running
        while running.awaits(ending, is_due=bool(self._sent or running.waiting)):
            try:
                await self._wait(BEAT)
            except asyncio.CancelledError as error:
                ending.met(error)
            item = running.waiting.take()
            ending.tell(partial(running.tell, item))
            ending.tell(running.release)
            self._ask()
        running.settled(ending, running.waiting.take)

    async def _book(self, ending: Ending, left: dict[str, Outcome]) -> None:
        """Have the fills in the report that its orders count."""
        running = self._running
        running.ended(left)
        while running.lacks(ending):
            self._ask()
            try:
                await self._wait(BEAT)
            except asyncio.CancelledError as error:
                ending.met(error)
            self._session.book(running.waiting.take())
        running.booked(ending, running.waiting.take)

    async def _cancel(self, ending: Ending, left: dict[str, Outcome]) -> None:
        """Cancel what may be open; tells how each ended, or why that is not known.

        All are sent, whatever interrupts; who does so once more waits for none of them.
        """
        commands = {x.key: x for x in self._session.left()}
        left.update((key, unsent(key)) for key in commands)
        late = {
            x.key: sent for sent, (x, _) in self._sent.items() if isinstance(x, Place)
        }
        hurry = Hurry(ending)
        # One that is late for no interruption is not waited for any more.
        seconds = self._running.patience if ending.is_urgent else 0
        begun: set[str] = set()

        def begin(key: str) -> asyncio.Task[Outcome]:
            end = self._end(commands[key], late.get(key), seconds, begun)
            return asyncio.create_task(end)

        jobs = {key: begin(key) for key in commands}
        again = set(commands)
        while pending := [job for job in jobs.values() if not job.done()]:
            # Fewer queue: each is to leave before the exchange is closed.
            is_hurried = hurry.begins()
            if is_hurried or hurry.is_late(len(begun)):
                for lanes in self._lanes:
                    lanes.widen()
            if not is_hurried and hurry.is_over():
                break
            try:
                await asyncio.wait(pending, timeout=BEAT)
            except asyncio.CancelledError as error:
                ending.met(error)
            # Who ends a loop cancels each task of it, and these as well.
            for key in [x for x in again if jobs[x].cancelled()]:
                again.remove(key)
                jobs[key] = begin(key)
        # What waits there is sent yet, while the loop runs, which holds no task itself.
        for job in pending:
            _LEAVING.add(job)
            job.add_done_callback(_LEAVING.discard)
        left.update(
            (key, _outcome(key, job, is_begun=key in begun))
            for key, job in jobs.items()
        )

    async def _end(
        self,
        command: Command,
        sent: asyncio.Task[Order] | None,
        seconds: float,
        begun: set[str],
    ) -> Outcome:
        """Cancel an order, which may be on its way yet, for so long at most."""
        place, order_id = self._session.place_of(command)
        try:
            if sent is not None:
                await asyncio.wait([sent], timeout=seconds)
                if sent.done() and not sent.cancelled():
                    answer = sent.exception() or sent.result()
                    if is_nothing(answer):
                        return None
                    if isinstance(answer, Order):
                        order_id = answer.order_id
            lanes = self._lanes_of(place)
            await lanes.last_seats.acquire()
            seat = Seat(lanes.last_seats)
            try:
                begun.add(command.key)
                exchange = self._exchange_of(place)
                flow = flow_of(exchange, command, place, order_id, is_end=True)
                flow = leaving(command, flow, asyncio.Event(), seat.free)
                order = await exchange.run(flow)
            finally:
                seat.free()
        except OrderNotFound as error:
            # The venue does not know the key: it never came there.
            is_over = order_id is None and not self._session.may_arrive(command.key)
            return None if is_over else error
        except Exception as error:  # noqa: BLE001 - the others are to be canceled too
            return error
        return order


def _outcome(key: str, job: asyncio.Task[Outcome], *, is_begun: bool) -> Outcome:
    """What came of a cancel, as far as somebody waited for it."""
    if job.cancelled() or not job.done():
        return unconfirmed(key) if is_begun else unsent(key)
    return job.exception() or job.result()


async def async_contract_of(exchange: AsyncExchange, market_id: str) -> Contract:
    """Get a market as a run or a backtest takes it; see `contract_of`.

    Raises `BadRequest` for what is no exchange of this flavour, `MarketNotFound`, and what
    the reads of `fetch_market` and `fetch_fee_rule` raise.

    >>> async def known(exchange: AsyncExchange, name: str) -> Contract:
    ...     return await async_contract_of(exchange, name)
    """
    check_exchanges([exchange], AsyncExchange, _WANTED)
    market = await exchange.fetch_market(market_id)
    read_at = time_of(exchange.venue)
    fees = await exchange.fetch_fee_rule(market_id)
    await exchange.run(rules_learnt(exchange.venue, market))
    return Contract.of(exchange.describe(), market, fees, read_at=read_at)
