"""The sequence rule: every message of a subscription has the next number.

Acknowledgements and errors consume numbers too.  A number that is not the next one means
that a message of an unknown market was lost, so every book of the subscription is stale
before anything else is applied; what is missing never comes, so counting goes on from
the number that was seen.
"""

from __future__ import annotations

from ....models import Gap
from .channels import BOOKS
from .conversation import NONE, Conversation, Events
from .subscription import Subscription

__all__ = ["Sequence"]


class Sequence(Conversation):
    """Numbers, and what is no longer believed when they do not fit."""

    def _account(
        self, sid: int, seq: int | None, kind: str
    ) -> tuple[Subscription | None, Events]:
        """Which subscription a frame belongs to, and whether one was lost before it."""
        sub = self._by_sid.get(sid)
        events: Events = NONE
        if sub is None or (seq is not None and seq != sub.seq + 1):
            sub, events = self._out_of_order(sid, seq, kind)
        if sub is not None and seq is not None:
            sub.seq = seq
        return sub, events

    def _out_of_order(
        self, sid: int, seq: int | None, kind: str
    ) -> tuple[Subscription | None, Events]:
        sub = self._by_sid.get(sid) or self._adopt(sid, kind)
        if sub is None or seq is None or seq == sub.seq + 1:
            return sub, NONE
        if not sub.channel.is_sequenced:
            return sub, NONE
        due = sub.seq + 1
        if seq < due:
            self.counters.duplicates += 1
            sub.top = max(sub.top, sub.seq)
        reason = f"message {seq} of {sub.channel.name} came where {due} was due"
        self._note(reason, "gap")
        if sub.channel.name == BOOKS:
            return sub, [self._distrust_all(sub, reason, lost=seq > due)]
        return sub, [self._gap(sub, reason)]

    def _adopt(self, sid: int, kind: str) -> Subscription | None:
        """A subscription whose messages come before the answer that names it.

        Where it may be either of two, none: that its first messages were passed over
        shows in their numbers.
        """
        if sid in self._dead:
            return None
        awaited = [
            sub
            for sub in self._by_name.values()
            if sub.sid is None and sub.busy is not None and kind in sub.channel.types
        ]
        if len(awaited) != 1:
            return None
        self._begin(awaited[0], sid)
        return awaited[0]

    def _begin(self, sub: Subscription, sid: int) -> None:
        if sub.sid != sid:
            sub.sid = sid
            sub.seq = sub.top = 0
        self._by_sid[sid] = sub

    def _gap(
        self, sub: Subscription | None, reason: str, market_ids: tuple[str, ...] = ()
    ) -> Gap:
        """A gap in a channel, or with None in all of them."""
        self.counters.gaps += 1
        return Gap(
            subject=sub.channel.subject if sub else None,
            market_ids=market_ids,
            reason=reason,
            at=self._now(),
        )

    # -- books that cannot be trusted -----------------------------------------------

    def _outdated(self, sub: Subscription, market_id: str, seq: int | None) -> Gap:
        """A snapshot came twice or late, so that its book is older than what was told.

        Where in the order another one belongs could not be told either: the subscription
        is begun anew, and its numbers with it.
        """
        now = self.clock.monotonic()
        reason = f"the snapshot of {market_id}, message {seq}, came twice or late"
        self._note(reason, "old snapshot")
        self._books.spoil(market_id)
        sub.must_renew = True
        self._dirty.add(sub)
        self._try_again(sub, now, self._pace(f"{BOOKS} again").delay(now))
        return self._gap(sub, reason, (market_id,))

    def _distrust(self, market_id: str, reason: str) -> Gap:
        """One book is stale; it is asked for, at once or the more often the later."""
        now = self.clock.monotonic()
        self._books.spoil(market_id)
        # Also a snapshot that was of no use has come.
        self._books.await_no_more([market_id])
        delay = self._pace(f"{BOOKS} {market_id}").delay(now)

        def ask() -> None:
            self._books.want([market_id])
            self._books_dirty = True

        self._at(now + delay, now, market_id, ask)
        return self._gap(self._by_name[BOOKS], reason, (market_id,))

    def _distrust_all(self, sub: Subscription, reason: str, *, lost: bool) -> Gap:
        """Every book is stale; all are asked for."""
        self._spoil_all(lost=lost)
        return self._gap(sub, reason, tuple(sub.wishes))

    def _spoil_all(self, *, lost: bool) -> None:
        now = self.clock.monotonic()
        self._books.spoil_all()
        self._books.want_all(lost=lost)
        self._ask_books_after(self._pace(BOOKS).delay(now), now)

    def _try_again(self, sub: Subscription, now: float, delay: float) -> None:
        sub.not_before = max(sub.not_before, now + delay)

        def ask() -> None:
            self._dirty.add(sub)

        self._at(sub.not_before, now, sub, ask)

    def _ask_books_after(self, delay: float, now: float) -> None:
        self._books_not_before = max(self._books_not_before, now + delay)

        def ask() -> None:
            self._books_dirty = True

        self._at(self._books_not_before, now, self._books, ask)
