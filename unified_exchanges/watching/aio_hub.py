"""The stream of an asynchronous exchange, in its loop, shared by all of its watches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import Any, Final

from ..drivers.aio import AsyncDriver
from ..drivers.aio_streaming import AsyncStreamDriver
from ..errors import BadRequest
from ..models import OrderBook, StreamHealth, Subject
from ..streams.line import Line
from ..venue import Venue
from . import misuse
from .aio import AsyncWatch
from .feed import Feed
from .follower import Follower
from .handed import Handed
from .job import Job
from .listener import Listener
from .mailbox import Mailbox
from .relay import Relay
from .seat import Bell, Seat, Wish
from .standing import Standing

__all__ = ["AsyncHub"]

_LONGEST: Final = 3600.0
"""Seconds that the clerk sleeps at most, where nothing is planned."""


class AsyncHub:
    """One line of an exchange, shared by all watches of what is told on it.

    All of it is in one event loop.
    It opens with the first and closes with the exchange.  A task beside it, the clerk,
    has read over REST what is due.
    """

    def __init__(
        self,
        venue: Venue,
        rest: AsyncDriver,
        listener: Listener | None = None,
        *,
        line: Line | None = None,
    ) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise misuse.homeless() from None
        line = line or venue.lines()[0]
        # Signed once for nothing: whoever has no key is told before anything is begun.
        line.dial.headers()
        self._rest = rest
        self._prepare = line.prepare
        self._monitor = venue.monitor
        self._process = os.getpid()
        self.standing = Standing(self._loop.call_later)
        self._work = asyncio.Event()
        self._feed = Feed(
            line.open(),
            venue,
            has_work=self._set_work,
            listener=listener,
            line=line.name,
        )
        self._stream = self._opened(venue, line)
        self._is_begun = False

    def _opened(self, venue: Venue, line: Line) -> Any:
        """What drives the protocol."""
        return AsyncStreamDriver(
            Relay(self._feed.protocol, self._feed.handle),
            line.dial,
            policy=venue.settings.stream,
            clock=venue.clock,
            rng=venue.rng,
            sink=self._feed.handle,
            on_stop=self._stopped,
        )

    @property
    def is_usable(self) -> bool:
        """Whether it can be watched on; else another takes its place."""
        return not (
            self._stream.is_stopped
            or self._loop.is_closed()
            or self._process != os.getpid()
        )

    def check(self) -> None:
        """Refuse another event loop, and a child process."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise misuse.homeless() from None
        if loop is not self._loop:
            raise misuse.strange()
        if self._process != os.getpid():
            raise misuse.forked()

    def over(self) -> BadRequest:
        """What who asks more of a watch that has ended is told."""
        return misuse.over()

    def is_past(self, mailbox: Mailbox[Any]) -> bool:
        """Whether nothing is to be gone through any more, not even to its end."""
        return mailbox.is_spent

    def watch(self, wish: Wish) -> AsyncWatch[Any]:
        """Follow something from now on."""
        self.check()
        return AsyncWatch(self, wish, asyncio.current_task())

    def seat(self, wish: Wish) -> Seat:
        """Join the followers."""
        if self._stream.is_stopped and self._feed.error is None:
            raise misuse.closed()
        bell = self._bell()
        follower = self._feed.join(
            wish.subject,
            wish.market_ids,
            outcome=wish.outcome,
            policy=wish.policy,
            events=wish.events,
            wake=bell.ring,
        )
        self._start()
        return Seat(follower, bell, self.note_leaving)

    def copy(self, seat: Seat) -> Seat:
        """Another that goes on where one is, with all that waits there."""
        bell = self._bell()
        follower = self._feed.copy(seat.follower, wake=bell.ring)
        return Seat(follower, bell, self.note_leaving)

    def _bell(self) -> Bell:
        """What rings when there is something for a watch, and lets it wait."""
        return Bell()

    def within(
        self, seconds: float | None
    ) -> AbstractAsyncContextManager[object, bool | None]:
        """Raise TimeoutError for what takes longer."""
        return asyncio.timeout(seconds)

    def feed(
        self, subject: Subject, market_ids: Sequence[str], hear: Callable[[Any], None]
    ) -> Handed:
        """Hand on all that is told of markets, as it comes."""
        self.check()
        follower = self._feed.hand(subject, market_ids, hear)
        self._start()
        return Handed(self.leave, follower)

    def keep(self) -> None:
        """Follow orders and fills for the listener, until `release`."""
        self.check()
        if not self._feed.is_kept:
            self._feed.keep()
            self._start()

    def live_book(self, market_id: str) -> OrderBook | None:
        """A book that is watched, in its first outcome; None unless it is live."""
        return self._feed.live_book(market_id) if self.is_usable else None

    def release(self) -> None:
        """Follow nothing for the listener."""
        self.check()
        self._feed.release()
        self._stream.flush()

    @property
    def is_told(self) -> bool:
        """Whether all that happens to orders is told now."""
        return self._feed.is_told

    def _start(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            self._begin()
            self._stream.run_beside(self._keep_books)
        self._stream.flush()

    def _begin(self) -> None:
        if self._prepare is None:
            self._stream.start()
            return
        prepared = Job(self._prepare(), lambda _: self._stream.start(), self._stop_with)
        self._stream.run_beside(partial(self._perform, prepared))

    def _stop_with(self, error: Exception) -> None:
        self._stream.fail(error)

    def leave(self, follower: Follower) -> None:
        """Let a watch go."""
        self._feed.leave(follower)
        self._stream.flush()

    def note_leaving(self, follower: Follower) -> None:
        """Let a watch go soon; safe to call from anywhere, at any time."""
        # A loop that is closed has taken the stream with it.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.leave, follower)

    def drop(self, market_ids: Collection[str] | None) -> None:
        """End the watches of some markets, or all."""
        self.check()
        self._feed.drop(market_ids)
        self._stream.flush()

    def health(self) -> StreamHealth:
        """Counters of the stream, and of those who follow it."""
        return self._feed.health(self._stream.health())

    async def aclose(self) -> None:
        """Say goodbye to the venue; watches deliver what waits, and end."""
        if self._process == os.getpid():
            await self._stream.aclose()

    # -- the clerk ------------------------------------------------------------------

    def _stopped(self, error: Exception | None) -> None:
        if error is None:
            self._feed.close()
        else:
            self._feed.fail(error)

    def _set_work(self) -> None:
        self._work.set()

    async def _keep_books(self) -> None:
        while True:
            self._work.clear()
            self._monitor.look()
            for job in self._feed.jobs():
                self._stream.run_beside(partial(self._perform, job))
            delay = min(self._feed.delay(), _LONGEST)
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._work.wait()

    async def _perform(self, job: Job[Any]) -> None:
        try:
            result = await self._rest.run(job.flow)
        except Exception as error:  # noqa: BLE001 - told to whom it concerns
            job.failed(error)
        else:
            job.done(result)
        self._stream.flush()
        self._work.set()
