"""What trades took of a book that still shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Final, TypeAlias

import attrs

from ..models import BUY, Level, OrderBook, Side, Trade
from ..money import EXACT, ZERO, total
from .arrival import moment_of
from .orders import nanoseconds

__all__ = ["Place", "Printed", "Prints", "size_at"]

_MILLISECOND: Final = 1_000_000
_FAR: Final = 60_000_000_000
"""No book is told so much later than it was."""

Place: TypeAlias = tuple[bool, Decimal]
"""Whether it is of the asks, and the price."""


@attrs.frozen(slots=True)
class Printed:
    """So many contracts were traded at ``moment`` by the venue's clock."""

    place: Place
    size: Decimal
    moment: int
    is_lost: bool = False
    """Whether no book at all was known then: one that may show it is believed to."""

    def of(self, size: Decimal) -> Printed:
        """The same of so many contracts."""
        return attrs.evolve(self, size=size)


@attrs.define(eq=False)
class Prints:
    """Trades of one market that were told before the book has shown them.

    A trade and the change of the book that it causes are told apart, in either order, and no
    venue numbers both.  What is known is the venue's time of each, in milliseconds:

    - A book that is newer than the trade shows what it left.
    - A book that is older does not: what traded at its price is gone, and so is whatever
      was better on that side, as the taker would have met it first.  What it does not show of
      that, it has not shown yet: it is gone from the next book that is older as well.
    - A book of the same time, or without any, may or may not.  It is taken not to, until the
      level shows less by as much; where there are no times, until it shows more.
    - Of one that is told while no book can be believed, a crossed or locked one, the next
      book that can shows as much as of one that is told right after that book.
    - Of one that is told while there is no book at all, the next is believed, unless it is
      older for sure.

    Nothing is looked at before somebody asks: few trades are followed by an order of ours.
    """

    first: str
    seen: OrderBook | None = None
    """The book as it was when the newest was told, or when somebody asked last."""
    told: list[Printed] = attrs.field(factory=list)
    """What traded, and that book may not show."""
    passed: dict[Place, Printed] = attrs.field(factory=dict)
    """What it shows and was better than a trade."""
    waiting: list[Printed] = attrs.field(factory=list)
    """What traded while the newest book could not be believed, until the next that can."""
    _sums: dict[Place, Decimal] = attrs.field(factory=dict)
    """Of those told that were counted, by place."""
    _counted: int = 0

    def note(self, trade: Trade, book: OrderBook | None, *, is_lost: bool) -> None:
        """Take a trade in terms of the first outcome, and the newest book with it.

        ``book`` is None while the newest cannot be believed, or ``is_lost``: there is none.
        """
        self.follow(book)
        if trade.is_block:
            return
        moment = nanoseconds(trade.created_at)
        shown = None if book is None else moment_of(book)
        if shown is not None and shown > moment:
            return
        traded = self.waiting if book is None else self.told
        # Whose taker is not told took of the side that shows its price.
        for side in Side if trade.taker_side is None else (trade.taker_side,):
            place = side is BUY, trade.price
            traded.append(Printed(place, trade.size, moment, is_lost))
        if book is None and moment - traded[0].moment > _FAR:
            self.waiting = [x for x in traded if moment - x.moment <= _FAR]

    def follow(self, book: OrderBook | None) -> None:
        """See what a newer book has shown of it; None shows nothing."""
        if book is None or (book is self.seen and not self.waiting):
            return
        moment = moment_of(book)
        if self.told or self.passed:
            if moment is not None and self._is_shown_by(moment):
                self.told, self.passed = [], {}
            else:
                self._count()
                self._explain(book, moment)
        self.seen = book
        # What is left did not meet what this book shows, unless that is older.
        self._sums, self._counted = {}, 0
        self._count(only_older=True)
        if self.waiting:
            self.told += _shown_by(moment, self.waiting)
            self.waiting = []

    def _is_shown_by(self, moment: int) -> bool:
        """Whether a book is newer than all: the usual, where both are told in time."""
        if any(x.moment >= moment for x in self.told):
            return False
        return all(x.moment < moment for x in self.passed.values())

    def forget(self) -> None:
        """Nothing is known of the book any more."""
        self.told, self.waiting, self.passed = [], [], {}
        self._sums, self._counted = {}, 0
        self.seen = None

    def of(self, place: Place) -> Decimal:
        """What is not there any more at a price, at which the newest book may show it."""
        self._count()
        gone, passed = self._sums.get(place, ZERO), self.passed.get(place)
        return gone if passed is None else EXACT.add(gone, passed.size)

    def traded_by(self, place: Place, moment: int) -> Decimal:
        """What of it had traded by a millisecond of the venue."""
        until = moment // _MILLISECOND
        return total(
            x.size
            for x in self.told
            if x.place == place and x.moment // _MILLISECOND <= until
        )

    def certain(
        self, place: Place, *, counts: Callable[[int], bool] = lambda _: True
    ) -> Decimal:
        """What the newest book shows at a price and had surely traded.

        ``counts`` tells of a trade's time whether it does, by default any.
        """
        book = None if self.seen is None else moment_of(self.seen)
        if book is None or not self.told:
            return ZERO
        assert self.seen is not None
        shown, gone = self._size(self.seen, place), ZERO
        for x in self.told:
            is_of_side = x.place[0] is place[0] and _is_older(book, x.moment)
            if is_of_side and counts(x.moment):
                if x.place == place:
                    gone = EXACT.add(gone, x.size)
                elif _is_beyond(x.place, place):
                    return shown
        return min(gone, shown)

    def _count(self, *, only_older: bool = False) -> None:
        """Take each trade from the levels of the book that it has met."""
        if self._counted == len(self.told) or self.seen is None:
            return
        book = moment_of(self.seen)
        for x in self.told[self._counted :]:
            self._sums[x.place] = EXACT.add(self._sums.get(x.place, ZERO), x.size)
            if only_older and not (book is not None and _is_older(book, x.moment)):
                continue
            for level in self._levels(self.seen, asks=x.place[0]):
                place = x.place[0], level.price
                if not _is_beyond(x.place, place):
                    break
                self.passed[place] = Printed(place, level.size, x.moment)
        self._counted = len(self.told)

    def _explain(self, book: OrderBook, moment: int | None) -> None:
        """Compare what is gone with what a newer book shows."""
        # Where there are no times they are not told apart.
        told = _together(self.told) if moment is None else self.told
        self.told = list(self._left(told, book, moment))
        # Of what is older it shows nothing that was better: that is counted anew.
        better = (
            x
            for x in self.passed.values()
            if moment is None or not _is_older(moment, x.moment)
        )
        self.passed = {x.place: x for x in self._left(better, book, moment, clip=True)}

    def _left(
        self,
        traded: Iterable[Printed],
        book: OrderBook,
        moment: int | None,
        *,
        clip: bool = False,
    ) -> Iterator[Printed]:
        """What a newer book may still not show; what it shows less explains each once."""
        explained: dict[Place, Decimal] = {}
        for x in _not_before(moment, traded):
            if moment is not None and _is_older(moment, x.moment):
                yield x
                continue
            now = self._size(book, x.place)
            if x.place not in explained:
                assert self.seen is not None
                less = EXACT.subtract(self._size(self.seen, x.place), now)
                explained[x.place] = less
            less = explained[x.place]
            if less < ZERO and moment is None:
                continue
            shown = min(x.size, max(ZERO, less))
            explained[x.place] = EXACT.subtract(less, shown)
            left = EXACT.subtract(x.size, shown)
            if clip or moment is None:
                left = min(left, now)
            if left > ZERO:
                yield x.of(left)

    def _size(self, book: OrderBook, place: Place) -> Decimal:
        return size_at(book, place, self.first)

    def _levels(self, book: OrderBook, *, asks: bool) -> tuple[Level, ...]:
        return _levels(book, self.first, asks=asks)


