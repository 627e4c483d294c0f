"""The hub between one stream and all who watch it, without I/O.

A driver hands it the protocol's events; it fills the mailboxes of its followers, reads
what is due over REST through `jobs`, and asks the protocol for what is followed.  It is
not thread-safe: all of it wants the lock of the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from math import inf
from typing import Any, Final

import attrs

from ..models import OrderBook, StreamHealth, Subject
from ..streams.protocol import StreamProtocol
from ..venue import Venue
from .follower import PRIVATE, Follower
from .job import Job
from .listener import Listener
from .mailbox import Deaf, Ear, Mailbox, Policy
from .telling import Teller, wanted

__all__ = ["Feed"]

_LOOK: Final = 1.0
"""Seconds between two looks at a stream that tells nothing."""


class Feed(Teller):
    """Followers of one stream: they come and go, are told, and share subscriptions.

    ``has_work`` is called when `jobs` may have something earlier than `delay` said.
    """

    def __init__(
        self,
        protocol: StreamProtocol,
        venue: Venue,
        *,
        has_work: Callable[[], None] = lambda: None,
        listener: Listener | None = None,
        line: str = "",
    ) -> None:
        super().__init__(
            protocol, venue, has_work=has_work, listener=listener, line=line
        )
        self._kept: list[Follower] = []
        self._handed: list[Follower] = []
        self.error: Exception | None = None
        """What ended the stream for good."""
        self._folded = 0

    # -- coming and going -----------------------------------------------------------

    def join(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        *,
        outcome: str | None = None,
        policy: Policy,
        events: bool = False,
        wake: Callable[[], None],
        mailbox: Mailbox[Any] | None = None,
    ) -> Follower:
        """Follow a subject; ``wake`` is called when there is something to take.

        ``mailbox`` takes the place of the one of the policy.
        """
        if self.error is not None:
            raise self.error
        since = self._clock.now()
        follower = Follower(
            subject,
            market_ids,
            outcome=outcome,
            policy=policy,
            wants_events=events,
            clock=self._clock,
            moment=self._memory.moment(),
            most=self.venue.settings.stream.queue,
            wake=wake,
            delivery=self._monitor.delivery(str(subject), since),
            in_seconds=self.protocol.tells_seconds,
        )
        if mailbox is not None:
            follower.mailbox = mailbox
        self.protocol.follow(subject, wanted(follower), outcome)
        self._circles[subject].add(follower)
        if subject is Subject.ORDER_BOOK:
            self._auditor.start()
        if follower.market_ids is not None:
            self._existence.ask(follower.market_ids)
        self._welcome(follower)
        if subject is Subject.TICKER:
            self._quotes.followed()
        self._notice_outage()
        return follower

    def hand(
        self, subject: Subject, market_ids: Sequence[str], hear: Callable[[Any], None]
    ) -> Follower:
        """Hand on all that is told of markets, and gaps, as it comes, whoever unwatches."""
        follower = self.join(
            subject,
            market_ids,
            policy="every",
            events=True,
            wake=lambda: None,
            mailbox=Ear(hear),
        )
        self._handed.append(follower)
        return follower

    def copy(self, follower: Follower, *, wake: Callable[[], None]) -> Follower:
        """Follow from where another is, with all that waits for it."""
        other = follower.copy(wake)
        # It brings along what was folded, which is counted once.
        self._folded -= other.mailbox.folded
        circle = self._circles[follower.subject]
        if circle.has(follower):
            self.protocol.follow(follower.subject, wanted(other), other.outcome)
            circle.add(other)
        else:
            self._folded += other.mailbox.folded
        return other

    def keep(self) -> None:
        """Follow orders and fills for the listener, until `release` or the end."""
        if self.is_kept:
            return
        self.release()
        for subject in (Subject.ORDERS, Subject.FILLS):
            follower = self.join(subject, None, policy="latest", wake=lambda: None)
            follower.mailbox = Deaf()
            self._kept.append(follower)

    def release(self) -> None:
        """Follow nothing for the listener."""
        kept, self._kept = self._kept, []
        for follower in kept:
            self.leave(follower)

    @property
    def is_kept(self) -> bool:
        """Whether orders and fills are followed for the listener."""
        circles = self._circles
        here = [x for x in self._kept if circles[x.subject].has(x)]
        return bool(here) and len(here) == len(self._kept)

    @property
    def is_told(self) -> bool:
        """Whether all that happens to orders is told, as far as anybody can know."""
        return (
            self.is_kept
            and self.protocol.is_connected
            and self._reconciler.is_current(Subject.ORDERS)
        )

    def live_book(self, market_id: str) -> OrderBook | None:
        """A book of a market that is followed; None unless it is live.

        It is that of the first outcome, unless each has its own and only another is
        followed.
        """
        for wish in self._wishes(market_id):
            book = self._live_book(market_id, wish)
            if book is not None:
                return book
        return None

    def _wishes(self, market_id: str) -> Iterable[str | None]:
        """The outcomes whose books are followed; one stands for all that share one."""
        followers = self._books.by_market.get(market_id, ())
        if self.venue.first_outcome is not None:
            return [None] if followers else []
        return dict.fromkeys(x.outcome for x in followers)

    def leave(self, follower: Follower) -> None:
        """Follow no more; the last of a market takes its subscription along."""
        if follower in self._handed:
            self._handed.remove(follower)
        if self._remove(follower):
            mine = wanted(follower)
            self.protocol.unfollow(follower.subject, mine, follower.outcome)
        follower.mailbox.close()

    def drop(self, market_ids: Collection[str] | None = None) -> None:
        """Let nobody follow these markets any more; None lets nobody follow anything.

        Whoever follows all markets goes on.
        """
        for circle in self._circles.values():
            for follower in list(circle):
                if follower not in self._kept and follower not in self._handed:
                    self._drop(follower, market_ids)

    def _drop(self, follower: Follower, market_ids: Collection[str] | None) -> None:
        mine = follower.market_ids
        if market_ids is None or (mine and mine.keys() <= set(market_ids)):
            self.leave(follower)
            return
        gone = [name for name in market_ids if mine and name in mine]
        if not mine or not gone:
            return
        self._circles[follower.subject].remove(follower, gone)
        self._forget_lives(follower.subject)
        if follower.subject is Subject.ORDER_BOOK:
            self._forget_stale()
        old = wanted(follower)
        follower.narrow(gone)
        self._forget_quotes(follower, gone)
        if not follower.sees_private:
            # The new before the old, so that nothing is given up in between.
            self.protocol.follow(follower.subject, tuple(mine), follower.outcome)
            self.protocol.unfollow(follower.subject, old, follower.outcome)

    def _remove(self, follower: Follower) -> bool:
        """Take a follower out; False if it was out before."""
        circle = self._circles[follower.subject]
        if not circle.has(follower):
            return False
        circle.remove(follower)
        self._forget_lives(follower.subject)
        if follower.subject is Subject.ORDER_BOOK:
            self._forget_stale()
        self._folded += follower.mailbox.folded
        self._forget_quotes(follower, follower.market_ids)
        if not circle:
            self._forget(follower.subject)
            self._notice_outage()
        return True

    def _forget_stale(self) -> None:
        """Books that nobody follows are not missed; one line alone tells of books."""
        if self._stale:
            self._monitor.staleness.forget(self._stale.keys() - self._books.by_market)

    def _forget_lives(self, subject: Subject) -> None:
        if subject is Subject.MARKET_STATUS:
            self._endings.forget()

    def _forget_quotes(
        self, follower: Follower, market_ids: Collection[str] | None
    ) -> None:
        if follower.subject is Subject.TICKER:
            self._quotes.unfollowed(market_ids)

    def _forget(self, subject: Subject) -> None:
        """Nobody follows a subject any more: what is remembered would grow old."""
        # Where fills may fail, orders change with them.
        keeps_fills = self.venue.settles_late and bool(self._circles[Subject.ORDERS])
        if subject is Subject.ORDERS:
            self.account.forget_orders()
            if not self._circles[Subject.FILLS]:
                self.account.forget_fills()
        elif subject is Subject.FILLS:
            if not keeps_fills:
                self.account.forget_fills()
            if self._listener is not None:
                self._listener.fills_lost()
        elif subject is Subject.POSITIONS:
            self.account.forget_positions()
        self._reconciler.forget(subject)

    def fail(self, error: Exception) -> None:
        """The stream has ended for good: everybody is told, and nobody may join."""
        self.error = error
        for follower in self._everybody():
            self._remove(follower)
            follower.mailbox.close(error)

    def close(self) -> None:
        """The stream is closed: everybody gets what waits, and the end."""
        for follower in self._everybody():
            self.leave(follower)

    # -- work over REST -------------------------------------------------------------

    def jobs(self) -> list[Job[Any]]:
        """What is due to be read; each is to be run once, beside the stream."""
        self.handle(())
        self._reconciler.check()
        waiting = [
            follower.since
            for subject in PRIVATE
            for follower in self._circles[subject]
            if not follower.is_ready
        ]
        found = (
            self._reconciler.job(min(waiting, default=inf)),
            self._auditor.job(self._followed_books),
            self._existence.job(),
            self._endings.job(),
            *self._snapshots.jobs(),
        )
        return [job for job in found if job is not None]

    def _followed_books(self) -> list[tuple[str, str | None]]:
        return [(x, wish) for x in self._books.by_market for wish in self._wishes(x)]

    def delay(self) -> float:
        """Seconds until there may be something to read; it may come earlier after news."""
        return min(
            self._reconciler.delay(),
            self._auditor.delay(),
            self._existence.delay(),
            self._endings.delay(),
            _LOOK if self._outage.is_on else inf,
        )

    def health(self, stream: StreamHealth) -> StreamHealth:
        """The counters of a stream, with those of its followers."""
        folded = sum(x.mailbox.folded for x in self._everybody())
        reads = self._reconciler
        last_error = stream.last_error or reads.last_error
        if stream.state == "live":
            if reads.trouble:
                stream = attrs.evolve(stream, state="degraded")
                last_error = reads.trouble
            elif not reads.is_caught_up:
                stream = attrs.evolve(stream, state="connecting")
        elif stream.state == "idle" and any(self._circles.values()):
            # Such as while the key is got by which the stream is begun.
            stream = attrs.evolve(stream, state="connecting")
        return attrs.evolve(
            stream,
            last_error=last_error,
            folded=self._folded + folded,
            missed=reads.missed,
            reconciliations=reads.count,
            reconcile_failures=reads.failed,
            last_reconciled_at=reads.succeeded_at,
            latency=self.venue.telemetry.message_latency,
            stale_ms=round(self._monitor.stale_seconds * 1000, 3),
        )
