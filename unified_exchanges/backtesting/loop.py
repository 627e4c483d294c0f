"""Time in a backtest: what was recorded moves an engine and a strategy on."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Inexact, InvalidOperation
from itertools import compress, islice, repeat
from operator import length_hint
from sys import maxsize
from typing import Final

from ..errors import BadRequest, UnifiedExchangesError
from ..guards import GuardPolicy
from ..models import Fill, Gap, MarketChange, Order, OrderBook, Settlement, Trade
from ..money import Number
from ..paper import (
    Contract,
    Delays,
    OwnTake,
    PaperEngine,
    PaperEvent,
    RefusedChange,
    at,
)
from ..paper.pit import Pit, is_crossed
from ..strategies import Failure, Place, Strategy
from ..strategies.given import (
    check_strategy,
    mistaken,
    read_cash,
    read_contracts,
    read_delays,
    read_guards,
    read_sample,
)
from ..strategies.timers import NEVER
from ..wording import add_note, headline_of
from .concluding import Tally, report_of
from .guarding import Guarding
from .impossible import (
    overlong,
    require_finite,
    require_finite_queue,
    require_payable,
)
from .measures import Measures
from .reading import Provenance
from .report import BacktestProgress, Report
from .sampling import Sampling
from .sending import Sender
from .telling import Teller, Told

__all__ = ["Loop"]

_MOST_STEPS: Final = 100_000
"""Things that may happen at one moment."""
_UNTIMED: Final = "an event, and nothing else, has whole nanoseconds"
_PAIR: Final = 2
"""Parts of an event with its time."""


class Loop:
    """One run of a strategy, which is played as many events at a time as there are.

    ``read`` is how many events it took, and ``is_over`` whether it takes no more: the
    strategy has stopped, or there was nothing.
    """

    def __init__(
        self,
        strategy: Strategy,
        *,
        contracts: Iterable[Contract],
        cash: Number,
        delays: Delays | None,
        sample: timedelta | None,
        guards: GuardPolicy | None,
    ) -> None:
        check_strategy(strategy)
        every, policy = read_sample(sample), read_guards(guards)
        self._engine = PaperEngine(
            read_contracts(contracts), cash=read_cash(cash), delays=read_delays(delays)
        )
        self._strategy = strategy
        self._delay = self._engine.delays.event
        self._teller = Teller(strategy, self._engine)
        self._desk = self._teller.desk
        self._heard = 0
        """When market data was last told."""
        self._guarding = Guarding(
            policy,
            self._engine,
            self._desk,
            self._teller.followed_book,
            lambda: self._heard,
        )
        self._teller.guarding = self._guarding
        self._sender = Sender(self._engine, self._guarding, self._desk)
        self._measures = Measures(self._engine)
        self._sampling = Sampling(self._measures, every)
        self._quiet: dict[str, Pit | None] = {}
        """None for a market whose books are not only noted."""
        self._held: dict[str, Pit] = {}
        """Of those the ones whose books are noted too, and tell what is held there."""
        firsts = [pit.contract.market.outcomes[0] for pit in self._engine.pits.values()]
        self._ids = {x.outcome_id for x in firsts if x.outcome_id != x.label}
        """Ids of first outcomes, which their books bear if nobody knew the label."""
        for pit in self._engine.pits.values():
            # As live: a book of the other outcome tells the same orders again.
            pit.outcome = pit.contract.first
            self._calm(pit.contract.market_id)
        self._told: deque[tuple[int, Told]] = deque()
        self._refused: deque[Failure] = deque()
        """What was refused on this side at the moment of the desk, and is not told."""
        self._instant = self._steps = 0
        self._tally = Tally()
        self._is_begun = self._is_running = False
        self.is_over = False
        self.read = 0

    # -- the run -----------------------------------------------------------------------

    def play(self, events: Iterator[tuple[int, PaperEvent]]) -> None:
        """Go on with these events, the first of which begin the run."""
        with self._stopping_if_broken():
            if not self._is_begun:
                self._begin([*islice(events, 1)])
            if not self.is_over:
                # Whatever feeds it is asked by the loop itself: each step between counts.
                self.read += self._play(events)

    def end(self, provenance: Provenance) -> Report:
        """End it, after events that came from there."""
        desk = self._desk
        if self._tally.last is not None:
            with self._stopping_if_broken():
                try:
                    # What was decided last meets the last that is known.
                    self._hear(self._tally.last)
                    self._catch_up(desk.moment + 1)
                finally:
                    self._require_finite()
        self._stop()
        if self._tally.began is not None:
            self._sampling.settle()
            self._measures.sample(desk.moment)
        self._note_told(self._engine.pits)
        return report_of(
            self._tally,
            self._teller,
            self._engine,
            self._measures,
            self._sampling.every,
            provenance,
            self._guarding.policy,
        )

    @contextmanager
    def _stopping_if_broken(self) -> Generator[None]:
        """As live, a run that something broke ends by ``on_stop``, once it has started."""
        try:
            yield
        except BaseException as error:
            try:
                self._stop()
            except Exception as another:  # noqa: BLE001 - what broke first is raised
                add_note(error, f"then, while the run ended: {headline_of(another)}")
            raise

    def _stop(self) -> None:
        self._desk.is_closed = True
        if self._is_running:
            self._is_running = False
            self._strategy.on_stop(self._desk)

    def progress(self, events: int) -> BacktestProgress:
        """How far it is, after so many events."""
        fills = len(self._tally.fills)
        return BacktestProgress(events=events, moment=self._desk.moment, fills=fills)

    def _begin(self, firsts: list[tuple[int, PaperEvent]]) -> None:
        self._is_begun = True
        desk = self._desk
        for first in firsts:
            if not _is_event(first):
                raise _malformed(0, first)
            self.read = 1
            self._tally.began = desk.moment = first[0]
            self._teller.look_back(first[0])
            self._sampling.begin(first[0])
            self._guarding.begin()
        self._is_running = True
        self._strategy.on_start(desk)
        if firsts and not desk.is_stopped:
            self._play(firsts)
        self.is_over = desk.is_stopped or not firsts

    def _play(  # noqa: C901, PLR0912 - a call in it takes as long as all the rest
        self, events: Iterable[tuple[int, PaperEvent]]
    ) -> int:
        """The hot loop: a book of a market in which we have nothing is only noted.

        Gives how many events it took.
        """
        desk, quiet, on_book = self._desk, self._quiet, self._strategy.on_book
        tally, held, ids = self._tally, self._held, self._ids
        last = desk.moment
        # What is used up of this tells how many there were, and takes a fifth of the time
        # of counting each.
        left = repeat(True, maxsize)  # noqa: FBT003 - each event is taken
        told: tuple[int, PaperEvent] | None = None
        try:
            for told in compress(events, left):
                moment, event = told
                if not last <= moment < desk.due:
                    self._advance(last, moment)
                    if desk.is_stopped:
                        tally.events -= 1  # this one is told to nobody
                        self.is_over = True
                        break
                last = desk.moment = moment
                if isinstance(event, OrderBook):
                    try:
                        pit = quiet[event.market_id]
                    except KeyError:
                        pit = quiet[event.market_id] = None
                    if pit is None:
                        pit = held.get(event.market_id)
                        if pit is None or event.outcome != pit.outcome:
                            self._receive(moment, event)
                            continue
                        bids, asks = event.bids, event.asks
                        # As `is_crossed`, of which the call alone takes as long as all this.
                        if bids and asks and bids[0].price >= asks[0].price:
                            self._measures.lose((event.market_id,))
                        pit.latest = event
                        on_book(desk, event)
                    elif event.outcome == pit.outcome:
                        pit.latest = event
                        on_book(desk, event)
                    else:
                        tally.ignored += 1  # it tells the same orders again
                        tally.nameless += event.outcome in ids
                else:
                    self._receive(moment, event)
        except (TypeError, ValueError, InvalidOperation) as error:
            # To look at each before it is played would take as long as to play it.
            taken = maxsize - length_hint(left)
            if taken and not _is_event(told):
                raise _malformed(self.read + taken - 1, told) from error
            if told is not None and isinstance(error, InvalidOperation):
                # Of the strategy itself, if all that it was told are numbers.
                self._require_finite(told[1])
            raise
        taken = maxsize - length_hint(left)
        if taken and not _is_event(told):
            raise _malformed(self.read + taken - 1, told)
        tally.events += taken
        tally.last = last
        return taken

    def _advance(self, last: int, moment: int) -> None:
        if not isinstance(moment, int):
            raise TypeError(_UNTIMED)
        if not isinstance(last, int):
            raise mistaken("data", [last, moment], "whole nanoseconds with each event")
        if moment < last:
            message = (
                f"events go back by {last - moment} ns, to {at(moment)}; `merged` puts "
                "streams together in the order of their receipt"
            )
            raise ValueError(message)
        self._hear(last)
        self._catch_up(moment)

    def _hear(self, moment: int) -> None:
        """An event was received, and the strategy told of it unless it comes late."""
        if not self._delay:
            self._heard = moment

    def _receive(self, moment: int, event: PaperEvent) -> None:
        """Take any event, and tell it once it has come that far."""
        if isinstance(event, Gap):
            names = event.market_ids or self._engine.pits
            self._note_told(names)
            if event.is_of_books:
                self._measures.lose(names)
        elif isinstance(event, OwnTake):
            self._take_out(moment, event)
            return
        elif not self._concerns(event):
            return
        try:
            self._engine.receive(moment, event)
        except Inexact as error:
            raise overlong([event]) from error
        if self._teller.is_wanted(event):
            self._tell_at(moment + self._delay, event)
        self._collect()
        if self._delay:  # a close that moved may come before that is told
            self._desk.due = min(self._desk.due, self._engine.due or NEVER)
        if isinstance(event, OrderBook):
            self._calm(event.market_id)

    def _take_out(self, moment: int, take: OwnTake) -> None:
        """Something was taken by the account that was recorded: the strategy is not told."""
        self._tally.events -= 1
        if take.market_id in self._engine.pits:
            self._concern(take.market_id)
            self._engine.receive(moment, take)

    def _concerns(self, event: OrderBook | Trade | MarketChange) -> bool:
        """Whether an event is of the run; what is not is counted."""
        _check(event)
        pit = self._engine.pits.get(event.market_id)
        if pit is None or (
            # It tells the same orders again. A trade is told for one outcome alone.
            isinstance(event, OrderBook) and event.outcome != pit.outcome
        ):
            self._tally.ignored += 1
            # Nothing else that is ignored bears the id of a first outcome.
            self._tally.nameless += getattr(event, "outcome", None) in self._ids
            return False
        if isinstance(event, OrderBook) and is_crossed(event):
            self._measures.lose((event.market_id,))
        self._note_told((event.market_id,))
        if self._teller.is_news(event):
            self._tally.told.add(event.market_id)
        return True

    def _note_told(self, market_ids: Iterable[str]) -> None:
        """Keep of which of these a book was told: one that is only noted may be lost now."""
        pits = self._engine.pits
        told = self._tally.told
        told.update(
            x for x in market_ids if x not in told and x in pits and pits[x].latest
        )

    def _calm(self, market_id: str) -> None:
        """Let the hot loop have a market, if it may: nothing of it concerns the engine."""
        pit = self._engine.pits[market_id]
        concerns_engine = pit.is_busy or self._engine.commands or self._delay
        if self._teller.hears_books(market_id) and not concerns_engine:
            # Only where something is held it matters which book was the last to be known.
            if self._measures.holds(market_id):
                self._held[market_id] = pit
            else:
                self._quiet[market_id] = pit

    def _concern(self, market_id: str) -> None:
        """Take a market from the hot loop: the engine is to see its books."""
        self._quiet[market_id] = None
        self._held.pop(market_id, None)

    # -- time --------------------------------------------------------------------------

    def _catch_up(self, moment: int) -> None:
        """Let everything happen that comes before an event of this moment."""
        engine, desk = self._engine, self._desk
        self._send()
        while not desk.is_stopped:
            if self._refused:
                # It never left: that is known at once, before all that is told now.
                self._step(desk.moment)
                self._teller.tell(self._refused.popleft())
                self._send()
                continue
            effect = engine.due or NEVER
            told = self._told[0][0] if self._told else NEVER
            timer = desk.timers.due
            soonest = min(told, timer)
            self._step(min(effect, soonest))
            if self._sampling.due <= (following := min(effect, soonest, moment)):
                self._sampling.take(following)
            elif effect < moment and effect <= soonest:
                self._effect(effect)
            elif soonest <= moment:
                desk.moment = max(desk.moment, soonest)
                if told <= timer:
                    self._tell(self._told.popleft()[1])
                else:
                    desk.ring(self._strategy.on_timer)
                self._send()
            else:
                desk.due = min(effect, soonest, self._sampling.due)
                return

    def _tell(self, told: Told) -> None:
        if self._delay and isinstance(told, OrderBook | Trade | MarketChange):
            self._heard = self._desk.moment
        self._teller.tell(told)

    def _effect(self, moment: int) -> None:
        try:
            self._engine.advance(moment)
        except Inexact as error:
            raise overlong(self._books()) from error
        self._collect()

    def _books(self) -> list[OrderBook]:
        """The newest book of each market."""
        return [x.latest for x in self._engine.pits.values() if x.latest is not None]

    def _require_finite(self, *events: PaperEvent) -> None:
        require_finite([*events, *self._books()])
        for name, pit in self._engine.pits.items():
            for order in pit.orders:
                # Of an earlier book, behind which it came to stand.
                require_finite_queue(name, order.ahead)

    def _step(self, moment: int) -> None:
        """Refuse a strategy that answers itself for ever, while no time passes."""
        if moment != self._instant:
            self._instant, self._steps = moment, 0
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise BadRequest(
                f"at {at(self._desk.moment)} {_MOST_STEPS:,} things happened, as the strategy "
                "answers each with another order or timer, and no time passes: give it "
                "`delays`, or let it wait by a timer of some time"
            )

    def _tell_at(self, moment: int, told: Told) -> None:
        self._told.append((moment, told))
        self._desk.due = min(self._desk.due, moment)

    def _collect(self) -> None:
        """Take what the engine tells: it is measured now, and told once it is there."""
        if not (notices := self._engine.notices()):
            return
        # All of it has happened already: equity at the first of them is after the last.
        traded = (x.market_id for _, x in notices if isinstance(x, Fill | Settlement))
        for market_id in dict.fromkeys(traded):
            self._measures.hold(market_id)
        for moment, notice in notices:
            if isinstance(notice, Fill):
                self._tally.fills.append(notice)
            elif isinstance(notice, Settlement):
                self._tally.settlements.append(notice)
            elif isinstance(notice, RefusedChange):
                if (failure := self._sender.refused(notice)) is not None:
                    self._tell_at(moment + self._delay, failure)
                continue
            if not isinstance(notice, Order):
                self._sampling.traded(moment)
                self._measures.changed(notice.market_id)
            self._tell_at(moment + self._delay, notice)
        self._desk.due = min(self._desk.due, self._sampling.due)

    def _send(self) -> None:
        outbox = self._desk.outbox
        while outbox:
            command = outbox.popleft()
            if isinstance(command, Place):
                self._concern(command.market_id)
            try:
                self._sender.send(command)
            except UnifiedExchangesError as error:
                self._refused.append(Failure(command=command, error=error))


def _is_event(told: object) -> bool:
    """Whether it is an event with its nanoseconds."""
    return (
        isinstance(told, tuple)
        and len(told) == _PAIR
        and isinstance(told[0], int)
        and isinstance(told[1], PaperEvent)
    )


def _malformed(number: int, told: object) -> BadRequest:
    return mistaken(
        f"data[{number}]",
        told,
        "an event (a book, trade, change of a market or gap) with the nanoseconds of its "
        "receipt, as (nanoseconds, book)",
    )


def _check(event: object) -> None:
    if not isinstance(event, OrderBook | Trade | MarketChange):
        raise TypeError(_UNTIMED)  # of which more is said where it was taken from
    if isinstance(event, MarketChange):
        require_payable(event)