def size_at(book: OrderBook, place: Place, first: str) -> Decimal:
    """What a book shows at a price of the ``first`` outcome."""
    asks, price = place
    levels = _levels(book, first, asks=asks)
    return next((x.size for x in levels if x.price == price), ZERO)


def _levels(book: OrderBook, first: str, *, asks: bool) -> tuple[Level, ...]:
    mine = book if book.outcome == first else book.complement(first)
    return mine.asks if asks else mine.bids


def _not_before(moment: int | None, traded: Iterable[Printed]) -> Iterator[Printed]:
    """What a book of a moment may not show yet."""
    return (x for x in traded if moment is None or x.moment >= moment)


def _shown_by(moment: int | None, waiting: Iterable[Printed]) -> Iterator[Printed]:
    """What the first book that can be believed again may not show yet."""
    for x in _not_before(moment, waiting):
        if not x.is_lost or (moment is not None and _is_older(moment, x.moment)):
            yield x


def _together(traded: Iterable[Printed]) -> Iterable[Printed]:
    """What traded at each place in one."""
    found: dict[Place, Printed] = {}
    for x in traded:
        before = found.get(x.place)
        found[x.place] = x if before is None else x.of(EXACT.add(before.size, x.size))
    return found.values()


def _is_older(book: int, trade: int) -> bool:
    # Times may be of whole milliseconds on one side only.
    return trade - book >= _MILLISECOND


def _is_beyond(trade: Place, level: Place) -> bool:
    """Whether a trade has met all of a level first, which is of the same side."""
    asks, price = trade
    return price > level[1] if asks else price < level[1]
