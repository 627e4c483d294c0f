"""`Watch`: what the blocking ``watch_*`` return."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import TIMEOUT_MAX
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from ..models import StreamHealth
from . import misuse
from .follower import Follower
from .mailbox import Ended

if TYPE_CHECKING:
    from .hub import Hub

__all__ = ["Ready", "Watch"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Ready(Protocol):
    """What a watch waits with, as with a `Condition` on the lock of its stream."""

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> object: ...

    def notify_all(self) -> None:
        """There is something to take."""
        ...

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """Wait until there is; give what the predicate said last."""
        ...


class Watch(Generic[T_co]):
    """Updates of what is followed, as they come: go through it, or take the `next`.

    Leaving the loop ends it, and so does `close`; in a ``with`` block only its end does.
    An error of the stream is raised after what was waiting.  To go through a watch again
    that has ended, or whose loop was left, raises `BadRequest`: an empty loop would look
    like a quiet market.

    >>> from unified_exchanges import Exchange
    >>> def best(kalshi: Exchange, market_id: str) -> None:
    ...     for book in kalshi.watch_order_book(market_id):
    ...         print(book.bid, book.ask)
    """

    def __init__(
        self, hub: Hub, follower: Follower, ready: Ready, keeps: object = None
    ) -> None:
        self._hub = hub
        self._keeps = keeps
        self._follower = follower
        self._ready = ready
        self._is_held = False
        self._is_closed = False

    @property
    def folded(self) -> int:
        """How many updates were replaced by newer ones before they were taken."""
        return self._follower.mailbox.folded

    def health(self) -> StreamHealth:
        """How the stream does that this and others follow."""
        return self._hub.health()

    def next(self, timeout: float | None = None) -> T_co:
        """The next update, waiting for it.

        Raises `RequestTimeout` if there is none within so many seconds; 0 does not wait.
        """
        misuse.check_timeout(timeout)
        try:
            return self._take(timeout)
        except Ended:
            raise self._hub.over() from None

    def close(self) -> None:
        """Follow no more; closing twice is allowed."""
        self._is_closed = True
        self._hub.leave(self._follower)

    def __enter__(self) -> Self:
        self._is_held = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[T_co]:
        self._hub.check_process()
        with self._ready:
            if self._is_closed or self._hub.is_past(self._follower.mailbox):
                raise self._hub.over()
        return self._loop()

    def _loop(self) -> Iterator[T_co]:
        try:
            while True:
                try:
                    item = self._take(None)
                except Ended:
                    return
                yield item
        finally:
            if not self._is_held:
                self._abandon()

    def __next__(self) -> T_co:
        try:
            return self._take(None)
        except Ended:
            raise StopIteration from None

    def __del__(self) -> None:
        self._abandon()

    def __repr__(self) -> str:
        return f"<Watch {self._follower}>"

    def _take(self, timeout: float | None) -> T_co:
        self._hub.check_process()
        follower = self._follower
        take = follower.mailbox.take
        limit = None if timeout is None else min(timeout, TIMEOUT_MAX)
        with self._ready:
            if self._is_closed:
                raise Ended
            item: T_co | None = self._ready.wait_for(take, limit)
            if item is None:
                raise misuse.late(timeout, self.health())
        delivery = follower.delivery
        if next(delivery.turns):
            delivery.measure(item)
        return item

    def _abandon(self) -> None:
        # The collector may call this while somebody holds the lock: only leave a note.
        if not self._is_closed:
            self._is_closed = True
            self._hub.note_leaving(self._follower)
