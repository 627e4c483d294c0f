"""An order book in exact integers, fed with the strings of a venue.

Prices are integers of a ten-thousandth of a dollar, sizes of a hundredth of a contract,
or of what a subclass says.
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
from typing import ClassVar, Final

from ..grid import PriceGrid
from ..models.quotes import Freshness, Level, OrderBook
from ..money import EXACT

__all__ = [
    "ASKS",
    "BIDS",
    "CHANGES",
    "DOLLARS",
    "NO_ASK",
    "NO_BID",
    "Amounts",
    "Book",
    "BookError",
    "Keys",
    "contracts",
    "next_best",
    "size",
]

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

    Of two keys on a side the greater is the better price, so both sides are looked
    through by the same code.  "0.45" and "0.4500" are one key.
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
        if len(self) >= _MOST_SIZES:
            # What was told lately comes again; what was told long ago does not.
            self.clear()
        self[text] = value
        return value


CHANGES: Final = _Changes()


def size(text: str, places: int = _SIZE_PLACES) -> int:
    """A size in hundredths of a contract, or in what has so many places.

    >>> size("12.50"), size("3"), size("0.5", 6)
    (1250, 300, 500000)
    """
    try:
        return _units(text, places)
    except ValueError:
        raise BookError(
            f"size {text[:40]!r} is not a number of contracts with {places} decimals"
        ) from None


# -- integers to Decimals --------------------------------------------------------------


class _Dollars(dict[int, Decimal]):
    """Decimals of the keys of levels, made once: there are at most 10,000 prices."""

    def __missing__(self, key: int) -> Decimal:
        value = self[key] = EXACT.scaleb(Decimal(abs(key)), -_PLACES)
        return value


NO_BID: Final = 0
NO_ASK: Final = -UNITS
"""Keys of no level: each is worse than any."""

DOLLARS: Final = _Dollars()


def contracts(count: int, places: int = _SIZE_PLACES) -> Decimal:
    """Contracts of either sign, of hundredths or of what has so many places.

    >>> contracts(-1250)
    Decimal('-12.50')
    """
    return EXACT.scaleb(Decimal(count), -places)


class Amounts(dict[int, Decimal]):
    """Contracts of what has so many places, made once for as long as they come again."""

    __slots__ = ("_places",)

    def __init__(self, places: int) -> None:
        super().__init__()
        self._places = places

    def __missing__(self, count: int) -> Decimal:
        value = contracts(count, self._places)
        if len(self) >= _MOST_SIZES:
            self.clear()
        self[count] = value
        return value


_SPARE = 32
"""Levels that are gone and may be remembered all the same."""

# -- the book --------------------------------------------------------------------------


class Book:
    """Bids and asks of one outcome, in its prices.

    ``bid`` and ``ask`` are the best prices in dollars, None where there is no level.

    >>> book = Book()
    >>> book.load([("0.45", "10.00")], [("0.5200", "3.50")])
    >>> book.change_bid("0.4600", "2.00")
    200
    >>> book.bid, book.ask
    (Decimal('0.4600'), Decimal('0.5200'))
    """

    __slots__ = (
        "_ask_levels",
        "_ask_step",
        "_asks",
        "_best_ask",
        "_best_bid",
        "_bid_levels",
        "_bid_step",
        "_bids",
        "_shown",
        "ask",
        "bid",
    )

    places: ClassVar[int] = _SIZE_PLACES
    """Decimals of a size."""
    amounts: ClassVar[Amounts] = Amounts(_SIZE_PLACES)
    """Sizes as they are shown."""

    def __init__(self) -> None:
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._best_bid = NO_BID
        self._best_ask = NO_ASK
        self._bid_step = self._ask_step = UNITS
        self._bid_levels: tuple[Level, ...] | None = None
        self._ask_levels: tuple[Level, ...] | None = None
        self._shown: dict[int, tuple[int, Level]] | None = None
        self.bid: Decimal | None = None
        self.ask: Decimal | None = None

    def load(
        self, bids: Iterable[tuple[str, str]], asks: Iterable[tuple[str, str]]
    ) -> None:
        """Take a snapshot in place of what was there: price and size of each level."""
        places = self.places
        buying, selling = _levels(BIDS, bids, places), _levels(ASKS, asks, places)
        best_bid = max(buying, default=NO_BID)
        best_ask = max(selling, default=NO_ASK)
        if best_bid + best_ask >= 0:
            raise BookError(
                f"a bid at {DOLLARS[best_bid]} crosses an ask at {DOLLARS[best_ask]}"
            )
        self._bids, self._asks = buying, selling
        self._bid_levels = self._ask_levels = None
        self._best_bid, self._best_ask = best_bid, best_ask
        self._bid_step, self._ask_step = gcd(UNITS, *buying), gcd(UNITS, *selling)
        self.bid = DOLLARS[best_bid] if buying else None
        self.ask = DOLLARS[best_ask] if selling else None

    # The two methods below differ in names only.  They are the hottest code of a stream:
    # a common path through both would cost a third more.

    def change_bid(self, price: str, by: str) -> int:
        """Add contracts to a bid, or take some away; its hundredths now."""
        key, change = BIDS[price], CHANGES[by]
        self._bid_levels = None
        levels = self._bids
        held = levels.get(key)
        if held is not None:
            now = held + change
            if now > 0:
                levels[key] = now
            elif now:
                raise _overdrawn(key, held, change)
            else:
                del levels[key]
                if key == self._best_bid:
                    key = next_best(levels, key, self._bid_step, NO_BID)
                    self._best_bid = key
                    self.bid = DOLLARS[key] if key else None
            return now
        if change > 0:
            if key > self._best_bid:
                if key + self._best_ask >= 0:
                    raise BookError(f"a bid at {DOLLARS[key]} crosses the asks")
                self._best_bid, self.bid = key, DOLLARS[key]
            if key % self._bid_step:
                self._bid_step = gcd(self._bid_step, key)
            levels[key] = change
        elif change:
            raise _overdrawn(key, 0, change)
        return change

    def change_ask(self, price: str, by: str) -> int:
        """Add contracts to an ask, or take some away; its hundredths now."""
        key, change = ASKS[price], CHANGES[by]
        self._ask_levels = None
        levels = self._asks
        held = levels.get(key)
        if held is not None:
            now = held + change
            if now > 0:
                levels[key] = now
            elif now:
                raise _overdrawn(key, held, change)
            else:
                del levels[key]
                if key == self._best_ask:
                    key = next_best(levels, key, self._ask_step, NO_ASK)
                    self._best_ask = key
                    self.ask = None if key == NO_ASK else DOLLARS[key]
            return now
        if change > 0:
            if key > self._best_ask:
                if key + self._best_bid >= 0:
                    raise BookError(f"an ask at {DOLLARS[key]} crosses the bids")
                self._best_ask, self.ask = key, DOLLARS[key]
            if key % self._ask_step:
                self._ask_step = gcd(self._ask_step, key)
            levels[key] = change
        elif change:
            raise _overdrawn(key, 0, change)
        return change

    @property
    def bids(self) -> tuple[Level, ...]:
        """The bids, best first."""
        levels = self._bid_levels
        if levels is None:
            levels = self._bid_levels = self._read(self._bids)
        return levels

    @property
    def asks(self) -> tuple[Level, ...]:
        """The asks, best first."""
        levels = self._ask_levels
        if levels is None:
            levels = self._ask_levels = self._read(self._asks)
        return levels

    def level(self, key: int, held: int) -> Level:
        """So much at the price that has this key."""
        return Level(DOLLARS[key], self.amounts[held])

    def _read(self, levels: dict[int, int]) -> tuple[Level, ...]:
        """The levels of a side; those that are as they were shown last are used again.

        Books are read after every few changes, and making a level costs ten times as
        much as finding it.
        """
        shown = self._shown
        if shown is None or len(shown) > _SPARE + 2 * (
            len(self._bids) + len(self._asks)
        ):
            shown = self._shown = {}
        made = []
        for key in sorted(levels, reverse=True):
            held = levels[key]
            known = shown.get(key)
            if known is None or known[0] != held:
                shown[key] = known = held, self.level(key, held)
            made.append(known[1])
        return tuple(made)

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
        grid: PriceGrid | None = None,
    ) -> OrderBook:
        """The book as a model, said of ``outcome``; its levels are prices of ``of``."""
        book = OrderBook(
            venue=venue,
            market_id=market_id,
            outcome=of,
            bids=self.bids,
            asks=self.asks,
            timestamp=timestamp,
            sequence=sequence,
            freshness=freshness,
            grid=grid,
        )
        return book if outcome == of else book.complement(outcome)


def _levels(keys: Keys, rows: Iterable[tuple[str, str]], places: int) -> dict[int, int]:
    """The levels of a snapshot; one of no size is none."""
    levels: dict[int, int] = {}
    count = 0
    for price, text in rows:
        levels[keys[price]] = size(text, places)
        count += 1
    if len(levels) < count:
        raise BookError("two levels have one price")
    if not all(levels.values()):
        return {key: held for key, held in levels.items() if held}
    return levels


def next_best(levels: dict[int, int], key: int, step: int, nothing: int) -> int:
    """The best level where the one before it is gone.

    Prices lie on a grid, mostly close together: a few steps of it find the next one.
    Where there is a wide hole, looking at every level is shorter.
    """
    if not levels:
        return nothing
    for _ in range(_STEPS):
        key -= step
        if key in levels:
            return key
    return max(levels)


def _overdrawn(key: int, held: int, change: int) -> BookError:
    return BookError(
        f"{contracts(-change)} taken from {contracts(held)} at {DOLLARS[key]}"
    )
