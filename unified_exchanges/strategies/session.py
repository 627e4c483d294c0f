"""One run on live exchanges, without input or output: what is told, sent and stopped."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import attrs

from ..errors import (
    InternalError,
    OrderRejected,
    UnifiedExchangesError,
)
from ..models import (
    Fill,
    Gap,
    MarketChange,
    Order,
    OrderBook,
    OrderStatus,
    Subject,
    Trade,
)
from ..paper import at
from .commands import Amend, Cancel, Command, Failure, Place
from .desk import Desk
from .ending import Outcome
from .hearing import lose_emptied
from .live_log import failed, unread
from .own import Own, is_nothing, is_old
from .report import RunProgress, RunReport, RunTotals
from .states import States
from .strangers import Name, Strangers, name_of
from .strategy import Strategy
from .timers import NEVER
from .unsent import canceled

__all__ = ["News", "Session", "as_library_error"]

News: TypeAlias = OrderBook | Trade | MarketChange | Gap | Order | Fill
"""What watches tell."""

_OVER = 10_000
"""Orders that have ended and whose fills are still told."""


class Session:
    """Tells a strategy what happens, and says what is to be sent.

    Whoever runs it sets ``moment`` and calls `take` with news, `ready` for commands,
    and `answered` or `failed` with what came of each.  Commands for one order go one
    after another, those for different ones together.
    """

    def __init__(
        self,
        strategy: Strategy,
        desk: Desk,
        books: dict[str, OrderBook],
        *,
        keep: int,
    ) -> None:
        self.strategy = strategy
        self.desk = desk
        self.books = books
        self.events = 0
        self.counts: Counter[str] = Counter()
        self.fills: deque[Fill] = deque(maxlen=keep)
        self.failures: deque[Failure] = deque(maxlen=keep)
        self.is_stopping = False
        self.has_lasting_ids = False
        """Whether an order that is changed is the same order afterwards, and commands for it
        arrive in the order in which they were sent."""
        self._follows_status = Subject.MARKET_STATUS in strategy.subjects
        self._own: dict[str, Own] = {}
        self._keys: dict[Name, str] = {}
        self._strangers = Strangers()
        self._again: deque[Order | Fill] = deque()
        """News that are to be taken once more, now that more is known of their orders."""
        self._sendable: deque[Command] = deque()
        self._revoked: dict[int, Command] = {}
        self._decided: dict[int, tuple[int, Command]] = {}
        """What was decided and has not come to anything, by identity, in its order, and
        the moment from which on it might have been sent."""
        self._over: deque[str] = deque()
        self.states = States(strategy, desk)

    # -- time --------------------------------------------------------------------------

    def start(self, moment: int) -> None:
        """Begin."""
        self.desk.moment = moment
        self.strategy.on_start(self.desk)

    def look_up(self, moment: int) -> None:
        """Let it be so late."""
        self.desk.moment = max(self.desk.moment, moment)

    def ring_next(self, moment: int, *, newest: int = NEVER) -> bool:
        """Let it be so late: the first timer is told, of those that are due by then.

        Of those alone that were asked for by the ``newest``; False if there is none.
        """
        self.look_up(moment)
        desk, timers = self.desk, self.desk.timers
        if self.is_stopping or timers.due > desk.moment or timers.next_turn > newest:
            return False
        desk.ring(self.strategy.on_timer)
        return True

    @property
    def due(self) -> int:
        """When the next timer is due."""
        return self.desk.timers.due

    # -- news --------------------------------------------------------------------------

    def take(self, news: News) -> None:
        """Tell the strategy, if it concerns it."""
        if isinstance(news, Order):
            self._take_own(news)
            return
        if isinstance(news, Fill):
            self._take_own(news)
            return
        if isinstance(news, Gap):
            if news.is_of_books:
                for market_id in news.market_ids or tuple(self.books):
                    self.books.pop(market_id, None)
        elif isinstance(news, OrderBook):
            self.books[news.market_id] = news
        elif isinstance(news, MarketChange):
            lose_emptied(self.books, self.desk.contract(news.market_id), news)
            self.desk.told_change(news)
            if not self._follows_status:
                return
        if not self.is_stopping:
            self.events += 1
            self._tell(news)

    def _tell(self, news: OrderBook | Trade | MarketChange | Gap) -> None:
        if isinstance(news, OrderBook):
            self.strategy.on_book(self.desk, news)
        elif isinstance(news, Trade):
            market = self.desk.market(news.market_id)
            self.strategy.on_trade(self.desk, news.in_first_terms(market))
        elif isinstance(news, Gap):
            self.strategy.on_gap(self.desk, news)
        else:
            self.strategy.on_status(self.desk, news)

    # -- own orders --------------------------------------------------------------------

    def _take_own(self, news: Order | Fill) -> None:
        key = self._keys.get(name_of(news))
        if key is None and news.client_order_id in self._own:
            key = news.client_order_id
        if key is None:
            # Maybe of an order whose answer is still on its way; else somebody else's.
            self._strangers.keep(news)
            return
        own = self._own[key]
        news = news.in_terms_of(own.place.outcome)
        news = attrs.evolve(news, client_order_id=key)
        if isinstance(news, Fill):
            for state in own.resting(news):
                self._order(own, state)
            self._fill(own, news)
        elif own.is_early(news, has_lasting_ids=self.has_lasting_ids):
            if news.is_open:
                self._named(own, news)
            self.states.delay(own, news)
        else:
            self._order(own, news)

    def _fill(self, own: Own, fill: Fill) -> None:
        if not own.counts(fill):
            return
        self.desk.told_fill(fill)
        self.fills.append(fill)
        self.counts["fills"] += 1
        if not self.states.is_over:
            self.strategy.on_fill(self.desk, fill)
            self.states.tell(own)
        self.states.booked(own)

    def _order(self, own: Own, order: Order) -> None:
        """Take a state; it is told once the fills are that it counts."""
        self._named(own, order)
        if order.order_id != own.order_id or is_old(own.known, order):
            return
        if own.is_refused and is_nothing(order):
            return  # how a stream tells of what was refused
        own.known = order
        self._end(own, is_over=not order.is_open)
        self.states.put(own, order)

    def _named(self, own: Own, order: Order) -> None:
        """Know an order by the venue's id as well."""
        own.order_id = own.order_id or order.order_id
        name = name_of(order)
        self._keys[name] = own.place.key
        own.names.add(name)
        # They came before all that is known of it.
        self._again.extendleft(reversed(self._strangers.named(name)))
        is_to_end = bool(own.waiting) and isinstance(own.waiting[0], Cancel)
        if is_to_end and self._rests_unanswered(own) and not self.is_stopping:
            self._send(own, own.waiting.popleft())

    def release(self) -> None:
        """Tell the states of orders that have waited too long."""
        unanswered = self.states.unanswered()
        if unanswered:
            self._again += unanswered
            self.retell()
        self.states.release()

    def _end(self, own: Own, *, is_over: bool, is_doubtful: bool = False) -> None:
        """Note whether it has ended; the last ones are known, for fills that come late."""
        if is_over and not own.is_over:
            self._over.append(own.place.key)
        own.is_over, own.is_doubtful = is_over, is_doubtful
        while len(self._over) > _OVER:
            gone = self._own.get(self._over.popleft())
            if gone is not None and gone.is_forgettable:
                del self._own[gone.place.key]
                for name in gone.names:
                    self._keys.pop(name, None)

    # -- commands ----------------------------------------------------------------------

    def ready(self) -> list[Command]:
        """The commands that may be sent now; each is answered or failed afterwards."""
        if self.desk.is_stopped:
            return []
        outbox = self.desk.outbox
        while outbox:
            self._queue(outbox.popleft())
        sendable, self._sendable = list(self._sendable), deque()
        self._strangers.sent(sendable)
        return sendable

    def revoked(self) -> dict[int, Command]:
        """What is not to wait any more, by identity: its order is to end.

        For each that had not begun to be sent, and will not, `taken_back` is called.
        """
        revoked, self._revoked = self._revoked, {}
        return revoked

    def since(self, command: Command) -> int:
        """From when on a command waits to be sent."""
        return self._decided[id(command)][0]

    def _queue(self, command: Command) -> None:
        if isinstance(command, Place):
            self._own[command.key] = Own(command)
            self.counts["orders"] += 1
        own = self._own.get(command.key)
        if own is None:
            return  # it ended long ago
        self._decided[id(command)] = self.desk.moment, command
        # One that is there, and stays the same order, takes them as they come.
        is_there = self.has_lasting_ids and own.known is not None and not own.waiting
        if isinstance(command, Cancel) and own.is_busy:
            is_there = is_there or (self._rests_unanswered(own) and not own.waiting)
            if not is_there:
                self._revoke(own)
        if own.is_busy and not is_there:
            own.waiting.append(command)
        else:
            self._send(own, command)

    def _rests_unanswered(self, own: Own) -> bool:
        """Whether an order is there, and may fill for as long as its answer takes.

        Where commands arrive as they were sent, answers come as in a backtest.
        """
        return own.rests_unanswered and not self.has_lasting_ids

    def _revoke(self, own: Own) -> None:
        """Of an order that is to end nothing is to wait any more but its cancels."""
        sent = own.sent
        # Where commands arrive as they were sent none waits, as in a backtest.
        if not (sent is None or isinstance(sent, Cancel) or self.has_lasting_ids):
            self._revoked[id(sent)] = sent

    def _send(self, own: Own, command: Command) -> None:
        # Of a change the venue says that it came too late, if that was not told before.
        is_told = not (own.held and isinstance(command, Amend))
        if own.is_over and not own.is_doubtful and is_told:
            del self._decided[id(command)]
            return  # it ended by itself: nothing is left to change
        own.on_way += 1
        own.sent = command
        if any(isinstance(x, Cancel) for x in own.waiting):
            self._revoke(own)
        self._sendable.append(command)

    def place_of(self, command: Command) -> tuple[Place, str | None]:
        """What a command is about: the order that was asked for, and the venue's id."""
        own = self._own[command.key]
        return own.place, own.order_id

    def named(self, key: str) -> str:
        """What an order is called: by the venue's id, if that is known."""
        own = self._own[key]
        return own.order_id or f"client_order_id={key}"

    def may_arrive(self, key: str) -> bool:
        """Whether an order that is not there may be there later."""
        return self._own[key].is_unheard

    def has_ended(self, key: str) -> bool:
        """Whether the venue has told that an order ended."""
        return self._own[key].has_ended

    def answered(self, command: Command, order: Order) -> None:
        """A command was answered by the order as it is now."""
        own = self._own[command.key]
        own.order_id = order.order_id
        self._done(own, command)
        self._decided.pop(id(command), None)
        refused = order.status is OrderStatus.REJECTED and isinstance(command, Place)
        told = attrs.evolve(order, client_order_id=command.key)
        self._again += own.answered(told)
        try:
            if refused:
                self._end(own, is_over=True)
                self._refuse(command, _refusal(told))
            else:
                self._order(own, told.in_terms_of(own.place.outcome))
        finally:
            self._next(own)
        self.retell()

    def taken_back(self, command: Command) -> None:
        """A command did not leave, as its order was canceled before: it never will."""
        own = self._own[command.key]
        self._done(own, command)
        self._decided.pop(id(command), None)
        self._bring_up(own)
        try:
            if isinstance(command, Place):
                self._end(own, is_over=True)
                venue = self.desk.market(command.market_id).venue
                self.states.tell_at_once(own, canceled(command, venue))
            self.retell()
        finally:
            self._next(own)

    def failed(self, command: Command, error: UnifiedExchangesError) -> None:
        """A command was refused, or what became of it is not known."""
        own = self._own[command.key]
        if isinstance(command, Place):
            # Before it counts as heard, so that an interruption between loses no doubt.
            self._end(own, is_over=True, is_doubtful=error.maybe_executed)
            # Interrupted: what had left may arrive yet.
            own.is_unheard = not isinstance(error.__cause__, Exception | None)
        self._done(own, command)
        self._decided.pop(id(command), None)
        self._bring_up(own)
        try:
            if isinstance(command, Cancel) and error.maybe_executed and own.has_ended:
                # A stream has told what could not be read: it came to what was asked for.
                unread(command, error, self.desk.moment)
            else:
                self._refuse(command, error)
        finally:
            self._next(own)
        self.retell()

    def _refuse(self, command: Command, error: UnifiedExchangesError) -> None:
        failure = Failure(command=command, error=error)
        self.failures.append(failure)
        self.counts["failures"] += 1
        failed(failure, self.desk.moment)
        if isinstance(command, Place) and not error.maybe_executed:
            self.desk.forget(command.key)
        self.strategy.on_failure(self.desk, failure)

    def _bring_up(self, own: Own) -> None:
        """No answer says anything of the states that came before it."""
        self._again += own.early
        own.early.clear()

    def _done(self, own: Own, command: Command) -> None:
        self._strangers.answered(command)
        own.on_way = max(0, own.on_way - 1)

    def _next(self, own: Own) -> None:
        while own.waiting and not own.is_busy and not self.is_stopping:
            self._send(own, own.waiting.popleft())

    @property
    def in_flight(self) -> int:
        """How many commands are on their way."""
        return self._strangers.due

    @property
    def has_strangers(self) -> bool:
        """Whether there are news of orders that were not known."""
        return bool(self._again or self._strangers)

    def retell(self) -> None:
        """Look once more at news of orders that were not known, and are now.

        Where that raises, the rest is looked at the next time.
        """
        self._strangers.forget()
        while self._again:
            news = self._again.popleft()
            self._take_own(news)

    # -- the end -----------------------------------------------------------------------

    def stop(self) -> tuple[Command, ...]:
        """Send no more from now on; gives what was decided and is not sent."""
        self.is_stopping = True
        waiting = [x for own in self._own.values() for x in own.waiting]
        unsent = [*self._sendable, *waiting, *self._undelivered()]
        self._sendable.clear()
        self._revoked.clear()
        for own in self._own.values():
            own.waiting.clear()
        return tuple(unsent)

    def _undelivered(self) -> list[Command]:
        """What was decided and never came here, also in answer to what the end tells."""
        outbox = [*self.desk.outbox]
        self.desk.outbox.clear()
        moment = self.desk.moment
        self._decided.update((id(x), (moment, x)) for x in outbox)
        return outbox

    def _in_order(self, commands: Iterable[Command]) -> tuple[Command, ...]:
        """Commands that came to nothing, as they were decided: many at one moment."""
        places = {name: place for place, name in enumerate(self._decided)}
        return tuple(sorted(commands, key=lambda command: places[id(command)]))

    def withdraw(self, command: Command) -> None:
        """A command that was to be sent is not."""
        own = self._own[command.key]
        self._done(own, command)
        if isinstance(command, Place):
            self._end(own, is_over=True)

    def give_up(self) -> list[str]:
        """Wait for no answer any more; gives the keys of orders of which one was due."""
        self._strangers.give_up()
        unheard = [own for own in self._own.values() if own.is_busy]
        for own in unheard:
            own.on_way = 0
            self._bring_up(own)
            if own.known is None:
                own.is_unheard = True
                self._end(own, is_over=True, is_doubtful=True)
        return [own.place.key for own in unheard]

    def left(self) -> list[Cancel]:
        """Cancels of the orders that may still be open."""
        moment = self.desk.moment
        return [
            Cancel(at=moment, key=key)
            for key, own in self._own.items()
            if own.is_doubtful or (own.order_id is not None and not own.is_over)
        ]

    def left_as_told(self, left: Mapping[str, Outcome]) -> dict[str, Outcome]:
        """How the orders ended that were left: as was told, where no answer tells.

        In terms of the outcome that was asked for.
        """
        found = dict(left)
        for key, outcome in left.items():
            own = self._own[key]
            if isinstance(outcome, Order):
                found[key] = outcome.in_terms_of(own.place.outcome)
            elif outcome is not None and own.has_ended:
                found[key] = own.known
        return found

    def ended(self, left: Mapping[str, Outcome]) -> None:
        """Take how the orders ended that were left, by their keys: fills are waited for.

        From now on all is booked, and the strategy is told nothing.
        """
        self.states.is_over = True
        for key, outcome in self.left_as_told(left).items():
            if isinstance(outcome, Order):
                own = self._own[key]
                own.order_id = outcome.order_id
                self._order(own, outcome)
        self.states.await_fills(self._own.values())

    def book(self, news: object) -> None:
        """Take what comes after the end, if it is an order or a fill: nobody is told."""
        if isinstance(news, Order | Fill):
            self._take_own(news)

    def conclude(self) -> None:
        """Note the orders whose fills did not come."""
        for own in self._own.values():
            self.states.note(own)

    def progress(self) -> RunProgress:
        """How it does."""
        return RunProgress(
            moment=self.desk.moment,
            events=self.events,
            orders=self.counts["orders"],
            fills=self.counts["fills"],
            failures=self.counts["failures"],
            open_orders=len(self.desk.open_orders),
        )

    def report(
        self, started: int, unsent: Iterable[Command], left: Iterable[Order]
    ) -> RunReport:
        """What it came to."""
        desk = self.desk
        unsent = self._in_order([*unsent, *self._undelivered()])
        return RunReport(
            started_at=at(started),
            ended_at=at(desk.moment),
            events=self.events,
            totals=RunTotals(
                decisions=desk.counts["decisions"],
                fills=self.counts["fills"],
                failures=self.counts["failures"],
                notes=desk.counts["notes"],
            ),
            decisions=tuple(desk.decisions),
            fills=tuple(self.fills),
            failures=tuple(self.failures),
            left_orders=tuple(left),
            unsent=unsent,
            notes=tuple(desk.notes),
            cash=desk.cash,
            positions=tuple(desk.positions()),
        )


def _refusal(order: Order) -> OrderRejected:
    return OrderRejected(
        f"the venue rejected order {order.order_id}; what it said is in payload",
        venue=order.venue,
        client_order_id=order.client_order_id,
        payload=order.raw_json.decode(errors="replace")[:500],
    )


def as_library_error(error: BaseException) -> UnifiedExchangesError:
    """What a command met, as an error that a strategy is told."""
    if isinstance(error, UnifiedExchangesError):
        return error
    found = InternalError(f"a command failed: {error!r}", maybe_executed=True)
    found.__cause__ = error
    return found
