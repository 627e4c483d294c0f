"""Cancels leave so many at a time; what is read after one holds up none of the others."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

__all__ = ["Seat", "Seats"]


class Seats(Protocol):
    """A semaphore, of threads or of a loop."""

    def release(self) -> object:
        """Let another in."""
        ...


S = TypeVar("S", bound=Seats)


class Seat(Generic[S]):
    """One that was taken, until it is free."""

    def __init__(self, seats: S) -> None:
        self._seats: S | None = seats

    def free(self) -> None:
        """Let another have it, the first time."""
        seats, self._seats = self._seats, None
        if seats is not None:
            seats.release()
