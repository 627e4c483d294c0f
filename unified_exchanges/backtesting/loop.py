"""`backtest`: time, a strategy and an engine, moved on by what was recorded."""

from __future__ import annotations

import heapq
import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from decimal import Inexact
from itertools import compress, repeat
from operator import length_hint
from sys import maxsize
from typing import Final, TypeAlias

from ..errors import BadRequest, UnifiedExchangesError
from ..models import (
    Fill,
    Gap,
    MarketChange,
    Order,
    OrderBook,
    OrderStatus,
    Settlement,
    Subject,
    Trade,
)
from ..money import EXACT, Number, div, total
from ..paper import (
    Contract,
    Delays,
    PaperEngine,
    PaperEvent,
    RefusedChange,
    at,
)
from ..paper.account import Account
from ..paper.pit import Pit
from ..paper.refusals import error_of
from ..strategies import Amend, Command, Desk, Failure, Note, Place, Strategy
from ..strategies.beginning import read_subjects
from ..strategies.desk import NEVER
from ..strategies.given import (
    check_limits,
    check_strategy,
    mistaken,
    read_cash,
    read_contracts,
    read_delays,
    read_sample,
)
from ..strategies.session import is_old
from .assumptions import assumed
from .hindsight import as_known
from .measures import Measures
from .merging import Events, Merged
from .report import BacktestProgress, Report
from .sources import Data, Feed, feeds_of

__all__ = ["backtest"]

_MINUTE: Final = timedelta(minutes=1)
_MOST_STEPS: Final = 100_000
"""Things that may happen at one moment."""
_BEAT: Final = 50_000
"""Events between two words on progress."""

Told: TypeAlias = PaperEvent | Order | Fill | Settlement | Failure
Progress: TypeAlias = Callable[[BacktestProgress], object]


def backtest(
    strategy: Strategy,
    data: Data,
    *,
    contracts: Iterable[Contract],
    cash: Number = "10000",
    delays: Delays | None = None,
    sample: timedelta = _MINUTE,
    progress: Progress | None = None,
) -> Report:
    """Run a strategy over what was recorded; gives what would have become of it.

    ``data`` are events with the nanoseconds of their receipt, such as ``[(ns, book)]``, the
    path of a recording or of its Parquet files, or several paths, which are put together
    as by `merged`: what overlaps counts once.  ``contracts`` are the markets with their
    fees, from `contract_of`.

    Time is that of the events.  The strategy is told an event ``delays.event`` nanoseconds
    after its receipt, and never before; an order takes effect ``delays.order`` after it
    was decided, after everything received by then.  Orders fill by the rules of
    `PaperEngine`: never at a price that was not offered, behind all that was displayed.
    Nothing depends on a clock, on chance or on the machine.

    What the strategy raises is raised.  Raises `BadRequest`, before anything runs, for what
    was given wrongly and for markets that have no contract, and ValueError where the events
    go back in time.

    >>> backtest(Strategy(), [], contracts=[]).pnl
    Decimal('0')
    """
    check_strategy(strategy)
    check_limits(progress=progress)
    every = read_sample(sample)
    engine = PaperEngine(
        read_contracts(contracts), cash=read_cash(cash), delays=read_delays(delays)
    )
    events, feeds = feeds_of(data)
    return _Backtest(strategy, engine, every, feeds).run(events, progress)


