"""`async_run`: a strategy on live exchanges, in the running loop."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import count
from typing import Final, cast

from ..errors import OrderNotFound
from ..models import Gap, Order
from ..paper import Contract
from ..shells.aio import AsyncExchange
from ..watching.handed import Handed
from .beginning import read_subjects, routed, time_of
from .commands import Amend, Command, Place
from .given import check_exchanges, check_limits, check_strategy
from .grounds import Recorded
from .hearing import heard
from .on_record import account_read
from .recorded import BREATH, RecordedRun, is_recorded
from .report import RunReport
from .running import BEAT, SENDERS, Progress, Running, of_markets, request
from .session import News, told
from .strategy import Strategy
from .waiting import Item

__all__ = ["async_contract_of", "async_run"]

_WANTED: Final = (
    "an AsyncExchange, such as async_exchange(…), or take the blocking function"
)


async def async_run(
    strategy: Strategy,
    *exchanges: AsyncExchange,
    seconds: float | None = None,
    stop: asyncio.Event | None = None,
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
    stop = stop or asyncio.Event()
    if is_recorded(x.venue for x in exchanges):
        return await _recorded(strategy, exchanges, keep, seconds, stop, progress)
    running = _AsyncRun(strategy, exchanges)
    await running.open(keep)
    return await running.go(seconds, stop, progress)


async def _recorded(
    strategy: Strategy,
    exchanges: tuple[AsyncExchange, ...],
    keep: int,
    seconds: float | None,
    stop: asyncio.Event,
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
    broke: BaseException | None = None
    try:
        run.begin(seconds)
        for turn in count(1):
            if not run.step(progress) or stop.is_set():
                break
            if not turn % BREATH:
                await asyncio.sleep(0)
    except BaseException as error:  # noqa: BLE001 - raised once orders are gone
        broke = error
    return run.end(broke)


class _AsyncRun:
    def __init__(
        self, strategy: Strategy, exchanges: tuple[AsyncExchange, ...]
    ) -> None:
        self._strategy = strategy
        self._subjects = read_subjects(strategy)
        self._exchanges = exchanges
        self._route = routed(strategy.markets, [x.venue for x in exchanges])
        self._ready = asyncio.Event()
        self._senders = asyncio.Semaphore(SENDERS)
        self._handed: list[Handed] = []
        self._sent: set[asyncio.Task[Order]] = set()

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
            keep=keep,
        )
        self._session = self._running.session

    async def go(
        self, seconds: float | None, stop: asyncio.Event, progress: Progress | None
    ) -> RunReport:
        running = self._running
        broke: BaseException | None = None
        try:
            self._follow()
            running.begin(seconds)
            self._send()
            while not running.is_over and not stop.is_set():
                running.show(progress)
                await self._step(running.pause)
                for handed in self._handed:
                    handed.check()
                self._send()
        except BaseException as error:  # noqa: BLE001 - raised once orders are gone
            broke = error
        unsent = self._session.stop()
        try:
            broke = await self._settle(broke)
            ended = await self._cancel()
        finally:
            for handed in self._handed:
                handed.close()
        return running.report(broke, unsent, ended)

    async def _step(self, seconds: float) -> None:
        """Wait so long for what comes, and tell it."""
        if not self._running.waiting:
            self._ready.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._ready.wait()
            except TimeoutError:
                pass
        else:
            # Others have their turn: the stream, and what is on its way.
            await asyncio.sleep(0)
        self._running.step(self._running.waiting.take())

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
        for command in self._session.ready():
            sent = asyncio.create_task(self._perform(command))
            self._sent.add(sent)
            sent.add_done_callback(partial(self._answer, command))

    def _answer(self, command: Command, sent: asyncio.Task[Order]) -> None:
        self._sent.discard(sent)
        error = asyncio.CancelledError() if sent.cancelled() else sent.exception()
        if error is None:
            self._put(partial(self._session.answered, command, sent.result()))
        else:
            self._put(partial(self._session.failed, command, told(error)))

    async def _perform(self, command: Command) -> Order:
        place, order_id = self._session.place_of(command)
        exchange = self._exchanges[self._route[place.market_id]]
        async with self._senders:
            if isinstance(command, Place):
                return await exchange.run(exchange.placing(request(place)))
            if order_id is None:
                found = await exchange.fetch_order(
                    client_order_id=place.key,
                    market_id=place.market_id,
                    outcome=place.outcome,
                )
                order_id = found.order_id
            if isinstance(command, Amend):
                return await exchange.edit_order(
                    order_id,
                    market_id=place.market_id,
                    outcome=place.outcome,
                    price=command.price,
                    size=command.size,
                )
            return await exchange.cancel_order(order_id, market_id=place.market_id)

    # -- the end -----------------------------------------------------------------------

    async def _settle(self, broke: BaseException | None) -> BaseException | None:
        """Wait for what is on its way, and tell the strategy that it is over."""
        session = self._session
        while session.in_flight:
            try:
                await self._step(BEAT)
            except asyncio.CancelledError as error:
                if isinstance(broke, asyncio.CancelledError):
                    raise  # asked for twice
                broke = error
            except Exception as error:  # noqa: BLE001 - the first is raised
                broke = broke or error
        return session.over(broke)

    async def _cancel(self) -> list[Order | Exception | None]:
        """Cancel what may be open; gives how each ended, or why that is not known."""
        return list(await asyncio.gather(*map(self._end, self._session.left())))

    async def _end(self, command: Command) -> Order | Exception | None:
        _, order_id = self._session.place_of(command)
        try:
            order = await self._perform(command)
        except OrderNotFound as error:
            # The venue does not know the key: it never came there.
            return None if order_id is None else error
        except Exception as error:  # noqa: BLE001 - the others are to be canceled too
            return error
        return order


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
    return Contract.of(exchange.describe(), market, fees, read_at=read_at)
