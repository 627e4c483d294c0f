"""Who is told what: from the events of a stream and the reads of an account to mailboxes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Iterable
from copy import copy
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ..errors import UnifiedExchangesError
from ..models import (
    Fill,
    FillSettled,
    FillState,
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
from ..streams.protocol import (
    BookChanged,
    BookWanted,
    Refused,
    StreamProtocol,
    Unheard,
    Withheld,
)
from ..venue import Venue
from .account import Account
from .audit import Auditor
from .endings import Endings
from .existence import Existence
from .follower import PRIVATE, Circle, Follower
from .known import fill_key
from .listener import Listener
from .mailbox import Look
from .memory import Memory
from .overtaken import Overtaken
from .quotes import Quotes
from .reconciler import News, Reconciler
from .snapshots import Snapshots

__all__ = ["Teller", "wanted"]

_Route = Callable[[Any], None]


class Teller(ABC):
    """Tells the followers what happens, each what it wants to hear."""

    def __init__(
        self,
        protocol: StreamProtocol,
        venue: Venue,
        *,
        has_work: Callable[[], None],
        listener: Listener | None = None,
        line: str = "",
    ) -> None:
        self._listener = listener
        self._memory = Memory() if listener is None else listener.memory
        self.protocol = protocol
        # A book may be slow to come, and the account's key can ask whether it will.
        protocol.asks_on = True
        self.venue = venue
        self.account = Account(nets=venue.first_outcome is not None)
        self._clock = venue.clock
        self._overtaken = Overtaken(self.account, venue.clock)
        self._monitor = venue.monitor
        # One for each line: that another is live tells nothing of this one.
        self._outage = venue.monitor.outage_of(line)
        self._stale = venue.monitor.staleness.began
        self._circles = {subject: Circle() for subject in Subject}
        self._books = self._circles[Subject.ORDER_BOOK]
        self._reconciler = Reconciler(
            protocol,
            venue,
            self.account,
            tell=self._tell_news,
            give_up=self._fail_private,
            be_late=self._tell_late,
            has_work=has_work,
            followed=self._followed_of_account,
            listener=listener,
        )
        self._auditor = Auditor(protocol, venue, self._doubt)
        self._has_work = has_work
        self._snapshots = Snapshots(venue, load=self._load_book)
        self._existence = Existence(
            venue,
            is_followed=self._is_followed,
            refuse=self._refuse_unknown,
            has_work=has_work,
        )
        self._unsure = self._existence.questions
        self._endings = Endings(
            protocol,
            venue,
            followed=self._circles[Subject.MARKET_STATUS].named,
            tell=self._tell_change,
            has_work=has_work,
        )
        self._quotes = Quotes(protocol, self._circles[Subject.TICKER])
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
            BookWanted: self._want_book,
            Unheard: self._ask_whether_there_is,
            Withheld: self._withhold,
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
                if self._live_book(market_id, follower.outcome) is not None:
                    self._mark(follower, market_id)
        elif subject is Subject.TICKER:
            for ticker in self._quotes.find(follower.market_ids):
                self._put_quote(follower, ticker)
        elif subject is Subject.MARKET_STATUS:
            self._welcome_to_lives(follower)
        elif follower.sees_private:
            if self._reconciler.is_current(subject):
                self._prime(follower)
            else:
                self._reconciler.ask()
            if self._reconciler.is_late:
                self._notify(follower, self._late_gap(subject))

    def _welcome_to_lives(self, follower: Follower) -> None:
        """Tell of markets that ended before it came, for nothing else will ever come."""
        for market_id in follower.market_ids or ():
            ended = self._endings.known(market_id)
            if ended is not None:
                self._put(follower, market_id, market_id, ended)
        self._endings.ask(follower.market_ids or ())

    def _prime(self, follower: Follower) -> None:
        """Tell what is open or held, unless it was told of since the follower came."""
        follower.is_ready = True
        if follower.subject is Subject.ORDERS:
            for order in self.account.open_orders:
                if order.order_id in follower.shown:
                    continue
                if not self._memory.knew_end(order, follower.moment):
                    self._show(follower, order)
        elif follower.subject is Subject.POSITIONS:
            for held in self.account.positions:
                key = self.account.key(held)
                if key not in follower.told:
                    self._put(follower, held.market_id, key, held)
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
            self._notice_outage()
        elif self._outage.is_on:
            self._notice_outage()

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
            self._quotes.clear()

    def _notice_outage(self) -> None:
        """Whether anything is followed that nobody tells."""
        outage = self._outage
        if not any(self._circles.values()):
            outage.unwanted()
        elif self.protocol.is_settled:
            outage.ended()
        elif not self.protocol.is_connected:
            outage.began(self._clock.monotonic())

    def _tell_book(self, event: BookChanged) -> None:
        market_id = event.market_id
        if self._unsure:
            self._unsure.pop(market_id, None)
        if self._stale:
            self._monitor.book_whole(market_id)
        if self._auditor.suspects:
            self._auditor.look(market_id)
        concerns, outcome = self.protocol.concerns, event.own_outcome
        for follower in self._books.of(market_id):
            if concerns(market_id, outcome, follower.outcome):
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
        self._quotes.note(ticker)
        self._unsure.pop(ticker.market_id, None)
        for follower in self._circles[Subject.TICKER].of(ticker.market_id):
            self._put_quote(follower, ticker)

    def _tell_trade(self, trade: Trade) -> None:
        for follower in self._circles[Subject.TRADES].of(trade.market_id):
            self._put_quote(follower, trade)

    def _put_quote(self, follower: Follower, quote: Ticker | Trade) -> None:
        told = self.protocol.seen_from(quote, follower.outcome)
        if told is not None:
            self._put(follower, quote.market_id, quote.market_id, told)

    def _tell_change(self, change: MarketChange) -> None:
        if not self._endings.is_news(change):
            return
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
            if self._listener is not None:
                self._listener.hear_order(news)
            self._put_order(news)
            if order.order_id in self.account.strangers:
                self._reconciler.wonder()
        self._await_state(order.order_id)

    def _await_state(self, order_id: str) -> None:
        """The state of an order may come a moment after the fill that made it."""
        if self._overtaken.look(order_id):
            self._has_work()

    def _tell_overtaken(self) -> None:
        """Orders of which fills were told, and whose states did not come in time."""
        for order in self._overtaken.states():
            self._put_order(order)

    def _put_order(self, order: Order, *, was_read: bool = False) -> None:
        if order.is_open:
            self._reconciler.opened()
        # The stream tells what is new, though perhaps not to this client.
        offset = self.venue.offset if was_read else None
        for follower in self._circles[Subject.ORDERS].of(order.market_id):
            if follower.wants_order(order, self._memory, offset):
                self._show(follower, order)

    def _show(self, follower: Follower, order: Order) -> None:
        if follower.follows(order.market_id):
            follower.show(order)
            self._deliver(follower, order.order_id, order)

    def _tell_fill(self, fill: Fill) -> None:
        self._reconciler.heard(fill_key(fill))
        changed = self.account.failed_of(fill)
        settled = self.account.settled(fill)
        self._take_fill(fill)
        if changed is not None:
            self._put_failed(changed)
        if settled is not None:
            self._put_settled(settled)
        self._await_state(fill.order_id)

    def _take_fill(self, fill: Fill) -> None:
        news = self.account.fill(fill)
        if news is None:
            if self._listener is not None and fill.state is not FillState.PENDING:
                # No news to followers, but whoever keeps count learns that it is final.
                self._listener.hear_fill(fill)
            return
        if self._listener is not None:
            self._listener.hear_fill(news)
        self._put_fill(news, is_told_now=True)
        if self._circles[Subject.POSITIONS] and not self.protocol.tells_positions:
            self._reconciler.wonder(again=True)
        if fill.order_id in self.account.strangers and self._circles[Subject.ORDERS]:
            self._reconciler.wonder()

    def _put_fill(self, fill: Fill, *, is_told_now: bool = False) -> None:
        key = fill_key(fill)
        # Who came after it was made may wait to hear that it stands.
        is_end = is_told_now and self.venue.settles_late
        is_end = is_end and fill.state is FillState.FINAL
        for follower in self._circles[Subject.FILLS].of(fill.market_id):
            if follower.wants_fill(fill, self._memory, self.venue.offset):
                self._put(follower, fill.market_id, key, fill)
            elif is_end:
                self._notify(follower, self.account.ended(fill))

    def _put_settled(self, told: FillSettled) -> None:
        for follower in self._circles[Subject.FILLS].of(told.fill.market_id):
            self._notify(follower, told)

    def _put_failed(self, order: Order) -> None:
        """An order of which something has failed by now, however long ago it ended."""
        for follower in self._circles[Subject.ORDERS].of(order.market_id):
            self._show(follower, order)

    def _tell_position(self, position: Position) -> None:
        news = self.account.position(position, at=self._clock.monotonic())
        if news is not None:
            self._put_position(news)

    def _put_position(self, position: Position) -> None:
        key = self.account.key(position)
        for follower in self._circles[Subject.POSITIONS].of(position.market_id):
            if not follower.is_ready:
                follower.told.add(key)
            self._put(follower, position.market_id, key, position)

    def _tell_news(self, news: News) -> None:
        """What a read brought, and to those who came since the last their beginning."""
        try:
            if self._listener is not None:
                again = self._listener.reconciled(news)
                if again is not None:
                    self._reconciler.ask_in(again)
        finally:
            # The account has noted it all and hands it on but once: whatever becomes of
            # who keeps count, nothing of it is lost.
            self._put_news(news)

    def _put_news(self, news: News) -> None:
        for order in news.orders:
            self._put_order(order, was_read=True)
            self._await_state(order.order_id)
        for fill in news.fills:
            self._put_fill(fill)
        for order in news.failed:
            self._put_failed(order)
        for settled in news.settled:
            self._put_settled(settled)
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

    def _tell_late(self) -> None:
        """The account was not read for too long: what the stream lost is not known.

        Nothing is asked for, unlike after a gap of the stream: it is tried all the time.
        """
        for subject in Subject:
            for follower in list(self._circles[subject]) if subject in PRIVATE else ():
                self._notify(follower, self._late_gap(subject))

    def _late_gap(self, subject: Subject) -> Gap:
        at = datetime.fromtimestamp(self._clock.now(), UTC)
        return Gap(subject=subject, reason=self._reconciler.trouble, at=at)

    # -- breaks ---------------------------------------------------------------------

    def _withhold(self, event: Withheld) -> None:
        for follower in self._everybody():
            follower.mailbox.withhold(event.error)

    def _tell_gap(self, gap: Gap) -> None:
        if gap.is_of_books:
            followed = self._books.by_market
            lost = gap.market_ids or followed
            self._monitor.books_lost([x for x in lost if x in followed])
        for follower in self._everybody():
            if follower.wants_events and self._is_concerned(follower, gap):
                for market_id in gap.market_ids or follower.looks:
                    follower.mailbox.unmark(market_id)
                self._notify(follower, gap)
        self._quotes.lost(gap)
        if gap.subject in {None, Subject.MARKET_STATUS}:
            self._endings.lost(gap.market_ids)
        if gap.subject is None or gap.subject in PRIVATE:
            self._reconciler.lost()

    def _is_concerned(self, follower: Follower, gap: Gap) -> bool:
        if not follower.is_concerned(gap):
            return False
        outcome, wish = gap.outcome, follower.outcome
        if outcome is None:
            return True
        return any(self.protocol.concerns(x, outcome, wish) for x in gap.market_ids)

    def _tell_reconnected(self, event: Reconnected) -> None:
        self._monitor.reconnected()
        self._reconciler.connected(self._clock.now())
        self._endings.lost()
        for follower in self._everybody():
            self._notify(follower, event)

    def _notify(
        self, follower: Follower, event: Gap | Reconnected | Reconciled | FillSettled
    ) -> None:
        """Tell of what is no fill or state, if that is wanted, in its place among those."""
        if follower.wants_events:
            about: Hashable = None
            if isinstance(event, Gap):
                about = event.market_ids
            elif isinstance(event, FillSettled):
                about = fill_key(event.fill)
            key = (type(event), about)
            # Behind what came since an older one of its kind, which it takes the place of.
            follower.mailbox.fold(key)
            self._deliver(follower, key, event)

    def _deliver(self, follower: Follower, key: object, item: object) -> None:
        follower.mailbox.put(key, item)
        if follower.mailbox.is_closed:
            self.leave(follower)

    def _doubt(self, market_id: str, reason: str, outcome: str | None) -> None:
        self.handle(list(self.protocol.doubt(market_id, reason, outcome)))

    def _want_book(self, event: BookWanted) -> None:
        self._snapshots.want(event.market_id, event.outcome)
        self._has_work()

    def _load_book(self, book: OrderBook) -> None:
        self.handle(list(self.protocol.load(book)))

    def _refuse(self, refused: Refused) -> None:
        """Whoever follows what the venue refuses is told; everybody else goes on."""
        subject = refused.subject
        for follower in list(self._circles[subject]) if subject else ():
            given_up = refused.market_ids
            mine = follower.market_ids
            if refused.outcome not in {None, follower.outcome}:
                continue
            if given_up is None or (mine and not given_up.isdisjoint(mine)):
                error = _ending(follower, given_up, refused.error)
                self._fail(follower, error, given_up=given_up)

    def _ask_whether_there_is(self, event: Unheard) -> None:
        self._existence.ask(event.market_ids, at_once=True)

    def _is_followed(self, market_id: str) -> bool:
        return any(circle.of(market_id) for circle in self._circles.values())

    def _refuse_unknown(self, market_ids: frozenset[str]) -> None:
        """Whoever follows markets that do not exist is told; everybody else goes on."""
        for follower in self._everybody():
            named = [x for x in follower.market_ids or () if x in market_ids]
            if named:
                error = _ending(follower, named, self.venue.unknown_markets(named))
                self._fail(follower, error)

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
            self.protocol.unfollow(follower.subject, left, follower.outcome)


def wanted(follower: Follower) -> tuple[str, ...] | None:
    """What to ask the protocol for: of the account everything, so that reads fit it."""
    if follower.sees_private or follower.market_ids is None:
        return None
    return tuple(follower.market_ids)


def _ending(
    follower: Follower,
    lost: Collection[str] | None,
    error: UnifiedExchangesError,
) -> UnifiedExchangesError:
    """What ends a watch because of some of its markets, saying what becomes of the rest."""
    mine = follower.market_ids
    if lost is None or mine is None or mine.keys() <= set(lost):
        return error
    told = copy(error)
    told.add(
        f". It ends this watch, of {len(mine)} markets in all: watch the rest again; "
        "other watches go on"
    )
    return told


def _pass(_event: object) -> None:
    """An event of the venue's own, which no follower can want."""
