"""`AsyncWatch`: what the asynchronous ``watch_*`` return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..models import StreamHealth
from . import misuse
from .mailbox import Ended
from .seat import Seat, Wish
from .standing import Caller

if TYPE_CHECKING:
    from .aio_hub import AsyncHub

__all__ = ["AsyncWatch"]

T_co = TypeVar("T_co", covariant=True)


class AsyncWatch(Coroutine[Any, Any, T_co], Generic[T_co]):
    """Updates of what is followed, as they come: ``async for``, or ``await`` for the next.

    Leaving the loop ends it, and so does `aclose`; in an ``async with`` block only its
    end does.  An error of the stream is raised after what was waiting.  To go through a
    watch again that has ended, or whose loop was left, raises `BadRequest`.

    Awaiting is for those who call again each time: a task that makes the same call again
    goes on where it was, and nothing is lost in between.  What is awaited so is followed
    until `unwatch`, or until the task ends and for 10 more seconds no other makes that
    call.  Whoever keeps the object may await it again and again, in any task.

    It is a coroutine too, as far as `asyncio.create_task` and its like are concerned.

    >>> from unified_exchanges import AsyncExchange
    >>> async def best(kalshi: AsyncExchange, market_id: str) -> None:
    ...     async for book in kalshi.watch_order_book(market_id):
    ...         print(book.bid, book.ask)
    """

    def __init__(self, hub: AsyncHub, wish: Wish, caller: Caller) -> None:
        self._hub = hub
        self._wish = wish
        self._caller = caller
        self._is_begun = self._is_iterated = self._is_held = self._is_closed = False
        self._steps: dict[Caller, Coroutine[Any, Any, T_co]] = {}
        self.is_given_up = False
        """Whether the last wait for it was cancelled, or raised an error."""
        found = hub.standing.find(caller, wish)
        self._is_own = found is None
        """Whether its seat was made for it; else it goes on with one of calls before."""
        self._seat = self._sit() if found is None else found
        self._seat.holders.add(self)

    @property
    def folded(self) -> int:
        """How many updates were replaced by newer ones before they were taken."""
        return self._seat.follower.mailbox.folded

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
        self._hub.check()
        self._is_closed = True
        self._hub.standing.remove(self._caller, self._wish, self._seat)
        self._hub.leave(self._seat.follower)

    def close(self) -> None:
        """Follow no more, without waiting; for those who take it for a coroutine."""
        self._is_closed = True
        if self._is_own:
            self._hub.note_leaving(self._seat.follower)

    async def __aenter__(self) -> Self:
        self._own()
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

    def send(self, value: Any) -> Any:
        """Go on with what a task awaits that was made of this object."""
        return self._step(lambda step: step.send(value))

    def throw(self, *error: Any) -> Any:
        """Raise something, such as its cancellation, where such a task waits."""
        return self._step(lambda step: step.throw(*error))

    def __repr__(self) -> str:
        return f"<AsyncWatch {self._seat.follower}>"

    def leave_loop(self) -> None:
        """The loop over it was left."""
        if not self._is_held:
            self.close()

    def _sit(self) -> Seat:
        self._is_own = True
        return self._hub.seat(self._wish)

    def _renew(self) -> Seat:
        """Another seat than the one that it went on with."""
        self._seat.holders.discard(self)
        self._seat = self._sit()
        self._seat.holders.add(self)
        return self._seat

    def _check(self) -> None:
        self._hub.check()
        if self._is_closed:
            raise misuse.over()

    def _own(self) -> Seat:
        """The seat of this object, which it does not share."""
        self._check()
        if not self._is_iterated:
            self._is_iterated = True
            self._part()
        return self._seat

    def _part(self) -> None:
        """Part from the calls of its task; they keep the seat that was theirs."""
        standing = self._hub.standing
        if self._is_own:
            standing.remove(self._caller, self._wish, self._seat)
        else:
            standing.give_back(self._caller, self._wish, self._seat)
            self._renew()

    def _claim(self) -> Seat:
        """The seat to await; the next call goes on with it, if this is a call."""
        task, caller = asyncio.current_task(), self._caller
        standing = self._hub.standing
        is_call = task is caller or task is None or task.get_coro() is self
        if caller is None or caller.done():
            # It outlived its task: somebody holds it.
            standing.remove(caller, self._wish, self._seat)
        elif self._is_begun and not is_call:
            # Not only wrapped, as the first time it may have been: it was handed over.
            standing.remove(caller, self._wish, self._seat)
            self._is_own = True
        else:
            standing.enter(caller, self._wish, self._seat)
        self._is_begun = True
        return self._seat

    async def _await(self) -> T_co:
        if self._is_iterated:
            return await self.next()
        self._check()
        seat = self._claim()
        was_over = not self._is_own and seat.follower.mailbox.is_closed
        try:
            item: T_co = await self._take(seat)
        except Ended:
            if not was_over:
                raise misuse.over() from None
        else:
            return item
        # It was unwatched before this call, which begins anew.
        self._renew()
        try:
            return await self._take(self._claim())
        except Ended:
            raise misuse.over() from None

    async def _take(self, seat: Seat) -> T_co:
        self.is_given_up = False
        try:
            item: T_co = await seat.take()
        except BaseException as error:
            self.is_given_up = True
            if isinstance(error, Exception):
                self._hub.standing.remove(self._caller, self._wish, seat)
            raise
        return item

    def _step(self, act: Callable[[Coroutine[Any, Any, T_co]], Any]) -> Any:
        # Each task that was made of it waits by itself.
        task = asyncio.current_task()
        step = self._steps.pop(task, None) or self._await()
        waits_for = act(step)
        self._steps[task] = step
        return waits_for


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
