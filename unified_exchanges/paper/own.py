"""What the account of a recording took itself, which is not to be counted a second time.

Who runs a strategy over the recording of its own session takes what it took then.  The book
of the recording shows less by that, and its trades tell of it: neither is another's.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, TypeAlias

import attrs

from ..models import BUY, OrderBook, Side, Trade
from ..money import EXACT, ZERO, complement, total
from .arrival import moment_of
from .orders import nanoseconds
from .prints import Place, Prints, size_at

__all__ = ["OwnTake", "OwnTakes", "deduct"]

_MILLISECOND: Final = 1_000_000
_KEPT: Final = 60_000_000_000
"""Nanoseconds for which what was taken may still be shown or printed."""

_Sizes: TypeAlias = dict[Decimal, Decimal]


@attrs.frozen(kw_only=True, slots=True)
class OwnTake:
    """So many contracts an account took from a level, as a recording of its own tells.

    It happened between ``earliest`` and ``latest``, in nanoseconds by the venue's clock.
    ``trade_id`` is that of the public trade, None where the venue gives no such;
    ``transaction`` that of the chain which settles both, None until it is told.
    """

    take_id: str
    market_id: str
    outcome: str
    side: Side
    price: Decimal
    size: Decimal
    earliest: int
    latest: int
    trade_id: str | None = None
    transaction: str | None = None


@attrs.define(slots=True, eq=False)
class _Taken:
    """One of them; ``left`` of it is what no book has shown yet.

    ``explained`` is how much of what we took on paper it stands for.
    """

    place: Place
    size: Decimal
    since: int
    until: int
    trade_id: str | None
    transaction: str | None
    heard: int
    left: Decimal
    explained: Decimal = ZERO
    printed: Decimal = ZERO
    """How much of it public trades have told: there may be one with each maker."""
    ours: Decimal = ZERO
    """Of that, what we took on paper."""

    @property
    def is_printed(self) -> bool:
        """Whether all of it was told by public trades."""
        return self.printed == self.size

    def is_of(self, trade: Trade, moment: int) -> bool:
        """Whether a public trade is this one, or a part of it."""
        if self.trade_id is not None:
            return trade.trade_id == self.trade_id
        if (trade.taker_side is BUY, trade.price) != self.place:
            return False
        if self.transaction and trade.transaction:
            is_part = trade.size <= EXACT.subtract(self.size, self.printed)
            return is_part and trade.transaction == self.transaction
        is_then = self.since <= moment <= self.until
        return is_then and not self.printed and trade.size == self.size


@attrs.define(eq=False)
class OwnTakes:
    """Those of one market that are told, or will be at once, in terms of its first outcome.

    Each stands for what we took there on paper, up to its size.  What we did not take there
    by the time that its trade or a book tells of it is another's, as any trade is.
    """

    first: str
    told: list[_Taken] = attrs.field(factory=list)
    _ids: dict[str, int] = attrs.field(factory=dict)

    @property
    def is_unshown(self) -> bool:
        """Whether the next book may show some of it."""
        return any(x.left for x in self.told)

    def hear(self, own: OwnTake, moment: int, shown: int | None) -> None:
        """Take one, unless it was told before: a venue may tell each several times.

        ``shown`` is the venue's time of the newest book, if there is one that tells it: the
        clock of who recorded may be off by more than what a step of a settlement is late.
        """
        self._forget(moment)
        now = moment if shown is None else shown
        if own.take_id in self._ids or own.earliest < now - _KEPT:
            # A late step of its settlement: all have shown it, and what we took since is ours.
            return
        self._ids[own.take_id] = moment
        is_first = own.outcome == self.first
        place = (own.side is BUY) is is_first, own.price
        if not is_first:
            place = place[0], complement(own.price)
        self.told.append(
            _Taken(
                place=place,
                size=own.size,
                since=_floor(own.earliest),
                until=_floor(own.latest),
                trade_id=own.trade_id,
                transaction=own.transaction,
                heard=moment,
                left=own.size,
            )
        )
        # What happened first is shown first.
        self.told.sort(key=lambda x: x.until)

    def _forget(self, moment: int) -> None:
        self.told = [x for x in self.told if x.heard > moment - _KEPT]
        if self._ids and next(iter(self._ids.values())) < moment - 10 * _KEPT:
            kept = {k: v for k, v in self._ids.items() if v >= moment - 10 * _KEPT}
            self._ids = kept

    def pass_over(self, place: Place, book: int | None) -> None:
        """What a book has shown before we took anything there was another's."""
        for x in self.told:
            if x.place == place and book is not None and _floor(book) > x.until:
                x.left = ZERO

    def see(
        self,
        before: OrderBook | None,
        book: OrderBook,
        taken: tuple[_Sizes, _Sizes],
        prints: Prints,
    ) -> bool:
        """See what of it a newer book shows: it is no more to be taken from that once more.

        ``taken`` is what we took of bids and asks, and is changed; gives whether it was.  What
        may have happened after the book goes by how much less a level shows than ``before``,
        and nobody else traded; all that happened earlier is shown.
        """
        told = moment_of(book)
        # What was shown and told of is done with; so is what nobody tells of any more.
        old = 0 if told is None else _floor(told - _KEPT)
        self.told = [
            x for x in self.told if x.left or not (x.is_printed or x.until < old)
        ]
        if told is None:
            return False
        moment, is_changed, less = _floor(told), False, dict[Place, Decimal]()
        for x in self.told:
            if not x.left or moment < x.since:
                continue
            part, place = x.left, x.place
            asks, price = place
            mine = min(part, taken[asks].get(price, ZERO))
            if moment <= x.until:
                if x.since < x.until:
                    # When it was is not known: before we took any it was not.
                    part = mine
                if place not in less:
                    others = prints.traded_by(place, told)
                    less[place] = self._less(before, book, place, others)
                part = min(part, less[place])
                less[place] = EXACT.subtract(less[place], part)
            x.left = EXACT.subtract(x.left, part)
            mine = min(part, mine)
            if mine:
                is_changed = True
                x.explained = EXACT.add(x.explained, mine)
                deduct(taken[asks], price, mine)
        return is_changed

    def trim(self, place: Place, size: Decimal, book: int | None) -> None:
        """So much of what we took there a book shows no more.

        What of that we took on the recorded account's behalf is not to be deducted again once
        a later book explains it: whoever is another than that account would take it twice.
        """
        for x in self.told:
            if x.place == place and (book is None or _floor(book) >= x.since):
                part = min(x.left, size)
                x.left = EXACT.subtract(x.left, part)
                x.explained = EXACT.add(x.explained, part)
                size = EXACT.subtract(size, part)

    def _less(
        self, before: OrderBook | None, book: OrderBook, place: Place, others: Decimal
    ) -> Decimal:
        if before is None:
            return ZERO
        was, now = (size_at(x, place, self.first) for x in (before, book))
        # What others are known to have traded there by then is of what it shows less.
        less = EXACT.subtract(EXACT.subtract(was, now), others)
        return max(ZERO, less)

    def others(self, trade: Trade, taken: dict[Decimal, Decimal]) -> Trade | None:
        """What of a public trade, in terms of the first outcome, was not what we took."""
        moment = _floor(nanoseconds(trade.created_at))
        for x in self.told:
            if x.is_printed or not x.is_of(trade, moment):
                continue
            # Of several one after another each stands for other contracts of ours.
            stood = total(
                y.left
                for y in self.told
                if y is not x and y.printed and y.place == x.place
            )
            ours = EXACT.subtract(taken.get(x.place[1], ZERO), stood)
            whole = x.size if x.trade_id is not None else trade.size
            x.printed = EXACT.add(x.printed, whole)
            x.since = x.until = moment
            x.left = min(x.left, max(ZERO, ours))
            mine = EXACT.subtract(EXACT.add(x.explained, x.left), x.ours)
            mine = min(trade.size, max(ZERO, mine))
            x.ours = EXACT.add(x.ours, mine)
            rest = EXACT.subtract(trade.size, mine)
            return attrs.evolve(trade, size=rest) if rest else None
        return trade


def deduct(sizes: _Sizes, price: Decimal, size: Decimal) -> None:
    """Take so many contracts from those of a price."""
    sizes[price] = EXACT.subtract(sizes[price], size)
    if not sizes[price]:
        del sizes[price]


def _floor(moment: int) -> int:
    """The millisecond: finer than that not all is told."""
    return moment // _MILLISECOND
