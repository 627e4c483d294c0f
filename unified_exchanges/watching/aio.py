"""`AsyncWatch`: what the asynchronous ``watch_*`` return."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..models import StreamHealth
from . import misuse
from .mailbox import Ended
from .place import Caller, Place
from .seat import Seat, Wish

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
    call.  Whoever keeps the object may await it again and again, in any task: each object
    is told everything, whatever other objects and calls take.

    It is a coroutine too, as far as `asyncio.create_task` and its like are concerned.

    >>> from unified_exchanges import AsyncExchange
    >>> async def best(kalshi: AsyncExchange, market_id: str) -> None:
    ...     async for book in kalshi.watch_order_book(market_id):
    ...         print(book.bid, book.ask)
    """

    def __init__(self, hub: AsyncHub, wish: Wish, caller: Caller) -> None:
        self._hub = hub
        self._is_held = False
        self._place = Place(hub, wish, caller, owner=self)
        self._place.begin()
        self._steps = _Steps(self._place)

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
        self._place.part()
        try:
            async with self._hub.within(timeout):
                item: T_co = await self._place.take()
        except TimeoutError:
            raise misuse.late(timeout, self.health()) from None
        except Ended:
            raise self._hub.over() from None
        return item

    async def aclose(self) -> None:
        """Follow no more; closing twice is allowed."""
        self._hub.check()
        self._place.end()

    def close(self) -> None:
        """Follow no more, without waiting; for those who take it for a coroutine."""
        self._place.close()

    async def __aenter__(self) -> Self:
        self._place.part()
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
        self._place.part()
        mailbox = self._place.seat.follower.mailbox
        is_closed = self._place.is_closed and mailbox.is_spent
        if is_closed or self._hub.is_past(mailbox):
            raise self._hub.over()
        return _Loop(self, self._hub, self._place)

    def __anext__(self) -> Coroutine[Any, Any, T_co]:
        self._place.part()
        return self._place.step()

    def __await__(self) -> Generator[Any, None, T_co]:
        # What waits has the place, and not the watch, which lives while it is held.
        return self._place.wait().__await__()

    def send(self, value: Any) -> Any:
        """Go on with what a task awaits that was made of this object."""
        steps = self._steps
        # Who keeps a traceback holds no watch by that.
        del self
        return steps.go(lambda step: step.send(value))

    def throw(self, *error: Any) -> Any:
        """Raise something, such as its cancellation, where such a task waits."""
        steps = self._steps
        del self
        return steps.go(lambda step: step.throw(*error))

    def __repr__(self) -> str:
        return f"<AsyncWatch {self._seat.follower}>"

    def leave_loop(self) -> None:
        """The loop over it was left."""
        if not self._is_held:
            self.close()

    @property
    def _seat(self) -> Seat:
        return self._place.seat


class _Steps:
    """The tasks that were made of one watch, each of which waits by itself."""

    __slots__ = ("_place", "_running")

    def __init__(self, place: Place) -> None:
        self._place = place
        self._running: dict[Caller, Coroutine[Any, Any, Any]] = {}

    def go(self, act: Callable[[Coroutine[Any, Any, Any]], Any]) -> Any:
        """Go on with the task that runs, or begin."""
        task = asyncio.current_task()
        try:
            step = self._running.pop(task, None) or self._place.wait(in_task=True)
            waits_for = act(step)
            self._running[task] = step
        finally:
            # It has the watch, and an error that it raised would have both.
            del task
        return waits_for


class _Loop(AsyncIterator[T_co]):
    """One ``async for`` over a watch: it notices when that is left."""

    __slots__ = ("_hub", "_place", "_watch")

    def __init__(self, watch: AsyncWatch[T_co], hub: AsyncHub, place: Place) -> None:
        self._watch = watch
        self._place = place
        self._hub = hub

    def __anext__(self) -> Coroutine[Any, Any, T_co]:
        self._hub.check()
        return self._place.step()

    def __del__(self) -> None:
        self._watch.leave_loop()
