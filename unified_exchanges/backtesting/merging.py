"""Several streams of events as one, in which nothing is told twice."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Final, TypeAlias

import attrs

from ..models import Gap, MarketChange, OrderBook, Trade
from ..paper import PaperEvent

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
        self._leaders: dict[_Key, int] = {}
        self._ended: dict[int, int] = {}
        """When streams ended: what comes at that moment still belongs to them."""
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
        heap: list[tuple[int, int, PaperEvent, _Next]] = []
        for number, stream in enumerate(self._streams):
            advance = iter(stream).__next__
            with suppress(StopIteration):
                moment, event = advance()
                heap.append((moment, number, event, advance))
        heapq.heapify(heap)
        leaders = self._leaders
        while heap:
            moment, number, event, advance = heap[0]
            if (
                isinstance(event, OrderBook)
                and leaders.get((event.market_id, event.outcome)) == number
            ):
                yield moment, event
            elif (told := self._news(event, number, moment)) is not None:
                yield moment, told
            else:
                self.repeated += 1
            try:
                following, event = advance()
            except StopIteration:
                heapq.heappop(heap)
                self._ended[number] = moment
            else:
                heapq.heapreplace(heap, (following, number, event, advance))

    def _news(self, event: PaperEvent, number: int, moment: int) -> PaperEvent | None:
        """What of an event is told; None if it was told, or is told by another stream."""
        if isinstance(event, Gap):
            return self._gap(event, number, moment)
        if isinstance(event, OrderBook):
            is_new = self._leads((event.market_id, event.outcome), number, moment)
        else:
            is_new = self._is_first(event, number, moment)
        return event if is_new else None

    def _is_over(self, number: int, moment: int) -> bool:
        return number in self._ended and self._ended[number] < moment

    def _leads(self, key: _Key, number: int, moment: int) -> bool:
        """Whether a stream is followed for a book from now on, as no other is."""
        leader = self._leaders.get(key)
        if leader is not None and not self._is_over(leader, moment):
            return False
        before, until = self._left.get(key, (number, 0))
        if before != number and moment <= until:
            return False
        self._left.pop(key, None)
        self._leaders[key] = number
        return True

    def _is_first(
        self, event: Trade | MarketChange | Gap, number: int, moment: int
    ) -> bool:
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
        is_again = isinstance(event, MarketChange) and self._is_over(teller, moment)
        if teller != number and not is_again:
            return False
        told[what] = number
        if len(told) > _MOST:
            for old in tuple(islice(told, _MOST // 2)):
                del told[old]
        return True

    def _gap(self, gap: Gap, number: int, moment: int) -> Gap | None:
        """What is told of a gap: the markets in which no other stream is followed."""
        if not self._is_first(gap, number, moment):
            return None
        followed = {
            (market_id, leader)
            for (market_id, _), leader in self._leaders.items()
            if not self._is_over(leader, moment)
        }
        mine = {market_id for market_id, leader in followed if leader == number}
        others = {market_id for market_id, _ in followed} - mine
        lost = tuple(x for x in gap.market_ids or sorted(mine) if x not in others)
        if not lost and others:
            return None
        for key, leader in list(self._leaders.items()):
            if leader == number and key[0] in lost and gap.outcome in (None, key[1]):
                del self._leaders[key]
                self._left[key] = number, moment
        return attrs.evolve(gap, market_ids=lost) if others else gap


def merged(*streams: Events) -> Merged:
    """Merge events in the order of their receipt, and tell what overlaps once: `Merged`."""
    return Merged(*streams)


def _facts(change: MarketChange) -> Hashable:
    return (
        *(change.change, change.status, change.closes_at, change.result),
        *(change.value, change.grid, change.timestamp),
    )
