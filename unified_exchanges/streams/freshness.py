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

    @property
    def is_silent(self) -> bool:
        """Whether that is too long ago for anything to be believed."""
        ...


class Life:
    """One state of a book, from when it was read to the next change or doubt.

    It ends once and for all: what was read before a change, or before a break, stays
    stale, whatever comes later.  All that is read of one state shares it.
    """

    __slots__ = ("_ended_at", "_listener")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._ended_at: float | None = None

    def end(self) -> None:
        """The book is another, or may be, from when the stream was last heard."""
        if self._ended_at is None:
            self._ended_at = self._listener.heard_at

    def is_stale(self) -> bool:
        """Whether it is not known to be what the venue shows now."""
        return self._ended_at is not None or self._listener.is_silent

    def age(self) -> float:
        """Seconds since it was last known to be what the venue shows."""
        listener, ended = self._listener, self._ended_at
        return listener.now - (listener.heard_at if ended is None else ended)
