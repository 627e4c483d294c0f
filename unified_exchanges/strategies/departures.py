"""The commands of a run in the time of a recording, until they leave or are taken back."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import attrs

from ..flow import Behind, JournalStep, Request, Sleep
from ..journal import MemoryJournal, performed
from ..replaying.answers import Entry
from ..replaying.early import COMMANDS, LATE
from ..replaying.errands import LATER, Errand
from .commands import Cancel, Command
from .grounds import Ground
from .turns import Turn, Turns

__all__ = ["CommandErrand", "Departing", "Departures", "LeftOnce"]

_SECOND: Final = 10**9
_JITTER: Final = _SECOND // 1_000
"""Nanoseconds that pass between a look at the clock and a request."""
_EARLY: Final = _SECOND // 200
"""Nanoseconds by which a command may be decided earlier than it was then."""
_MOMENT: Final = _SECOND // 20
"""Nanoseconds within which what waited for nothing has left."""
_BEFORE: Final = (LATE, 0)
"""Nanoseconds before and after a change left in which its command read how things stood."""
_AGAIN: Final = (_SECOND // 50, _SECOND // 2)
"""The same of when a pause of a known length was over, after which it asked again."""


class LeftOnce:
    """That a command has left, or never will."""

    def __init__(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def set(self) -> None:
        """It has."""
        self._is_set = True


@attrs.define(kw_only=True, eq=False)
class CommandErrand(Errand):
    """A command on its way, written down nowhere but in memory."""

    moved: Callable[[], None]
    ground: Ground
    journal: MemoryJournal
    has_left: bool = attrs.field(default=False, init=False)
    """Whether the recording has answered more than its reads."""
    is_sent: bool = attrs.field(default=False, init=False)
    """Whether any of that had a connection to leave by."""
    is_over: bool = attrs.field(default=False, init=False)
    is_cancel: bool = False
    is_at_once: bool = False
    """Whether it has left by now when it was recorded, or never did."""
    has_read: bool = attrs.field(default=False, init=False)
    """Whether it read anything before."""
    held_back: float = attrs.field(default=0.0, init=False)
    """Seconds that it would have waited, for the limiter say, before anything of it left."""
    change_left: int | None = None
    """When the change left in the recording, if that is known: before now, if it is late."""
    _is_hurried: bool = attrs.field(default=False, init=False)
    _since: int | None = attrs.field(default=None, init=False)
    """From when on it looks for what it asks next; None: from where it has come to."""
    _own: int | None = attrs.field(default=None, init=False)
    """Where it has come to in the recording: before now, if it is late."""
    sent_at: int | None = attrs.field(default=None, init=False)
    """When what it sent last was sent in the recording."""
    _asked: Request | None = attrs.field(default=None, init=False)
    """What it asked last."""
    _late: int = attrs.field(default=0, init=False)
    """By how much later that was asked here, when it was asked first."""
    _is_again: bool = attrs.field(default=False, init=False)
    """Whether it asks for that once more."""
    _answer: Entry | None = attrs.field(default=None, init=False)
    """What it was given last, or waits for."""
    _due: Entry | None = attrs.field(default=None, init=False)
    """What is recorded of a cancel that waits for the moment at which it was sent."""
    _is_closed: bool = attrs.field(default=False, init=False)

    @property
    def was_reading(self) -> bool:
        """Whether by now it had not left when it was recorded, as it waited for a read.

        So it was taken back, if it was not to leave any more.  A read that was given up is
        not recorded: then it is given that of another, which had not begun by now.
        """
        if self.has_left or self._answer is None or self.ground.waits:
            return False
        read, now = self._answer.line, self.ground.clock.wall
        return read.at > now + _EARLY or read.began > now + _JITTER

    def hurry(self) -> None:
        """Let it ask the recording now, if it has not left: it waits for no turn any more."""
        self._is_hurried = True
        if not self.is_sent:
            self.wake()

    @property
    def is_of_end(self) -> bool:
        """Whether the run that was recorded sent it when it had ended, if it ends by now."""
        return self._due is not None and self.ground.is_of_end(self._due)

    def close(self) -> None:
        """Do no more of it: it is taken back."""
        self._is_closed = True
        self.flow.close()

    def _ask(self, request: Request) -> Any:
        if not self.is_cancel or request.is_read or self.ground.waits:
            return super()._ask(request)
        # The end of the run that was recorded may have sent it, which ends before that here.
        since, within = self._where()
        entry = self.answers.ahead(request, since, within or COMMANDS)
        span = 0 if entry is None else entry.began - self.ground.clock.wall
        if span <= 0:
            return super()._ask(request)
        self._due = entry
        self.times.when_passed(span, partial(self._send_now, request))
        return LATER

    def _send_now(self, request: Request) -> None:
        self._due = None
        if self._is_closed:
            return
        outcome = super()._ask(request)
        if outcome is not LATER:
            self._resume(outcome)

    def _go_on(self, outcome: Any) -> bool:
        self.is_over = super()._go_on(outcome)
        self.moved()
        return self.is_over

    def _claim(self, request: Request) -> Entry:
        since, within = self._where()
        entry = self.ground.claim(
            request,
            since,
            within=within,
            is_at_once=self.is_at_once,
            is_before=request.is_read and self._change_ahead is not None,
        )
        if not self._is_again:
            self._late = max(0, self.ground.clock.wall - entry.began)
        self._since, self._is_again, self._asked = None, False, request
        self._answer = entry
        if not (self.ground.waits or entry.is_shared):
            self._own = entry.line.at
        if not request.is_read:
            self.sent_at = entry.began
            self.is_sent = self.is_sent or entry.is_sent
        self.has_left = self.has_left or not request.is_read
        self.has_read = self.has_read or not self.has_left
        return entry

    def _where(self) -> tuple[int | None, tuple[int, int] | None]:
        """From when on it finds what it asks next, and how much before and after that."""
        left, now = self._change_ahead, self.ground.clock.wall
        if self._is_again:
            return self._since, _AGAIN
        if left is not None and left < now:
            return left, _BEFORE
        since = self._own_time if self._since is None else self._since
        before, after = COMMANDS
        if left is not None:
            return since, (before, left - since)
        if self._own is None:
            return since, None
        # Reads may have been given it that were another's, and later than its own: only what
        # it has sent is surely its own.
        own = since if self.sent_at is None else self.sent_at
        return since, (max(_JITTER, since - own), after)

    def _perform(self, step: Any) -> Any:
        if isinstance(step, Behind) and self._asked and not self.ground.waits:
            return self._look_again(self._asked, step)
        if isinstance(step, Sleep):
            if not self.has_left:
                self.held_back += step.seconds
            if self._since is None:
                # For how long it waits between two tries is drawn by lot.
                self._since = self._own_time
                if not self.ground.waits:
                    return None
            if self._is_hurried and not self.is_sent:
                return None
        if isinstance(step, JournalStep):
            return performed(self.journal, step)
        return super()._perform(step)

    @property
    def _own_time(self) -> int:
        """Where it has come to in the recording: nearer to now are those of later commands."""
        now = self.ground.clock.wall
        return now if self._own is None else min(now, self._own)

    @property
    def _change_ahead(self) -> int | None:
        """When the change left, if it has not yet: what is read before it was read by then."""
        return None if self.has_left else self.change_left

    def _look_again(self, asked: Request, step: Behind) -> bool | None:
        """Let it ask once more, if it did so then; True if it did not.

        What it was told is of then: if it was of that moment, it is as old here as the
        command is decided late.
        """
        if self._late and step.age * _SECOND <= self._late + _JITTER:
            return True
        again = self._own_time + round(step.seconds * _SECOND)
        left = self._change_ahead
        is_past = left is not None and left < max(again, self.ground.clock.wall)
        if is_past or not self.answers.is_left(asked, again, _AGAIN):
            return True
        self._since, self._is_again = again, True
        return None


@attrs.define(slots=True, eq=False)
class Departing:
    """A command that is to be sent, until what became of it is told."""

    command: Command
    turn: Turn[LeftOnce]
    since: int
    """From when on it waits to be sent."""
    went: LeftOnce = attrs.field(factory=LeftOnce)
    """That it has left here; `left` is that it had when it was recorded, or never did."""
    errand: CommandErrand | None = None
    """None as long as it has no room, or waits for its turn."""
    has_waited: bool = False
    is_answered: bool = False
    """Whether it holds no others up any more, though its order may be read yet."""
    has_room: bool = False
    """Whether it takes up room that another may wait for."""
    is_late: bool = False
    """Whether it was begun to see if it was sent: it is not to leave any more."""
    is_revoked: bool = False
    """Whether its order was to end before it was known to have left."""
    is_canceled: bool = False
    """Whether its order was to end when it was decided: it leaves all the same if it can."""
    is_overdue: bool = False
    """Whether it had waited for too long when it was begun."""
    is_missed: bool = False
    """Whether it did not leave, as the recording has nothing of it."""

    @property
    def left(self) -> LeftOnce:
        """That it has left, or never will."""
        return self.turn.left

    def answer(self) -> None:
        """It holds no others up any more."""
        self.is_answered = True

    def close(self) -> None:
        """Do no more of it: it is taken back."""
        if self.errand is not None:
            self.errand.close()

    @property
    def has_left(self) -> bool:
        """Whether it had left when it was recorded."""
        return self.errand is not None and self.errand.is_sent

    @property
    def may_wait(self) -> bool:
        """Whether it may have waited for longer than a moment when it was recorded."""
        errand = self.errand
        if self.has_waited or errand is None:
            return self.has_waited
        # For the limiter, for a read, or to try once more to connect.
        return bool(errand.held_back) or errand.has_read or errand.has_left

    @property
    def is_unsent(self) -> bool:
        """Whether it is to be taken back when the run ends."""
        errand = self.errand
        is_begun = errand is not None and not (self.is_late or errand.is_of_end)
        is_begun = is_begun and not self.was_reading
        return self.is_missed or not (is_begun or self.has_left)

    @property
    def was_reading(self) -> bool:
        """Whether it reads what it was told later than now when it was recorded."""
        return self.errand is not None and self.errand.was_reading


class Departures:
    """Begins commands as live: so many of a kind at a time, each in its turn.

    ``room`` is for how many; None: for all.  ``is_overdue`` says of which that waited for
    it that it is not to leave any more.
    """

    def __init__(
        self,
        room: int | None,
        errand_of: Callable[[Departing], CommandErrand],
        is_overdue: Callable[[Departing], bool],
    ) -> None:
        self._room = room
        self._errand_of = errand_of
        self._is_overdue = is_overdue
        self._turns = Turns(LeftOnce)
        # A cancel waits behind no orders.
        self._waiting: dict[bool, deque[Departing]] = {True: deque(), False: deque()}
        self._begun: Counter[bool] = Counter()
        self._on_way: dict[int, Departing] = {}
        self._is_beginning = False
        self._last_sent = 0
        """When the last order, or change, was sent that was given what was recorded."""

    @property
    def has_room(self) -> bool:
        """Whether another order, or change of one, would wait behind no others."""
        waiting = [x for x in self._waiting[False] if x.errand is None]
        return self._room is None or self._begun[False] + len(waiting) < self._room

    def send(self, command: Command, since: int, *, is_canceled: bool) -> None:
        """Begin it as soon as there is room and those before it have left."""
        departing = Departing(command, self._turns.take(command), since)
        departing.is_canceled = is_canceled
        self._on_way[id(command)] = departing
        self._waiting[isinstance(command, Cancel)].append(departing)
        self._begin_next()
        departing.has_waited = departing.has_waited or departing.errand is None
        if departing.has_waited and isinstance(command, Cancel):
            departing.left.set()  # who waits for room himself holds up no order

    def moved(self, departing: Departing) -> None:
        """It has come further: others may begin, but behind one that may have waited then."""
        if departing.went.is_set() and not (departing.is_missed and departing.may_wait):
            departing.left.set()
        is_over = departing.errand is not None and departing.errand.is_over
        is_cancel = isinstance(departing.command, Cancel)
        if departing.errand is not None and not is_cancel:
            self._last_sent = max(self._last_sent, departing.errand.sent_at or 0)
        if departing.has_room and (is_over or (is_cancel and departing.is_answered)):
            departing.has_room = False
            self._begun[is_cancel] -= 1
        self._begin_next()

    def takes(self, departing: Departing) -> bool:
        """Whether it is on its way until now, and is not any more."""
        departing.left.set()
        self._begin_next()
        return self._on_way.pop(id(departing.command), None) is not None

    def revoke(self, commands: Iterable[Command]) -> list[Departing]:
        """Begin none of these any more; gives those that had not left by now.

        One that had begun live right before, and has not here, is in the recording.
        """
        found = [self._on_way.get(id(x)) for x in commands]
        revoked = [x for x in found if x is not None]
        for departing in revoked:
            departing.is_revoked = True
        self._is_beginning = True  # so that none of them is
        try:
            for departing in revoked:
                if departing.errand is None:
                    departing.is_late = True
                    self._begin(departing, is_hurried=True, is_at_once=True)
                elif departing.errand.has_left:
                    departing.errand.hurry()  # it may wait to try once more to connect
        finally:
            self._is_beginning = False
        self._begin_next()
        return [x for x in revoked if x.is_missed or x.was_reading]

    def stop(self) -> list[Departing]:
        """Begin no more; gives what is on its way, or waits, as it was decided."""
        for waiting in self._waiting.values():
            waiting.clear()
        return [*self._on_way.values()]

    def ask(self, departing: Departing) -> None:
        """Let one that has not left ask the recording now, after `stop`.

        Live some have begun, or have not, in the moment in which a run ends: those that
        have are in the recording.  What that has of a cancel may be of the end.
        """
        if departing.errand is not None:
            departing.errand.hurry()
        elif not isinstance(departing.command, Cancel):
            departing.is_late = True
            self._begin(departing, is_hurried=True)

    def _begin_next(self) -> None:
        if self._is_beginning:
            return  # whoever does goes on
        self._is_beginning = True
        try:
            while (departing := self._next()) is not None:
                is_overdue = departing.is_overdue = self._is_overdue(departing)
                departing.is_late = is_overdue
                self._begin(departing, is_hurried=is_overdue, is_at_once=is_overdue)
        finally:
            self._is_beginning = False

    def _next(self) -> Departing | None:
        """The next that has room and its turn: for what the first waits all behind it do."""
        for kind, waiting in self._waiting.items():
            while waiting and waiting[0].errand is not None:
                waiting.popleft()  # it was begun past its turn
            has_room = self._room is None or self._begun[kind] < self._room
            if has_room and waiting and waiting[0].turn.awaited is None:
                self._begun[kind] += 1
                waiting[0].has_room = True
                return waiting.popleft()
        return None

    def _begin(
        self,
        departing: Departing,
        *,
        is_hurried: bool = False,
        is_at_once: bool = False,
    ) -> None:
        departing.errand = errand = self._errand_of(departing)
        errand.is_at_once = is_at_once
        is_behind = self._last_sent > errand.ground.clock.wall + _MOMENT
        if is_behind and not isinstance(departing.command, Cancel):
            # Those before it waited, such as for the limiter, and so did it.
            departing.has_waited = True
        if is_hurried:
            errand.hurry()
        errand.begin()
