"""The seats of those who call again each time, between one call and the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

from .seat import Seat, Wish

__all__ = ["KEPT", "Caller", "Standing"]

KEPT: Final = 10.0
"""Seconds that the seat of a task that has ended waits for another that calls."""

Caller: TypeAlias = "asyncio.Task[Any] | None"
"""The task that called, if it was one."""


class _Timer(Protocol):
    def cancel(self) -> object: ...


class Standing:
    """Each task has a seat of its own of each wish that it awaits, until it ends.

    Then the seat waits `KEPT` seconds for whoever calls next with the same wish: a helper
    that runs in a task of its own each time, as `asyncio.wait_for` and `asyncio.gather`
    have it, goes on where it was.  So there are never more seats of a wish than there
    were tasks at once.  A seat that somebody holds needs no heir.

    ``later`` calls something after so many seconds.
    """

    def __init__(self, later: Callable[[float, Callable[[], None]], _Timer]) -> None:
        self._later = later
        self._lines: dict[asyncio.Task[Any], dict[Wish, Seat]] = {}
        self._left: dict[Wish, dict[Seat, _Timer]] = {}

    def find(self, caller: Caller, wish: Wish) -> Seat | None:
        """The seat that a call goes on with: of the same task, or of one that has ended."""
        if caller is None:
            return None
        seat = self._lines.get(caller, {}).get(wish)
        if seat is not None:
            if not seat.follower.mailbox.is_spent:
                return seat
            self.remove(caller, wish, seat)
        seat = self._inherit(wish)
        if seat is not None:
            seat.is_inherited = True
            self._enter(caller, wish, seat)
        return seat

    def enter(self, caller: asyncio.Task[Any], wish: Wish, seat: Seat) -> None:
        """A task awaits a seat, and may call again."""
        seat.is_inherited = False
        self._enter(caller, wish, seat)

    def remove(self, caller: Caller, wish: Wish, seat: Seat) -> None:
        """A seat goes on with no other call."""
        if caller is not None and self._lines.get(caller, {}).get(wish) is seat:
            del self._lines[caller][wish]
        self._forget(wish, seat)

    def give_back(self, caller: Caller, wish: Wish, seat: Seat) -> None:
        """A call took a seat over that it does not need."""
        if seat.is_inherited:
            self.remove(caller, wish, seat)
            self._leave(wish, seat)

    # -- from task to task ----------------------------------------------------------

    def _enter(self, caller: asyncio.Task[Any], wish: Wish, seat: Seat) -> None:
        if caller not in self._lines:
            self._lines[caller] = {}
            caller.add_done_callback(self._ended)
        self._lines[caller].setdefault(wish, seat)

    def _ended(self, caller: asyncio.Task[Any]) -> None:
        for wish, seat in self._lines.pop(caller, {}).items():
            if not seat.is_held:
                self._leave(wish, seat)

    def _inherit(self, wish: Wish) -> Seat | None:
        if wish not in self._left:
            # Some may have ended just now, of which we are told in a moment.
            for caller in [x for x in self._lines if x.done()]:
                self._ended(caller)
        # The one that was left last: it has told what the others have not.
        for seat in reversed(list(self._left.get(wish, ()))):
            self._forget(wish, seat)
            if not seat.follower.mailbox.is_spent:
                return seat
        return None

    def _leave(self, wish: Wish, seat: Seat) -> None:
        timer = self._later(KEPT, partial(self._forget, wish, seat))
        self._left.setdefault(wish, {})[seat] = timer

    def _forget(self, wish: Wish, seat: Seat) -> None:
        left = self._left.get(wish, {})
        if seat in left:
            left.pop(seat).cancel()
            if not left:
                del self._left[wish]
