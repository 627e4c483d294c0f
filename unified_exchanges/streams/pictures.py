"""A book that can be looked at later as it was.

Each side keeps what it held at some time and its changes since, and a picture of it is how
many of them there were.  Every so many changes it begins anew with what it holds by then: what
is kept for long holds one more copy of a side, and no more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, Protocol, TypeAlias

from ..models.quotes import Level
from ..models.unread import Picture
from .book import ASKS, BIDS, CHANGES, Book

__all__ = ["PicturedBook", "Side", "pictures"]

_CHANGES: Final = 32
"""Changes after which a side begins anew, and as many as it has levels besides."""
_FEW: Final = 8
"""Changes after which the levels that were made last are changed, and not made anew."""


_Made: TypeAlias = tuple[int, list[int], list[Level]]
"""After how many changes levels were made, their keys ascending, and they, best first."""


class _Maker(Protocol):
    """A book, as far as its sides need it."""

    def made(self, held: dict[int, int]) -> list[Level]:
        """Levels of what a side held, best first."""
        ...

    def level(self, key: int, held: int) -> Level:
        """One of them."""
        ...


class Side:
    """What a side of a book held once, and how it was changed since.

    It may be read while another thread changes the book: what it held stays as it is, and of
    its changes a picture reads those that it counts.  ``before`` is the side that this one
    goes on from.
    """

    __slots__ = ("_made", "book", "changes", "held", "most")

    def __init__(
        self, book: _Maker, held: dict[int, int], before: Side | None = None
    ) -> None:
        self.book = book
        self.held = held
        self.changes: list[tuple[int, int]] = []
        """The key of a level, and its size then; 0 where there is none any more."""
        self.most = _CHANGES + len(held)
        self._made: list[_Made] = []
        """The levels that were made last, once: whoever takes them may change them."""
        if before is not None and (made := before.taken()) is not None:
            then, keys, levels = made
            if then == len(before.changes):
                self._made = [(0, keys, levels)]

    def change(self, key: int, size: int) -> Picture:
        """Note how much a level has now; gives the picture of the side after that."""
        side, changes = self, self.changes
        if len(changes) >= self.most:
            side = Side(self.book, self.after(len(changes)), self)
            changes = side.changes
        changes.append((key, size))
        return [side, len(changes), None]

    def levels(self, count: int) -> tuple[Level, ...]:
        """The levels after so many changes, best first."""
        made = self.taken()
        if made is None or not 0 <= count - made[0] <= _FEW:
            held = self.after(count)
            keys, levels = sorted(held), self.book.made(held)
        else:
            # Whoever looks at every book has seen all of it but for a level.
            then, keys, levels = made
            for key, size in self.changes[then:count]:
                place = bisect_left(keys, key)
                # The best comes first among levels, and last among keys.
                if place < len(keys) and keys[place] == key:
                    if size:
                        levels[~place] = self.book.level(key, size)
                    else:
                        del keys[place], levels[~place]
                elif size:
                    levels.insert(len(levels) - place, self.book.level(key, size))
                    keys.insert(place, key)
        found = tuple(levels)
        self._made = [(count, keys, levels)]
        return found

    def after(self, count: int) -> dict[int, int]:
        """What it held after so many changes."""
        held = dict(self.held)
        held.update(self.changes[:count])
        return {key: size for key, size in held.items() if size}

    def taken(self) -> _Made | None:
        """What was made last, if no other thread is at it."""
        try:
            return self._made.pop()
        except IndexError:
            return None


def pictures(
    book: _Maker, bids: dict[int, int], asks: dict[int, int]
) -> tuple[Picture, Picture]:
    """Those of a book as it begins."""
    return [Side(book, dict(bids)), 0, None], [Side(book, dict(asks)), 0, None]


class PicturedBook(Book):
    """A book whose sides can be kept as they are now.

    ``bid_picture`` and ``ask_picture`` are what `unread` makes a book of.

    >>> from unified_exchanges.models.unread import developed
    >>> book = PicturedBook()
    >>> book.load([("0.45", "10.00")], [])
    >>> kept = book.bid_picture
    >>> book.change_bid("0.45", "-10.00")
    0
    >>> developed(kept), book.bids
    ((Level(price=Decimal('0.4500'), size=Decimal('10.00')),), ())
    """

    __slots__ = ("ask_picture", "bid_picture")

    def __init__(self) -> None:
        super().__init__()
        self.bid_picture: Picture
        self.ask_picture: Picture
        self.bid_picture, self.ask_picture = pictures(self, {}, {})

    def load(
        self, bids: Iterable[tuple[str, str]], asks: Iterable[tuple[str, str]]
    ) -> None:
        """Take a snapshot; pictures of what was there before stay what they are."""
        super().load(bids, asks)
        self.bid_picture, self.ask_picture = pictures(self, self._bids, self._asks)

    def change_bid(self, price: str, by: str) -> int:
        """Add contracts to a bid, or take some away; its hundredths now."""
        side, key, levels = self.bid_picture[0], BIDS[price], self._bids
        if len(side.changes) >= side.most:
            side = Side(self, dict(levels), side)
        held = levels.get(key)
        if held and (now := held + CHANGES[by]) > 0:
            # Most changes are of a level that stays: no other level is concerned.
            self._bid_levels = None
            levels[key] = now
        else:
            now = Book.change_bid(self, price, by)
        changes = side.changes
        changes.append((key, now))
        self.bid_picture = [side, len(changes), None]
        return now

    def change_ask(self, price: str, by: str) -> int:
        """Add contracts to an ask, or take some away; its hundredths now."""
        side, key, levels = self.ask_picture[0], ASKS[price], self._asks
        if len(side.changes) >= side.most:
            side = Side(self, dict(levels), side)
        held = levels.get(key)
        if held and (now := held + CHANGES[by]) > 0:
            # Most changes are of a level that stays: no other level is concerned.
            self._ask_levels = None
            levels[key] = now
        else:
            now = Book.change_ask(self, price, by)
        changes = side.changes
        changes.append((key, now))
        self.ask_picture = [side, len(changes), None]
        return now

    def made(self, held: dict[int, int]) -> list[Level]:
        """Levels of what a side held, best first."""
        return list(self._read(held))
