"""What a stream told and one program has not taken yet: bounded, in order, never less.

A reader that falls too far behind gets all that waits and then `StreamOverflow`; what
came in between is lost to it, and reading on begins with what comes then.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from threading import Condition, RLock
from typing import Generic, TypeVar

from ..errors import BadRequest, StreamOverflow
from ..fork import in_child

__all__ = ["AsyncInbox", "BlockingInbox", "Inbox"]

T = TypeVar("T")

_LOOK = 1.0
"""Seconds after which a thread that waits looks up: on Windows Ctrl-C comes only then."""


class Inbox(Generic[T]):
    """The part without waiting."""

    def __init__(self, most: int) -> None:
        self.waiting: deque[T] = deque()
        self.is_ended = False
        self.error: Exception | None = None
        self._most = most
        self._lost = 0
        self._process = os.getpid()
        self._is_copy = False
        """Whether a fork is known to have made it: to ask the system for each event would
        cost more than the event."""
        in_child(self, Inbox._copied)

    def _copied(self) -> None:
        self._is_copy = True

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is a child process: what fills the inbox stayed in the parent."""
        return self._process != os.getpid()

    def check_process(self) -> None:
        """Refuse a child process."""
        if self.is_elsewhere:
            message = (
                "this stream belongs to the process that opened it; open another one "
                "after the fork"
            )
            raise BadRequest(message)

    @property
    def is_ready(self) -> bool:
        """Whether a reader need not wait."""
        return bool(self.waiting or self._lost or self.is_ended)

    def put(self, events: Iterable[T]) -> None:
        """Let events in, as far as there is room."""
        waiting = self.waiting
        if self._lost:
            self._lost += len(list(events))
            return
        waiting.extend(events)
        while len(waiting) > self._most:
            waiting.pop()
            self._lost += 1

    def end(self, error: Exception | None) -> None:
        """Nothing more will come; readers get what waits, then the error or the end."""
        self.is_ended = True
        self.error = error

    def goes_on(self) -> bool:
        """Whether there is more to wait for, once nothing is waiting; raises what is due."""
        if self._lost:
            lost, self._lost = self._lost, 0
            message = (
                f"the reader fell {self._most} events behind, which is all that may wait;"
                f" {lost} that came after them are lost: read faster, or make "
                "StreamPolicy.queue longer"
            )
            raise StreamOverflow(message)
        if self.error is not None:
            raise self.error
        return not self.is_ended


class BlockingInbox(Inbox[T]):
    """For a thread at a time; ``lock`` is the one of whoever puts."""

    def __init__(self, most: int, lock: RLock) -> None:
        super().__init__(most)
        self.lock = lock
        self._changed = Condition(lock)

    def put(self, events: Iterable[T]) -> None:
        """Let events in, and wake who waits; the lock is held."""
        super().put(events)
        self._changed.notify_all()

    def end(self, error: Exception | None) -> None:
        """Nothing more will come; the lock is held."""
        super().end(error)
        self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        waiting = self.waiting
        while True:
            while waiting:
                if self._is_copy:
                    self.check_process()
                yield waiting.popleft()
            self.check_process()
            with self._changed:
                if not waiting and not self.goes_on():
                    return
                self._changed.wait_for(lambda: self.is_ready, _LOOK)


class AsyncInbox(Inbox[T]):
    """For tasks, in the event loop of whoever puts."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._waiters: list[asyncio.Future[None]] = []

    def put(self, events: Iterable[T]) -> None:
        """Let events in, and wake who waits."""
        super().put(events)
        if self._waiters:
            self._wake()

    def end(self, error: Exception | None) -> None:
        """Nothing more will come."""
        super().end(error)
        self._wake()

    async def __aiter__(self) -> AsyncIterator[T]:
        waiting = self.waiting
        while True:
            while waiting:
                if self._is_copy:
                    self.check_process()
                yield waiting.popleft()
            self.check_process()
            if not self.goes_on():
                return
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                raise

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
