"""A book of a venue that tells how much there is at a price, not how much more or less."""

from __future__ import annotations

from math import gcd
from typing import ClassVar, Final

from .book import (
    ASKS,
    BIDS,
    DOLLARS,
    NO_ASK,
    NO_BID,
    Amounts,
    Book,
    Keys,
    next_best,
    size,
)

__all__ = ["BEST_ASKS", "BEST_BIDS", "TOTALS", "TotalsBook"]

_PLACES: Final = 6
_TENS: Final[tuple[int, ...]] = (1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)
_PLAIN: Final = 18
"""Digits of a number that nobody need look at twice."""
_MOST: Final = 16_384
_NOTHING: Final = frozenset({"", "0", "1", "0.0", "1.0", "0.00", "1.00"})
"""How an empty side is told, where the best price should be."""


class _Totals(dict[str, int]):
    """Millionths of a contract by their text."""

    def __missing__(self, text: str) -> int:
        # Sizes have many texts, so that most are read here: what is plain is read fast.
        whole, dot, fraction = text.partition(".")
        digits, places = whole + fraction, len(fraction)
        is_plain = digits.isdigit() and digits.isascii() and len(digits) <= _PLAIN
        if is_plain and places <= _PLACES and whole and (fraction or not dot):
            value = int(digits) * _TENS[places]
        else:
            value = size(text, _PLACES)
        if len(self) >= _MOST:
            # What was told lately comes again; what was told long ago does not.
            self.clear()
        self[text] = value
        return value


class _Best(dict[str, int]):
    """Keys of best prices by their text, that of no level included."""

    def __init__(self, keys: Keys, nothing: int) -> None:
        super().__init__()
        self._keys = keys
        self._nothing = nothing

    def __missing__(self, text: str) -> int:
        key = self._nothing if text in _NOTHING else self._keys[text]
        if len(self) < _MOST:
            self[text] = key
        return key


TOTALS: Final = _Totals()
BEST_BIDS: Final = _Best(BIDS, NO_BID)
BEST_ASKS: Final = _Best(ASKS, NO_ASK)


class TotalsBook(Book):
    """Bids and asks whose totals are set, level by level; sizes have six decimals.

    Several levels that belong together may cross on the way, so that is looked at
    afterwards.

    >>> book = TotalsBook()
    >>> book.load([("0.45", "10")], [("0.52", "3.5")])
    >>> book.set_bid("0.46", "2.000001")
    >>> book.bid, book.is_best("0.46", "0.52"), book.is_crossed
    (Decimal('0.4600'), True, False)
    >>> book.set_ask("0.52", "0")
    >>> book.ask, book.is_best("0.460", "1")
    (None, True)
    """

    __slots__ = ()

    places: ClassVar[int] = _PLACES
    amounts: ClassVar[Amounts] = Amounts(_PLACES)

    # The two below differ in names only, as in `Book`.

    def set_bid(self, price: str, total: str) -> None:
        """Say how much is bid at a price; nothing removes the level."""
        key, now = BIDS[price], TOTALS[total]
        self._bid_levels = None
        levels = self._bids
        if now:
            if key > self._best_bid:
                self._best_bid, self.bid = key, DOLLARS[key]
            if key % self._bid_step:
                self._bid_step = gcd(self._bid_step, key)
            levels[key] = now
        elif levels.pop(key, None) is not None and key == self._best_bid:
            key = next_best(levels, key, self._bid_step, NO_BID)
            self._best_bid = key
            self.bid = DOLLARS[key] if key else None

    def set_ask(self, price: str, total: str) -> None:
        """Say how much is asked at a price; nothing removes the level."""
        key, now = ASKS[price], TOTALS[total]
        self._ask_levels = None
        levels = self._asks
        if now:
            if key > self._best_ask:
                self._best_ask, self.ask = key, DOLLARS[key]
            if key % self._ask_step:
                self._ask_step = gcd(self._ask_step, key)
            levels[key] = now
        elif levels.pop(key, None) is not None and key == self._best_ask:
            key = next_best(levels, key, self._ask_step, NO_ASK)
            self._best_ask = key
            self.ask = None if key == NO_ASK else DOLLARS[key]

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is not below the best ask."""
        return self._best_bid + self._best_ask >= 0

    def is_best(self, bid: str, ask: str) -> bool:
        """Whether these are its best prices; 0, 1 and nothing stand for no level."""
        return BEST_BIDS[bid] == self._best_bid and BEST_ASKS[ask] == self._best_ask
