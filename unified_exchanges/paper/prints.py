"""What trades took of a book that still shows it."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, TypeAlias

import attrs

from ..models import BUY, Level, OrderBook, Side, Trade
from ..money import EXACT, ZERO
from .orders import nanoseconds

__all__ = ["Printed", "Prints"]

_MILLISECOND: Final = 1_000_000

_Place: TypeAlias = tuple[bool, Decimal]
"""Whether it is of the asks, and the price."""


@attrs.frozen(slots=True)
class Printed:
    """So many contracts were traded, the last of them at ``moment`` by the venue's clock."""

    size: Decimal
    moment: int

    def and_more(self, size: Decimal, moment: int) -> Printed:
        """The same, and what was told next."""
        return Printed(EXACT.add(self.size, size), max(self.moment, moment))


@attrs.define(eq=False)
class Prints:
    """Trades of one market that were told before the book has shown them.

    A trade and the change of the book that it causes are told apart, in either order, and no
    venue numbers both.  What is known is the venue's time of each, in milliseconds:

    - A book that is newer than the trade shows what it left.
    - A book that is older does not: what traded at its price is gone, and so is whatever
      was better on that side, as the taker would have met it first.
    - A book of the same time, or without any, may or may not.  It is taken not to, until the
      level shows less by as much; where there are no times, until it shows more.
    - Of one that is told while no book can be believed, a crossed or locked one, the next
      book that can shows as much as of one that is told right after that book.

    Nothing is looked at before somebody asks: few trades are followed by an order of ours.
    """

    first: str
    seen: OrderBook | None = None
    """The book as it was when the newest was told, or when somebody asked last."""
    told: dict[_Place, Printed] = attrs.field(factory=dict)
    """What traded at which price, since then."""
    gone: dict[_Place, Printed] = attrs.field(factory=dict)
    """What a level of that book shows and is not there any more."""
    waiting: dict[_Place, Printed] = attrs.field(factory=dict)
    """What traded while the newest book could not be believed, until the next that can."""

    def note(self, trade: Trade, book: OrderBook | None) -> None:
        """Take a trade in terms of the first outcome, and the newest book with it.

        ``book`` is None while the newest cannot be believed.
        """
        self.follow(book)
        if trade.is_block:
            return
        moment = nanoseconds(trade.created_at)
        shown = None if book is None else _moment(book)
        if shown is not None and shown > moment:
            return
        traded = self.waiting if book is None else self.told
        # Whose taker is not told took of the side that shows its price.
        for side in Side if trade.taker_side is None else (trade.taker_side,):
            place = side is BUY, trade.price
            before = traded.get(place, Printed(ZERO, moment))
            traded[place] = before.and_more(trade.size, moment)

    def follow(self, book: OrderBook | None) -> None:
        """See what a newer book has shown of it; None shows nothing."""
        if book is None:
            # What is told from now on did not meet the last that could be believed.
            self._spread()
            return
        if book is self.seen and not self.waiting:
            return
        moment = _moment(book)
        if self.told or self.gone:
            self.told = _not_before(moment, self.told)
            self.gone = _not_before(moment, self.gone)
            self._spread()
            self._explain(book, moment)
        if self.waiting:
            self.told, self.waiting = _not_before(moment, self.waiting), {}
        self.seen = book

    def forget(self) -> None:
        """Nothing is known of the book any more."""
        self.told.clear()
        self.gone.clear()
        self.waiting.clear()
        self.seen = None

    def of(self, place: _Place) -> Decimal:
        """What the newest book shows at a price, and is not there any more."""
        if self.told:
            self._spread()
        told = self.gone.get(place)
        return ZERO if told is None else told.size

    def is_certain(self, place: _Place) -> bool:
        """Whether the newest book has surely not shown it yet."""
        told = self.gone.get(place)
        book = None if self.seen is None else _moment(self.seen)
        return told is not None and book is not None and _is_older(book, told.moment)

    def _spread(self) -> None:
        """Take each trade from the levels of the book that it has met."""
        if self.seen is None:
            return
        told, self.told = self.told, {}
        for (asks, price), traded in told.items():
            for level in self._levels(self.seen, asks=asks):
                place, size = (asks, level.price), traded.size
                if level.price != price:
                    if (level.price > price) is asks:
                        break
                    size = level.size
                before = self.gone.get(place, Printed(ZERO, traded.moment))
                after = before.and_more(size, traded.moment)
                self.gone[place] = attrs.evolve(after, size=min(after.size, level.size))

    def _explain(self, book: OrderBook, moment: int | None) -> None:
        """Compare what is gone with what a newer book shows."""
        assert self.seen is not None
        for place, told in list(self.gone.items()):
            before, now = self._size(self.seen, place), self._size(book, place)
            left = told.size
            if moment is None or not _is_older(moment, told.moment):
                less = EXACT.subtract(before, now)
                if less < ZERO and moment is None:
                    left = ZERO
                left = EXACT.subtract(left, max(ZERO, less))
            left = min(left, now)
            if left > ZERO:
                self.gone[place] = Printed(left, told.moment)
            else:
                del self.gone[place]

    def _size(self, book: OrderBook, place: _Place) -> Decimal:
        asks, price = place
        levels = self._levels(book, asks=asks)
        return next((x.size for x in levels if x.price == price), ZERO)

    def _levels(self, book: OrderBook, *, asks: bool) -> tuple[Level, ...]:
        mine = book if book.outcome == self.first else book.complement(self.first)
        return mine.asks if asks else mine.bids


def _not_before(
    moment: int | None, traded: dict[_Place, Printed]
) -> dict[_Place, Printed]:
    """What a book of a moment may not show yet."""
    if moment is None:
        return traded
    return {place: x for place, x in traded.items() if x.moment >= moment}


def _moment(book: OrderBook) -> int | None:
    return None if book.timestamp is None else nanoseconds(book.timestamp)


def _is_older(book: int, trade: int) -> bool:
    # Times may be of whole milliseconds on one side only.
    return trade - book >= _MILLISECOND
