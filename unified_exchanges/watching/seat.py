"""What an asynchronous consumer has of the stream: its follower, and a bell to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakSet

import attrs

from ..models import Subject
from .follower import Follower
from .mailbox import Policy

if TYPE_CHECKING:
    from .place import Place

__all__ = ["Bell", "Seat", "Wish"]


@attrs.frozen(slots=True)
class Wish:
    """What a caller asked to follow."""

    subject: Subject
    market_ids: tuple[str, ...] | None
    outcome: str | None
    policy: Policy
    events: bool


class Bell:
    """Those who wait for something to come."""

    __slots__ = ("waiters",)

    def __init__(self) -> None:
        self.waiters: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Something came, or the end."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)

    def note_taker(self) -> None:
        """Somebody takes what is there, or waits for it."""

    async def wait(self) -> None:
        """Wait for that."""
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        try:
            await waiter
        finally:
            self.waiters.remove(waiter)


class Seat:
    """A follower for as long as anybody has this object, and who waits for its items.

    Several places may be at it for as long as none of them takes an item.
    """

    __slots__ = ("_leave", "bell", "follower", "places")

    def __init__(
        self, follower: Follower, bell: Bell, leave: Callable[[Follower], None]
    ) -> None:
        self.follower = follower
        self.bell = bell
        self.places: WeakSet[Place] = WeakSet()
        self._leave = leave

    def __del__(self) -> None:
        # The collector may call this in any thread, amid anything: it only leaves a note.
        self._leave(self.follower)

    def is_shared(self, place: Place) -> bool:
        """Whether another place than this one is at it, whose items these are too."""
        places = self.places
        return len(places) > 1 and any(x.is_there for x in places if x is not place)
