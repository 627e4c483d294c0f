"""The hub between one stream and all who watch it, without I/O.

A driver hands it the protocol's events; it fills the mailboxes of its followers, reads
what is due over REST through `jobs`, and asks the protocol for what is followed.  It is
not thread-safe: all of it wants the lock of the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import partial
from math import inf
from typing import Any

import attrs

from ..errors import UnifiedExchangesError
from ..models import (
    Fill,
    Gap,
    MarketChange,
    Order,
    Position,
    Reconnected,
    StreamHealth,
    Subject,
    Ticker,
    Trade,
)
from ..streams.protocol import BookChanged, Refused, StreamProtocol
from ..streams.session import Dial
from ..venue import Venue
from .account import Account
from .audit import Auditor
from .follower import PRIVATE, Circle, Follower
from .job import Job
from .mailbox import Look, Policy
from .reconciler import News, Reconciler

__all__ = ["Feed", "dial"]

_Route = Callable[[Any], None]


class Feed:
    """Followers of one stream: they come and go, are told, and share subscriptions.

    ``has_work`` is called when `jobs` may have something earlier than `delay` said.
    """

    def __init__(
        self,
        protocol: StreamProtocol,
        venue: Venue,
        *,
        has_work: Callable[[], None] = lambda: None,
    ) -> None:
        self.protocol = protocol
        self.venue = venue
        self.account = Account()
        self.error: Exception | None = None
        """What ended the stream for good."""
        self._clock = venue.clock
        self._circles = {subject: Circle() for subject in Subject}
        self._books = self._circles[Subject.ORDER_BOOK]
        self._reconciler = Reconciler(
            protocol,
            venue,
            self.account,
            tell=self._tell_news,
            give_up=self._fail_private,
            has_work=has_work,
            followed=self._followed_of_account,
        )
        self._auditor = Auditor(protocol, venue, self._doubt)
        self._tickers: dict[str, Ticker] = {}
        self._folded = 0
        self._was_connected = False
        self._routes: dict[type, _Route] = {
            Ticker: self._tell_ticker,
            Trade: self._tell_trade,
            Order: self._tell_order,
            Fill: self._tell_fill,
            Position: self._tell_position,
            MarketChange: self._tell_change,
            Gap: self._tell_gap,
            Reconnected: self._tell_all,
            Refused: self._refuse,
        }

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
    ) -> Follower:
        """Follow a subject; ``wake`` is called when there is something to take."""
        if self.error is not None:
            raise self.error
        follower = Follower(
            subject,
            market_ids,
            outcome=outcome,
            policy=policy,
            wants_events=events,
            since=self._clock.now(),
            most=self.venue.settings.stream.queue,
            wake=wake,
        )
        self._circles[subject].add(follower)
        self.protocol.follow(subject, _wanted(follower))
        self._welcome(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Follow no more; the last of a market takes its subscription along."""
        if self._remove(follower):
            self.protocol.unfollow(follower.subject, _wanted(follower))
        follower.mailbox.close()

    def drop(self, market_ids: Collection[str] | None = None) -> None:
        """Let nobody follow these markets any more; None lets nobody follow anything.

        Whoever follows all markets goes on.
        """
        for circle in self._circles.values():
            for follower in list(circle):
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
        old = _wanted(follower)
        for market_id in gone:
            del mine[market_id]
            follower.looks.pop(market_id, None)
            follower.mailbox.forget(market_id)
        if not follower.sees_private:
            # The new before the old, so that nothing is given up in between.
            self.protocol.follow(follower.subject, tuple(mine))
            self.protocol.unfollow(follower.subject, old)

    def _remove(self, follower: Follower) -> bool:
        """Take a follower out; False if it was out before."""
        circle = self._circles[follower.subject]
        if not circle.has(follower):
            return False
        circle.remove(follower)
        self._folded += follower.mailbox.folded
        if not circle:
            self._forget(follower.subject)
        return True

    def _forget(self, subject: Subject) -> None:
        """Nobody follows a subject any more: what is remembered would grow old."""
        if subject is Subject.TICKER:
            self._tickers.clear()
        elif subject is Subject.ORDERS:
            self.account.forget_orders()
        elif subject is Subject.FILLS:
            self.account.forget_fills()
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

    def _everybody(self) -> list[Follower]:
        return [x for circle in self._circles.values() for x in circle]

    # -- the state to begin with ----------------------------------------------------

    def _welcome(self, follower: Follower) -> None:
        subject = follower.subject
        if subject is Subject.ORDER_BOOK:
            self._auditor.start()
            for market_id in follower.market_ids or ():
                self._mark(follower, market_id)
        elif subject is Subject.TICKER:
            names = follower.market_ids or self._tickers
            for market_id in names:
                if market_id in self._tickers:
                    self._put_quote(follower, self._tickers[market_id])
        elif follower.sees_private:
            if subject in self._reconciler.synced:
                self._prime(follower)
            else:
                self._reconciler.ask()

    def _prime(self, follower: Follower) -> None:
        """Tell what is open or held, unless it was told of since the follower came."""
        follower.is_ready = True
        if follower.subject is Subject.ORDERS:
            for order in self.account.open_orders:
                if order.order_id not in follower.told:
                    self._put(follower, order.market_id, order.order_id, order)
        elif follower.subject is Subject.POSITIONS:
            for held in self.account.positions:
                if held.market_id not in follower.told:
                    self._put(follower, held.market_id, held.market_id, held)
        follower.told.clear()

    # -- events ---------------------------------------------------------------------

    def handle(self, events: Iterable[object]) -> None:
        """Tell the followers what the protocol told."""
        routes = self._routes
        for event in events:
            route = routes.get(type(event))
            if route is None:
                route = self._learn_route(type(event))
            route(event)
        if self.protocol.is_connected is not self._was_connected:
            self._notice_connection()

    def _learn_route(self, kind: type) -> _Route:
        """What to do with a venue's own kind of event: books are told, others passed."""
        route = self._tell_book if issubclass(kind, BookChanged) else _pass
        self._routes[kind] = route
        return route

    def _notice_connection(self) -> None:
        self._was_connected = self.protocol.is_connected
        if self._was_connected:
            self._reconciler.connected(self._clock.now())
        else:
            self._reconciler.disconnected()
            # The next connection tells them anew; meanwhile they grow old.
            self._tickers.clear()

    def _tell_book(self, event: BookChanged) -> None:
        market_id = event.market_id
        for follower in self._books.of(market_id):
            self._mark(follower, market_id)

    def _mark(self, follower: Follower, market_id: str) -> None:
        look = follower.looks.get(market_id)
        if look is None:
            read = partial(self._live_book, market_id, follower.outcome)
            look = follower.looks[market_id] = Look(read)
        follower.mailbox.mark(market_id, look)
        if follower.mailbox.is_closed:
            self.leave(follower)

    def _live_book(self, market_id: str, outcome: str | None) -> Any:
        book = self.protocol.order_book(market_id, outcome)
        return None if book is None or book.stale else book

    def _tell_ticker(self, ticker: Ticker) -> None:
        self._tickers[ticker.market_id] = ticker
        for follower in self._circles[Subject.TICKER].of(ticker.market_id):
            self._put_quote(follower, ticker)

    def _tell_trade(self, trade: Trade) -> None:
        for follower in self._circles[Subject.TRADES].of(trade.market_id):
            self._put_quote(follower, trade)

    def _put_quote(self, follower: Follower, quote: Ticker | Trade) -> None:
        outcome = follower.outcome
        told = quote if outcome is None else quote.in_terms_of(outcome)
        self._put(follower, quote.market_id, quote.market_id, told)

    def _tell_change(self, change: MarketChange) -> None:
        for follower in self._circles[Subject.MARKET_STATUS].of(change.market_id):
            self._put(follower, change.market_id, change.market_id, change)

    def _put(
        self, follower: Follower, market_id: str, key: object, item: object
    ) -> None:
        if follower.follows(market_id):
            follower.mailbox.put(key, item)
            if follower.mailbox.is_closed:
                self.leave(follower)

    # -- the account ----------------------------------------------------------------

    def _tell_order(self, order: Order) -> None:
        news = self.account.order(order, at=self._clock.monotonic())
        if news is not None:
            self._put_order(news)

    def _put_order(self, order: Order, *, was_read: bool = False) -> None:
        for follower in self._circles[Subject.ORDERS].of(order.market_id):
            # What ended before somebody asked is no news to them.
            if was_read and not order.is_open:
                ended = order.updated_at or order.created_at
                if not self._is_since(follower, ended):
                    continue
            if not follower.is_ready:
                follower.told.add(order.order_id)
            self._put(follower, order.market_id, order.order_id, order)

    def _tell_fill(self, fill: Fill) -> None:
        news = self.account.fill(fill)
        if news is None:
            return
        # Before the first answer over REST the venue's clock is not known.
        is_known = self.venue.offset.milliseconds is not None
        self._put_fill(news, check=is_known)
        if fill.order_id in self.account.strangers and self._circles[Subject.ORDERS]:
            self._reconciler.wonder()

    def _put_fill(self, fill: Fill, *, check: bool) -> None:
        for follower in self._circles[Subject.FILLS].of(fill.market_id):
            if not check or self._is_since(follower, fill.created_at):
                key = fill.trade_id or fill.fill_id, fill.order_id
                self._put(follower, fill.market_id, key, fill)

    def _is_since(self, follower: Follower, moment: datetime | None) -> bool:
        """Whether something happened after a follower came, by the venue's clock."""
        if moment is None:
            return True
        came = follower.since + self.venue.offset.least
        return int(moment.timestamp() * 1000) >= int(came * 1000)

    def _tell_position(self, position: Position) -> None:
        news = self.account.position(position, at=self._clock.monotonic())
        if news is not None:
            self._put_position(news)

    def _put_position(self, position: Position) -> None:
        for follower in self._circles[Subject.POSITIONS].of(position.market_id):
            if not follower.is_ready:
                follower.told.add(position.market_id)
            self._put(follower, position.market_id, position.market_id, position)

    def _tell_news(self, news: News) -> None:
        """What a read brought, and to those who came since the last their beginning."""
        for order in news.orders:
            self._put_order(order, was_read=True)
        for fill in news.fills:
            self._put_fill(fill, check=True)
        for position in news.positions:
            self._put_position(position)
        for subject in PRIVATE & news.subjects:
            for follower in list(self._circles[subject]):
                if not follower.is_ready:
                    self._prime(follower)
                follower.notify(news.event)

    def _fail_private(self, error: UnifiedExchangesError) -> None:
        """The account cannot be read, so that nothing about it can be promised."""
        for subject in PRIVATE:
            for follower in list(self._circles[subject]):
                if not follower.is_ready:
                    self._fail(follower, error)

    # -- breaks ---------------------------------------------------------------------

    def _tell_gap(self, gap: Gap) -> None:
        for follower in self._everybody():
            if follower.concerns(gap):
                follower.notify(gap)
        if gap.subject is None or gap.subject in PRIVATE:
            self._reconciler.ask()

    def _tell_all(self, event: Reconnected) -> None:
        self._reconciler.connected(self._clock.now())
        for follower in self._everybody():
            follower.notify(event)

    def _doubt(self, market_id: str, reason: str) -> None:
        self.handle(list(self.protocol.doubt(market_id, reason)))

    def _refuse(self, refused: Refused) -> None:
        """Whoever follows what the venue refuses is told; everybody else goes on."""
        subject = refused.subject
        for follower in list(self._circles[subject]) if subject else ():
            given_up = refused.market_ids
            mine = follower.market_ids
            if given_up is None or (mine and not given_up.isdisjoint(mine)):
                self._fail(follower, refused.error, given_up=given_up)

    def _fail(
        self,
        follower: Follower,
        error: UnifiedExchangesError,
        *,
        given_up: frozenset[str] | None = frozenset(),
    ) -> None:
        follower.mailbox.close(error)
        if not self._remove(follower) or given_up is None:
            return
        wanted = _wanted(follower)
        left = wanted and tuple(name for name in wanted if name not in given_up)
        if left != ():
            self.protocol.unfollow(follower.subject, left)

    # -- work over REST -------------------------------------------------------------

    def jobs(self) -> list[Job[Any]]:
        """What is due to be read; each is to be run once, beside the stream."""
        self.handle(())
        waiting = [
            follower.since
            for subject in PRIVATE
            for follower in self._circles[subject]
            if not follower.is_ready
        ]
        found = (
            self._reconciler.job(min(waiting, default=inf)),
            self._auditor.job(self._books.by_market),
        )
        return [job for job in found if job is not None]

    def delay(self) -> float:
        """Seconds until there may be something to read; it may come earlier after news."""
        return min(self._reconciler.delay(), self._auditor.delay())

    def _followed_of_account(self) -> frozenset[Subject]:
        return frozenset(x for x in PRIVATE if self._circles[x])

    def health(self, stream: StreamHealth) -> StreamHealth:
        """The counters of a stream, with those of its followers."""
        folded = sum(x.mailbox.folded for x in self._everybody())
        return attrs.evolve(
            stream,
            folded=self._folded + folded,
            missed=self._reconciler.missed,
            reconciliations=self._reconciler.count,
        )


def dial(venue: Venue) -> Dial:
    """Where a venue's stream is, and how to introduce oneself."""
    return Dial(
        url=venue.stream_url,
        headers=venue.stream_headers,
        observe=venue.offset.observe,
        timeout=venue.settings.timeout,
        venue=venue.id,
    )


def _wanted(follower: Follower) -> tuple[str, ...] | None:
    """What to ask the protocol for: of the account everything, so that reads fit it."""
    if follower.sees_private or follower.market_ids is None:
        return None
    return tuple(follower.market_ids)


def _pass(_event: object) -> None:
    """An event of the venue's own, which no follower can want."""
