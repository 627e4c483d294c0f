"""What is on its way over one exchange: each kind has room of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from ..venue import Venue
from .commands import Cancel, Command
from .seats import Seats
from .turns import Left, Turns

__all__ = ["SENDERS", "Lanes"]

SENDERS: Final = 8
"""Orders that are on their way at a time, and cancels, and reads."""
_ON_PAPER: Final = 256
"""The same where nothing is on a wire: each waits for as long as messages take."""
_CANCELERS: Final = 256
"""Cancels that are on their way at a time, or were answered and whose orders are read.

Each takes a thread.  On a loop, where it takes none, they are as many as there are.
"""
_EXTRA_SEATS: Final = 16
"""Cancels more that are on their way at a time once those that are take too long."""

E = TypeVar("E", bound=Left)
R = TypeVar("R")
S = TypeVar("S", bound=Seats)


class Lanes(Generic[R, S, E]):
    """Room for so many of each kind at a time, and whose turn it is.

    A cancel waits behind no orders that are slow, neither behind reads, and nothing of one
    exchange behind another, which may be in trouble.  ``room`` makes room for a number:
    a pool of threads, or a semaphore, and ``seats`` a semaphore.
    """

    def __init__(
        self,
        venue: Venue,
        room: Callable[[int], R],
        seats: Callable[[int], S],
        event: Callable[[], E],
    ) -> None:
        self.turns = Turns(event)
        self._counts: Counter[bool] = Counter()
        """Of orders and changes, and of cancels."""
        self._number = number = _ON_PAPER if venue.id == "paper" else SENDERS
        self.orders = room(number)
        self.cancels = room(_CANCELERS)
        self.seats = seats(number)
        """Each cancel has one until it is answered, and none while its order is read."""
        self.reads = room(number)
        self.last = room(_CANCELERS)
        """For cancels at the end: the others may be busy with what is not answered."""
        self.last_seats = seats(number)

    @property
    def has_room(self) -> bool:
        """Whether another order, or change of one, would wait behind no others."""
        return self._counts[False] < self._number

    def widen(self) -> None:
        """Have more cancels at the end on their way at a time."""
        for _ in range(_EXTRA_SEATS):
            self.last_seats.release()

    def enter(self, command: Command, left: Left) -> None:
        """It is on its way, or waits for room: a cancel that does holds up no order."""
        is_cancel = isinstance(command, Cancel)
        self._counts[is_cancel] += 1
        if is_cancel and self._counts[is_cancel] > _CANCELERS:
            left.set()

    def leave(self, command: Command) -> None:
        """It is answered, or was taken back."""
        self._counts[isinstance(command, Cancel)] -= 1

    def of(self, command: Command) -> R:
        """The room for a command of a run that goes on."""
        return self.cancels if isinstance(command, Cancel) else self.orders
