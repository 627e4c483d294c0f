"""Commands leave in the order in which they were decided."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Generic, Protocol, TypeVar

from .. import fork
from ..flow import (
    Done,
    Flow,
    Judged,
    Judging,
    Outcome,
    Request,
    Sleep,
    Step,
    advance,
)
from .commands import Cancel, Command

__all__ = ["Left", "Turn", "Turns", "leaving", "nothing"]

T = TypeVar("T")


class Left(Protocol):
    """An event of threads or of a loop: that a command has left, or never will."""

    def is_set(self) -> bool:
        """Whether it has happened."""
        ...

    def set(self) -> None:
        """It has."""
        ...


E = TypeVar("E", bound=Left)


class Turn(Generic[E]):
    """That of one command: ``left`` is to be set once it leaves, or if it never will."""

    def __init__(self, left: E, before: Iterable[Turn[E]], lock: Lock) -> None:
        self.left = left
        self.before = deque(before)
        self._lock = lock

    @property
    def awaited(self) -> E | None:
        """What to wait for, again and again, until it may begin: then None.

        Whoever was taken back before it had its turn leaves those that it waited for itself.
        """
        with self._lock:
            while self.before:
                first = self.before[0]
                if not first.left.is_set():
                    return first.left
                self.before.popleft()
                self.before.extend(first.before)
            return None

    @property
    def is_over(self) -> bool:
        """Whether nobody need wait for it, nor for those before it."""
        return self.left.is_set() and not self.before


class Turns(Generic[E]):
    """Which commands are to leave before another, at one exchange.

    Guards count an order as soon as it leaves: of many that are decided at once the first
    are to pass, as in a backtest.  A cancel waits for nothing.
    """

    def __init__(self, event: Callable[[], E]) -> None:
        self._event = event
        self._lock = fork.lock()
        self._leaving: deque[Turn[E]] = deque()
        """The last that waited for all before it, and the cancels since."""

    def take(self, command: Command) -> Turn[E]:
        """The turn of a command behind those that took theirs by now."""
        while self._leaving and self._leaving[0].is_over:
            self._leaving.popleft()
        before: list[Turn[E]] = []
        if not isinstance(command, Cancel):
            before = [turn for turn in self._leaving if not turn.is_over]
            self._leaving.clear()
        mine = Turn(self._event(), before, self._lock)
        self._leaving.append(mine)
        return mine


def nothing() -> None:
    """What is answered lets nothing else leave."""


def leaving(
    command: Command,
    flow: Flow[T],
    left: Left,
    answered: Callable[[], None] = nothing,
) -> Flow[T]:
    """The flow of a command that says so right before it leaves, or when it ends.

    So does one that reads before the guards are asked: who waits for a market of which
    nothing can be read holds up none in another.  What the guards read is for all.

    And it says, more than once, when it is answered, or has it read how things stand: the
    next cancel need not wait for that.
    """
    # Of no cancel the guards ask.
    is_admitted = isinstance(command, Cancel)
    is_judged = False
    outcome: Outcome | BaseException = None
    try:
        while not isinstance(step := advance(flow, outcome), Done):
            if isinstance(step, Judging):
                is_judged = True
            elif isinstance(step, Judged):
                is_admitted = step.passes
            is_early = isinstance(step, Request) and not is_judged
            if is_early or _goes(step, is_admitted=is_admitted):
                left.set()
            if isinstance(step, Request) and step.is_read:
                answered()
            try:
                outcome = yield step
            except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
                outcome = error
            if isinstance(step, Request):
                answered()
    finally:
        flow.close()
        left.set()
        answered()
    return step.value


def _goes(step: Step, *, is_admitted: bool) -> bool:
    """Whether a flow goes on by what is sent or a wait for its turn, or not at all."""
    if isinstance(step, Judged):
        return not step.passes
    if isinstance(step, Request):
        return not step.is_read
    return is_admitted and isinstance(step, Sleep)