class _Backtest:
    def __init__(
        self,
        strategy: Strategy,
        engine: PaperEngine,
        every: int,
        feeds: Sequence[Feed],
    ) -> None:
        self._feeds = feeds
        self._strategy = strategy
        self._engine = engine
        self._every = every
        self._books: dict[str, OrderBook] = {}
        self._is_delayed = engine.delays.event > 0
        self._followed = self._read_markets()
        self._desk = Desk(
            # As live: of other markets the strategy knows nothing, and trades none.
            [x.contract for name, x in engine.pits.items() if name in self._followed],
            Account(engine.cash),
            book=self._books.get if self._is_delayed else self._newest,
        )
        self._measures = Measures(engine)
        self._subjects = frozenset(read_subjects(strategy))
        self._quiet: dict[str, Pit | None] = {}
        """None for a market whose books are not only noted."""
        for pit in engine.pits.values():
            # As live: a book of the other outcome tells the same orders again.
            pit.outcome = pit.contract.first
            self._calm(pit.contract.market_id)
        self._told: deque[tuple[int, Told]] = deque()
        self._sample_due = NEVER
        self._began: int | None = None
        self._last: int | None = None
        self._events = self._ignored = self._repeated = 0
        self._instant = self._steps = 0
        self._fills: list[Fill] = []
        self._settlements: list[Settlement] = []
        self._failures: list[Failure] = []
        self._changes: dict[int, Amend] = {}
        """Changes on their way, by the turn of their sending."""

    def _newest(self, market_id: str) -> OrderBook | None:
        return self._engine.pits[market_id].latest

    def _read_markets(self) -> frozenset[str]:
        pits = self._engine.pits
        found = set()
        for name in self._strategy.markets:
            venue, _, rest = name.partition(":")
            is_named = rest in pits and pits[rest].contract.market.venue == venue
            market_id = rest if is_named else name
            if market_id not in pits:
                known = ", ".join(sorted(pits)) or "none"
                raise BadRequest(
                    f"no contract was given for {name!r}; there are: {known}"
                )
            found.add(market_id)
        return frozenset(found or pits)

    # -- the run -----------------------------------------------------------------------

    def run(self, events: Events, progress: Progress | None) -> Report:
        iterator = iter(events)
        first = next(iterator, None)
        desk, strategy = self._desk, self._strategy
        if first is not None:
            self._began = desk.moment = first[0]
            self._look_back(first[0])
            self._measures.begin(first[0])
            self._sample_due = self._boundary(first[0])
        strategy.on_start(desk)
        if first is not None and not desk.is_stopped:
            # Whatever feeds it is asked by the loop itself: each step between counts.
            self._play((first,))
            if not desk.is_stopped:
                self._play(
                    iterator if progress is None else self._shown(iterator, progress)
                )
            # What was decided last meets the last that is known.
            self._catch_up(desk.moment + 1)
        desk.is_closed = True
        strategy.on_stop(desk)
        if self._began is not None:
            self._measures.sample(desk.moment)
        if isinstance(events, Merged):
            self._repeated = events.repeated
        return self._report()

    def _look_back(self, moment: int) -> None:
        """Take markets that were read later as they could be known: their end is told."""
        for market_id, pit in self._engine.pits.items():
            known = as_known(pit.contract, moment)
            pit.status = known.market.status
            if market_id in self._followed:
                self._desk.know(known)

    def _play(self, events: Events) -> None:
        """The hot loop: a book of a market in which we have nothing is only noted."""
        desk, quiet, on_book = self._desk, self._quiet, self._strategy.on_book
        last = desk.moment
        # What is used up of this tells how many there were, and takes a fifth of the time
        # of counting each.
        left = repeat(True, maxsize)  # noqa: FBT003 - each event is taken
        for moment, event in compress(events, left):
            if not last <= moment < desk.due:
                self._advance(last, moment)
                if desk.is_stopped:
                    self._events -= 1  # this one is told to nobody
                    break
            last = desk.moment = moment
            if isinstance(event, OrderBook):
                try:
                    pit = quiet[event.market_id]
                except KeyError:
                    pit = quiet[event.market_id] = None
                if pit is None:
                    self._receive(moment, event)
                elif event.outcome == pit.outcome:
                    pit.latest = event
                    on_book(desk, event)
                else:
                    self._ignored += 1  # it tells the same orders again
            else:
                self._receive(moment, event)
        self._events += maxsize - length_hint(left)
        self._last = last

    def _shown(self, events: Events, progress: Progress) -> Events:
        """The same events, and now and then a word on how far it is."""
        for count, event in enumerate(events, 2):
            yield event
            if not count % _BEAT:
                moment, fills = self._desk.moment, len(self._fills)
                progress(BacktestProgress(events=count, moment=moment, fills=fills))

    def _advance(self, last: int, moment: int) -> None:
        if moment < last:
            message = (
                f"events go back by {last - moment} ns, to {at(moment)}; `merged` puts "
                "streams together in the order of their receipt"
            )
            raise ValueError(message)
        self._catch_up(moment)

    def _receive(self, moment: int, event: PaperEvent) -> None:
        """Take any event, and tell it once it has come that far."""
        if isinstance(event, Gap):
            self._measures.lose(event.market_ids or self._engine.pits)
        else:
            _check(event)
            pit = self._engine.pits.get(event.market_id)
            if pit is None or (
                # It tells the same orders again. A trade is told for one outcome alone.
                isinstance(event, OrderBook) and event.outcome != pit.outcome
            ):
                self._ignored += 1
                return
        try:
            self._engine.receive(moment, event)
        except Inexact as error:
            raise _overlong(event) from error
        if self._is_wanted(event):
            self._tell_at(moment + self._engine.delays.event, event)
        self._collect()
        if isinstance(event, OrderBook):
            self._calm(event.market_id)

    def _calm(self, market_id: str) -> None:
        """Let the hot loop have a market, if it may: nothing of it concerns the engine."""
        pit = self._engine.pits[market_id]
        is_told = Subject.ORDER_BOOK in self._subjects and market_id in self._followed
        concerns_engine = pit.is_busy or self._engine.commands or self._is_delayed
        if is_told and not concerns_engine:
            self._quiet[market_id] = pit

    def _is_wanted(self, event: PaperEvent) -> bool:
        if isinstance(event, Gap):
            return not event.market_ids or not self._followed.isdisjoint(
                event.market_ids
            )
        if isinstance(event, MarketChange):
            # The desk has to know, whether the strategy is told or not.
            return event.market_id in self._followed
        subject = Subject.TRADES if isinstance(event, Trade) else Subject.ORDER_BOOK
        return event.market_id in self._followed and (
            subject in self._subjects or isinstance(event, OrderBook)
        )

    # -- time --------------------------------------------------------------------------

    def _catch_up(self, moment: int) -> None:
        """Let everything happen that comes before an event of this moment."""
        engine, desk = self._engine, self._desk
        self._send()
        while not desk.is_stopped:
            effect = engine.due or NEVER
            told = self._told[0][0] if self._told else NEVER
            timer = desk.timers[0][0] if desk.timers else NEVER
            soonest = min(told, timer)
            self._step(min(effect, soonest))
            if self._sample_due <= min(effect, soonest, moment):
                self._measures.sample(self._sample_due)
                # Until the next thing happens there is nothing new to see.
                self._sample_due = self._boundary(min(effect, soonest, moment))
            elif effect < moment and effect <= soonest:
                self._effect(effect)
            elif soonest <= moment:
                desk.moment = max(desk.moment, soonest)
                if told <= timer:
                    self._tell(self._told.popleft()[1])
                else:
                    _, _, name = heapq.heappop(desk.timers)
                    self._strategy.on_timer(desk, name)
                self._send()
            else:
                desk.due = min(effect, soonest, self._sample_due)
                return

    def _effect(self, moment: int) -> None:
        try:
            self._engine.advance(moment)
        except Inexact as error:
            books = (pit.latest for pit in self._engine.pits.values())
            raise _overlong(max(filter(None, books), key=_digits)) from error
        self._collect()

    def _step(self, moment: int) -> None:
        """Refuse a strategy that answers itself for ever, while no time passes."""
        if moment != self._instant:
            self._instant, self._steps = moment, 0
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise BadRequest(
                f"at {at(self._desk.moment)} the strategy answers every answer with another "
                "order, and no time passes: give it `delays`, or let it wait by a timer"
            )

    def _boundary(self, moment: int) -> int:
        return (moment // self._every + 1) * self._every

    def _tell_at(self, moment: int, told: Told) -> None:
        self._told.append((moment, told))
        self._desk.due = min(self._desk.due, moment)

    def _collect(self) -> None:
        """Take what the engine tells: it is measured now, and told once it is there."""
        delay = self._engine.delays.event
        notices = self._engine.notices()
        if not notices:
            return
        # All of it has happened already: equity at the first of them is after the last.
        traded = (x.market_id for _, x in notices if isinstance(x, Fill | Settlement))
        for market_id in dict.fromkeys(traded):
            self._measures.hold(market_id)
        for moment, notice in notices:
            if isinstance(notice, Fill):
                self._fills.append(notice)
            elif isinstance(notice, Settlement):
                self._settlements.append(notice)
            elif isinstance(notice, RefusedChange):
                self._tell_at(moment + delay, self._refused(notice))
                continue
            if not isinstance(notice, Order):
                self._measures.changed(moment, notice.market_id)
                self._measures.sample(moment)
            self._tell_at(moment + delay, notice)

    def _refused(self, change: RefusedChange) -> Failure:
        command = self._changes.pop(change.turn)
        venue = self._engine.pits[change.market_id].contract.market.venue
        error = error_of(change.reason)(
            change.reason, venue=venue, client_order_id=command.key
        )
        return Failure(command=command, error=error)

    # -- the strategy ------------------------------------------------------------------

    def _tell(self, told: Told) -> None:
        desk, strategy = self._desk, self._strategy
        if isinstance(told, OrderBook):
            self._books[told.market_id] = told
            if Subject.ORDER_BOOK in self._subjects:
                strategy.on_book(desk, told)
        elif isinstance(told, Trade):
            strategy.on_trade(desk, told)
        elif isinstance(told, Fill):
            desk.told_fill(told)
            strategy.on_fill(desk, told)
        elif isinstance(told, Order):
            self._tell_order(told)
        elif isinstance(told, Failure):
            self._fail(told)
        elif isinstance(told, Settlement):
            desk.told_settlement(told)
        elif isinstance(told, MarketChange):
            self._tell_change(told)
        else:
            self._tell_gap(told)

    def _tell_change(self, change: MarketChange) -> None:
        self._desk.told_change(change)
        if Subject.MARKET_STATUS in self._subjects:
            self._strategy.on_status(self._desk, change)

    def _tell_gap(self, gap: Gap) -> None:
        for market_id in gap.market_ids or tuple(self._books):
            self._books.pop(market_id, None)
        self._strategy.on_gap(self._desk, gap)

    def _tell_order(self, order: Order) -> None:
        key = order.client_order_id
        assert key is not None
        if order.status is OrderStatus.REJECTED:
            reason = json.loads(order.raw_json)["reason"]
            error = error_of(reason)(reason, venue=order.venue, client_order_id=key)
            self._fail(Failure(command=self._desk.placed(key), error=error))
            return
        if is_old(self._desk.order(key), order):
            return  # as live: a change that changes nothing is no news
        self._desk.told_order(order, key)
        self._strategy.on_order(self._desk, order)

    def _fail(self, failure: Failure) -> None:
        self._failures.append(failure)
        if isinstance(failure.command, Place):
            self._desk.forget(failure.command.key)
        self._strategy.on_failure(self._desk, failure)

    def _send(self) -> None:
        outbox = self._desk.outbox
        while outbox:
            command = outbox.popleft()
            try:
                self._order(command)
            except UnifiedExchangesError as error:
                failure = Failure(command=command, error=error)
                self._tell_at(command.at + self._engine.delays.event, failure)

    def _order(self, command: Command) -> None:
        engine = self._engine
        if isinstance(command, Place):
            self._quiet[command.market_id] = None
            engine.place(
                command.at,
                command.market_id,
                command.outcome,
                command.side,
                command.price,
                command.size,
                time_in_force=command.time_in_force,
                post_only=command.post_only,
                expires_at=command.expires_at,
                client_order_id=command.key,
            )
        elif isinstance(command, Amend):
            turn = engine.amend(
                command.at, command.key, price=command.price, size=command.size
            )
            self._changes[turn] = command
        else:
            engine.cancel(command.at, command.key)

    # -- the end -----------------------------------------------------------------------

    def _report(self) -> Report:
        engine, desk, measures = self._engine, self._desk, self._measures
        fills: defaultdict[str, list[Fill]] = defaultdict(list)
        for fill in self._fills:
            fills[fill.market_id].append(fill)
        markets = tuple(
            measures.market(pit, fills[market_id])
            for market_id, pit in engine.pits.items()
        )
        taken = [
            order
            for order in engine.orders.values()
            if order.arrived is not None and order.status is not OrderStatus.REJECTED
        ]
        ordered = total(order.size for order in taken)
        filled = total(order.filled for order in taken)
        equity = measures.equity()
        is_begun = self._began is not None
        if len(self._feeds) == 1 and is_begun:
            [feed] = self._feeds
            feed.began, feed.ended = self._began, self._last
        return Report(
            strategy=type(self._strategy).__name__,
            started_at=None if self._began is None else at(self._began),
            ended_at=at(desk.moment) if is_begun else None,
            events=self._events,
            ignored=self._ignored,
            repeated=self._repeated,
            starting_cash=engine.starting_cash,
            cash=engine.cash,
            equity=equity,
            pnl=EXACT.subtract(equity, engine.starting_cash),
            fees=engine.account.fees,
            max_drawdown=measures.max_drawdown,
            max_drawdown_ratio=measures.max_drawdown_ratio,
            peak_exposure=measures.peak_exposure,
            average_exposure=measures.average_exposure,
            turnover=total(market.turnover for market in markets),
            orders=len(taken),
            fill_ratio=div(filled, ordered) if ordered else None,
            forecasts=desk.forecasts.count,
            brier=desk.forecasts.brier,
            calibration=desk.forecasts.calibration(),
            markets=markets,
            equity_curve=tuple(measures.points),
            trades=tuple(self._fills),
            settlements=tuple(self._settlements),
            assumptions=assumed(engine, self._every, self._feeds),
            decisions=tuple(desk.decisions),
            failures=tuple(self._failures),
            notes=self._notes(),
        )

    def _notes(self) -> tuple[Note, ...]:
        """What the strategy wrote, and what is to be known of the data."""
        of_data = [
            Note(at=moment, text=text)
            for feed in self._feeds
            for moment, text in feed.notes()
        ]
        return tuple(sorted([*of_data, *self._desk.notes], key=lambda note: note.at))


def _check(event: object) -> None:
    if not isinstance(event, OrderBook | Trade | MarketChange):
        raise mistaken(
            "event",
            event,
            "books, trades, changes of markets and gaps, each as (ns, it)",
        )


def _overlong(event: object) -> BadRequest:
    """Of a number made of a float, which has fifty digits: money is never rounded."""
    return mistaken(
        "event",
        event,
        'prices and sizes that are made of text, Decimal("0.01") and not Decimal(0.01)',
    )


def _digits(book: OrderBook) -> int:
    """How long the longest number of a book is."""
    numbers = (
        x for level in (*book.bids, *book.asks) for x in (level.price, level.size)
    )
    return max((len(x.as_tuple().digits) for x in numbers), default=0)
