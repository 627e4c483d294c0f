"""A book that can be looked at later as it was.

Each side keeps what its last changes are to be undone with, and a picture of it is how many
of them there were.  Every so many changes the side goes on with a copy and forgets them: what
is kept for long holds one more copy of a side, and no more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, Protocol

from ..models.quotes import Level
from ..models.unread import Picture
from .book import ASKS, BIDS, CHANGES, Book

__all__ = ["PicturedBook", "Side"]

_CHANGES: Final = 32
"""Changes that may have to be undone, and as many as the side has levels besides."""
_FEW: Final = 8
"""Changes after which the levels that were made last are changed, and not made anew."""


class _Maker(Protocol):
    """A book, as far as its sides need it."""

    def made(self, held: dict[int, int]) -> tuple[Level, ...]:
        """Levels of what a side held, best first."""
        ...

    def level(self, key: int, held: int) -> Level:
        """One of them."""
        ...


class Side:
    """What a side of a book holds, and what each change is undone with.

    It may be read while another thread changes the book: how to undo a change is noted
    before the change, and what is held is read before the notes.  ``before`` is the side
    that this one goes on from.
    """

    __slots__ = ("book", "held", "most", "shown", "undo")

    def __init__(
        self, book: _Maker, held: dict[int, int], before: Side | None = None
    ) -> None:
        self.book = book
        self.held = held
        self.undo: list[tuple[int, int]] = []
        """The key of a level, and its size before; 0 where there was none."""
        self.most = _CHANGES + len(held)
        self.shown: tuple[int, list[int], tuple[Level, ...]] | None = None
        """After how many changes levels were made last, their keys ascending, and they."""
        made = None if before is None else before.shown
        if before is not None and made is not None and made[0] == len(before.undo):
            self.shown = 0, *made[1:]

    def levels(self, count: int) -> tuple[Level, ...]:
        """The levels after so many changes, best first."""
        made = self.shown
        if made is None or not 0 <= count - made[0] <= _FEW:
            return self._whole(count)
        # Whoever looks at every book has seen all of it but for a level.
        then, keys, levels = made
        found = list(levels)
        for key, size in self._changed(then, count):
            place = bisect_left(keys, key)
            # The best comes first among levels, and last among keys.
            end = len(keys) - place
            if place < len(keys) and keys[place] == key:
                if size:
                    found[end - 1] = self.book.level(key, size)
                else:
                    keys = [*keys[:place], *keys[place + 1 :]]
                    del found[end - 1]
            elif size:
                keys = [*keys[:place], key, *keys[place:]]
                found.insert(end, self.book.level(key, size))
        return self._keep(count, keys, tuple(found))

    def _changed(self, then: int, count: int) -> Iterable[tuple[int, int]]:
        """The keys that changed after so many changes, and what they held later."""
        held, undo = self.held, self.undo
        if then + 1 == count:
            key = undo[then][0]
            size = held.get(key, 0)
            if len(undo) == count:
                return ((key, size),)
        now = {key: held.get(key, 0) for key, _ in undo[then:count]}
        for key, was in reversed(undo[count:]):
            if key in now:
                now[key] = was
        return now.items()

    def _whole(self, count: int) -> tuple[Level, ...]:
        held = dict(self.held)
        undone: dict[int, int] = {}
        for key, was in self.undo[count:]:
            # Of several changes of a level, what it was before the first counts.
            undone.setdefault(key, was)
        if undone:
            held.update(undone)
            held = {key: size for key, size in held.items() if size}
        return self._keep(count, sorted(held), self.book.made(held))

    def _keep(
        self, count: int, keys: list[int], levels: tuple[Level, ...]
    ) -> tuple[Level, ...]:
        self.shown = count, keys, levels
        return levels


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

    __slots__ = ("_ask_side", "_bid_side", "ask_picture", "bid_picture")

    def __init__(self) -> None:
        super().__init__()
        self._bid_side = self._ask_side = Side(self, {})
        self.bid_picture: Picture = []
        self.ask_picture: Picture = []
        self._begin()

    def load(
        self, bids: Iterable[tuple[str, str]], asks: Iterable[tuple[str, str]]
    ) -> None:
        """Take a snapshot; pictures of what was there before stay what they are."""
        super().load(bids, asks)
        self._begin()

    def change_bid(self, price: str, by: str) -> int:
        """Add contracts to a bid, or take some away; its hundredths now."""
        side, key = self._bid_side, BIDS[price]
        undo, levels = side.undo, self._bids
        count = len(undo)
        if count >= side.most:
            levels = self._bids = dict(levels)
            side = self._bid_side = Side(self, levels, side)
            undo, count = side.undo, 0
        held = levels.get(key, 0)
        undo.append((key, held))
        self.bid_picture = [side, count + 1, None]
        if held and (now := held + CHANGES[by]) > 0:
            # Most changes are of a level that stays: no other level is concerned.
            self._bid_levels = None
            levels[key] = now
            return now
        return Book.change_bid(self, price, by)

    def change_ask(self, price: str, by: str) -> int:
        """Add contracts to an ask, or take some away; its hundredths now."""
        side, key = self._ask_side, ASKS[price]
        undo, levels = side.undo, self._asks
        count = len(undo)
        if count >= side.most:
            levels = self._asks = dict(levels)
            side = self._ask_side = Side(self, levels, side)
            undo, count = side.undo, 0
        held = levels.get(key, 0)
        undo.append((key, held))
        self.ask_picture = [side, count + 1, None]
        if held and (now := held + CHANGES[by]) > 0:
            # Most changes are of a level that stays: no other level is concerned.
            self._ask_levels = None
            levels[key] = now
            return now
        return Book.change_ask(self, price, by)

    def made(self, held: dict[int, int]) -> tuple[Level, ...]:
        """Levels of what a side held, best first."""
        return self._read(held)

    def _begin(self) -> None:
        self._bid_side = Side(self, self._bids)
        self._ask_side = Side(self, self._asks)
        self.bid_picture = [self._bid_side, 0, None]
        self.ask_picture = [self._ask_side, 0, None]
