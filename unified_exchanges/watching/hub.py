"""The stream of a blocking exchange, in threads, shared by all of its watches."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final

from ..drivers.blocking import BlockingDriver
from ..drivers.streaming import StreamDriver
from ..errors import BadRequest
from ..models import OrderBook, StreamHealth, Subject
from ..streams.line import Line
from ..venue import Venue
from . import misuse
from .blocking import Ready, Watch
from .feed import Feed
from .follower import Follower
from .handed import Handed
from .job import Job
from .listener import Listener
from .mailbox import Mailbox, Policy
from .relay import Relay

if TYPE_CHECKING:
    from ..replaying import Player

__all__ = ["Hub"]

_LONGEST: Final = 3600.0
"""Seconds that the clerk sleeps at most, where nothing is planned."""


class Hub:
    """One line of an exchange, shared by all watches of what is told on it.

    It opens with the first and closes with the exchange.  The thread of the stream fills
    the mailboxes; a second one, the clerk, reads over REST what is due, and lets go of
    watches that were dropped.
    """

    def __init__(
        self,
        venue: Venue,
        rest: BlockingDriver,
        listener: Listener | None = None,
        *,
        line: Line | None = None,
    ) -> None:
        line = line or venue.lines()[0]
        # Signed once for nothing: whoever has no key is told before anything is begun.
        line.dial.headers()
        self._rest = rest
        self._prepare = line.prepare
        self._monitor = venue.monitor
        self._process = os.getpid()
        self._notes: SimpleQueue[Follower | None] = SimpleQueue()
        self._feed = Feed(
            line.open(),
            venue,
            has_work=self._ring,
            listener=listener,
            line=line.name,
        )
        self._stream = self._opened(venue, line)
        self._lock = self._stream.lock
        self._clerk: Thread | None = None

    def _opened(self, venue: Venue, line: Line) -> StreamDriver | Player:
        """What drives the protocol."""
        return StreamDriver(
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
        return not self._stream.is_stopped and self._process == os.getpid()

    def watch(
        self,
        subject: Subject,
        market_ids: Sequence[str] | None,
        *,
        outcome: str | None,
        policy: Policy,
        events: bool,
        keeps: object = None,
    ) -> Watch[Any]:
        """Follow something from now on; the watch keeps an object alive."""
        with self._lock:
            ready = self._bell()
            follower = self._feed.join(
                subject,
                market_ids,
                outcome=outcome,
                policy=policy,
                events=events,
                wake=ready.notify_all,
            )
        self._start()
        self._stream.flush()
        return Watch(self, follower, ready, keeps)

    def _bell(self) -> Ready:
        """What rings when there is something for a watch, and lets it wait."""
        return Condition(self._lock)

    def feed(
        self, subject: Subject, market_ids: Sequence[str], hear: Callable[[Any], None]
    ) -> Handed:
        """Hand on all that is told of markets, as it comes, under the lock."""
        self.check_process()
        with self._lock:
            follower = self._feed.hand(subject, market_ids, hear)
        self._start()
        self._stream.flush()
        return Handed(self.leave, follower)

    def keep(self) -> None:
        """Follow orders and fills for the listener, until `release`."""
        self.check_process()
        with self._lock:
            if self._feed.is_kept:
                return
            self._feed.keep()
        self._start()
        self._stream.flush()

    def release(self) -> None:
        """Follow nothing for the listener."""
        self.check_process()
        with self._lock:
            self._feed.release()
        self._stream.flush()

    @property
    def is_told(self) -> bool:
        """Whether all that happens to orders is told now."""
        if self._process != os.getpid():
            return False
        with self._lock:
            return self._feed.is_told

    def live_book(self, market_id: str) -> OrderBook | None:
        """A book that is watched, in its first outcome; None unless it is live."""
        if not self.is_usable:
            return None
        with self._lock:
            return self._feed.live_book(market_id)

    def leave(self, follower: Follower) -> None:
        """Let a watch go now."""
        if self._process != os.getpid():
            return
        with self._lock:
            self._feed.leave(follower)
        self._stream.flush()

    def note_leaving(self, follower: Follower) -> None:
        """Let a watch go soon; safe to call from anywhere, at any time."""
        self._notes.put(follower)

    def drop(self, market_ids: Sequence[str] | None) -> None:
        """End the watches of some markets, or all."""
        self.check_process()
        with self._lock:
            self._feed.drop(market_ids)
        self._stream.flush()

    def health(self) -> StreamHealth:
        """Counters of the stream, and of those who follow it."""
        self.check_process()
        with self._lock:
            return self._feed.health(self._stream.health())

    def close(self) -> None:
        """Say goodbye to the venue; watches deliver what waits, and end."""
        if self._process == os.getpid():
            self._stream.close()

    def over(self) -> BadRequest:
        """What who asks more of a watch that has ended is told."""
        return misuse.over()

    def is_past(self, mailbox: Mailbox[Any]) -> bool:
        """Whether nothing is to be gone through any more, not even to its end."""
        return mailbox.is_spent

    def check_process(self) -> None:
        """Refuse a child process: the threads of the stream are not in it."""
        if self._process != os.getpid():
            raise misuse.forked()

    # -- the clerk ------------------------------------------------------------------

    def _start(self) -> None:
        with self._lock:
            if self._clerk is None:
                self._begin()
                self._clerk = Thread(
                    target=self._keep_books, name="unified-exchanges-clerk", daemon=True
                )
                self._clerk.start()

    def _begin(self) -> None:
        if self._prepare is None:
            self._stream.start()
            return
        prepared = Job(self._prepare(), lambda _: self._stream.start(), self._stop_with)
        self._stream.run_beside(partial(self._perform, prepared))

    def _stop_with(self, error: Exception) -> None:
        self._stream.fail(error)

    def _ring(self) -> None:
        self._notes.put(None)

    def _stopped(self, error: Exception | None) -> None:
        if error is None:
            self._feed.close()
        else:
            self._feed.fail(error)
        self._ring()

    def _keep_books(self) -> None:
        try:
            self._keep()
        except Exception as error:  # noqa: BLE001 - told to everybody who waits
            # Rather no stream than one that nobody reconciles.
            self._stream.fail(error)

    def _keep(self) -> None:
        while not self._stream.is_stopped:
            with self._lock:
                jobs = self._feed.jobs()
                delay = self._feed.delay()
            # Without the lock, as who hears a warning may look at the stream.
            self._monitor.look()
            for job in jobs:
                # In a thread of its own: an answer may take long.
                self._stream.run_beside(partial(self._perform, job))
            self._read_note(min(delay, _LONGEST))

    def _read_note(self, delay: float) -> None:
        try:
            follower = self._notes.get(timeout=delay)
        except Empty:
            return
        if follower is not None:
            self.leave(follower)

    def _perform(self, job: Job[Any]) -> None:
        try:
            result = self._rest.run(job.flow)
        except Exception as error:  # noqa: BLE001 - told to whom it concerns
            with self._lock:
                job.failed(error)
        else:
            with self._lock:
                job.done(result)
        self._stream.flush()
        self._ring()
