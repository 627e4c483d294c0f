"""`AsyncWatch`: what the asynchronous ``watch_*`` return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias, TypeVar

import attrs

from ..models import StreamHealth, Subject
from . import misuse
from .follower import Follower
from .mailbox import Ended, Policy

if TYPE_CHECKING:
    from .aio_hub import AsyncHub

__all__ = ["AsyncWatch", "Caller", "Seat", "Wish"]

T_co = TypeVar("T_co", covariant=True)

Caller: TypeAlias = "asyncio.Task[Any] | None"
"""The task that called."""


@attrs.frozen(slots=True)
class Wish:
    """What a caller asked to follow."""

    subject: Subject
    market_ids: tuple[str, ...] | None
    outcome: str | None
    policy: Policy
    events: bool


class Seat:
    """A follower, and the consumers who wait for its next item."""

    __slots__ = ("follower", "waiters")

    def __init__(self) -> None:
        self.follower: Follower
        self.waiters: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        """Something came, or the end."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def take(self) -> Any:
        """The next item; raises the error of the stream, or `Ended`."""
        take = self.follower.mailbox.take
        while (item := take()) is None:
            waiter = asyncio.get_running_loop().create_future()
            self.waiters.append(waiter)
            try:
                await waiter
            finally:
                self.waiters.remove(waiter)
        return item

    async def step(self) -> Any:
        """The next item of a loop."""
        try:
            return await self.take()
        except Ended:
            raise StopAsyncIteration from None


class AsyncWatch(Generic[T_co]):
    """Updates of what is followed, as they come: ``async for``, or ``await`` for the next.

    Leaving the loop ends it, and so does `aclose`; in an ``async with`` block only its
    end does.  An error of the stream is raised after what was waiting.  To go through a
    watch again that has ended, or whose loop was left, raises `BadRequest`.

    Awaiting is for those who call again each time: a task that makes the same call again
    goes on where it was, and nothing is lost in between.  What is awaited so is followed
    until `unwatch`, or until the task ends.

    >>> from unified_exchanges import AsyncExchange
    >>> async def best(kalshi: AsyncExchange, market_id: str) -> None:
    ...     async for book in kalshi.watch_order_book(market_id):
    ...         print(book.bid, book.ask)
    """

    def __init__(self, hub: AsyncHub, wish: Wish, caller: Caller) -> None:
        self._hub = hub
        self._wish = wish
        self._caller = caller
        # Who already awaits the same wish needs no seat of its own, unless it iterates.
        self._seat = None if hub.standing(caller, wish) else hub.seat(wish)
        self._is_iterated = self._is_held = self._is_closed = False

    @property
    def folded(self) -> int:
        """How many updates were replaced by newer ones before they were taken."""
        seat = self._seat or self._hub.standing(self._caller, self._wish)
        return 0 if seat is None else seat.follower.mailbox.folded

    def health(self) -> StreamHealth:
        """How the stream does that this and others follow."""
        return self._hub.health()

    async def next(self, timeout: float | None = None) -> T_co:  # noqa: ASYNC109 - as in Watch
        """The next update, waiting for it.

        Raises `RequestTimeout` if there is none within so many seconds.
        """
        misuse.check_timeout(timeout)
        seat = self._own()
        try:
            async with asyncio.timeout(timeout):
                item: T_co = await seat.take()
        except TimeoutError:
            raise misuse.late(timeout, self.health()) from None
        except Ended:
            raise misuse.over() from None
        return item

    async def aclose(self) -> None:
        """Follow no more; closing twice is allowed."""
        self._is_closed = True
        seat, self._seat = self._seat, None
        self._hub.check()
        if seat is None:
            self._hub.dismiss(self._caller, self._wish)
        else:
            self._hub.leave(seat.follower)

    async def __aenter__(self) -> Self:
        self._is_held = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> AsyncIterator[T_co]:
        seat = self._own()
        if seat.follower.mailbox.is_spent:
            raise misuse.over()
        return _Loop(self, self._hub, seat)

    def __anext__(self) -> Coroutine[Any, Any, T_co]:
        return self._own().step()

    def __await__(self) -> Generator[Any, None, T_co]:
        return self._await().__await__()

    def __del__(self) -> None:
        self._abandon()

    def __repr__(self) -> str:
        seat = self._seat
        return f"<AsyncWatch {self._wish.subject if seat is None else seat.follower}>"

    def _own(self) -> Seat:
        """The seat of this object, which it does not share."""
        self._hub.check()
        if self._is_closed:
            raise misuse.over()
        self._is_iterated = True
        if self._seat is None:
            self._seat = self._hub.seat(self._wish)
        return self._seat

    async def _await(self) -> T_co:
        if self._is_iterated:
            return await self.next()
        self._hub.check()
        if self._is_closed:
            raise misuse.over()
        own, self._seat = self._seat, None
        seat = self._hub.stand(self._caller, self._wish, own)
        try:
            item: T_co = await seat.take()
        except Ended:
            self._hub.dismiss(self._caller, self._wish)
            raise misuse.over() from None
        except Exception:
            self._hub.dismiss(self._caller, self._wish)
            raise
        return item

    def leave_loop(self) -> None:
        """The loop over it was left."""
        if not self._is_held:
            self._abandon()

    def _abandon(self) -> None:
        # The collector may call this in any thread, amid anything: only leave a note.
        seat, self._seat = getattr(self, "_seat", None), None
        self._is_closed = True
        if seat is not None:
            self._hub.note_leaving(seat.follower)


class _Loop(AsyncIterator[T_co]):
    """One ``async for`` over a watch: it notices when that is left."""

    __slots__ = ("_hub", "_seat", "_watch")

    def __init__(self, watch: AsyncWatch[T_co], hub: AsyncHub, seat: Seat) -> None:
        self._watch = watch
        self._seat = seat
        self._hub = hub

    def __anext__(self) -> Coroutine[Any, Any, T_co]:
        self._hub.check()
        return self._seat.step()

    def __del__(self) -> None:
        self._watch.leave_loop()
