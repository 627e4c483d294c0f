"""Several streams of events as one, in which nothing is told twice."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from contextlib import suppress
from typing import Final, TypeAlias

import attrs

from ..models import Gap, MarketChange, MarketStatus, OrderBook, Subject
from ..paper import OwnTake, PaperEvent, at
from .following import Followed
from .lifecycle import Lifecycle
from .repeats import Repeats

__all__ = ["Events", "Merged", "merged"]

Events: TypeAlias = Iterable[tuple[int, PaperEvent]]
"""Events, each with the nanoseconds since 1970 at which it was received, in that order."""

_NEVER: Final = 1 << 63

_Next: TypeAlias = Callable[[], tuple[int, PaperEvent]]
_nothing: Final[_Next] = iter(()).__next__
_Key: TypeAlias = tuple[str, str]
"""A market and an outcome of it."""


class Merged(Iterator[tuple[int, PaperEvent]]):
    """Streams by the order of receipt; of events at once, those of earlier streams first.

    Recordings overlap where one recorder takes over from another, and two tell the same
    market then, each a little earlier or later.  So:

    - Of each book one stream is followed: the first to tell it, until it ends or tells of a
      gap there; then another that is as far, or the next to tell something newer.  An older
      book does not take the place of a newer, and an equal one only where it is known to be
      the same, see `Followed`.
    - Of what each market does one stream is followed as well, see `Lifecycle`; what it pays is
      told by whoever tells it first.
    - A trade that one stream told is not told by another, see `Repeats`.
    - A gap is told if the stream that is followed for the book has it.  Only one of books, or
      of everything, has another followed there, and one of statuses for what markets do.
    - Where a stream ends, and no other is known to be as far with a book that it told, there
      is a gap of that until one is; after the last event there is none.  Of several
      that end at one moment the newest book is told, if it was passed over before.  One that
      is a generator may return how far it goes, where that is later than its last event:
      what a recording tells is so until it ends, also where nothing happens.

    ``repeated`` counts what was passed over so.  The same stream twice is the stream once.

    >>> from unified_exchanges.models import OrderBook
    >>> book = OrderBook(venue="kalshi", market_id="M", outcome="yes", bids=(), asks=())
    >>> second = 1_000_000_000
    >>> early = [(1 * second, book), (5 * second, book)]
    >>> late = [(2 * second, book), (9 * second, book)]
    >>> both = merged(early, late)
    >>> for moment, event in both:
    ...     print(moment // second, type(event).__name__)
    1 OrderBook
    5 OrderBook
    5 Gap
    9 OrderBook
    >>> both.repeated
    1
    """

    def __init__(self, *streams: Events) -> None:
        self.repeated = 0
        self._streams = streams
        self._events = self._play()
        self._books: dict[_Key, Followed] = {}
        self._lives: dict[_Key, Lifecycle] = {}
        """Of each market its statuses, and what leaves them alone by the venue's word."""
        self._facts: dict[Hashable, int] = {}
        """What markets pay, and which stream told that."""
        self._repeats = Repeats()
        self._heap: list[tuple[int, int, PaperEvent | None, _Next]] = []
        self._due: dict[int, list[Lifecycle]] = {}
        """When another stream may be followed for what a market does."""

    def __iter__(self) -> Iterator[tuple[int, PaperEvent]]:  # noqa: PYI034
        # Who iterates asks the generator itself, without a step in between.
        return self._events

    def __next__(self) -> tuple[int, PaperEvent]:
        return next(self._events)

    def _play(self) -> Generator[tuple[int, PaperEvent]]:
        heap, count = self._heap, len(self._streams)
        for number, stream in enumerate(self._streams):
            advance = iter(stream).__next__
            with suppress(StopIteration):
                began, first = advance()
                heap.append((began, number, first, advance))
        heapq.heapify(heap)
        find, replace = self._books.get, heapq.heapreplace
        while heap:
            moment, number, event, advance = heap[0]
            if (
                isinstance(event, OrderBook)
                and (book := find((event.market_id, event.outcome))) is not None
                and book.leader == number
            ):
                book.before = book.told
                book.told = told = moment, event
                yield told
            elif event is None:
                heapq.heappop(heap)
                if number == 2 * count:
                    yield from self._settle(moment)
                    continue
                over = {number - count}
                while heap and heap[0][:2] < (moment, 2 * count):
                    over.add(heapq.heappop(heap)[1] - count)
                yield from self._end(over, moment)
                continue
            elif (news := self._news(event, number, moment)) is not None:
                yield moment, news
            else:
                self.repeated += 1
            try:
                following, event = advance()
            except StopIteration as ended:
                # What others tell at that moment comes first.
                until = max(moment, ended.value or moment)
                replace(heap, (until, count + number, None, advance))
            else:
                replace(heap, (following, number, event, advance))

    def _news(self, event: PaperEvent, number: int, moment: int) -> PaperEvent | None:
        """What of an event is told; None if it was told, or is told by another stream."""
        if isinstance(event, Gap):
            return self._gap(event, number, moment)
        if isinstance(event, OrderBook):
            is_new = self._leads(event, number, moment)
        elif isinstance(event, MarketChange):
            is_new = self._does(event, number, moment)
        elif isinstance(event, OwnTake):
            what = "own", event.take_id
            is_new = self._repeats.is_first(what, number, moment, self._coming)
        else:
            is_new = self._repeats.is_first_trade(event, number, moment, self._coming)
        return event if is_new else None

    @property
    def _coming(self) -> int:
        """When any other stream tells something next, of what one tells now."""
        # The one that tells now is at the top of the heap.
        return min((x[0] for x in self._heap[1:3]), default=_NEVER)

    def _end(self, ended: set[int], moment: int) -> list[tuple[int, PaperEvent]]:
        """Streams have ended: the books that others know better, and those that none does."""
        for life in self._lives.values():
            for number in ended:
                self._lose(life, number, moment)
        better: list[PaperEvent] = []
        lost: list[_Key] = []
        for key, book in self._books.items():
            # Also what one knew that ends at the same moment is told.
            while book.leader in ended:
                if book.hand_over():
                    # It was passed over, as one was followed that was not as far.
                    self.repeated -= 1
                    better.append(book.told[1])
                elif not book.is_followed:
                    lost.append(key)
            for number in ended:
                book.known.pop(number, None)
        if all(event is None for _, _, event, _ in self._heap):
            # Nothing follows in which anything could be missed.
            return [(moment, each) for each in better]
        told = self._followed()
        whole = tuple(dict.fromkeys(x for x, _ in lost if x not in told))
        some = [((x,), outcome) for x, outcome in lost if x in told]
        gone = [(whole, None), *some] if whole else some
        better += (_ended(moment, *each) for each in gone)
        return [(moment, each) for each in better]

    def _followed(self) -> set[str]:
        """The markets of which somebody is followed."""
        return {key[0] for key, book in self._books.items() if book.is_followed}

    def _leads(self, event: OrderBook, number: int, moment: int) -> bool:
        """Whether a stream is followed for a book from now on, as no other is."""
        key, seen = (event.market_id, event.outcome), (moment, event)
        book = self._books.get(key)
        if book is None:
            self._books[key] = Followed(number, seen)
            return True
        return book.leads(number, seen)

    def _does(self, change: MarketChange, number: int, moment: int) -> bool:
        """Whether what a market does is told."""
        has_status = change.status not in (None, MarketStatus.UNKNOWN)
        key = (change.market_id, "" if has_status else change.change)
        life, seen = self._lives.get(key), (moment, change)
        is_settled = change.status is MarketStatus.SETTLED
        if is_settled or (change.result, change.value) != (None, None):
            # For good, and so at once.  Its time may be that of having been looked up.
            seen = moment, attrs.evolve(change, timestamp=None)
            fact = change.market_id, change.status, change.result, change.value
            is_first = self._facts.setdefault(fact, number) == number
            if life is not None and life.is_over and not is_settled:
                return is_first and (change.value is not None or life.teller == number)
            if life is not None and (is_first or life.told[1].status is change.status):
                return life.tells(number, seen, is_news=is_first)
        if life is None:
            self._lives[key] = Lifecycle(number, seen)
            return True
        return life.leads(number, seen)

    def _lose(self, life: Lifecycle, number: int, moment: int) -> None:
        """A stream has ended, or may have missed what a market did."""
        if not life.lose(number, moment):
            return
        # At once, and when everybody is as far: after all that is told by then.
        for due in {moment, max(moment, life.until)}:
            if due not in self._due:
                mark = (due, 2 * len(self._streams), None, _nothing)
                heapq.heappush(self._heap, mark)
            self._due.setdefault(due, []).append(life)

    def _settle(self, moment: int) -> list[tuple[int, PaperEvent]]:
        """What markets do by those who are followed from now on."""
        found = (life.hand_over(moment) for life in self._due.pop(moment))
        told: list[tuple[int, PaperEvent]] = [
            (moment, x) for x in found if x is not None
        ]
        # They were passed over, as others were followed.
        self.repeated -= len(told)
        return told

    def _miss(self, gap: Gap, number: int, moment: int) -> None:
        """What a stream knows no more."""
        if gap.is_of_books:
            for key, book in self._books.items():
                if _is_of(gap, key):
                    book.known.pop(number, None)
        if gap.subject in (None, Subject.MARKET_STATUS):
            for (market_id, _), life in self._lives.items():
                if _is_of(gap, (market_id, "")):
                    self._lose(life, number, moment)

    def _gap(self, gap: Gap, number: int, moment: int) -> Gap | None:
        """What is told of a gap: the markets in which no other stream is followed."""
        self._miss(gap, number, moment)
        if not self._repeats.is_first(gap, number, moment, self._coming):
            return None
        led = {key for key, book in self._books.items() if book.leader == number}
        mine = {market_id for market_id, _ in led}
        others = self._followed() - mine
        if not gap.is_of_books:
            # It tells of trades on, where its book is not known.
            mine |= {
                key[0] for key, book in self._books.items() if not book.is_followed
            }
        lost = tuple(x for x in gap.market_ids or sorted(mine) if x not in others)
        if not lost and others:
            return None
        if gap.is_of_books:
            for key in led:
                if key[0] in lost and gap.outcome in (None, key[1]):
                    self._books[key].lose(moment)
        return attrs.evolve(gap, market_ids=lost) if others else gap


def merged(*streams: Events) -> Merged:
    """Merge events in the order of their receipt, and tell what overlaps once: `Merged`.

    What a stream raises is raised when it is read.

    >>> lost = Gap(subject=None, market_ids=(), reason="restart", at=at(5))
    >>> [moment for moment, _ in merged([(5, lost)], [(5, lost)])]
    [5]
    """
    return Merged(*streams)


def _is_of(gap: Gap, key: _Key) -> bool:
    """Whether a book may have missed something in a gap."""
    market_id, outcome = key
    is_there = not gap.market_ids or market_id in gap.market_ids
    return is_there and gap.outcome in (None, outcome)


def _ended(moment: int, market_ids: tuple[str, ...], outcome: str | None) -> Gap:
    reason = "a recording has ended, and no other tells of it yet"
    return Gap(
        subject=None,
        market_ids=market_ids,
        outcome=outcome,
        reason=reason,
        at=at(moment),
    )
