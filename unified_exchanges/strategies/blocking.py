"""`run`: a strategy on live exchanges, in the calling thread."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Condition, Event
from typing import Final, cast

from ..errors import OrderNotFound
from ..models import Gap, Order
from ..paper import Contract
from ..shells.blocking import Exchange
from ..watching.handed import Handed
from .beginning import read_subjects, routed, time_of
from .commands import Amend, Command, Place
from .given import check_exchanges, check_limits, check_strategy
from .grounds import Recorded
from .hearing import heard
from .on_record import account_read
from .recorded import RecordedRun, is_recorded
from .report import RunReport
from .running import BEAT, SENDERS, Progress, Running, of_markets, request
from .session import News, told
from .strategy import Strategy
from .waiting import Item

__all__ = ["contract_of", "run"]

_WANTED: Final = "an Exchange, such as exchange(…), or take the async function"


def run(
    strategy: Strategy,
    *exchanges: Exchange,
    seconds: float | None = None,
    stop: Event | None = None,
    progress: Progress | None = None,
    keep: int = 100_000,
) -> RunReport:
    """Run a strategy until it stops itself, ``seconds`` have passed, or ``stop`` is set.

    Everything is told in this thread, one thing after another, in the order in which it
    came; a slow strategy is spared books that waited for 50 ms beside a newer one.  Orders,
    changes and cancels are sent by other threads meanwhile, each order under an
    idempotency key.

    At the end, also by Ctrl-C or an error of the strategy or of a stream: nothing more is
    sent, what is on its way is waited for, `Strategy.on_stop` is called, the orders of
    this run that are open are canceled, each by its id, and what broke is raised.
    Positions are kept, and orders that others placed are left alone.

    ``progress`` is called some ten times a second.  ``keep`` is how many of the last
    decisions and fills are in the report.  Raises `BadRequest` for markets or subjects
    that cannot be followed, and what the exchanges raise.

    >>> def for_an_hour(strategy: Strategy, exchange: Exchange) -> None:
    ...     report = run(strategy, exchange, seconds=3_600)
    ...     print(len(report.fills), report.cash)
    """
    check_strategy(strategy)
    check_limits(seconds=seconds, stop=stop, progress=progress, keep=keep)
    check_exchanges(exchanges, Exchange, _WANTED)
    stop = stop or Event()
    if is_recorded(x.venue for x in exchanges):
        return _recorded(strategy, exchanges, keep, seconds, stop, progress)
    return _Run(strategy, exchanges, keep=keep).go(seconds, stop, progress)


def _recorded(
    strategy: Strategy,
    exchanges: tuple[Exchange, ...],
    keep: int,
    seconds: float | None,
    stop: Event,
    progress: Progress | None,
) -> RunReport:
    [exchange] = exchanges
    names = routed(strategy.markets, [exchange.venue])
    contracts = {x: contract_of(exchange, x) for x in names}
    with account_read():
        balances = [exchange.fetch_balance()]
        positions = exchange.fetch_positions()
    recorded = cast("Recorded", exchange)
    run = RecordedRun(strategy, recorded, contracts, balances, positions, keep=keep)
    broke = None
    try:
        run.begin(seconds)
        while run.step(progress) and not stop.is_set():
            pass
    except BaseException as error:  # noqa: BLE001 - raised once orders are gone
        broke = error
    return run.end(broke)


class _Run:
    def __init__(
        self, strategy: Strategy, exchanges: tuple[Exchange, ...], *, keep: int
    ) -> None:
        self._subjects = read_subjects(strategy)
        self._exchanges = exchanges
        self._route = routed(strategy.markets, [x.venue for x in exchanges])
        self._running = Running(
            strategy,
            exchanges[0].venue,
            {x: contract_of(exchanges[n], x) for x, n in self._route.items()},
            [exchange.fetch_balance() for exchange in exchanges],
            [
                position
                for n, x in enumerate(exchanges)
                for position in x.fetch_positions()
                # What another account holds of a market is not of the run.
                if self._route.get(position.market_id) == n
            ],
            keep=keep,
        )
        self._session = self._running.session
        self._ready = Condition()
        self._handed: list[Handed] = []

    def go(
        self, seconds: float | None, stop: Event, progress: Progress | None
    ) -> RunReport:
        running, broke = self._running, None
        with ThreadPoolExecutor(SENDERS, "unified-exchanges-strategy") as pool:
            try:
                self._follow()
                running.begin(seconds)
                self._send(pool)
                while not (running.is_over or stop.is_set()):
                    running.show(progress)
                    self._step(running.pause)
                    for handed in self._handed:
                        handed.check()
                    self._send(pool)
            except BaseException as error:  # noqa: BLE001 - raised once orders are gone
                broke = error
            unsent = self._session.stop()
            try:
                broke = self._settle(broke)
                ended = self._cancel(pool)
            finally:
                for handed in self._handed:
                    handed.close()
        return running.report(broke, unsent, ended)

    def _step(self, seconds: float) -> None:
        """Wait so long for what comes, and tell it."""
        waiting = self._running.waiting
        with self._ready:
            self._ready.wait_for(lambda: len(waiting), seconds)
            item = waiting.take()
        self._running.step(item)

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
        with self._ready:
            self._running.waiting.put(item)
            self._ready.notify()

    # -- what is sent ------------------------------------------------------------------

    def _send(self, pool: ThreadPoolExecutor) -> None:
        for command in self._session.ready():
            sent = pool.submit(self._perform, command)
            sent.add_done_callback(partial(self._answer, command))

    def _answer(self, command: Command, sent: Future[Order]) -> None:
        error = sent.exception()
        if error is None:
            self._put(partial(self._session.answered, command, sent.result()))
        else:
            self._put(partial(self._session.failed, command, told(error)))

    def _perform(self, command: Command) -> Order:
        place, order_id = self._session.place_of(command)
        exchange = self._exchanges[self._route[place.market_id]]
        if isinstance(command, Place):
            return exchange.run(exchange.placing(request(place)))
        if order_id is None:
            order_id = exchange.fetch_order(
                client_order_id=place.key,
                market_id=place.market_id,
                outcome=place.outcome,
            ).order_id
        if isinstance(command, Amend):
            return exchange.edit_order(
                order_id,
                market_id=place.market_id,
                outcome=place.outcome,
                price=command.price,
                size=command.size,
            )
        return exchange.cancel_order(order_id, market_id=place.market_id)

    # -- the end -----------------------------------------------------------------------

    def _settle(self, broke: BaseException | None) -> BaseException | None:
        """Wait for what is on its way, and tell the strategy that it is over."""
        session = self._session
        while session.in_flight:
            try:
                self._step(BEAT)
            except KeyboardInterrupt as error:
                if isinstance(broke, KeyboardInterrupt):
                    raise  # asked for twice
                broke = error
            except Exception as error:  # noqa: BLE001 - the first is raised
                broke = broke or error
        return session.over(broke)

    def _cancel(self, pool: ThreadPoolExecutor) -> list[Order | Exception | None]:
        """Cancel what may be open; gives how each ended, or why that is not known."""
        return list(pool.map(self._end, self._session.left()))

    def _end(self, command: Command) -> Order | Exception | None:
        _, order_id = self._session.place_of(command)
        try:
            order = self._perform(command)
        except OrderNotFound as error:
            # The venue does not know the key: it never came there.
            return None if order_id is None else error
        except Exception as error:  # noqa: BLE001 - the others are to be canceled too
            return error
        return order


def contract_of(exchange: Exchange, market_id: str) -> Contract:
    """Get a market of an exchange as a run or a backtest takes it: with its fees as of now.

    Raises `BadRequest` for what is no exchange of this flavour, `MarketNotFound`, and what
    the reads of `fetch_market` and `fetch_fee_rule` raise.

    >>> def known(exchange: Exchange, names: list[str]) -> list[Contract]:
    ...     return [contract_of(exchange, name) for name in names]
    """
    check_exchanges([exchange], Exchange, _WANTED)
    market = exchange.fetch_market(market_id)
    read_at = time_of(exchange.venue)
    fees = exchange.fetch_fee_rule(market_id)
    return Contract.of(exchange.describe(), market, fees, read_at=read_at)
