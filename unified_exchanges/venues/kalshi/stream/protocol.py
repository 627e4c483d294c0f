"""`KalshiStream`: one conversation with Kalshi's WebSocket, without a socket.

The hot path is `_delta`.  What may go wrong with a frame is decided in `receive` and
`_unreadable`, what the venue answers in `answers`, numbers in `sequence`, and what time
brings in `watchdog`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from typing import Any, Final

from ....clock import Clock
from ....models import OrderBook, StreamHealth, Subject
from ....policy import StreamPolicy
from ....streams.book import BookError
from ....streams.protocol import StreamEvent
from ....streams.recent import Recent
from ..parse.reading import Malformed, milliseconds
from . import frames
from .books import Market
from .channels import BOOKS, SUBJECTS
from .conversation import NONE, Events
from .events import BookDelta, BookSnapshot
from .misreading import Misreading, market_in
from .reading import READERS, Reader
from .subscription import Subscription

__all__ = ["REMEMBERED", "KalshiStream"]

REMEMBERED: Final = 5_000
"""Trades by which a repeated one is known: a moment of all of Kalshi's."""

_SUBACCOUNTS: Final[dict[type, str]] = {
    frames.FillMsg: "subaccount",
    frames.PositionMsg: "subaccount",
    frames.UserOrderMsg: "subaccount_number",
}


