"""The books of tables: whole again after each change, and read when somebody looks."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ..models import Level
from ..models.unread import Picture
from ..streams.book import Amounts
from ..streams.pictures import Side

__all__ = ["TableBook"]

_PRICES: Final = Amounts(6)
_SIZES: Final = Amounts(6)


class TableBook:
    """The book of one outcome; prices and sizes are millionths.

    ``bid_picture`` and ``ask_picture`` are what `unread` makes a book of.

    >>> from unified_exchanges.models.unread import developed
    >>> book = TableBook()
    >>> book.set_bid(450_000, 12_500_000)
    >>> developed(book.bid_picture)
    (Level(price=Decimal('0.450000'), size=Decimal('12.500000')),)
    """

    __slots__ = ("_asks", "_bids", "ask_picture", "bid_picture")

    def __init__(self) -> None:
        self._bids, self._asks = Side(self, {}), Side(self, {})
        self.bid_picture: Picture = [self._bids, 0, None]
        self.ask_picture: Picture = [self._asks, 0, None]

    def set_bid(self, price: int, size: int) -> None:
        """Say how much is bid at a price; nothing removes the level."""
        side = self._bids = self._changed(self._bids, price, size)
        self.bid_picture = [side, len(side.undo), None]

    def set_ask(self, price: int, size: int) -> None:
        """Say how much is asked at a price; nothing removes the level."""
        # Of two keys on a side the greater is the better price.
        side = self._asks = self._changed(self._asks, -price, size)
        self.ask_picture = [side, len(side.undo), None]

    def _changed(self, side: Side, key: int, size: int) -> Side:
        if len(side.undo) >= side.most:
            side = Side(self, dict(side.held), side)
        held = side.held
        side.undo.append((key, held.get(key, 0)))
        if size:
            held[key] = size
        else:
            held.pop(key, None)
        return side

    def made(self, held: dict[int, int]) -> tuple[Level, ...]:
        """Levels of what a side held, best first."""
        return tuple(self.level(key, held[key]) for key in sorted(held, reverse=True))

    def level(self, key: int, held: int) -> Level:
        """One of them."""
        price: Decimal = _PRICES[abs(key)]
        return Level(price, _SIZES[held])
