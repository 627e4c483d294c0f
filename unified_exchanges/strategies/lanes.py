"""What is on its way over one exchange: each kind has room of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from ..venue import Venue
from .commands import Cancel, Command
from .turns import Left, Turns

__all__ = ["EXTRA_CANCELLERS", "SENDERS", "Lanes"]

SENDERS: Final = 8
"""Orders that are on their way at a time, and cancels, and reads."""
_ON_PAPER: Final = 256
"""The same where nothing is on a wire: each waits for as long as messages take."""
EXTRA_CANCELLERS: Final = 16
"""Cancels more that are on their way at a time once nobody waits for them."""

E = TypeVar("E", bound=Left)
R = TypeVar("R")


class Lanes(Generic[R, E]):
    """Room for so many of each kind at a time, and whose turn it is.

    A cancel waits behind no orders that are slow, neither behind reads, and nothing of one
    exchange behind another, which may be in trouble.  ``room`` makes room for a number:
    a pool of threads, or a semaphore.
    """

    def __init__(
        self, venue: Venue, room: Callable[[int], R], event: Callable[[], E]
    ) -> None:
        self.turns = Turns(event)
        self._count = 0
        self._number = number = _ON_PAPER if venue.id == "paper" else SENDERS
        self.orders = room(number)
        self.cancels = room(number)
        self.reads = room(number)
        self.last = room(number)
        """For cancels at the end: the others may be busy with what is not answered."""

    @property
    def has_room(self) -> bool:
        """Whether another order, or change of one, would wait behind no others."""
        return self._count < self._number

    def enter(self, command: Command) -> None:
        """It is on its way, or waits for room."""
        self._count += not isinstance(command, Cancel)

    def leave(self, command: Command) -> None:
        """It is answered, or was taken back."""
        self._count -= not isinstance(command, Cancel)

    def of(self, command: Command) -> R:
        """The room for a command of a run that goes on."""
        return self.cancels if isinstance(command, Cancel) else self.orders
