"""A command in the time of a recording: what it asks, and which answers are its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs

from ..flow import Behind, JournalStep, Request, Sleep
from ..journal import MemoryJournal, performed
from ..replaying.answers import Entry
from ..replaying.early import COMMANDS, LATE
from ..replaying.errands import LATER, Errand
from .grounds import Ground

__all__ = ["CommandErrand"]

_SECOND: Final = 10**9
_JITTER: Final = _SECOND // 1_000
"""Nanoseconds that pass between a look at the clock and a request."""
_EARLY: Final = _SECOND // 200
"""Nanoseconds by which a command may be decided earlier than it was then."""
_BEFORE: Final = (LATE, 0)
"""Nanoseconds before and after a change left in which its command read how things stood."""
_AGAIN: Final = (_SECOND // 50, _SECOND // 2)
"""The same of when a pause of a known length was over, after which it asked again."""


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
    _give_back: Callable[[], None] | None = attrs.field(default=None, init=False)
    """Gives back the place in the limiter for which it did not wait."""
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

    def conclude(self) -> None:
        """Let it ask whether it has left by now, wherever it waits: later it will not."""
        self.is_at_once, self._since = True, None
        self.hurry()

    @property
    def is_queued(self) -> bool:
        """Whether it has a place in the limiter, and nothing of it has left."""
        return self._give_back is not None and not self.has_left

    @property
    def is_of_end(self) -> bool:
        """Whether the run that was recorded sent it when it had ended, if it ends by now."""
        return self._due is not None and self.ground.is_of_end(self._due)

    def close(self) -> None:
        """Do no more of it: it is taken back, and its place in the limiter given back."""
        self._is_closed = True
        self.flow.close()
        if self._give_back is not None and not self.is_sent:
            self._give_back()

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
                    self._give_back = step.give_back
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
