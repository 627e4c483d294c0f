"""What Kalshi answers and what follows: subscriptions, gaps, refusals, and time passing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from ....clock import Clock
from ....errors import ArgumentsRequired, BadRequest, UnifiedExchangesError
from ....models import Gap, StreamState
from ....policy import StreamPolicy
from ....streams.health import Counters
from ....streams.pace import Pace
from ....streams.protocol import Refused, StreamEvent, StreamProtocol
from . import frames, refusals
from .books import Books
from .channels import BOOKS, CHANNELS, channel_of
from .commands import Command, encode
from .subscription import BATCH, Subscription

__all__ = ["Answers"]

_log = logging.getLogger(__name__)

_Events = Sequence[Any]
_NONE: Final[tuple[()]] = ()
_TRIES = 5
_HOPELESS = 3
"""Connections over which a market's snapshot may fail to come while others do."""


class _Sent:
    """A command that is out."""

    __slots__ = ("command", "deadline", "sub")

    def __init__(self, sub: Subscription, command: Command, deadline: float) -> None:
        self.sub = sub
        self.command = command
        self.deadline = deadline


class Answers(StreamProtocol):
    """The part of the protocol that has a say in what is sent."""

    def __init__(self, *, clock: Clock, policy: StreamPolicy) -> None:
        super().__init__(clock=clock)
        self.policy = policy
        self.counters = Counters()
        self.heard_at = clock.monotonic()
        self._messaged_at: float | None = None
        self._books = Books(self)
        self._by_name = {
            name: Subscription(channel) for name, channel in CHANNELS.items()
        }
        self._by_sid: dict[int, Subscription] = {}
        self._dead: set[int] = set()
        self._numbers = count(1)
        self._sent: dict[int, _Sent] = {}
        self._asked: dict[int, tuple[str, ...]] = {}
        """Requests for snapshots, whose answer is the snapshots."""
        self._dirty: dict[Subscription, None] = {}
        self._books_dirty = False
        self._books_not_before = 0.0
        self._wakes: list[tuple[float, int, Callable[[], None]]] = []
        self._wake_numbers = count()
        self._paces: dict[str, Pace] = {}

    # -- what is asked for ----------------------------------------------------------

    def subscribe(
        self,
        channel: str,
        market_ids: Collection[str] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> None:
        """Follow a channel by Kalshi's name for it; counted like `follow`.

        ``params`` are further words of the subscription, such as ``user_filter``.
        """
        sub = self._subscription(channel, market_ids)
        new, kept = sub.follow(market_ids, params or {})
        if channel == BOOKS:
            self._books.open(new)
            self._books.want(kept)
            self._books_dirty = True
        self._dirty[sub] = None

    def unsubscribe(
        self, channel: str, market_ids: Collection[str] | None = None
    ) -> None:
        """Take back one `subscribe` with the same arguments."""
        sub = self._subscription(channel, market_ids)
        sent, unsent = sub.unfollow(market_ids)
        if channel == BOOKS:
            self._books.close(sent)
            self._books.remove(unsent)
        self._dirty[sub] = None

    def _subscription(
        self, name: str, market_ids: Collection[str] | None
    ) -> Subscription:
        if isinstance(market_ids, str):
            message = f"market_ids is a list of ids, not the text {market_ids!r}"
            raise BadRequest(message, venue="kalshi")
        sub = self._by_name.get(name)
        if sub is None:
            sub = self._by_name[name] = Subscription(channel_of(name))
        if sub.channel.needs_markets and market_ids is None:
            message = f"{name} is followed market by market: pass their ids"
            raise ArgumentsRequired(message, venue="kalshi")
        return sub

    @property
    def is_settled(self) -> bool:
        """Whether all that is followed is acknowledged and every book is whole."""
        return (
            self.is_connected
            and not self._books.stale()
            and all(sub.is_settled for sub in self._by_name.values())
        )

    def has_settled(self, channel: str) -> bool:
        """Whether all that is wanted of a channel was told to the venue, and answered."""
        sub = self._by_name.get(channel)
        return self.is_connected and (sub is None or sub.is_settled)

    # -- connections ----------------------------------------------------------------

    def connection_made(self) -> Iterable[StreamEvent]:
        """A new connection is open: all numbers of the old one are void."""
        self._forget_connection()
        self.is_connected = True
        self.broken = ""
        self.heard_at = self.clock.monotonic()
        self.counters.connections += 1
        self._dirty = dict.fromkeys(self._by_name.values())
        return _NONE

    def connection_lost(self, reason: str) -> Iterable[StreamEvent]:
        """The connection is gone; every book is stale."""
        if not self.is_connected:
            return _NONE
        self._forget_connection()
        self.is_connected = False
        self.counters.last_error = reason
        if not any(sub.is_wanted for sub in self._by_name.values()):
            return _NONE
        return [Gap(subject=None, reason=reason, at=self._now())]

    def _forget_connection(self) -> None:
        self._books.disconnect(self._by_name[BOOKS].wishes)
        for sub in self._by_name.values():
            sub.reset()
            sub.not_before = 0.0
            sub.tries = 0
        self._by_sid.clear()
        self._dead.clear()
        self._sent.clear()
        self._asked.clear()
        self._wakes.clear()
        self._dirty.clear()
        self._books_dirty = False
        self._books_not_before = 0.0

    def heard(self) -> None:
        """Any sign of life, pings included."""
        self.heard_at = self.clock.monotonic()

    # -- what is sent ---------------------------------------------------------------

    def data_to_send(self) -> list[str]:
        """Frames to send, in order."""
        if not (self._dirty or self._books_dirty) or not self.is_connected:
            return []
        now = self.clock.monotonic()
        writes: list[str] = []
        private = any(
            sub.channel.is_private and sub.sid is None and sub.busy
            for sub in self._by_name.values()
        )
        for sub in self._by_name.values():
            if sub not in self._dirty:
                continue
            if private and not sub.channel.is_private:
                continue  # until the account's own channels are up
            del self._dirty[sub]
            room = self._books.room if sub.channel.name == BOOKS else BATCH
            command = sub.next_command(now, room)
            if command is not None:
                writes.append(self._send(sub, command, now))
                private = private or (sub.channel.is_private and sub.sid is None)
        if self._books_dirty:
            writes += self._ask_for_snapshots(now)
        return writes

    def _send(self, sub: Subscription, command: Command, now: float) -> str:
        number = next(self._numbers)
        deadline = now + self.policy.acknowledgement
        self._sent[number] = _Sent(sub, command, deadline)
        return encode(command, number, sub.channel.name, sub.sid, sub.params)

    def _ask_for_snapshots(self, now: float) -> list[str]:
        self._books_dirty = False
        sub = self._by_name[BOOKS]
        if sub.sid is None or now < self._books_not_before or sub.must_renew:
            return []
        writes = []
        for markets in self._books.due():
            number = next(self._numbers)
            self._asked[number] = markets
            self._books.await_(markets, now + self.policy.acknowledgement)
            command = Command("get_snapshot", markets)
            writes.append(encode(command, number, BOOKS, sub.sid, {}))
        return writes

    def _wake_books(self) -> None:
        """Snapshots came: there may be room for others."""
        books = self._books
        if books.has_due:
            self._books_dirty = True
        if not books.is_waiting:
            self._asked.clear()
        self._dirty[self._by_name[BOOKS]] = None

    # -- the sequence rule ----------------------------------------------------------

    def _account(
        self, sid: int, seq: int | None, kind: str
    ) -> tuple[Subscription | None, _Events]:
        """Which subscription a frame belongs to, and whether one was lost before it."""
        sub = self._by_sid.get(sid)
        if sub is None or (
            seq is not None and sub.channel.is_sequenced and seq != sub.seq + 1
        ):
            sub, events = self._out_of_order(sid, seq, kind)
        else:
            events = _NONE
        if sub is not None and seq is not None:
            sub.seq = seq
        return sub, events

    def _out_of_order(
        self, sid: int, seq: int | None, kind: str
    ) -> tuple[Subscription | None, _Events]:
        sub = self._by_sid.get(sid) or self._adopt(sid, kind)
        if sub is None or seq is None or seq == sub.seq + 1:
            return sub, _NONE
        if not sub.channel.is_sequenced:
            return sub, _NONE
        expected = sub.seq + 1
        lost = seq > expected
        if not lost:
            self.counters.duplicates += 1
        reason = f"message {seq} of {sub.channel.name} came where {expected} was due"
        self._note(reason, "gap")
        if sub.channel.name == BOOKS:
            return sub, [self._distrust_all(sub, reason, lost=lost)]
        return sub, [self._gap_of(sub, reason)]

    def _adopt(self, sid: int, kind: str) -> Subscription | None:
        """A subscription whose messages come before the answer that names it."""
        if sid in self._dead:
            return None
        for sub in self._by_name.values():
            awaited = sub.sid is None and sub.busy is not None
            if awaited and kind in sub.channel.types:
                self._begin(sub, sid)
                return sub
        return None

    def _begin(self, sub: Subscription, sid: int) -> None:
        if sub.sid != sid:
            sub.sid = sid
            sub.seq = 0
        self._by_sid[sid] = sub

    def _gap_of(
        self, sub: Subscription, reason: str, market_ids: tuple[str, ...] = ()
    ) -> Gap:
        self.counters.gaps += 1
        return Gap(
            subject=sub.channel.subject,
            market_ids=market_ids,
            reason=reason,
            at=self._now(),
        )

    # -- books that cannot be trusted -----------------------------------------------

    def _distrust(self, market_id: str, reason: str) -> Gap:
        """One book is stale; it is asked for at once, and the more often the later."""
        now = self.clock.monotonic()
        self._books.spoil(market_id)
        delay = self._pace(f"{BOOKS} {market_id}").delay(now)

        def ask() -> None:
            self._books.want([market_id])
            self._books_dirty = True

        self._after(delay, now, ask)
        return self._gap_of(self._by_name[BOOKS], reason, (market_id,))

    def _distrust_all(self, sub: Subscription, reason: str, *, lost: bool) -> Gap:
        """Every book is stale; all are asked for."""
        now = self.clock.monotonic()
        self._books.spoil_all()
        self._books.want_all(lost=lost)
        delay = self._pace(BOOKS).delay(now)
        self._books_not_before = max(self._books_not_before, now + delay)

        def ask() -> None:
            self._books_dirty = True

        self._after(delay, now, ask)
        return self._gap_of(sub, reason, tuple(sub.wishes))

    def _pace(self, name: str) -> Pace:
        pace = self._paces.get(name)
        if pace is None:
            pace = self._paces[name] = Pace(self.policy)
        return pace

    # -- answers --------------------------------------------------------------------

    def _subscribed(self, told: frames.Subscribed, _: str | bytes) -> _Events:
        sent = self._sent.pop(told.id, None)
        if sent is None:
            return _NONE  # to a command of a subscription that died meanwhile
        self._begin(sent.sub, told.msg.sid)
        return self._carried_out(sent, None)

    def _acknowledged(self, told: frames.Acknowledged, _: str | bytes) -> _Events:
        sent = self._sent.pop(told.id, None)
        if sent is not None and sent.command.action == "subscribe" and told.sid:
            # The venue had the channel already, and merged the markets into it.
            if sent.sub.sid is None:
                sent.sub.seq = (told.seq or 1) - 1
                sent.sub.sid = told.sid
            self._by_sid[told.sid] = sent.sub
        events = self._account(told.sid, told.seq, "ok")[1]
        if sent is None:
            return events
        listed = (
            told.msg.market_tickers
            if isinstance(told.msg, frames.AcknowledgedMsg)
            else None
        )
        return [*events, *self._carried_out(sent, listed)]

    def _unsubscribed(self, told: frames.Unsubscribed, _: str | bytes) -> _Events:
        sent = self._sent.pop(told.id, None)
        sub, events = self._account(told.sid, told.seq, "unsubscribed")
        if sent is not None:
            self._end(sent.sub)
        elif sub is not None:
            # Nobody asked for it: as if the subscription had died.
            return [*events, self._died(sub, "Kalshi ended the subscription")]
        return events

    def _carried_out(self, sent: _Sent, listed: list[str] | None) -> _Events:
        sub, command = sent.sub, sent.command
        sub.done()
        self._dirty[sub] = None
        if command.action == "delete_markets":
            self._let_go(sub, command.markets)
            return _NONE
        absent: list[str] = []
        if listed:
            there = set(listed)
            absent = [x for x in command.markets if x not in there and x in sub.wishes]
        if sub.channel.name == BOOKS:
            self._hold(sub, command.markets, absent)
        return [
            self._refuse(sub, [x], refusals.missing(sub.channel.name, x))
            for x in absent
        ]

    def _hold(
        self, sub: Subscription, markets: tuple[str, ...], absent: list[str]
    ) -> None:
        books = self._books
        missing = set(absent)
        due = []
        for market_id in markets:
            market = books.markets.get(market_id)
            if market is None or market_id in missing:
                continue
            market.is_held = True
            if not market.is_live and market_id in sub.wishes:
                due.append(market_id)
        books.await_(due, self.clock.monotonic() + self.policy.acknowledgement)

    def _let_go(self, sub: Subscription, markets: Iterable[str]) -> None:
        if sub.channel.name != BOOKS:
            return
        for market_id in markets:
            if market_id in sub.wishes:
                self._books.let_go(market_id)
            else:
                self._books.remove([market_id])

    def _end(self, sub: Subscription) -> None:
        """A subscription is over; what is still wanted will be subscribed again."""
        if sub.sid is not None:
            self._by_sid.pop(sub.sid, None)
            self._dead.add(sub.sid)
        for number in [n for n, sent in self._sent.items() if sent.sub is sub]:
            del self._sent[number]
        sub.reset()
        if sub.channel.name == BOOKS:
            self._books.disconnect(sub.wishes)
            self._asked.clear()
        self._dirty[sub] = None

    # -- refusals -------------------------------------------------------------------

    def _failed(self, told: frames.Failed, _: str | bytes) -> _Events:
        sub, events = self._account(told.sid, told.seq, "error")
        code, words = told.msg.code, told.msg.msg
        sent = self._sent.pop(told.id, None)
        markets = self._asked.pop(told.id, None)
        where = sent.sub if sent else self._by_name[BOOKS] if markets else sub
        name = where.channel.name if where else "a subscription"
        error = refusals.error_of(
            code, words, name, sent.command.markets if sent else markets or ()
        )
        self._note(str(error), f"error {code}")
        if sub is not None and code in refusals.TERMINAL:
            return [*events, self._died(sub, str(error))]
        if sent is not None:
            return [*events, *self._turned_down(sent, code, words, error)]
        if markets is not None:
            self._snapshot_refused(code, markets)
        return events

    def _died(self, sub: Subscription, reason: str) -> Gap:
        """A subscription is dead: what it told is stale until there is a new one."""
        self._end(sub)
        now = self.clock.monotonic()
        name = sub.channel.name
        delay = self._pace(f"{name} again").delay(now)
        # At once would be too soon: its buffer overflowed, or the channel fails.
        self._try_again(sub, now, max(delay, self.policy.first))
        return self._gap_of(sub, reason, tuple(sub.wishes) if name == BOOKS else ())

    def _try_again(self, sub: Subscription, now: float, delay: float) -> None:
        sub.not_before = now + delay

        def ask() -> None:
            self._dirty[sub] = None

        self._after(delay, now, ask)

    def _turned_down(
        self, sent: _Sent, code: int, words: str, error: UnifiedExchangesError
    ) -> _Events:
        sub, command = sent.sub, sent.command
        self._dirty[sub] = None
        if command.action == "unsubscribe":
            self._end(sub)
            return _NONE
        if command.action == "delete_markets":
            sub.busy = None
            self._let_go(sub, command.markets)
            return _NONE
        if code in refusals.PASSING and sub.tries < _TRIES:
            now = self.clock.monotonic()
            delay = self.policy.first * (1 << sub.tries)
            sub.again(command.markets, now)
            self._try_again(sub, now, min(delay, self.policy.cap))
            return _NONE
        if not command.markets or code in refusals.CHANNEL:
            return [self._refuse(sub, None, error)]
        if len(command.markets) > 1 and code not in refusals.CROWDED:
            sub.halve(command.markets)
            return _NONE
        sub.busy = None
        sub.tries = 0
        markets = list(command.markets)
        if code == refusals.LIMIT:
            # Not one more fits: what waits would be refused one by one.
            waiting = sub.waiting()
            error = refusals.error_of(
                code, words, sub.channel.name, [*markets, *waiting]
            )
            markets += waiting
        return [self._refuse(sub, markets, error)]

    def _snapshot_refused(self, code: int, markets: tuple[str, ...]) -> None:
        """Snapshots were not given: ask later, or subscribe the channel anew."""
        sub = self._by_name[BOOKS]
        now = self.clock.monotonic()
        self._books.want(x for x in markets if x in sub.wishes)
        delay = self._pace(f"{BOOKS} refused").delay(now)
        if code not in refusals.PASSING:
            sub.must_renew = True
            self._try_again(sub, now, delay)
            return
        wait = max(delay, self.policy.first)
        self._books_not_before = now + wait

        def ask() -> None:
            self._books_dirty = True

        self._after(wait, now, ask)

    def _refuse(
        self,
        sub: Subscription,
        market_ids: Collection[str] | None,
        error: UnifiedExchangesError,
    ) -> Refused:
        """Give up what the venue will not let be followed."""
        given_up = list(sub.wishes) if market_ids is None else list(market_ids)
        if market_ids is None:
            sub.busy = None
            sub.give_up_all()
        else:
            sub.give_up(given_up)
        if sub.channel.name == BOOKS:
            self._books.remove(given_up)
        return Refused(
            subject=sub.channel.subject,
            channel=sub.channel.name,
            market_ids=None if market_ids is None else frozenset(market_ids),
            error=error,
        )

    # -- time -----------------------------------------------------------------------

    def _after(self, delay: float, now: float, do: Callable[[], None]) -> None:
        if delay <= 0:
            do()
        else:
            heappush(self._wakes, (now + delay, next(self._wake_numbers), do))

    def poll(self) -> Iterable[StreamEvent]:
        """Do what is due: missing acknowledgements, silence, requests to repeat."""
        if not self.is_connected or self.broken:
            return _NONE
        now = self.clock.monotonic()
        while self._wakes and self._wakes[0][0] <= now:
            heappop(self._wakes)[2]()
        oldest = next(iter(self._sent.values()), None)
        limit = self.policy.acknowledgement
        if now - self.heard_at > self.policy.silence:
            self._break(f"nothing was heard for {now - self.heard_at:.0f} s")
        elif oldest is not None and oldest.deadline <= now:
            name, action = oldest.sub.channel.name, oldest.command.action
            self._break(f"no answer to {action} of {name} within {limit:g} s")
        elif (due := self._books.deadline) is not None and due <= now:
            return self._missing(self._books.overdue(now))
        return _NONE

    def _missing(self, overdue: list[str]) -> _Events:
        """Snapshots did not come: the connection is no good, or these markets are not."""
        books, sub = self._books, self._by_name[BOOKS]
        missed = {market_id: books.miss(market_id) for market_id in overdue}
        hopeless = [x for x in overdue if missed[x] >= _HOPELESS and books.loaded]
        if len(hopeless) < len(overdue):
            limit = self.policy.acknowledgement
            first = next(x for x in overdue if x not in hopeless)
            self._break(f"no snapshot of {first} within {limit:g} s")
        return [self._refuse(sub, [x], refusals.silent(BOOKS, x)) for x in hopeless]

    def _break(self, reason: str) -> None:
        self.broken = reason
        self.counters.last_error = reason
        _log.warning("the stream is no good: %s", reason)

    def next_poll(self) -> float:
        """Seconds until `poll` has something to do."""
        if not self.is_connected or self.broken:
            return self.policy.silence
        times = [self.heard_at + self.policy.silence]
        if self._wakes:
            times.append(self._wakes[0][0])
        oldest = next(iter(self._sent.values()), None)
        if oldest is not None:
            times.append(oldest.deadline)
        due = self._books.deadline
        if due is not None:
            times.append(due)
        return max(0.0, min(times) - self.clock.monotonic())

    # -- small things ---------------------------------------------------------------

    @property
    def now(self) -> float:
        """The monotonic clock, for the age of a book."""
        return self.clock.monotonic()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def _now_ms(self) -> int:
        return int(self.clock.now() * 1000)

    def _note(self, message: str, kind: str) -> None:
        self.counters.last_error = message
        _log.warning("%s: %s", kind, message)

    def _state(self) -> StreamState:
        if not self.is_connected:
            return "connecting" if self.counters.connections else "idle"
        return "live" if not self.broken and self.is_settled else "degraded"
