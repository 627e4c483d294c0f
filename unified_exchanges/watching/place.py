"""How far a watch has got in what is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from weakref import ref

from .mailbox import Ended
from .seat import Seat, Wish

if TYPE_CHECKING:
    from .aio_hub import AsyncHub

__all__ = ["Caller", "Place"]

Caller = asyncio.Task[Any] | None
"""The task that called, if it was one."""


class Place:
    """How far one watch has got: it is told everything from there, whatever others take.

    A call begins where the last one is, at the same seat.  Whoever takes from a seat at
    which others are takes a copy of it first, so nobody takes anything from anybody.

    The watch may be gone while it is waited for: ``await ex.watch_fills()`` keeps the
    place, and not the watch.  So a watch that lives is one that somebody holds, apart
    from those in tasks that were made of one, and in tracebacks of such.
    """

    __slots__ = (
        "__weakref__",
        "_after",
        "_first",
        "_has_given",
        "_hub",
        "_interrupts",
        "_is_begun",
        "_owner",
        "_waits",
        "caller",
        "is_closed",
        "is_parted",
        "is_standing",
        "seat",
        "wish",
    )

    def __init__(
        self, hub: AsyncHub, wish: Wish, caller: Caller, *, owner: object = None
    ) -> None:
        self._hub = hub
        self.wish = wish
        self.caller = caller
        self._owner = None if owner is None else ref(owner)
        self._waits = 0
        self._is_begun = self._has_given = False
        self._interrupts: ref[Place] | None = None
        self._first: Any = None
        self.is_standing = self.is_closed = self.is_parted = False
        self._after: Place | None = None
        self.seat: Seat

    # -- beginning ------------------------------------------------------------------

    def begin(self) -> None:
        """Go on where the last call was, or sit down anew."""
        self._after = after = self._hub.standing.find(self.caller, self.wish)
        self.sit(self._hub.seat(self.wish) if after is None else after.seat)

    def sit(self, seat: Seat) -> None:
        """Be at a seat from now on."""
        self.seat = seat
        seat.places.add(self)

    # -- whose it is ----------------------------------------------------------------

    @property
    def _is_owned(self) -> bool:
        return self._owner is not None and self._owner() is not None

    @property
    def is_there(self) -> bool:
        """Whether anybody may take what comes at it."""
        return self._waits > 0 or self.is_standing or self._is_held

    @property
    def _is_held(self) -> bool:
        return self._is_owned and not self.is_closed

    @property
    def is_kept(self) -> bool:
        """Whether somebody surely keeps its watch, which no traceback and no task has."""
        return self._has_given and self._is_owned

    def _claim(self) -> None:
        """It is awaited; the next call goes on with it, if this is a call."""
        caller, standing = self.caller, self._hub.standing
        if self._is_begun:
            self._part()
        elif caller is not None and not caller.done():
            after = self._after
            # Calls go on with it, until it proves to be held.
            self._interrupts = None if after is None else ref(after)
            standing.enter(self, after)
        self._after = None
        self._is_begun = True

    def _part(self) -> None:
        """It is held: calls do not go on with it, but where the last of them was."""
        # Only now: until a task goes on, the error of its last call keeps that alive.
        before = None if self._interrupts is None else self._interrupts()
        is_held = before is not None and before._is_owned  # noqa: SLF001
        is_call = self._interrupts is not None and not is_held
        if self._hub.standing.remove(self) and is_call:
            line = Place(self._hub, self.wish, self.caller)
            line.sit(self._hub.copy(self.seat))
            if self._first is not None:
                line.seat.follower.mailbox.put_back(self._first)
            self._hub.standing.enter(line, None)
        self._interrupts = self._first = None

    def part(self) -> None:
        """It is gone through by hand: a new one is its own from the start."""
        self.check()
        if self.is_parted:
            return
        self.is_parted = True
        if self._after is None:
            self._part()
        else:
            self._after = None
            self._renew()
        self._is_begun = True

    def _renew(self) -> None:
        self.seat.places.discard(self)
        self.sit(self._hub.seat(self.wish))

    def check(self) -> None:
        """Refuse one that was closed, and other loops and processes."""
        self._hub.check()
        if self.is_closed:
            raise self._hub.over()

    # -- waiting --------------------------------------------------------------------

    async def wait(self, *, in_task: bool = False) -> Any:
        """The next item for who awaits the watch, or a task that was made of it."""
        self.check()
        if self.is_parted:
            return await self._last()
        was_over = self._after is not None and self.seat.follower.mailbox.is_closed
        self._claim()
        try:
            item = await self._try()
        except Ended:
            if not was_over:
                raise self._hub.over() from None
            # It was unwatched before this call, which begins anew.
            self._renew()
            item = await self._last()
        if self._interrupts is not None and self._is_owned:
            self._first = item
        self._has_given = not in_task
        return item

    async def _last(self) -> Any:
        try:
            return await self._try()
        except Ended:
            raise self._hub.over() from None

    async def _try(self) -> Any:
        try:
            return await self.take()
        except Exception:
            # The next call begins anew.
            self._hub.standing.remove(self)
            raise

    async def take(self) -> Any:
        """The next item; raises the error of the stream, or `Ended`."""
        self._waits += 1
        self.seat.bell.note_taker()
        try:
            while (item := self._take()) is None:
                await self.seat.bell.wait()
        finally:
            self._waits -= 1
        delivery = self.seat.follower.delivery
        if next(delivery.turns):
            delivery.measure(item)
        return item

    def _take(self) -> Any:
        seat = self.seat
        if len(seat.follower.mailbox) and seat.is_shared(self):
            seat.places.discard(self)
            self.sit(self._hub.copy(seat))
        return self.seat.follower.mailbox.take()

    async def step(self) -> Any:
        """The next item of a loop."""
        try:
            return await self.take()
        except Ended:
            raise StopAsyncIteration from None

    # -- leaving --------------------------------------------------------------------

    def end(self) -> None:
        """Follow no more, nor for calls that would go on with it."""
        self.is_closed = True
        self._hub.standing.remove(self)
        if self._after is not None:
            self._hub.standing.remove(self._after)
        if not self.seat.is_shared(self):
            self._hub.leave(self.seat.follower)

    def close(self) -> None:
        """Follow no more; a call that was not awaited leaves the others as they are."""
        self.is_closed = True
        if self._after is None and not self.seat.is_shared(self):
            self._hub.note_leaving(self.seat.follower)
