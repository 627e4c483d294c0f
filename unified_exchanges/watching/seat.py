"""What an asynchronous consumer has of the stream: its follower, and a bell to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakSet

import attrs

from ..models import Subject
from .follower import Follower
from .mailbox import Ended, Policy

__all__ = ["Bell", "Holder", "Seat", "Wish"]


@attrs.frozen(slots=True)
class Wish:
    """What a caller asked to follow."""

    subject: Subject
    market_ids: tuple[str, ...] | None
    outcome: str | None
    policy: Policy
    events: bool


class Holder(Protocol):
    """What draws from a seat."""

    is_given_up: bool
    """Whether its last wait was: it may be alive in a traceback only."""


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

    async def wait(self) -> None:
        """Wait for that."""
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        try:
            await waiter
        finally:
            self.waiters.remove(waiter)


class Seat:
    """A follower for as long as anybody has this object, and who waits for its items."""

    __slots__ = ("_bell", "_leave", "follower", "holders", "is_inherited")

    def __init__(
        self, follower: Follower, bell: Bell, leave: Callable[[Follower], None]
    ) -> None:
        self.follower = follower
        self.holders: WeakSet[Holder] = WeakSet()
        self.is_inherited = False
        """Whether a task took it over and has not awaited it yet."""
        self._bell = bell
        self._leave = leave

    def __del__(self) -> None:
        # The collector may call this in any thread, amid anything: it only leaves a note.
        self._leave(self.follower)

    @property
    def is_held(self) -> bool:
        """Whether somebody keeps a watch that draws from it."""
        return not all(holder.is_given_up for holder in self.holders)

    async def take(self) -> Any:
        """The next item; raises the error of the stream, or `Ended`."""
        follower = self.follower
        take = follower.mailbox.take
        while (item := take()) is None:
            await self._bell.wait()
        delivery = follower.delivery
        if next(delivery.turns):
            delivery.measure(item)
        return item

    async def step(self) -> Any:
        """The next item of a loop."""
        try:
            return await self.take()
        except Ended:
            raise StopAsyncIteration from None
