"""Whether a command may leave still: asked right before its first byte, and until then.

Nothing of it has left as long as it waits for room, for a read, for the limiter, or for a
connection.  So it is taken back then if its run ends or its order is canceled, and fails if
its time is over.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Final, TypeVar

import attrs

from ..errors import BadRequest, NetworkError, UnifiedExchangesError
from ..flow import (
    Done,
    Flow,
    JournalStep,
    Outcome,
    Request,
    Sleep,
    Start,
    Step,
    advance,
)
from .turns import Left

__all__ = ["TAKEN_BACK", "Permit", "Withdrawn", "permitted"]

T = TypeVar("T")

TAKEN_BACK: Final = 1.0
"""Seconds for which the end of a run waits at most for what was taken back to be over."""
_GLANCE: Final = 0.25
"""Seconds after which what waits for the limiter looks whether it may leave still."""
_LEAST: Final = 1e-6
"""Seconds that nobody waits for."""
_NOT_SENT: Final = "the run does not send it any more"
"""As of a closed exchange: the flow sees to it that nothing of this is left."""


class Withdrawn(Exception):
    """A command was taken back before anything of it had left."""


class Permit:
    """That of one command: it begins to leave, or is taken back, whichever is first.

    ``remaining`` gives the seconds in which it may leave, and ``overdue`` the error once
    these are over.  ``lock`` may be of several.  ``is_at_once``: it leaves as soon as its flow
    begins, as on paper, where no request tells of it.
    """

    def __init__(
        self,
        left: Left,
        lock: Lock,
        remaining: Callable[[], float],
        overdue: Callable[[], UnifiedExchangesError],
        *,
        is_at_once: bool = False,
    ) -> None:
        self.left = left
        self.remaining = remaining
        self.is_at_once = is_at_once
        self._overdue = overdue
        self._lock = lock
        self.is_withdrawn = False
        self.is_begun = False
        self.is_noting = False
        """Whether the journal is asked: that is not to be cut off."""
        self.is_tried = False
        """Whether a connection was asked for: its flow believes that it may have left."""
        self.refused: Exception | None = None
        """Why it was kept back when it was about to leave."""

    def withdraw(self) -> bool:
        """Take it back, unless it has begun to leave; whether that was so."""
        with self._lock:
            self.is_withdrawn = not self.is_begun
        if self.is_withdrawn:
            self.left.set()
        return self.is_withdrawn

    @property
    def ends_itself(self) -> bool:
        """Whether its flow ends by itself once it is taken back, and is not to be cut off."""
        return self.is_noting or self.is_tried

    def check(self) -> None:
        """Raise what keeps it from leaving, if anything does."""
        if self.is_withdrawn:
            raise Withdrawn
        if self.remaining() <= 0:
            raise self._overdue()

    def is_refused(self) -> bool:
        """Whether it is not to leave any more: then ``refused`` is why."""
        try:
            self.check()
        except (Withdrawn, UnifiedExchangesError) as refusal:
            self.refused = refusal
        return self.refused is not None

    def begin(self) -> bool:
        """Leave now, or not at all: then ``refused`` is why."""
        with self._lock:
            if not self.is_begun:
                self.is_begun = not self.is_refused()
        return self.is_begun


def permitted(flow: Flow[T], permit: Permit) -> Flow[T]:
    """The flow of a command, which leaves by its permit or ends before it does.

    What it reads before may take no longer than the command may wait.
    """
    outcome: Outcome | BaseException = None
    try:
        if permit.is_at_once and not permit.begin():
            assert permit.refused is not None
            raise permit.refused
        while not isinstance(step := advance(flow, outcome), Done):
            if permit.is_begun:
                outcome = yield from _performed(step)
            else:
                outcome = yield from _before(step, permit)
    except UnifiedExchangesError as error:
        if permit.refused is None or error is permit.refused:
            raise
        raise permit.refused from None
    finally:
        flow.close()
    return step.value


def _before(step: Step, permit: Permit) -> Flow[Outcome | BaseException]:
    """What came of a step, as long as nothing has left."""
    if isinstance(step, Request) and not step.is_read:
        return (yield from _tried(step, permit))
    if isinstance(step, Sleep):
        return (yield from _slept(step.seconds, permit))
    if isinstance(step, Request | Start):
        permit.check()
        return (yield from _performed(_within(step, permit.remaining())))
    permit.is_noting = isinstance(step, JournalStep)
    try:
        return (yield from _performed(step))
    finally:
        permit.is_noting = False


def _tried(step: Request, permit: Permit) -> Flow[Outcome | BaseException]:
    """What came of what is sent, which leaves once it has a connection."""
    if permit.is_refused():
        return BadRequest(_NOT_SENT)
    permit.is_tried = True
    check = partial(_asked, permit, step.check)
    outcome = yield from _performed(attrs.evolve(step, check=check))
    # Else nothing has left, and it may be tried again.
    if not isinstance(outcome, Exception) or _is_sent(outcome):
        permit.is_begun = True
    return outcome


def _asked(permit: Permit, check: Callable[[], None] | None) -> None:
    """There is a connection: the first byte leaves now, unless this raises."""
    if check is not None:
        check()
    if not permit.begin():
        raise BadRequest(_NOT_SENT)


def _is_sent(error: Exception) -> bool:
    return isinstance(error, NetworkError) and error.sent


def _slept(seconds: float, permit: Permit) -> Flow[Outcome | BaseException]:
    outcome: Outcome | BaseException = None
    while outcome is None and seconds > _LEAST:
        nap = min(seconds, _GLANCE)
        if not permit.is_tried:
            permit.check()
            nap = min(nap, permit.remaining())
        elif permit.is_withdrawn and permit.is_refused():
            return BadRequest(_NOT_SENT)
        outcome = yield from _performed(Sleep(nap))
        seconds -= nap
    return outcome


def _within(step: Request | Start, seconds: float) -> Request | Start:
    """The same read, done in so many seconds."""
    if isinstance(step, Start):
        request = step.request
        return Start(attrs.evolve(request, timeout=min(request.timeout, seconds)))
    return attrs.evolve(step, timeout=min(step.timeout, seconds))


def _performed(step: Step) -> Flow[Outcome | BaseException]:
    try:
        return (yield step)
    except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
        return error
