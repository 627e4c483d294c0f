"""Where those are who call again each time, between one call and the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from .place import Caller, Place
from .seat import Wish

__all__ = ["KEPT", "Standing"]

KEPT: Final = 10.0
"""Seconds that the place of a task that has ended waits for another that calls."""


class _Timer(Protocol):
    def cancel(self) -> object: ...


class Standing:
    """Each task has a place of its own of each wish that it awaits, until it ends.

    Then the place waits `KEPT` seconds for whoever calls next with the same wish: a helper
    that runs in a task of its own each time, as `asyncio.wait_for` and `asyncio.gather`
    have it, goes on where it was.  So there are never more places of a wish than there
    were tasks at once.  One whose watch somebody keeps needs no heir.

    ``later`` calls something after so many seconds.
    """

    def __init__(self, later: Callable[[float, Callable[[], object]], _Timer]) -> None:
        self._later = later
        self._lines: dict[asyncio.Task[Any], dict[Wish, Place]] = {}
        self._left: dict[Wish, dict[Place, _Timer]] = {}

    def find(self, caller: Caller, wish: Wish) -> Place | None:
        """Where a call begins: where the last of its task is, or of one that has ended."""
        if caller is None:
            return None
        place = self._lines.get(caller, {}).get(wish)
        if place is not None and place.seat.follower.mailbox.is_spent:
            self.remove(place)
            place = None
        return place or self._heritage(wish)

    def enter(self, place: Place, after: Place | None) -> None:
        """A call is awaited, which began after another: the next one goes on with it."""
        caller = place.caller
        assert caller is not None
        if after is not None:
            self.remove(after)
        if caller not in self._lines:
            self._lines[caller] = {}
            caller.add_done_callback(self._ended)
        last = self._lines[caller].get(place.wish)
        if last is not None:
            last.is_standing = False
        self._lines[caller][place.wish] = place
        place.is_standing = True

    def remove(self, place: Place) -> bool:
        """No call goes on with a place; whether one would have."""
        was_standing, place.is_standing = place.is_standing, False
        if place.caller is not None:
            line = self._lines.get(place.caller, {})
            if line.get(place.wish) is place:
                del line[place.wish]
        self._forget(place)
        return was_standing

    # -- from task to task ----------------------------------------------------------

    def _ended(self, caller: asyncio.Task[Any]) -> None:
        for place in self._lines.pop(caller, {}).values():
            if place.is_kept:
                place.is_standing = False
            else:
                self._leave(place)

    def _heritage(self, wish: Wish) -> Place | None:
        if wish not in self._left:
            # Some may have ended just now, of which we are told in a moment.
            for caller in [x for x in self._lines if x.done()]:
                self._ended(caller)
        # The one that was left last: it has told what the others have not.
        for place in reversed(list(self._left.get(wish, ()))):
            if not place.seat.follower.mailbox.is_spent:
                return place
            self.remove(place)
        return None

    def _leave(self, place: Place) -> None:
        timer = self._later(KEPT, partial(self.remove, place))
        self._left.setdefault(place.wish, {})[place] = timer

    def _forget(self, place: Place) -> None:
        left = self._left.get(place.wish, {})
        if place in left:
            left.pop(place).cancel()
            if not left:
                del self._left[place.wish]
