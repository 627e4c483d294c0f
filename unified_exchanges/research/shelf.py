"""The books of tables: whole again after each change, and read when somebody looks."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ..models import Level
from ..models.unread import Picture
from ..streams.book import Amounts
from ..streams.pictures import pictures

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

    __slots__ = ("ask_picture", "bid_picture")

    def __init__(self) -> None:
        self.bid_picture: Picture
        self.ask_picture: Picture
        self.bid_picture, self.ask_picture = pictures(self, {}, {})

    def set_bid(self, price: int, size: int) -> None:
        """Say how much is bid at a price; nothing removes the level."""
        self.bid_picture = self.bid_picture[0].change(price, size)

    def set_ask(self, price: int, size: int) -> None:
        """Say how much is asked at a price; nothing removes the level."""
        # Of two keys on a side the greater is the better price.
        self.ask_picture = self.ask_picture[0].change(-price, size)

    def made(self, held: dict[int, int]) -> list[Level]:
        """Levels of what a side held, best first."""
        return [self.level(key, held[key]) for key in sorted(held, reverse=True)]

    def level(self, key: int, held: int) -> Level:
        """One of them."""
        price: Decimal = _PRICES[abs(key)]
        return Level(price, _SIZES[held])
