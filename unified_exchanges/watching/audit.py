"""Comparing live books with the venue's own, one at a time.

A book on a stream without an error can still be wrong.  One is read over REST every so
often, and what did not move while it was read must be the same in both.  A difference
proves nothing at once, as a read may lag: the levels that differ are looked at again some
seconds later, and only those that differ again are held against the book.  Meanwhile they
are followed change by change: one that moved is cleared, also if it came back to what it
was, as a quote that flickers looks the same to both looks and is right all the time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from math import inf
from typing import Final, TypeAlias

from ..errors import NotRecorded
from ..models import OrderBook
from ..streams.protocol import StreamProtocol
from ..venue import Venue
from .job import Job

__all__ = ["Auditor"]

_log = logging.getLogger(__name__)

_AGAIN: Final = 3.0
"""Seconds after which a level that differed is looked at again."""

_Levels: TypeAlias = dict[tuple[str, Decimal], Decimal]
_Key: TypeAlias = tuple[str, str | None]
"""A market, and the outcome whose book it is; None is the first."""


class Auditor:
    """Decides when and what to compare, and what a difference means."""

    def __init__(
        self,
        protocol: StreamProtocol,
        venue: Venue,
        doubt: Callable[[str, str, str | None], None],
    ) -> None:
        self._protocol = protocol
        self._venue = venue
        self._clock = venue.clock
        self._doubt = doubt
        self._every = venue.settings.stream.audit
        self._due = inf
        self._is_running = False
        self._last: _Key | None = None
        self.suspects: dict[_Key, _Levels] = {}
        """The levels that differed and did not move since, by book."""

    def start(self) -> None:
        """There are books to compare."""
        if self._every is not None and self._due == inf and not self._is_running:
            self._due = self._clock.monotonic() + self._every

    def delay(self) -> float:
        """Seconds until the next comparison."""
        return max(0.0, self._due - self._clock.monotonic())

    def job(self, followed: Callable[[], Sequence[_Key]]) -> Job[OrderBook] | None:
        """The comparison that is due; none if no book is live."""
        now = self._clock.monotonic()
        if self._is_running or now < self._due or self._every is None:
            return None
        names = followed()
        key, book = self._choose(names)
        if book is None:
            self._due = now + self._every if names else inf
            self.suspects.clear()
            return None
        (market_id, outcome), before = key, _levels(book)
        self._is_running = True
        self._due = inf

        def done(read: OrderBook) -> None:
            self._is_running = False
            self._compare(key, before, _levels(read))

        def failed(error: Exception) -> None:
            self._is_running = False
            if not isinstance(error, NotRecorded):
                _log.info("the book of %s could not be compared: %s", market_id, error)
            self._plan(key, {})

        read = self._venue.fetch_order_book(market_id, outcome=outcome)
        return Job(read, done, failed)

    def look(self, market_id: str) -> None:
        """A book changed: what moved of it is under suspicion no more."""
        for key in [x for x in self.suspects if x[0] == market_id]:
            book = self._protocol.order_book(*key)
            now = {} if book is None or book.stale else _levels(book)
            suspects = self.suspects[key]
            left = {k: v for k, v in suspects.items() if now.get(k, _NONE) == v}
            # Cleared, not forgotten: what differs at the second look was not suspected
            # before.
            self.suspects[key] = left

    def _choose(self, followed: Sequence[_Key]) -> tuple[_Key, OrderBook | None]:
        """The one under suspicion, or the next in turn that is live."""
        for key in self._in_turn(followed):
            book = self._protocol.order_book(*key)
            if book is not None and not book.stale:
                return key, book
            self.suspects.pop(key, None)
        return ("", None), None

    def _in_turn(self, followed: Sequence[_Key]) -> Iterable[_Key]:
        yield from [name for name in self.suspects if name in followed]
        last = self._last
        start = 0 if last is None or last not in followed else followed.index(last) + 1
        for name in [*followed[start:], *followed[:start]]:
            self._last = name
            yield name

    def _compare(self, key: _Key, before: _Levels, read: _Levels) -> None:
        book = self._protocol.order_book(*key)
        if book is None or book.stale:
            self._plan(key, {})
            return
        after = _levels(book)
        quiet = {
            level: after.get(level, _NONE)
            for level in before.keys() | after.keys() | read.keys()
            if before.get(level, _NONE) == after.get(level, _NONE)
        }
        differing = {k: v for k, v in quiet.items() if read.get(k, _NONE) != v}
        suspects = self.suspects.get(key)
        if suspects is None:
            self._plan(key, differing)
            return
        lasting = [k for k, v in differing.items() if suspects.get(k) == v]
        self._plan(key, {})
        if lasting:
            market_id, outcome = key
            reason = f"{len(lasting)} levels differ from REST"
            self._doubt(market_id, reason, outcome)

    def _plan(self, key: _Key, suspects: _Levels) -> None:
        """Look again soon at what differs; else at another when it is time."""
        assert self._every is not None
        self.suspects.pop(key, None)
        if suspects:
            self.suspects[key] = suspects
        wait = min(_AGAIN, self._every) if suspects else self._every
        self._due = self._clock.monotonic() + wait


_NONE: Final = Decimal(0)


def _levels(book: OrderBook) -> _Levels:
    sides = (("bid", book.bids), ("ask", book.asks))
    return {(side, x.price): x.size for side, levels in sides for x in levels}
