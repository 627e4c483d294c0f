"""`run`: a strategy on live exchanges, in the calling thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Condition, Event, Semaphore
from typing import Final, TypeAlias, cast

import attrs

from .. import fork
from ..errors import OrderNotFound
from ..models import Fill, Gap, Order
from ..paper import Contract
from ..shells.blocking import Exchange
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
from .recorded import RecordedRun, is_recorded
from .report import RunReport
from .running import BEAT, Progress, Running, of_markets, patience
from .seats import Seat
from .session import News, as_library_error
from .strategy import Strategy
from .turns import Turn, leaving, nothing
from .waiting import Item

__all__ = ["contract_of", "run"]

_THREADS: Final = "unified-exchanges-strategy"
_Lanes: TypeAlias = Lanes[ThreadPoolExecutor, Semaphore, Event]
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
    this run that are open are canceled, each by its id, and what broke is raised, with a
    note for each order that may still be open.  Nothing that is raised meanwhile skips
    any of it.  A second Ctrl-C, half a second later or more, waits for no answers any
    more, but for the cancels; one that comes while these are on their way, a third or a
    second, leaves within a second.  Positions are kept, and orders that others placed are
    left alone.  `until_stopped` makes a ``stop`` that Ctrl-C sets, so that the run ends
    by that with its report.

    What the strategy logs, and each failure, goes at once to the logger
    ``unified_exchanges.strategies``: INFO and WARNING, with ``moment`` in nanoseconds.

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
    asked = Asked(stop, exchanges)
    try:
        asked.stay()
        if is_recorded(x.venue for x in exchanges):
            with alone(exchanges[0].venue):
                return _recorded(strategy, exchanges, keep, seconds, asked, progress)
        return _Run(strategy, exchanges, keep=keep).go(seconds, asked, progress)
    finally:
        asked.leave()


def _recorded(
    strategy: Strategy,
    exchanges: tuple[Exchange, ...],
    keep: int,
    seconds: float | None,
    asked: Asked[Exchange],
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

    def live() -> None:
        ending.hold()
        run.begin(seconds, asked.is_set)
        while run.step(progress):
            pass

    with Ending(KeyboardInterrupt, is_asked=asked.is_set) as ending:
        ending.tell(live)
        return run.end(ending, asked)


def _threads(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, _THREADS)


@attrs.define(slots=True, eq=False)
class _Sending:
    """A command that a thread sends, or waits to send."""

    command: Command
    permit: Permit


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
            patience=patience(x.venue for x in exchanges),
            keep=keep,
        )
        self._session = self._running.session
        # Taken by itself: what enters a condition may be interrupted when it has its lock.
        self._lock = fork.rlock()
        self._ready = Condition(self._lock)
        self._handed: list[Handed] = []
        self._lanes = [Lanes(x.venue, _threads, Semaphore, Event) for x in exchanges]
        self._sent: dict[Future[Order], _Sending] = {}
        """What is on its way; also guarded by ``_lock``."""
        self._ending: set[Future[Order]] = set()
        """What was taken back, and is not over yet."""

    def go(
        self, seconds: float | None, asked: Asked[Exchange], progress: Progress | None
    ) -> RunReport:
        with Ending(KeyboardInterrupt, is_asked=asked.is_set) as ending:

            def live() -> None:
                ending.hold()
                # Else one is on its way of which nobody knows.
                hand = partial(ending.uncut, self._hand)
                self._live(hand, seconds, asked, progress)

            ending.tell(live)
            return self._end_all(ending, asked)

    def _live(
        self,
        hand: Callable[[], None],
        seconds: float | None,
        asked: Asked[Exchange],
        progress: Progress | None,
    ) -> None:
        running = self._running
        self._follow()
        running.begin(seconds, asked.is_set)
        if not running.is_over:
            hand()
        while not running.is_over:
            running.show(progress)
            self._turn(running.pause)
            for handed in self._handed:
                handed.check()
            hand()

    def _turn(self, seconds: float) -> None:
        """Wait so long for what comes; tell the timers, and one thing of what came."""
        self._wait(seconds)
        # First, as it may raise: what is taken is told.
        self._running.ring()
        if not self._running.is_over:
            self._running.tell(self._take())

    def _wait(self, seconds: float) -> None:
        with self._lock:
            self._ready.wait_for(lambda: len(self._running.waiting), seconds)

    def _take(self) -> Item | None:
        with self._lock:
            return self._running.waiting.take()

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
        with self._lock:
            self._running.waiting.put(item)
            self._ready.notify()

    # -- what is sent ------------------------------------------------------------------

    def _hand(self) -> None:
        """Have threads do all that is to be done now."""
        self._send()
        self._ask()

    def _send(self) -> None:
        self._running.send(self._submit, self._has_room, self._take_back, self._put)

    def _has_room(self, command: Command) -> bool:
        return self._lanes_of(self._session.place_of(command)[0]).has_room

    def _submit(self, command: Command) -> None:
        place, _ = self._session.place_of(command)
        lanes, venue = self._lanes_of(place), self._exchange_of(place).venue
        turn = lanes.turns.take(command)
        sending = _Sending(command, self._running.permit(command, venue, turn.left))
        with self._lock:
            lanes.enter(command, turn.left)
            sent = lanes.of(command).submit(self._perform, sending, turn)
            self._sent[sent] = sending
        sent.add_done_callback(partial(self._answer, lanes, sending))

    def _ask(self) -> None:
        """Read the fills that no stream has told."""
        for own in self._session.states.asks():
            reads = self._lanes_of(own.place).reads
            reads.submit(self._read, own).add_done_callback(self._found)

    def _read(self, own: Own) -> list[Fill]:
        return self._exchange_of(own.place).fetch_fills(**fills_of(own))

    def _found(self, read: Future[list[Fill]]) -> None:
        for fill in found(None if read.cancelled() else read):
            self._put(fill)

    def _answer(
        self,
        lanes: _Lanes,
        sending: _Sending,
        sent: Future[Order],
    ) -> None:
        sending.permit.left.set()  # also where it was withdrawn
        command = sending.command
        with self._lock:
            lanes.leave(command)
            if self._sent.pop(sent, None) is None:
                return  # it was withdrawn
            error = sent.exception()
            if error is None:
                self._put(partial(self._session.answered, command, sent.result()))
            else:
                self._put(
                    partial(self._session.failed, command, as_library_error(error))
                )

    def _withdraw(self) -> list[Command]:
        """Take back what has not begun to leave."""
        withdrawn = self._take_back(None)
        for command in withdrawn:
            self._session.withdraw(command)
        return withdrawn

    def _take_back(self, wanted: Mapping[int, Command] | None) -> list[Command]:
        """Of these, or of all, what has not begun to leave, and will not."""
        taken = []
        with self._lock:
            for sent, sending in list(self._sent.items()):
                is_wanted = wanted is None or id(sending.command) in wanted
                if is_wanted and sending.permit.withdraw():
                    # First, as a cancel calls back: that is no answer.
                    del self._sent[sent]
                    sent.cancel()
                    taken.append(sending.command)
                    self._ending.add(sent)
                    sent.add_done_callback(self._ending.discard)
        return taken

    def _perform(self, sending: _Sending, turn: Turn[Event]) -> Order:
        while (event := turn.awaited) is not None:
            event.wait()
        if not isinstance(sending.command, Cancel):
            return self._begin(sending, nothing)
        seats = self._lanes_of(self._session.place_of(sending.command)[0]).seats
        if not seats.acquire(blocking=False):
            # Who waits for others himself holds up no order.
            sending.permit.left.set()
            seats.acquire()
        seat = Seat(seats)
        try:
            return self._begin(sending, seat.free)
        finally:
            seat.free()

    def _begin(self, sending: _Sending, answered: Callable[[], None]) -> Order:
        command, permit = sending.command, sending.permit
        permit.check()
        place, order_id = self._session.place_of(command)
        exchange = self._exchange_of(place)
        flow = permitted(flow_of(exchange, command, place, order_id), permit)
        return exchange.run(leaving(command, flow, permit.left, answered))

    def _exchange_of(self, place: Place) -> Exchange:
        return self._exchanges[self._route[place.market_id]]

    def _lanes_of(self, place: Place) -> _Lanes:
        return self._lanes[self._route[place.market_id]]

    # -- the end -----------------------------------------------------------------------

    def _end_all(self, ending: Ending, asked: Asked[Exchange]) -> RunReport:
        """Each step is done, whatever another raises."""
        kept: list[Command] = []
        left: dict[str, Outcome] = {}
        ending.surely(lambda: kept.extend(self._session.stop()))
        ending.surely(lambda: kept.extend(self._withdraw()))
        ending.surely(lambda: self._settle(ending))
        ending.surely(lambda: self._cancel(ending, left))
        ending.surely(lambda: self._book(ending, left))
        ending.surely(self._write_owed)
        # Whoever is still on its way is waited for by nobody.
        for lanes in self._lanes:
            for pool in (lanes.orders, lanes.cancels, lanes.reads):
                pool.shutdown(wait=False, cancel_futures=True)
        for handed in self._handed:
            ending.surely(handed.close)
        self._running.leave(ending, asked)
        return self._running.report(ending, kept, left)

    def _write_owed(self) -> None:
        """Have journals know what was taken back: the next process asks them first."""
        wait(tuple(self._ending), TAKEN_BACK)
        for exchange in self._exchanges:
            exchange.run(exchange.venue.write_owed())

    def _settle(self, ending: Ending) -> None:
        """Wait for what is on its way, and tell the strategy that it is over."""
        running = self._running
        while running.awaits(ending, is_due=self._is_due()):
            self._wait(BEAT)
            item = self._take()
            ending.tell(partial(running.tell, item))
            ending.tell(running.release)
            self._ask()
        running.settled(ending, self._take)

    def _book(self, ending: Ending, left: dict[str, Outcome]) -> None:
        """Have the fills in the report that its orders count."""
        running = self._running
        running.ended(left)
        while running.lacks(ending):
            self._ask()
            self._wait(BEAT)
            self._session.book(self._take())
        running.booked(ending, self._take)

    def _is_due(self) -> bool:
        with self._lock:
            return bool(self._sent or self._running.waiting)

    def _cancel(self, ending: Ending, left: dict[str, Outcome]) -> None:
        """Cancel what may be open; tells how each ended, or why that is not known.

        All are sent, whatever interrupts; who does so once more waits for none of them.
        """
        commands = {x.key: x for x in self._session.left()}
        left.update((key, unsent(key)) for key in commands)
        with self._lock:
            late = {
                x.command.key: sent
                for sent, x in self._sent.items()
                if isinstance(x.command, Place)
            }
        hurry = Hurry(ending)
        # One that is late for no interruption is not waited for any more.
        seconds = self._running.patience if ending.is_urgent else 0
        jobs: dict[str, Future[Outcome]] = {}
        begun: set[str] = set()

        def begin(key: str) -> None:
            place, _ = self._session.place_of(commands[key])
            end = partial(self._end, commands[key], late.get(key), seconds, begun)
            jobs[key] = self._lanes_of(place).last.submit(end)

        for key in commands:
            ending.surely(partial(begin, key))
        while pending := [job for job in jobs.values() if not job.done()]:
            # Fewer queue: each is to leave before the exchange is closed.
            is_hurried = hurry.begins()
            if is_hurried or hurry.is_late(len(begun)):
                for lanes in self._lanes:
                    lanes.widen()
            if not is_hurried and hurry.is_over():
                break
            wait(pending, BEAT)
        # What waits there is sent yet, before the interpreter ends.
        for lanes in self._lanes:
            lanes.last.shutdown(wait=False)
        left.update(
            (key, _outcome(key, job, is_begun=key in begun))
            for key, job in jobs.items()
        )

    def _end(
        self,
        command: Command,
        sent: Future[Order] | None,
        seconds: float,
        begun: set[str],
    ) -> Outcome:
        """Cancel an order, which may be on its way yet, for so long at most."""
        place, order_id = self._session.place_of(command)
        try:
            if sent is not None:
                wait([sent], seconds)
                if sent.done():
                    answer = sent.exception() or sent.result()
                    if is_nothing(answer):
                        return None
                    if isinstance(answer, Order):
                        order_id = answer.order_id
            seats = self._lanes_of(place).last_seats
            seats.acquire()
            seat = Seat(seats)
            try:
                begun.add(command.key)
                exchange = self._exchange_of(place)
                flow = flow_of(exchange, command, place, order_id, is_end=True)
                order = exchange.run(leaving(command, flow, Event(), seat.free))
            finally:
                seat.free()
        except OrderNotFound as error:
            # The venue does not know the key: it never came there.
            is_over = order_id is None and not self._session.may_arrive(command.key)
            return None if is_over else error
        except Exception as error:  # noqa: BLE001 - the others are to be canceled too
            return error
        return order


def _outcome(key: str, job: Future[Outcome], *, is_begun: bool) -> Outcome:
    """What came of a cancel, as far as somebody waited for it."""
    if not job.done():
        return unconfirmed(key) if is_begun else unsent(key)
    return job.exception() or job.result()


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
    exchange.run(rules_learnt(exchange.venue, market))
    return Contract.of(exchange.describe(), market, fees, read_at=read_at)
