"""Several streams of events as one, in which nothing is told twice."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Final, TypeAlias

import attrs

from ..models import Gap, MarketChange, OrderBook, Trade
from ..paper import PaperEvent, at

__all__ = ["Events", "Merged", "merged"]

Events: TypeAlias = Iterable[tuple[int, PaperEvent]]
"""Events, each with the nanoseconds since 1970 at which it was received, in that order."""

_MOST: Final = 10_000
"""Trades of a market, or changes of it, that are remembered at most: the older half goes."""

_Next: TypeAlias = Callable[[], tuple[int, PaperEvent]]
_Key: TypeAlias = tuple[str, str]
"""A market and an outcome of it."""


class Merged(Iterator[tuple[int, PaperEvent]]):
    """Streams by the order of receipt; of events at once, those of earlier streams first.

    Recordings overlap where one recorder takes over from another, and two tell the same
    market then, each a little earlier or later.  So:

    - Of each book one stream is followed: the first to tell it, until it ends or tells of a
      gap there; then the next to tell it.  An older book does not take the place of a newer.
    - A trade, and a change of a market, that one stream told is not told by another.
    - A gap is told if the stream that is followed has it.
    - Where a stream ends, and no other knows a book that it told, there is a gap of that
      until the next one is told; at the end of the last stream there is none.

    ``repeated`` counts what was passed over so.  The same stream twice is the stream once.

    >>> from unified_exchanges.models import OrderBook
    >>> book = OrderBook(venue="kalshi", market_id="M", outcome="yes", bids=(), asks=())
    >>> both = merged([(1, book), (3, book)], [(2, book), (4, book)])
    >>> [moment for moment, _ in both], both.repeated
    ([1, 3, 4], 1)
    """

    def __init__(self, *streams: Events) -> None:
        self.repeated = 0
        self._streams = streams
        self._events = self._play()
        self._leaders: dict[_Key, int | None] = {}
        """Who is followed for a book that stands; None is whoever tells it next."""
        self._knowing: dict[_Key, set[int]] = {}
        """The streams that told a book, and neither ended nor had a gap there since."""
        self._ended: set[int] = set()
        self._left: dict[_Key, tuple[int, int]] = {}
        """Who was followed until a gap, and when that came: the same holds for it."""
        self._told: dict[_Key, dict[Hashable, int]] = {}
        """Of each market the newest trades and changes, and which stream told them; gaps
        are of no market here."""

    def __iter__(self) -> Iterator[tuple[int, PaperEvent]]:  # noqa: PYI034
        # Who iterates asks the generator itself, without a step in between.
        return self._events

    def __next__(self) -> tuple[int, PaperEvent]:
        return next(self._events)

    def _play(self) -> Generator[tuple[int, PaperEvent]]:
        heap: list[tuple[int, int, PaperEvent | None, _Next]] = []
        count = len(self._streams)
        for number, stream in enumerate(self._streams):
            advance = iter(stream).__next__
            with suppress(StopIteration):
                began, first = advance()
                heap.append((began, number, first, advance))
        heapq.heapify(heap)
        leaders = self._leaders
        while heap:
            moment, number, event, advance = heap[0]
            if (
                isinstance(event, OrderBook)
                and leaders.get((event.market_id, event.outcome)) == number
            ):
                yield moment, event
            elif event is None:
                heapq.heappop(heap)
                gaps = self._end(number - count, moment)
                if any(other < count for _, other, _, _ in heap):
                    yield from ((moment, gap) for gap in gaps)
                continue
            elif (told := self._news(event, number, moment)) is not None:
                yield moment, told
            else:
                self.repeated += 1
            try:
                following, event = advance()
            except StopIteration:
                # What others tell at this moment comes first.
                heapq.heapreplace(heap, (moment, count + number, None, advance))
            else:
                heapq.heapreplace(heap, (following, number, event, advance))

    def _news(self, event: PaperEvent, number: int, moment: int) -> PaperEvent | None:
        """What of an event is told; None if it was told, or is told by another stream."""
        if isinstance(event, Gap):
            return self._gap(event, number, moment)
        if isinstance(event, OrderBook):
            is_new = self._leads((event.market_id, event.outcome), number, moment)
        else:
            is_new = self._is_first(event, number)
        return event if is_new else None

    def _end(self, number: int, moment: int) -> list[Gap]:
        """A stream has ended: what is told of the books that no other knows."""
        self._ended.add(number)
        lost = []
        for key, knowing in self._knowing.items():
            knowing.discard(number)
            if self._leaders.get(key, -1) in {number, None}:
                if knowing:
                    self._leaders[key] = None
                else:
                    del self._leaders[key]
                    lost.append(key)
        told = {market_id for market_id, _ in self._leaders}
        whole = tuple(dict.fromkeys(x for x, _ in lost if x not in told))
        some = [((x,), outcome) for x, outcome in lost if x in told]
        gone = [(whole, None), *some] if whole else some
        return [_ended(moment, *each) for each in gone]

    def _leads(self, key: _Key, number: int, moment: int) -> bool:
        """Whether a stream is followed for a book from now on, as no other is."""
        self._knowing.setdefault(key, set()).add(number)
        if self._leaders.get(key) is not None:
            return False
        before, until = self._left.get(key, (number, 0))
        if before != number and moment <= until:
            return False
        self._left.pop(key, None)
        self._leaders[key] = number
        return True

    def _is_first(self, event: Trade | MarketChange | Gap, number: int) -> bool:
        """Whether no other stream told it, and note that this one does."""
        what: Hashable
        if isinstance(event, Trade):
            key, what = (event.market_id, event.outcome), event.trade_id
        elif isinstance(event, Gap):
            key, what = ("", ""), event
        else:
            key, what = (event.market_id, ""), _facts(event)
        told = self._told.setdefault(key, {})
        teller = told.get(what, number)
        # A market may do the same again, when nobody is there any more who told it before.
        is_again = isinstance(event, MarketChange) and teller in self._ended
        if teller != number and not is_again:
            return False
        told[what] = number
        if len(told) > _MOST:
            for old in tuple(islice(told, _MOST // 2)):
                del told[old]
        return True

    def _gap(self, gap: Gap, number: int, moment: int) -> Gap | None:
        """What is told of a gap: the markets in which no other stream is followed."""
        for key, knowing in self._knowing.items():
            if _is_of(gap, key):
                knowing.discard(number)
        if not self._is_first(gap, number):
            return None
        led = {
            key
            for key, leader in self._leaders.items()
            if leader == number or (leader is None and not self._knowing[key])
        }
        mine = {market_id for market_id, _ in led}
        others = {market_id for market_id, _ in self._leaders} - mine
        lost = tuple(x for x in gap.market_ids or sorted(mine) if x not in others)
        if not lost and others:
            return None
        for key in led:
            if key[0] in lost and gap.outcome in (None, key[1]):
                del self._leaders[key]
                self._left[key] = number, moment
        return attrs.evolve(gap, market_ids=lost) if others else gap


def merged(*streams: Events) -> Merged:
    """Merge events in the order of their receipt, and tell what overlaps once: `Merged`."""
    return Merged(*streams)


def _is_of(gap: Gap, key: _Key) -> bool:
    """Whether a book may have missed something in a gap."""
    market_id, outcome = key
    return market_id in (gap.market_ids or key) and gap.outcome in (None, outcome)


def _ended(moment: int, market_ids: tuple[str, ...], outcome: str | None) -> Gap:
    reason = "a recording has ended, and no other tells of it yet"
    return Gap(
        subject=None,
        market_ids=market_ids,
        outcome=outcome,
        reason=reason,
        at=at(moment),
    )


def _facts(change: MarketChange) -> Hashable:
    return (
        *(change.change, change.status, change.closes_at, change.result),
        *(change.value, change.grid, change.timestamp),
    )
