"""What is asked of Kalshi over one connection after another, and when it is sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from math import inf
from typing import Any, Final, TypeAlias

import attrs

from ....clock import Clock
from ....errors import BadRequest
from ....models import Gap
from ....policy import StreamPolicy
from ....streams.health import Counters
from ....streams.pace import Pace
from ....streams.protocol import StreamEvent, StreamProtocol
from .books import Books
from .channels import BOOKS, CHANNELS, channel_of
from .commands import Command, encode
from .subscription import BATCH, Subscription
from .wakes import Wakes

__all__ = ["NONE", "Conversation", "Events", "Sent"]

_log = logging.getLogger(__name__)

Events: TypeAlias = Sequence[Any]
"""Events of the unified kinds, and Kalshi's own."""

NONE: Final[tuple[()]] = ()
_MOST_PACES: Final = 10_000


@attrs.frozen(slots=True)
class Sent:
    """A command that is out."""

    sub: Subscription
    command: Command
    deadline: float


class Conversation(StreamProtocol):
    """Wishes, commands and connections."""

    def __init__(self, *, clock: Clock, policy: StreamPolicy) -> None:
        super().__init__(clock=clock)
        self.policy = policy
        self._monotonic = clock.monotonic
        self._silence = policy.silence
        self.counters = Counters()
        self.heard_at = clock.monotonic()
        """When the last sign of life came, on the monotonic clock."""
        self._messaged_at: float | None = None
        self._made_at = self._asked_at = -inf
        """When the connection was made, and when something was last asked for."""
        self._before = (0, "")
        """Gaps and the last error at that time."""
        self._books = Books(self)
        self._by_name = {
            name: Subscription(channel) for name, channel in CHANNELS.items()
        }
        self._by_sid: dict[int, Subscription] = {}
        self._dead: set[int] = set()
        self._numbers = count(1)
        self._sent: dict[int, Sent] = {}
        self._dirty: set[Subscription] = set()
        self._books_dirty = False
        self._books_not_before = 0.0
        self._wakes = Wakes()
        self._paces: dict[str, Pace] = {}

    # -- what is asked for ----------------------------------------------------------

    def subscribe(
        self,
        channel: str,
        market_ids: Collection[str] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> None:
        """Follow a channel by Kalshi's name for it; counted like `follow`.

        ``params`` are further words of the subscription, such as ``user_filter``, in
        place of those that it has; None leaves them.  They hold for all who follow it,
        and on every connection until nobody does.
        """
        sub = self._subscription(channel, market_ids)
        sub.channel.check_markets(market_ids)
        new, kept = sub.follow(market_ids, params)
        if channel == BOOKS:
            self._books.open(new)
            # Only those that the venue said it sends: others are on their way to that.
            self._books.want(kept)
            self._books_dirty = True
        self._dirty.add(sub)
        self._asked_at = self.clock.monotonic()

    def unsubscribe(
        self, channel: str, market_ids: Collection[str] | None = None
    ) -> None:
        """Take back one `subscribe` with the same arguments."""
        sub = self._subscription(channel, market_ids)
        sent, unsent = sub.unfollow(market_ids)
        if channel == BOOKS:
            self._books.close(sent)
            self._books.forget(unsent)
        self._dirty.add(sub)

    def _subscription(
        self, name: str, market_ids: Collection[str] | None
    ) -> Subscription:
        if isinstance(market_ids, str):
            message = f"market_ids is a list of ids, not the text {market_ids!r}"
            raise BadRequest(message, venue="kalshi")
        sub = self._by_name.get(name)
        if sub is None:
            sub = self._by_name[name] = Subscription(channel_of(name))
        return sub

    @property
    def is_settled(self) -> bool:
        """Whether there is a connection, and all that is followed was acknowledged."""
        return self.is_connected and all(
            sub.is_settled for sub in self._by_name.values()
        )

    def has_settled(self, channel: str) -> bool:
        """Whether all that is wanted of a channel was told to the venue, and answered."""
        sub = self._by_name.get(channel)
        return self.is_connected and (sub is None or sub.is_settled)

    # -- connections ----------------------------------------------------------------

    def connection_made(self) -> Iterable[StreamEvent]:
        """A new connection is open: all numbers of the old one are void."""
        self._forget_connection()
        # First, as a book may be asked at any time, by another thread.
        self.heard_at = self._made_at = self.clock.monotonic()
        self.broken = ""
        self.is_connected = True
        self._before = (self.counters.gaps, self.counters.last_error)
        self.counters.connections += 1
        self._dirty = set(self._by_name.values())
        return NONE

    def connection_lost(self, reason: str) -> Iterable[StreamEvent]:
        """The connection is gone; every book is stale."""
        if not self.is_connected:
            return NONE
        self._forget_connection()
        self.is_connected = False
        self.counters.last_error = reason
        if not any(sub.is_wanted for sub in self._by_name.values()):
            return NONE
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
        waiting = any(
            sub.channel.is_private and sub.sid is None and sub.busy
            for sub in self._by_name.values()
        )
        # In the order of the table; public channels wait until the account's are up.
        for sub in [x for x in self._by_name.values() if x in self._dirty]:
            if waiting and not sub.channel.is_private:
                continue
            self._dirty.discard(sub)
            room = self._books.room if sub.channel.name == BOOKS else BATCH
            command = sub.next_command(now, room)
            if command is not None:
                writes.append(self._send(sub, command, now))
                waiting = waiting or (sub.channel.is_private and sub.sid is None)
        if self._books_dirty:
            writes += self._ask_for_snapshots(now)
        return writes

    def _send(self, sub: Subscription, command: Command, now: float) -> str:
        number = next(self._numbers)
        self._sent[number] = Sent(sub, command, now + self.policy.acknowledgement)
        if command.action == "delete_markets" and sub.channel.name == BOOKS:
            self._books.leave(command.markets)
        return encode(command, number, sub.channel.name, sub.sid, sub.params)

    def _ask_for_snapshots(self, now: float) -> list[str]:
        self._books_dirty = False
        sub = self._by_name[BOOKS]
        if sub.sid is None or now < self._books_not_before:
            return []
        if sub.must_renew or sub.is_ending:
            # Another subscription brings them.
            return []
        writes = []
        for markets in self._books.due():
            number = next(self._numbers)
            self._books.ask(number, markets, now + self.policy.acknowledgement)
            command = Command("get_snapshot", markets)
            writes.append(encode(command, number, BOOKS, sub.sid, {}))
        return writes

    def _snapshot_came(self) -> None:
        """There may be room for others."""
        if self._books.has_due:
            self._books_dirty = True
        self._dirty.add(self._by_name[BOOKS])

    # -- later ----------------------------------------------------------------------

    def _at(
        self, due: float, now: float, what: Hashable, do: Callable[[], None]
    ) -> None:
        """Do something at a later `poll`, or at once; each ``what`` is planned once."""
        if due <= now:
            do()
        else:
            self._wakes.plan(due, what, do)

    def _pace(self, name: str) -> Pace:
        pace = self._paces.get(name)
        if pace is None:
            if len(self._paces) >= _MOST_PACES:
                self._paces.clear()
            pace = self._paces[name] = Pace(self.policy)
        return pace

    @property
    def now(self) -> float:
        """The monotonic clock, for the age of a book."""
        return self._monotonic()

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard for too long, so that no book can be believed.

        Whoever finds that first gives the connection up, also before a `poll` could.
        Else a late sign of life would make whole again what somebody was told to be
        stale, and who waits for the next book would wait for a change.
        """
        silent = self._monotonic() - self.heard_at
        if silent <= self._silence:
            return False
        if self.is_connected and not self.broken:
            self._break(f"nothing was heard for {silent:.0f} s")
        return True

    def _break(self, reason: str) -> None:
        self.broken = reason
        self.counters.last_error = reason
        _log.warning("the stream is no good: %s", reason)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def _now_ms(self) -> int:
        return int(self.clock.now() * 1000)

    def _note(self, message: str, kind: str) -> None:
        """Remember and log a trouble; of many of a kind ever fewer are logged."""
        self.counters.last_error = message
        if self.counters.note_trouble(kind):
            _log.warning("kalshi stream: %s", message)
