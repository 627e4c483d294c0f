"""A run in the time of a recording, on paper or as it was recorded, as a backtest goes.

Nothing waits and nobody is woken here: one thing after another happens in the thread, or
the task, of the run.  Live a slow strategy is told the newest book; here time stands still
while it decides, so that it is told every one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from math import inf
from typing import Any, Final, cast

from ..errors import (
    BadRequest,
    MarketClosed,
    NotRecorded,
    OrderNotFound,
    RateLimitExceeded,
)
from ..journal import MemoryJournal
from ..models import Balance, Gap, Order, Position
from ..paper import Contract, PaperEvent
from ..recording.line_clock import Setbacks, setback_told
from ..replaying.clock import ReplayClock
from ..replaying.paper_account import Overhearing
from ..replaying.player import NEVER
from ..venue import Venue
from ..watching.replay_hub import timeline_of
from .asked import Asked
from .beginning import read_subjects
from .command_errand import CommandErrand
from .commands import Cancel, Command
from .departures import MOMENT, Departing, Departures, LeftOnce
from .ending import Ending, Hurry, Outcome, unconfirmed
from .grounds import Ground, Recorded
from .on_paper import OnPaper
from .on_record import OnRecord
from .report import RunReport
from .running import AT_ONCE, Progress, Running, of_markets
from .session import as_library_error
from .strategy import Strategy
from .turns import leaving
from .unsent import is_overdue, overdue, remaining
from .waiting import Item

__all__ = ["BREATH", "RecordedRun", "is_recorded"]

BREATH: Final = 256
"""Things that happen before others are let in."""
_SECOND: Final = 10**9
_AT_ONCE: Final = round(AT_ONCE * _SECOND)


def is_recorded(venues: Iterable[Venue]) -> bool:
    """Whether a run goes by the time of a recording; raises `BadRequest` if of several.

    Raises `NotRecorded` where the recording has no streams, or has come to its end.
    """
    venues = list(venues)
    found = [x.taps.is_replay for x in venues]
    if any(found) and len(found) > 1:
        raise BadRequest(
            "over a recording a run is on one exchange: each recording has a time of its "
            "own. backtest(strategy, [path, …]) merges several by their time"
        )
    if any(found):
        timeline_of(venues[0])
    return any(found)


def _ground_of(exchange: Recorded) -> Ground:
    """That of an exchange of which `is_recorded` says so."""
    if isinstance(exchange.venue, Overhearing):
        return OnPaper(exchange)
    return OnRecord(exchange)


def _nothing() -> None:
    """Nobody waits for its end."""


class RecordedRun:
    """One run; whoever drives it calls `begin`, `step` until it is over, and `end`."""

    def __init__(
        self,
        strategy: Strategy,
        exchange: Recorded,
        contracts: Mapping[str, Contract],
        balances: Iterable[Balance],
        positions: Iterable[Position],
        *,
        keep: int,
    ) -> None:
        self._ground = _ground_of(exchange)
        self._timeline = self._ground.timeline
        self._subjects = read_subjects(strategy)
        self._contracts = contracts
        self._markets = tuple(contracts)
        self._running = _Running(
            strategy,
            exchange.venue,
            contracts,
            balances,
            positions,
            keep=keep,
        )
        self._running.session.has_lasting_ids = self._ground.has_lasting_ids
        self._items: deque[Item] = deque()
        self._sent: int | None = None
        self._journal = MemoryJournal()
        self._setbacks = Setbacks()
        self._departures = Departures(
            self._ground.room, self._departing, self._is_overdue
        )
        self._kept: list[Command] = []
        """What was decided and not sent when the run ended."""
        self._held: dict[Departing, Exception] = {}
        """What is not recorded, as long as it may turn out why."""

    def begin(self, seconds: float | None, is_asked: Callable[[], bool]) -> None:
        """Follow the markets, and let the strategy begin."""
        books = self._running.session.books
        self._ground.follow(self._subjects, self._contracts, self._hear, books.get)
        self._ground.origin = self._running.origin
        self._running.begin(seconds, is_asked)
        self._send()

    def step(self, progress: Progress | None) -> bool:
        """Let the next thing happen; False once nothing more does."""
        running = self._running
        if running.is_over:
            return False
        running.show(progress)
        if running.session.states:
            self._release()
            self._send()
        if self._items:
            if self._is_timer_next:
                running.session.ring_next(running.session.due)
            else:
                self._tell(self._items.popleft())
            self._send()
            return True
        self._ground.check()
        if self._timeline.is_over:
            if self._timeline.error is not None:
                raise self._timeline.error
            for departing in list(self._held):
                self._give_up(departing)
            return bool(self._items)
        self._pass()
        self._send()
        return True

    @property
    def _is_timer_next(self) -> bool:
        """Whether a timer comes before what the market tells next, of the same moment."""
        is_due = self._running.session.due <= self._running.now()
        return is_due and isinstance(self._items[0], PaperEvent)

    def _pass(self) -> None:
        """Let time go on to what comes first, of those at once in the order of a backtest.

        An effect of an order comes before a timer, and after everything received by then;
        a timer comes before what is received then.
        """
        timeline, session = self._timeline, self._running.session
        line, planned = timeline.ahead
        timer = self._passed_at(session.due)
        end = self._passed_at(self._running.end)
        closing = self._passed_at(self._ground.closing)
        if closing < line and closing <= min(planned, timer, end):
            self._let_pass(closing)
            self._ground.close_markets()
        elif timer <= line and not (planned < line and planned <= timer):
            self._let_pass(min(timer, end))
            if timer <= end:
                session.ring_next(session.due)
        elif end <= min(line, planned):
            self._let_pass(end)
        else:
            timeline.step()

    def _passed_at(self, moment: int) -> int:
        """What the clock of the timeline shows when the strategy's shows a moment."""
        clock = self._ground.clock
        return min(NEVER, moment - clock.moment + clock.passed)

    def _let_pass(self, passed: int) -> None:
        with self._timeline.lock:
            self._ground.clock.move(passed)

    # -- what is told ------------------------------------------------------------------

    def _hear(self, item: Item) -> None:
        if isinstance(item, Gap):
            item = of_markets(item, self._markets)
        self._items.append(item)

    def _release(self) -> None:
        self._look_up()
        self._running.session.release()

    def _tell(self, item: Item) -> None:
        self._look_up()
        if callable(item):
            item()
        else:
            self._ground.note(item)
            self._running.session.take(item)

    def _look_up(self) -> None:
        """Let the strategy see what the clock shows, as live before all that it is told."""
        desk = self._running.session.desk
        desk.moment = max(desk.moment, self._running.now())
        offset = self._timeline.received.offset
        if self._setbacks.see(desk.moment, offset):
            desk.log(setback_told(self._timeline.streams.file.name, offset))

    # -- what is sent ------------------------------------------------------------------

    def _send(self) -> None:
        session = self._running.session
        commands, revoked = session.ready(), session.revoked()
        for command in commands:
            is_canceled = revoked.pop(id(command), None) is not None
            if is_canceled and not self._departures.has_room:
                self._items.append(partial(session.taken_back, command))
                continue
            self._sent = self._ground.sent
            since = session.since(command)
            if is_canceled:
                self._timeline.when_passed(_AT_ONCE, partial(self._revoke, [command]))
            self._departures.send(command, since, is_canceled=is_canceled)
        self._sent = None
        if revoked:
            self._revoke(revoked.values())

    def _revoke(self, commands: Iterable[Command]) -> None:
        """Take back what had not begun to leave by now."""
        for departing in self._departures.revoke(commands):
            self._revoked(departing)

    def _revoked(self, departing: Departing) -> None:
        """Tell that a command did not leave, as its order was canceled before."""
        if self._departures.takes(departing):
            self._held.pop(departing, None)
            departing.close()
            session = self._running.session
            self._items.append(partial(session.taken_back, departing.command))

    def _is_overdue(self, departing: Departing) -> bool:
        """Whether it waited for so long that it did not leave when it was recorded."""
        # Others may have had room a little later then.
        waited = self._waited(departing) + MOMENT
        venue = self._ground.exchange.venue
        return not self._ground.waits and is_overdue(departing.command, waited, venue)

    def _waited(self, departing: Departing) -> int:
        """Nanoseconds for which it waits before it leaves, the limiter's among them."""
        errand = departing.errand
        held_back = 0.0 if errand is None else errand.held_back
        return self._running.now() - departing.since + round(held_back * _SECOND)

    def _overdue(self, departing: Departing) -> RateLimitExceeded:
        venue, waited = self._ground.exchange.venue, self._waited(departing)
        return overdue(departing.command, waited, venue)

    def _answered(self, departing: Departing, order: Order) -> None:
        answered = self._running.session.answered
        self._put(partial(self._conclude, departing, answered, order))

    def _failed(self, departing: Departing, error: Exception) -> None:
        session = self._running.session
        is_missed = isinstance(error, NotRecorded) or departing.is_late
        # Live it was taken back by then, whatever would have become of it.
        is_missed = is_missed or session.is_stopping or departing.is_revoked
        # On paper only the market is recorded: that is no word on the command.
        is_missed = is_missed and not self._ground.waits
        departing.is_missed = is_missed and not departing.has_left
        if departing.is_missed and departing.is_overdue:
            departing.is_missed = departing.is_late = False
            error = self._overdue(departing)
        elif departing.is_missed and session.is_stopping:
            self._withdraw(departing)
            return
        elif departing.is_missed and departing.is_revoked:
            self._revoked(departing)
            return
        doubt = self._doubt(departing) if departing.is_missed else 0
        if doubt:
            self._held[departing] = error
            self._timeline.when_passed(doubt, partial(self._give_up, departing))
            return
        told = as_library_error(error)
        item = partial(self._conclude, departing, session.failed, told)
        if self._sent != self._ground.sent or isinstance(error, MarketClosed):
            # So it is in a backtest, which asks the market itself, also where that is known.
            self._put(item)
            return
        # Told at once, as in a backtest: before all that comes of this moment besides.
        places = (n for n, x in enumerate(self._items) if not isinstance(x, _NeverLeft))
        self._items.insert(next(places, len(self._items)), _NeverLeft(item))

    def _doubt(self, departing: Departing) -> int:
        """Nanoseconds in which it may turn out why what is not recorded was not sent.

        Its order may be canceled in a moment, or the run end.  Where it waited for others, for
        the limiter, of which a recording tells nothing, for a read that nobody waited for any
        more, or to try once more to connect, that may come later, and so may the end of its
        time.
        """
        if self._timeline.is_over:
            return 0
        venue = self._ground.exchange.venue
        # A limiter that is used up grants here a moment sooner what it granted live later.
        if not (departing.may_wait or venue.settings.limits.enabled):
            return MOMENT + departing.is_canceled * _AT_ONCE
        waited = self._running.now() - departing.since
        left = remaining(departing.command, waited, venue)
        return max(MOMENT, round(left * _SECOND) if left < inf else 0)

    def _give_up(self, departing: Departing) -> None:
        """Nothing came that says why it was not sent."""
        error = self._held.pop(departing, None)
        if error is None:
            return
        departing.close()
        session, command = self._running.session, departing.command
        if isinstance(command, Cancel) and session.has_ended(command.key):
            # Live that was told before it left: nothing was left to cancel.
            self._revoked(departing)
            return
        if self._is_overdue(departing) and self._is_sending:
            error = self._overdue(departing)
        told = as_library_error(error)
        self._put(partial(self._conclude, departing, session.failed, told))

    @property
    def _is_sending(self) -> bool:
        """Whether the run that was recorded sent orders still, a second ago or later."""
        return self._last_sent >= self._ground.clock.wall - _SECOND

    @cached_property
    def _last_sent(self) -> int:
        """When the last was sent that is recorded and is no cancel."""
        sent = self._timeline.answers.writes
        return max((x.began for x in sent if x.line.method != "DELETE"), default=0)

    def _put(self, item: Callable[[], None]) -> None:
        # What the account's stream tells of it comes first.
        self._ground.drain()
        self._items.append(item)

    def _conclude(
        self, departing: Departing, tell: Callable[[Command, Any], None], what: object
    ) -> None:
        if self._departures.takes(departing):
            tell(departing.command, what)

    def _departing(self, departing: Departing) -> CommandErrand:
        return self._errand(
            departing.command,
            partial(self._answered, departing),
            partial(self._failed, departing),
            departing.went,
            partial(self._departures.moved, departing),
            departing.answer,
        )

    def _errand(
        self,
        command: Command,
        done: Callable[[Order], None],
        failed: Callable[[Exception], None],
        left: LeftOnce,
        moved: Callable[[], None] = _nothing,
        answered: Callable[[], None] = _nothing,
        *,
        is_end: bool = False,
    ) -> CommandErrand:
        place, order_id = self._running.session.place_of(command)
        flow = self._ground.flow(command, place, order_id, is_end=is_end)
        return CommandErrand(
            flow=leaving(command, flow, left, answered),
            done=done,
            failed=failed,
            answers=self._timeline.answers,
            times=self._timeline,
            missed=_pass_over,
            after=_nothing,
            moved=moved,
            ground=self._ground,
            journal=self._journal,
            is_cancel=isinstance(command, Cancel),
            change_left=self._ground.left_at(command, order_id),
        )

    # -- the end -----------------------------------------------------------------------

    def end(self, ending: Ending, asked: Asked[Any]) -> RunReport:
        """Wait for what is on its way, cancel what is open, and report."""
        left: dict[str, Outcome] = {}
        ending.surely(self._look_up)
        ending.surely(lambda: self._kept.extend(self._running.session.stop()))
        # Before time goes on: the cancels of the recorded end are told for none of these.
        ending.surely(self._take_back)
        ending.surely(lambda: self._settle(ending))
        ending.surely(lambda: self._cancel(ending, left))
        ending.surely(lambda: self._book(ending, left))
        ending.surely(self._ground.leave)
        self._running.leave(ending, asked)
        return self._running.report(ending, self._kept, left)

    def _take_back(self) -> None:
        """Take back what has not begun to be sent, or of which nothing is recorded."""
        with self._timeline.lock:
            for departing in self._departures.stop():
                if not self._ground.waits:
                    self._departures.ask(departing)
                if departing.is_unsent:
                    self._withdraw(departing)

    def _withdraw(self, departing: Departing) -> None:
        if self._departures.takes(departing):
            self._held.pop(departing, None)
            departing.close()
            self._running.session.withdraw(departing.command)
            self._kept.append(departing.command)

    def _settle(self, ending: Ending) -> None:
        session = self._running.session
        # However urgent: of the time of a recording nobody waits for any.
        while session.in_flight and (self._items or not self._timeline.is_over):
            self._hear_next(ending)
        while self._items:
            self._hear_next(ending)
        while self._running.awaits(ending, is_due=False) and self._may_come:
            self._hear_next(ending)
            ending.tell(self._release)
        if self._timeline.is_over:
            session.give_up()  # nobody can know any more, and nothing can be done
            ending.tell(partial(session.states.release, is_last=True))
        self._running.settled(ending, self._running.waiting.take)

    def _hear_next(self, ending: Ending) -> None:
        if self._items:
            ending.tell(partial(self._tell, self._items.popleft()))
        else:
            ending.surely(self._step)

    @property
    def _may_come(self) -> bool:
        return bool(self._items) or not self._timeline.is_over

    def _book(self, ending: Ending, left: dict[str, Outcome]) -> None:
        """Have the fills in the report that its orders count, as far as they are recorded."""
        running, items = self._running, self._items
        running.ended(left)
        while items or (running.lacks(ending) and not self._timeline.is_over):
            if items:
                running.session.book(items.popleft())
            else:
                self._timeline.step()
        running.booked(ending, running.waiting.take)

    def _step(self) -> None:
        self._timeline.step()

    def _cancel(self, ending: Ending, ended: dict[str, Outcome]) -> None:
        """Cancel what is open; what rests when the recording ends rests for ever.

        So does what nobody canceled then when it was recorded.
        """
        if self._timeline.is_over:
            return
        left = self._running.session.left()
        todo, hurry = deque(left), Hurry(ending)
        is_sure = False
        try:
            while len(ended) < len(left):
                if todo:
                    self._cancel_one(todo.popleft(), ended)
                elif hurry.begins():
                    return
                elif not self._timeline.step():
                    break
            is_sure = True
        finally:
            for command in () if is_sure else left:
                ended.setdefault(command.key, unconfirmed(command.key))

    def _cancel_one(self, command: Cancel, ended: dict[str, Outcome]) -> None:
        def done(order: Order) -> None:
            ended[command.key] = order

        failed = partial(self._not_ended, command, ended)
        errand = self._errand(command, done, failed, LeftOnce(), is_end=True)
        with self._timeline.lock:
            errand.begin()

    def _not_ended(
        self, command: Cancel, ended: dict[str, Outcome], error: Exception
    ) -> None:
        _, order_id = self._running.session.place_of(command)
        # The venue does not know the key: it never came there.
        is_absent = isinstance(error, OrderNotFound) and order_id is None
        is_nothing = is_absent or isinstance(error, NotRecorded)
        ended[command.key] = None if is_nothing else error


class _Running(Running):
    """By the clock of the recording, to the nanosecond."""

    def _begin_at(self) -> int:
        return self.now()

    def now(self) -> int:
        """Nanoseconds since 1970, as the strategy sees it."""
        return cast("ReplayClock", self._clock).moment

    @property
    def end(self) -> int:
        """When it is to end."""
        return NEVER if self._end is None else self._end


class _NeverLeft(partial[None]):
    """Tells of a command that was refused before it left."""


def _pass_over(error: object) -> None:
    """The command is told."""
    del error
