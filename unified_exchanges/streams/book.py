"""An order book in exact integers, fed with the strings of a venue.

Prices are integers of a ten-thousandth of a dollar, sizes of a hundredth of a contract.
Each side is one dictionary of its levels and the best of them, so a book of a thousand
levels costs as much per change as a book of ten, and its memory is that of the levels.
The texts of prices are remembered, for there are few of them.

What cannot be applied raises `BookError` before anything is changed: nothing is rounded,
cut off at zero or left to cross.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from math import gcd
from typing import Final

from ..models.quotes import Freshness, Level, OrderBook
from ..money import EXACT

__all__ = ["ASKS", "BIDS", "DOLLARS", "Book", "BookError", "Keys", "contracts", "size"]

UNITS: Final = 10_000
"""Units of price in a dollar."""

_PLACES, _SIZE_PLACES = 4, 2
_LONGEST = 24
"""Characters of a number that a market may have; more is no number of this world."""
_MOST_SIZES = 16_384
_STEPS = 64
"""Steps to look for the next best level before all levels are looked at."""


class BookError(ValueError):
    """What the venue sent does not fit the book; the book is as it was."""


# -- texts to integers -----------------------------------------------------------------


def _units(text: str, places: int) -> int:
    """The digits of a number without sign, scaled by ten to ``places``; else ValueError."""
    whole, dot, fraction = text.partition(".")
    if not text.isascii() or not whole.isdigit() or len(text) > _LONGEST:
        raise ValueError
    if dot and not fraction.isdigit():
        raise ValueError
    if len(fraction) > places:
        # More noughts are the same number; anything else would have to be rounded.
        if fraction[places:].strip("0"):
            raise ValueError
        fraction = fraction[:places]
    return int(whole + fraction.ljust(places, "0"))


class Keys(dict[str, int]):
    """Keys of levels by the text of their price; those of asks are negative.

    Of two keys on a side the greater is the better price, so both sides are handled by
    the same code.  "0.45" and "0.4500" are one key.
    """

    __slots__ = ("_sign",)

    def __init__(self, sign: int) -> None:
        super().__init__()
        self._sign = sign

    def __missing__(self, text: str) -> int:
        try:
            price = _units(text, _PLACES)
        except ValueError:
            price = 0
        if not 0 < price < UNITS:
            raise BookError(
                f"price {text[:40]!r} is not one between 0 and 1 dollar in ten-thousandths"
            )
        # Each price has one integer, whatever its text: a book of many markets keeps it
        # once.
        key = _KEYS[self._sign * price]
        if len(self) < UNITS:
            self[text] = key
        return key


class _Same(dict[int, int]):
    """One object for each integer."""

    def __missing__(self, key: int) -> int:
        self[key] = key
        return key


_KEYS = _Same()
BIDS: Final = Keys(1)
ASKS: Final = Keys(-1)


class _Changes(dict[str, int]):
    """Hundredths of a contract by their text, of either sign."""

    def __missing__(self, text: str) -> int:
        value = -size(text[1:]) if text[:1] == "-" else size(text)
        if len(self) < _MOST_SIZES:
            self[text] = value
        return value


CHANGES: Final = _Changes()


def size(text: str) -> int:
    """A size in hundredths of a contract.

    >>> size("12.50"), size("3")
    (1250, 300)
    """
    try:
        return _units(text, _SIZE_PLACES)
    except ValueError:
        raise BookError(
            f"size {text[:40]!r} is not a number of contracts with two decimals"
        ) from None


# -- integers to Decimals --------------------------------------------------------------


class _Dollars(dict[int, Decimal]):
    """Decimals of the keys of levels, made once: there are at most 10,000 prices."""

    def __missing__(self, key: int) -> Decimal:
        value = self[key] = EXACT.scaleb(Decimal(abs(key)), -_PLACES)
        return value


DOLLARS: Final = _Dollars()


def contracts(hundredths: int) -> Decimal:
    """Contracts of either sign.

    >>> contracts(-1250)
    Decimal('-12.50')
    """
    return EXACT.scaleb(Decimal(hundredths), -_SIZE_PLACES)


# -- the book --------------------------------------------------------------------------


class Side:
    """The levels of one side by their key, and the best of them.

    ``best`` is ``nothing`` where there is no level, which is worse than any key.
    """

    __slots__ = ("best", "levels", "nothing", "step")

    def __init__(self, nothing: int) -> None:
        self.levels: dict[int, int] = {}
        self.best = self.nothing = nothing
        self.step = UNITS

    def change(self, key: int, by: int, other: Side) -> int:
        """Add to a level, or take from it; the size that it has now.

        Positive sizes only meet the other side's best where both are the same price or
        crossed; that is refused, as is taking more than there is.
        """
        levels = self.levels
        now = levels.get(key, 0) + by
        if now > 0:
            if key > self.best:
                if key + other.best >= 0:
                    raise BookError(f"a level at {DOLLARS[key]} crosses the book")
                self.best = key
            if now == by and key % self.step:
                self.step = gcd(self.step, key)
            levels[key] = now
        elif now < 0:
            raise BookError(
                f"{contracts(-by)} taken from {contracts(now - by)} at {DOLLARS[key]}"
            )
        elif by:
            del levels[key]
            if key == self.best:
                self._fall(key)
        return now

    def _fall(self, key: int) -> None:
        """Find the next best level below one that is gone.

        Prices lie on a grid, mostly close together: a few steps of it find the next one.
        Where there is a wide hole, looking at every level is shorter.
        """
        levels = self.levels
        if levels:
            step = self.step
            for _ in range(_STEPS):
                key -= step
                if key in levels:
                    self.best = key
                    return
            self.best = max(levels)
        else:
            self.best = self.nothing

    def read(self) -> tuple[Level, ...]:
        """The levels, best first."""
        levels = self.levels
        return tuple(
            Level(DOLLARS[key], contracts(levels[key]))
            for key in sorted(levels, reverse=True)
        )


class Book:
    """Bids and asks of one outcome, in its prices.

    >>> book = Book()
    >>> book.load([("0.45", "10.00")], [("0.5200", "3.50")])
    >>> book.change_bid("0.4600", "2.00")
    200
    >>> book.bid, book.ask
    (Decimal('0.4600'), Decimal('0.5200'))
    """

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = Side(0)
        self.asks = Side(-UNITS)

    def load(
        self, bids: Iterable[tuple[str, str]], asks: Iterable[tuple[str, str]]
    ) -> None:
        """Take a snapshot in place of what was there: price and size of each level."""
        buying, selling = Side(0), Side(-UNITS)
        _fill(buying, BIDS, bids)
        _fill(selling, ASKS, asks)
        if buying.best + selling.best >= 0:
            raise BookError(
                f"a bid at {DOLLARS[buying.best]} crosses an ask at "
                f"{DOLLARS[selling.best]}"
            )
        self.bids, self.asks = buying, selling

    def change_bid(self, price: str, by: str) -> int:
        """Change a bid by a number of contracts; its hundredths now."""
        return self.bids.change(BIDS[price], CHANGES[by], self.asks)

    def change_ask(self, price: str, by: str) -> int:
        """Change an ask by a number of contracts; its hundredths now."""
        return self.asks.change(ASKS[price], CHANGES[by], self.bids)

    @property
    def bid(self) -> Decimal | None:
        """The best bid in dollars."""
        best = self.bids.best
        return DOLLARS[best] if best else None

    @property
    def ask(self) -> Decimal | None:
        """The best ask in dollars."""
        best = self.asks.best
        return DOLLARS[best] if best != -UNITS else None

    def read(
        self,
        *,
        venue: str,
        market_id: str,
        outcome: str,
        of: str,
        sequence: int | None = None,
        timestamp: datetime | None = None,
        freshness: Freshness | None = None,
    ) -> OrderBook:
        """The book as a model, said of ``outcome``; its levels are prices of ``of``."""
        book = OrderBook(
            venue=venue,
            market_id=market_id,
            outcome=of,
            bids=self.bids.read(),
            asks=self.asks.read(),
            timestamp=timestamp,
            sequence=sequence,
            freshness=freshness,
        )
        return book if outcome == of else book.complement(outcome)


def _fill(side: Side, keys: Keys, rows: Iterable[tuple[str, str]]) -> None:
    """Read the levels of a snapshot; a level of no size is none."""
    levels = side.levels
    count = 0
    for price, text in rows:
        key = keys[price]
        levels[key] = size(text)
        count += 1
    if len(levels) < count:
        raise BookError("two levels have one price")
    if not all(levels.values()):
        side.levels = levels = {key: now for key, now in levels.items() if now}
    if levels:
        side.best = max(levels)
        side.step = gcd(*levels)
