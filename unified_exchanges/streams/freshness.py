"""Whether a book that was handed out still holds."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Life", "Listener"]


class Listener(Protocol):
    """Whoever knows when the stream was last heard."""

    @property
    def heard_at(self) -> float:
        """When the last sign of life came, on the monotonic clock."""
        ...

    @property
    def now(self) -> float:
        """The monotonic clock."""
        ...


class Life:
    """A book from one snapshot to the next doubt: the `Freshness` of what is read of it.

    It ends once and for all.  After a new snapshot the book has a new one, so a book that
    was read before the break stays stale, whatever numbers the new connection counts.
    """

    __slots__ = ("_ended_at", "_listener")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._ended_at: float | None = None

    def end(self) -> None:
        """The book may have changed unseen from when the stream was last heard."""
        if self._ended_at is None:
            self._ended_at = self._listener.heard_at

    def is_stale(self, sequence: int | None) -> bool:  # noqa: ARG002 - the life tells
        """Whether it may have changed unseen since."""
        return self._ended_at is not None

    def age(self) -> float:
        """Seconds since the stream was last heard while the book was whole."""
        listener, ended = self._listener, self._ended_at
        return listener.now - (listener.heard_at if ended is None else ended)