class KalshiStream(Misreading):
    """Subscriptions, sequence numbers, books and typed events; see `StreamProtocol`.

    ``subaccount`` is the one whose orders, fills and positions are told: as over REST,
    None means all orders and fills, but the positions of the primary one.

    >>> from unified_exchanges.clock import VirtualClock
    >>> stream = KalshiStream(clock=VirtualClock())
    >>> stream.follow(Subject.ORDER_BOOK, ["KXHIGHNY-26NOV21-T60"])
    >>> _ = stream.connection_made()
    >>> len(stream.data_to_send())
    1
    """

    def __init__(
        self,
        *,
        clock: Clock,
        policy: StreamPolicy | None = None,
        subaccount: int | None = None,
    ) -> None:
        super().__init__(clock=clock, policy=policy or StreamPolicy())
        self._subaccount = subaccount
        self._markets = self._books.markets
        self._trades = Recent(REMEMBERED)
        self._handlers: dict[type, Callable[[Any, str | bytes], Events]] = {}

    # -- what is asked for ----------------------------------------------------------

    def follow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,  # noqa: ARG002 - they share one book
    ) -> None:
        """Ask for these markets of a subject, None for all; counted, so ask again freely.

        A follow that the venue refuses is over: an event `Refused` says so, and it is not
        to be taken back.
        """
        self.subscribe(SUBJECTS[subject], market_ids)

    def unfollow(
        self,
        subject: Subject,
        market_ids: Collection[str] | None,
        outcome: str | None = None,  # noqa: ARG002
    ) -> None:
        """Take back one `follow` with the same arguments."""
        self.unsubscribe(SUBJECTS[subject], market_ids)

    def is_acknowledged(self, subject: Subject) -> bool:
        """Whether all that is followed of one subject was acknowledged."""
        return self.is_connected and self._by_name[SUBJECTS[subject]].is_settled

    # -- frames ---------------------------------------------------------------------

    def receive(self, frame: str | bytes) -> Iterable[StreamEvent]:
        """Take one frame; never raises for what the venue says."""
        self.heard_at = self._messaged_at = self._monotonic()
        counters = self.counters
        counters.messages = number = counters.messages + 1
        try:
            told = frames.decode(frame)
        except (ValueError, RecursionError) as error:
            return self._unreadable(frame, error)
        try:
            handler = self._handlers[type(told)]
        except KeyError:
            handler = self._first(type(told), frame)
        else:
            if counters.is_sample(number):
                self._look_for_strangers(frame)
        return handler(told, frame)

    def _first(
        self, kind: type, frame: str | bytes
    ) -> Callable[[Any, str | bytes], Events]:
        """What handles a kind of frame, of which the first came."""
        self._look_for_strangers(frame)
        handler: Callable[[Any, str | bytes], Events]
        if kind in READERS:
            handler = self._reading(kind, READERS[kind])
        else:
            own: dict[type, Callable[[Any, str | bytes], Events]] = {
                frames.Delta: self._delta,
                frames.Snapshot: self._snapshot,
                frames.Subscribed: self._subscribed,
                frames.Unsubscribed: self._unsubscribed,
                frames.Acknowledged: self._acknowledged,
                frames.Failed: self._failed,
            }
            handler = own[kind]
        self._handlers[kind] = handler
        return handler

    # -- books ----------------------------------------------------------------------

    def _delta(self, told: frames.Delta, _: str | bytes) -> Events:
        sub = self._by_sid.get(told.sid)
        seq = told.seq
        events: Events = NONE
        if sub is None or seq != sub.seq + 1:
            sub, events = self._out_of_order(told.sid, seq, "orderbook_delta")
            if sub is None:
                return events
        sub.seq = seq
        msg = told.msg
        market_id = msg.market_ticker
        market = self._markets.get(market_id)
        if market is None or not market.is_live:
            return events
        price, by, side = msg.price_dollars, msg.delta_fp, msg.side
        try:
            if side == "yes":
                now = market.change_bid(price, by)
            elif side == "no":
                # With use_yes_price a bid for NO is told at its YES price: an ask.
                now = market.change_ask(price, by)
            else:
                problem = f"side {side[:20]!r} is neither yes nor no"
                return self._spoil(market_id, problem, seq)
        except BookError as error:
            return self._spoil(market_id, str(error), seq)
        if market.life is not None:
            market.life.end()
            market.life = None
        market.sequence = seq
        market.moment = moment = msg.ts_ms or told.sending_ts_ms or self._now_ms()
        own, whose = msg.client_order_id, msg.subaccount
        return (BookDelta(market_id, seq, moment, side, price, by, now, own, whose),)

    def _snapshot(self, told: frames.Snapshot, _: str | bytes) -> Events:
        known = self._by_sid.get(told.sid)
        is_old = known is not None and known.is_old(told.seq)
        sub, events = self._account(told.sid, told.seq, "orderbook_snapshot")
        msg = told.msg
        market_id = msg.market_ticker
        market = self._markets.get(market_id)
        if sub is None or market is None or market_id not in sub.wishes:
            return events
        if is_old:
            return [*events, self._outdated(sub, market_id, told.seq)]
        if not market.is_held and not sub.is_beginning:
            # It may be from before the venue was told to stop: no change would follow.
            market.is_early = True
            return events
        bids = tuple(msg.yes_dollars_fp or ())
        asks = tuple(msg.no_dollars_fp or ())
        try:
            market.load(bids, asks)
        except BookError as error:
            return [*events, *self._spoil(market_id, str(error), told.seq)]
        self._books.arrived(market_id, market)
        self._snapshot_came()
        market.sequence = told.seq or sub.seq
        market.moment = told.sending_ts_ms or self._now_ms()
        snapshot = BookSnapshot(market_id, market.sequence, market.moment, bids, asks)
        return (*events, snapshot)

    def _spoil(self, market_id: str, problem: str, seq: int | None) -> Events:
        """A book that its own messages contradict: it is asked for again."""
        reason = f"message {seq}: {problem}"
        self._note(f"the book of {market_id} is not right, {reason}", "book")
        return [self._distrust(market_id, reason)]

    # -- everything else ------------------------------------------------------------

    def _reading(
        self, kind: type, read: Reader
    ) -> Callable[[Any, str | bytes], Events]:
        """How frames of a kind become events that are delivered where they are wanted."""
        tag = str(kind.__struct_config__.tag)  # type: ignore[attr-defined]

        def handle(told: Any, frame: str | bytes) -> Events:
            sub, events = self._account(told.sid, told.seq, tag)
            raw = frame.encode() if isinstance(frame, str) else bytes(frame)
            try:
                event = read(told, raw, self._now())
            except (Malformed, ArithmeticError) as error:
                market_id = market_in(told)
                return [*events, *self._malformed(tag, error, raw, sub, market_id)]
            if sub is None or not self._is_wanted(sub, told.msg, event):
                return events
            if kind is frames.Trade and not self._trades.is_new(event.trade_id):
                return events
            return [*events, event] if events else (event,)

        return handle

    def _is_wanted(self, sub: Subscription, msg: Any, event: Any) -> bool:
        market_id = getattr(event, "market_id", None)
        if market_id is not None and not sub.wants(market_id):
            return False
        field = _SUBACCOUNTS.get(type(msg))
        if field is None:
            return True
        chosen = self._subaccount
        if chosen is None:
            if type(msg) is not frames.PositionMsg:
                return True
            chosen = 0
        return (getattr(msg, field) or 0) == chosen

    # -- what can be read -----------------------------------------------------------

    def order_book(
        self, market_id: str, outcome: str | None = None
    ) -> OrderBook | None:
        """The book as it stands, None before its first snapshot; it may be ``stale``."""
        market = self._markets.get(market_id)
        if market is None or not market.was_loaded:
            return None
        return market.read(
            venue="kalshi",
            market_id=market_id,
            outcome=outcome or "yes",
            of="yes",
            sequence=market.sequence,
            timestamp=milliseconds(market.moment, "ts_ms"),
            freshness=market.read_life(),
        )

    def best(self, market_id: str) -> Market | None:
        """The live book itself, for ``bid`` and ``ask``; None where it is not whole."""
        market = self._markets.get(market_id)
        return market if market is not None and market.is_live else None

    def doubt(
        self,
        market_id: str,
        reason: str,
        outcome: str | None = None,  # noqa: ARG002 - they share one book
    ) -> Iterable[StreamEvent]:
        """Mark a book stale because it was found to differ, and ask for it anew."""
        if market_id not in self._by_name[BOOKS].wishes:
            return NONE
        return [self._distrust(market_id, reason)]

    def leave(
        self, sid: int, market_ids: Iterable[str], reason: str
    ) -> Iterable[StreamEvent]:
        """Believe no book of these, and ask for none, until `rejoin`.

        Whose connection is replayed has let them go there; trades may be missed until then.
        """
        trades = self._by_name[SUBJECTS[Subject.TRADES]]
        if trades.sid == sid:
            ours = tuple(sorted(x for x in market_ids if trades.wants(x)))
            return [self._gap(trades, reason, ours)] if ours else NONE
        sub = self._by_name[BOOKS]
        lost = []
        for market_id in self._held_by(sid, market_ids):
            if self._markets[market_id].is_live:
                lost.append(market_id)
            self._books.let_go(market_id)
        return [self._gap(sub, reason, tuple(lost))] if lost else NONE

    def leave_others(
        self, sid: int, market_ids: Collection[str], reason: str
    ) -> Iterable[StreamEvent]:
        """Leave all that are told there but these, by a command that nobody knows."""
        trades = self._by_name[SUBJECTS[Subject.TRADES]]
        followed = trades if trades.sid == sid else self._by_name[BOOKS]
        others = [x for x in followed.wishes if x not in market_ids]
        if followed is not trades:
            # Others are on their way, or were left before.
            others = [x for x in others if self._markets[x].is_live]
        return self.leave(sid, others, reason)

    def distrust(self, sid: int, reason: str) -> Iterable[StreamEvent]:
        """Believe nothing that is told there: nobody knows of which markets it still is."""
        sub = self._by_sid.get(sid)
        if sub is None:
            return NONE
        if sub.channel.name == BOOKS:
            return [self._distrust_all(sub, reason, lost=True)]
        is_ours = sub.channel.name == SUBJECTS[Subject.TRADES] and sub.is_wanted
        return [self._gap(sub, reason)] if is_ours else NONE

    def rejoin(self, sid: int, market_ids: Iterable[str]) -> Iterable[StreamEvent]:
        """They are told again there, each with its snapshot first."""
        early = [x for x in self._held_by(sid, market_ids) if self._books.hold(x)]
        self._books.want(early)
        self._books_dirty = self._books_dirty or bool(early)
        return NONE

    def _held_by(self, sid: int, market_ids: Iterable[str]) -> list[str]:
        sub = self._by_name[BOOKS]
        return (
            sorted(x for x in market_ids if x in sub.wishes) if sub.sid == sid else []
        )

    def health(self) -> StreamHealth:
        """Counters since the protocol was made."""
        counters = self.counters
        messaged = self._messaged_at
        silent = self._monotonic() - self.heard_at if self.is_connected else None
        now = self._now()
        return StreamHealth(
            state=self._state(),
            connections=counters.connections,
            messages=counters.messages,
            gaps=counters.gaps,
            duplicates=counters.duplicates,
            unknown_messages=sum(counters.unknown.values()),
            malformed_messages=sum(counters.malformed.values()),
            unknown_fields=tuple(sorted(counters.unknown_fields)),
            subscriptions=len(self._by_sid),
            stale_books=self._books.stale(),
            silence_ms=None if silent is None else round(silent * 1000, 3),
            last_message_at=None
            if messaged is None
            else now - timedelta(seconds=self._monotonic() - messaged),
            last_error=counters.last_error,
        )
