"""Commands leave in the order in which they were decided."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

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

__all__ = ["Left", "Turns", "leaving", "nothing"]

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


class Turns(Generic[E]):
    """Which commands are to leave before another, at one exchange.

    Guards count an order as soon as it leaves: of many that are decided at once the first
    are to pass, as in a backtest.  A cancel waits for nothing.
    """

    def __init__(self, event: Callable[[], E]) -> None:
        self._event = event
        self._leaving: deque[E] = deque()
        """The last that waited for all before it, and the cancels since."""

    def take(self, command: Command) -> tuple[E, list[E]]:
        """The event to set once it leaves, and those to wait for before it begins."""
        mine = self._event()
        before: list[E] = []
        if isinstance(command, Cancel):
            while self._leaving and self._leaving[0].is_set():
                self._leaving.popleft()
        else:
            before = [x for x in self._leaving if not x.is_set()]
            self._leaving.clear()
        self._leaving.append(mine)
        return mine, before


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
