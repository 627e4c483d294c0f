"""The commands of a run in the time of a recording, until they leave or are taken back."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from .command_errand import CommandErrand
from .commands import Cancel, Command
from .turns import Turn, Turns

__all__ = ["MOMENT", "Departing", "Departures", "LeftOnce"]

_SECOND: Final = 10**9
MOMENT: Final = _SECOND // 20
"""Nanoseconds within which what waited for nothing has left.

What is not recorded is said to be so after them: if meanwhile its order is canceled, or the
run ends, it had not left yet.
"""


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
                errand = departing.errand
                if errand is None:
                    departing.is_late = True
                    self._begin(departing, is_hurried=True, is_at_once=True)
                elif errand.is_queued:
                    errand.conclude()
                elif errand.has_left:
                    errand.hurry()  # it may wait to try once more to connect
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
        is_behind = self._last_sent > errand.ground.clock.wall + MOMENT
        if is_behind and not isinstance(departing.command, Cancel):
            # Those before it waited, such as for the limiter, and so did it.
            departing.has_waited = True
        if is_hurried:
            errand.hurry()
        errand.begin()
