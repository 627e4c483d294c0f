"""Who is told what: from the events of a stream and the reads of an account to mailboxes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from ..errors import UnifiedExchangesError
from ..models import (
    Fill,
    Gap,
    MarketChange,
    Order,
    OrderBook,
    Position,
    Reconciled,
    Reconnected,
    Subject,
    Ticker,
    Trade,
)
from ..streams.protocol import BookChanged, Refused, StreamProtocol
from ..venue import Venue
from .account import Account, fill_key
from .follower import PRIVATE, Circle, Follower
from .mailbox import Look
from .reconciler import News, Reconciler

__all__ = ["Teller", "wanted"]

_Route = Callable[[Any], None]


class Teller(ABC):
    """Tells the followers what happens, each what it wants to hear."""

    def __init__(
        self, protocol: StreamProtocol, venue: Venue, *, has_work: Callable[[], None]
    ) -> None:
        self.protocol = protocol
        self.venue = venue
        self.account = Account()
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
        self._tickers: dict[str, Ticker] = {}
        self._was_connected = False
        self._routes: dict[type, _Route] = {
            Ticker: self._tell_ticker,
            Trade: self._tell_trade,
            Order: self._tell_order,
            Fill: self._tell_fill,
            Position: self._tell_position,
            MarketChange: self._tell_change,
            Gap: self._tell_gap,
            Reconnected: self._tell_reconnected,
            Refused: self._refuse,
        }

    @abstractmethod
    def leave(self, follower: Follower) -> None:
        """Let a follower go."""

    @abstractmethod
    def _remove(self, follower: Follower) -> bool:
        """Take a follower out; False if it was out before."""

    def _everybody(self) -> list[Follower]:
        return [x for circle in self._circles.values() for x in circle]

    def _followed_of_account(self) -> frozenset[Subject]:
        return frozenset(x for x in PRIVATE if self._circles[x])

    # -- the state to begin with ----------------------------------------------------

    def _welcome(self, follower: Follower) -> None:
        subject = follower.subject
        if subject is Subject.ORDER_BOOK:
            for market_id in follower.market_ids or ():
                if self._live_book(market_id, None) is not None:
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

    def _live_book(self, market_id: str, outcome: str | None) -> OrderBook | None:
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
            self._deliver(follower, key, item)

    # -- the account ----------------------------------------------------------------

    def _tell_order(self, order: Order) -> None:
        self._reconciler.heard(order.order_id)
        news = self.account.order(order, at=self._clock.monotonic())
        if news is not None:
            self._put_order(news)
            if order.order_id in self.account.strangers:
                self._reconciler.wonder()

    def _put_order(self, order: Order, *, is_adopted: bool = False) -> None:
        for follower in self._circles[Subject.ORDERS].of(order.market_id):
            # What ended before somebody asked is no news to them, unless they may have
            # been told that it was open.
            if is_adopted and not order.is_open:
                ended = order.updated_at or order.created_at
                if not _is_since(follower, ended, self.venue.offset.seconds):
                    continue
            if not follower.is_ready:
                follower.told.add(order.order_id)
            self._put(follower, order.market_id, order.order_id, order)

    def _tell_fill(self, fill: Fill) -> None:
        self._reconciler.heard(fill_key(fill))
        news = self.account.fill(fill)
        if news is None:
            return
        # The stream tells what is new: only what cannot be is sorted out, as the venue's
        # clock is not known exactly, and before the first answer not at all.
        self._put_fill(news, self.venue.offset.least)
        if fill.order_id in self.account.strangers and self._circles[Subject.ORDERS]:
            self._reconciler.wonder()

    def _put_fill(self, fill: Fill, offset: float) -> None:
        key = fill_key(fill)
        for follower in self._circles[Subject.FILLS].of(fill.market_id):
            if _is_since(follower, fill.created_at, offset):
                self._put(follower, fill.market_id, key, fill)

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
            self._put_order(order, is_adopted=order.order_id in news.adopted)
        for fill in news.fills:
            self._put_fill(fill, self.venue.offset.seconds)
        for position in news.positions:
            self._put_position(position)
        for subject in PRIVATE & news.subjects:
            for follower in list(self._circles[subject]):
                if not follower.is_ready:
                    self._prime(follower)
                self._notify(follower, news.event)

    def _fail_private(self, error: UnifiedExchangesError) -> None:
        """The account cannot be read, so that nothing about it can be promised."""
        for subject in PRIVATE:
            for follower in list(self._circles[subject]):
                if not follower.is_ready:
                    self._fail(follower, error)

    # -- breaks ---------------------------------------------------------------------

    def _tell_gap(self, gap: Gap) -> None:
        for follower in self._everybody():
            if follower.wants_events and follower.is_concerned(gap):
                for market_id in gap.market_ids or follower.looks:
                    follower.mailbox.unmark(market_id)
                self._notify(follower, gap)
        if gap.subject is None or gap.subject in PRIVATE:
            self._reconciler.lost()

    def _tell_reconnected(self, event: Reconnected) -> None:
        self._reconciler.connected(self._clock.now())
        for follower in self._everybody():
            self._notify(follower, event)

    def _notify(
        self, follower: Follower, event: Gap | Reconnected | Reconciled
    ) -> None:
        """Tell of the stream itself, if that is wanted, in its place among the rest."""
        if follower.wants_events:
            gap = event.market_ids if isinstance(event, Gap) else None
            self._deliver(follower, (type(event), gap), event)

    def _deliver(self, follower: Follower, key: object, item: object) -> None:
        follower.mailbox.put(key, item)
        if follower.mailbox.is_closed:
            self.leave(follower)

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
        mine = wanted(follower)
        left = mine and tuple(name for name in mine if name not in given_up)
        if left != ():
            self.protocol.unfollow(follower.subject, left)


def wanted(follower: Follower) -> tuple[str, ...] | None:
    """What to ask the protocol for: of the account everything, so that reads fit it."""
    if follower.sees_private or follower.market_ids is None:
        return None
    return tuple(follower.market_ids)


def _is_since(follower: Follower, moment: datetime | None, offset: float) -> bool:
    """Whether something happened after a follower came; the offset of the venue's clock.

    To the millisecond, since streams tell no more.
    """
    came = follower.since + offset
    if moment is None or came < 0:
        return True
    return int(moment.timestamp() * 1000) >= int(came * 1000)


def _pass(_event: object) -> None:
    """An event of the venue's own, which no follower can want."""
