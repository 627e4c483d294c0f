"""What waits for one consumer: the newest of each key, or every item.

A mailbox is filled by whoever drives the stream and emptied by its consumer; it never
makes the former wait.  It is not thread-safe: both hold the lock of the stream.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Hashable
from copy import copy
from functools import partial
from typing import Final, Generic, Literal, Self, TypeAlias, TypeVar

from ..errors import StreamOverflow

__all__ = [
    "POLICIES",
    "Deaf",
    "Ear",
    "Ended",
    "Every",
    "Latest",
    "Look",
    "Mailbox",
    "Policy",
]

T = TypeVar("T")

Policy: TypeAlias = Literal["latest", "every"]
"""What a slow consumer gets: the newest state, or every event."""

POLICIES: Final = ("latest", "every")


class Ended(Exception):
    """The mailbox was closed and is empty."""


class Look(Generic[T]):
    """Stands for an item that is made when it is taken; None if it cannot be had then."""

    __slots__ = ("read",)

    def __init__(self, read: Callable[[], T | None]) -> None:
        self.read = read


class Mailbox(ABC, Generic[T]):
    """Items on their way to a consumer.

    ``wake`` is called whenever there is something to take, or the end, where there was
    nothing before.
    """

    __slots__ = (
        "_closed",
        "_error",
        "_most",
        "_trouble",
        "_wake",
        "folded",
        "has_told_end",
    )

    def __init__(self, *, most: int | None, wake: Callable[[], None]) -> None:
        self._most = most
        self._wake = wake
        self._closed = False
        self._error: Exception | None = None
        self._trouble: Exception | None = None
        self.folded = 0
        """How many items were replaced by newer ones before they were taken."""
        self.has_told_end = False
        """Whether somebody wanted more after the last."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing more comes in; something may still be waiting."""
        return self._closed

    @property
    def is_spent(self) -> bool:
        """Whether it came to its end, without an error, and nothing waits in it."""
        return self._closed and self._error is None and not len(self)

    def close(self, error: Exception | None = None) -> None:
        """Let nothing more in: what waits is still delivered, then the error or the end.

        Closing again changes nothing.
        """
        if not self._closed:
            self._closed = True
            self._error = error
            self._wake()

    def withhold(self, error: Exception | None) -> None:
        """Have whoever takes told why nothing comes, until None says that it does again."""
        self._trouble = error
        if error is not None:
            self._wake()

    def take(self) -> T | None:
        """The next item, None if there is none yet; after the last the error, or `Ended`."""
        item = self._next()
        if item is None and (error := self._error or self._trouble) is not None:
            # It may be raised to several consumers, and again.
            raise error.with_traceback(None)
        if item is None and self._closed:
            self.has_told_end = True
            raise Ended
        return item

    def _admit(self, waiting: int) -> bool:
        """Whether one more may come in beside those that wait; too many close it."""
        if self._closed:
            return False
        if self._most is not None and waiting >= self._most:
            self.close(_overflow(waiting))
            return False
        return True

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def put(self, key: Hashable, item: T) -> None:
        """Let an item in; ``key`` says what it is the newest state of."""

    @abstractmethod
    def mark(self, key: Hashable, look: Look[T]) -> None:
        """Let in what is made of a look, unless there is nothing to see just now."""

    @abstractmethod
    def unmark(self, key: Hashable) -> None:
        """What was marked cannot be made any more, and will be marked anew."""

    @abstractmethod
    def fold(self, key: Hashable) -> None:
        """Give up the place of what waits of a key: a newer one comes behind the rest."""

    @abstractmethod
    def forget(self, key: Hashable) -> None:
        """Drop what waits of a key that is not followed any more, if that can be told."""

    def copy(self, wake: Callable[[], None]) -> Self:
        """Another in which the same waits."""
        other = copy(self)
        other._wake = wake  # noqa: SLF001 - of its own class
        other._part()  # noqa: SLF001
        return other

    @abstractmethod
    def put_back(self, item: T) -> None:
        """Let what was taken wait again, before all else."""

    @abstractmethod
    def _part(self) -> None:
        """Share what waits with none that this is a copy of."""

    @abstractmethod
    def _next(self) -> T | None: ...


