"""Who is in an exchange for long, and ends before it is closed: runs of strategies.

Whoever closes it under one would leave its orders at the venue: nothing could be canceled
any more.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from .. import fork
from ..clock import Clock, SystemClock
from ..errors import BadRequest

__all__ = ["Occupied", "closed"]

_BEAT: Final = 0.05
_AGAIN: Final = 0.5
"""Seconds in which a second Ctrl-C is the first again, as for a run that ends."""
_clock: Final[Clock] = SystemClock()
_inside: Final[Counter[int]] = Counter()
"""In how many exchanges a thread is: it can wait for none, as others may wait for it."""


def closed() -> BadRequest:
    """What nobody may begin."""
    return BadRequest("this exchange was closed: make another one for the next run")


class Occupied:
    """Who is in a blocking exchange, each with its thread."""

    def __init__(self) -> None:
        self._lock = fork.rlock()
        self._runs: dict[object, int] = {}
        self._is_closing = False
        self._last: Callable[[], None] | None = None
        fork.in_child(self, Occupied._forget)

    def is_closing(self) -> bool:
        """Whether somebody closes it: all are to end."""
        return self._is_closing

    def enter(self, who: object) -> None:
        """Be in it, until `leave`.  Raises `BadRequest` once somebody closes it."""
        with self._lock:
            if self._is_closing:
                raise closed()
            if who not in self._runs:
                self._runs[who] = threading.get_ident()
                _inside[self._runs[who]] += 1

    def leave(self, who: object) -> Callable[[], None] | None:
        """Be in it no more; who was not may call it, too.

        What shuts it comes back, where that was left to the last one.
        """
        with self._lock:
            thread = self._runs.pop(who, None)
            if thread is not None:
                _inside[thread] -= 1
                if not _inside[thread]:
                    del _inside[thread]
            if self._runs:
                return None
            last, self._last = self._last, None
            return last

    def close(self, shut: Callable[[], None]) -> None:
        """Ask all to end, and shut it once they have.

        Who calls from within a run does not wait: the last one that leaves shuts it.  One
        Ctrl-C is raised when all have left, another one that comes later at once.
        """
        with self._lock:
            self._is_closing = True
            if self._runs and threading.get_ident() in _inside:
                self._last = shut
                return
        try:
            self._wait()
        finally:
            shut()

    def _wait(self) -> None:
        interrupted: KeyboardInterrupt | None = None
        since, pause = 0.0, threading.Event()
        while self._runs:
            try:
                pause.wait(_BEAT)
            except KeyboardInterrupt as error:
                now = _clock.monotonic()
                if interrupted is None:
                    interrupted, since = error, now
                elif now - since >= _AGAIN:
                    raise
        if interrupted is not None:
            raise interrupted

    def _forget(self) -> None:
        """In a forked child there is nobody: their threads are the parent's."""
        self._runs, self._last = {}, None
        _inside.clear()
