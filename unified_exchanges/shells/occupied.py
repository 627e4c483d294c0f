"""Who is in an exchange for long, and ends before it is closed: runs of strategies.

Whoever closes it under one would leave its orders at the venue: nothing could be canceled
any more.
"""

from __future__ import annotations

import threading

from .. import fork

__all__ = ["Occupied"]


class Occupied:
    """Who is in a blocking exchange, each with its thread."""

    def __init__(self) -> None:
        self._lock = fork.rlock()
        self._left = threading.Condition(self._lock)
        self._inside: dict[object, int] = {}
        self._closing = 0
        fork.in_child(self, Occupied._forget)

    def is_closing(self) -> bool:
        """Whether somebody waits for all to end."""
        return self._closing > 0

    def enter(self, who: object) -> None:
        """Be in it, until `leave`."""
        with self._lock:
            self._inside[who] = threading.get_ident()

    def leave(self, who: object) -> None:
        """Be in it no more; who was not may call it, too."""
        with self._lock:
            self._inside.pop(who, None)
            self._left.notify_all()

    def vacate(self) -> None:
        """Ask all to end, and wait for those of other threads."""
        mine = threading.get_ident()
        with self._lock:
            self._closing += 1
            try:
                self._left.wait_for(lambda: {mine} >= {*self._inside.values()})
            finally:
                self._closing -= 1

    def _forget(self) -> None:
        """In a forked child there is nobody: their threads are the parent's."""
        self._inside, self._closing = {}, 0