class Latest(Mailbox[T]):
    """The newest item of each key, in the order in which the keys first came up.

    Without ``most`` it holds as many as there are keys.

    >>> box = Latest(most=None, wake=lambda: None)
    >>> for key, item in [("A", 1), ("B", 2), ("A", 3)]:
    ...     box.put(key, item)
    >>> box.take(), box.take(), box.take(), box.folded
    (3, 2, None, 1)
    """

    __slots__ = ("_waiting",)

    def __init__(self, *, most: int | None, wake: Callable[[], None]) -> None:
        super().__init__(most=most, wake=wake)
        self._waiting: dict[Hashable, T | Look[T]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, key: Hashable, item: T) -> None:
        """Let an item in, in place of an older one of its key."""
        self._set(key, item)

    def mark(self, key: Hashable, look: Look[T]) -> None:
        """Remember that something changed; it is made when it is taken."""
        self._set(key, look)

    def unmark(self, key: Hashable) -> None:
        """Give its place up: what comes in its stead comes after what is told now."""
        if isinstance(self._waiting.get(key), Look):
            del self._waiting[key]
            self.folded += 1

    def fold(self, key: Hashable) -> None:
        """Drop what waits of a key, since a newer one comes."""
        if self._waiting.pop(key, None) is not None:
            self.folded += 1

    def forget(self, key: Hashable) -> None:
        """Drop what waits of a key that is not followed any more."""
        self._waiting.pop(key, None)

    def put_back(self, item: T) -> None:
        """Let what was taken wait again, unless it is a book that is stale by then."""
        look = Look(partial(_unless_stale, item))
        self._waiting = {object(): look, **self._waiting}

    def _part(self) -> None:
        self._waiting = self._waiting.copy()

    def _set(self, key: Hashable, item: T | Look[T]) -> None:
        waiting = self._waiting
        if key in waiting:
            self.folded += 1
            waiting[key] = item
        elif self._admit(len(waiting)):
            waiting[key] = item
            if len(waiting) == 1:
                self._wake()

    def _next(self) -> T | None:
        waiting = self._waiting
        while waiting:
            item = waiting.pop(next(iter(waiting)))
            if not isinstance(item, Look):
                return item
            made: T | None = item.read()
            if made is not None:
                return made
            # Stale just now: the whole one that comes takes its place.
            self.folded += 1
        return None


class Every(Mailbox[T]):
    """Every item, in order; one more than ``most`` closes it with `StreamOverflow`.

    >>> box = Every(most=2, wake=lambda: None)
    >>> for item in (1, 2, 3):
    ...     box.put("A", item)
    >>> box.take(), box.take(), box.is_closed
    (1, 2, True)
    """

    __slots__ = ("_waiting",)

    def __init__(self, *, most: int | None, wake: Callable[[], None]) -> None:
        super().__init__(most=most, wake=wake)
        self._waiting: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, key: Hashable, item: T) -> None:  # noqa: ARG002 - every key alike
        """Let an item in behind the others."""
        waiting = self._waiting
        if self._admit(len(waiting)):
            waiting.append(item)
            if len(waiting) == 1:
                self._wake()

    def mark(self, key: Hashable, look: Look[T]) -> None:
        """Make the item now: a later one is another."""
        if not self._closed:
            item = look.read()
            if item is not None:
                self.put(key, item)

    def unmark(self, key: Hashable) -> None:
        """Leave what waits: it was made when it was marked."""

    def fold(self, key: Hashable) -> None:
        """Leave what waits: every item is told."""

    def forget(self, key: Hashable) -> None:
        """Leave what waits: it was told while it was followed."""

    def put_back(self, item: T) -> None:
        """Let what was taken wait again."""
        self._waiting.appendleft(item)

    def _part(self) -> None:
        self._waiting = self._waiting.copy()

    def _next(self) -> T | None:
        return self._waiting.popleft() if self._waiting else None


class Deaf(Latest[T]):
    """Nobody takes out of it, so nothing is put into it.

    >>> box = Deaf()
    >>> box.put("A", 1)
    >>> len(box)
    0
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(most=None, wake=lambda: None)

    def _set(self, key: Hashable, item: T | Look[T]) -> None:
        """Drop it."""


class Ear(Every[T]):
    """Hands on every item at once, so that none waits; what it calls must not wait.

    >>> heard: list[int] = []
    >>> box = Ear(heard.append)
    >>> box.put("A", 1)
    >>> heard, len(box)
    ([1], 0)
    """

    __slots__ = ("_hear",)

    def __init__(self, hear: Callable[[T], None]) -> None:
        super().__init__(most=None, wake=lambda: None)
        self._hear = hear

    def put(self, key: Hashable, item: T) -> None:  # noqa: ARG002 - every key alike
        """Hand an item on."""
        if not self._closed:
            self._hear(item)


def _unless_stale(item: T) -> T | None:
    return None if getattr(item, "stale", False) else item


def _overflow(waiting: int) -> StreamOverflow:
    message = (
        f"the consumer fell {waiting} items behind, which is all that may wait; what "
        "waited was delivered, what came after was not: watch again, faster, with "
        "policy='latest', or with a longer StreamPolicy.queue"
    )
    return StreamOverflow(message)
