"""Strict reading of what money depends on, in Polymarket's words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from ....grid import PriceGrid
from ....models import Side
from ....money import EXACT, ONE, ZERO
from ....venue.reading import (
    Malformed,
    Reader,
    amount,
    cost,
    milliseconds,
    price,
    seconds,
    size,
)

__all__ = [
    "EARLIEST",
    "LATEST",
    "Malformed",
    "amount",
    "bound",
    "cost",
    "decode",
    "dollars",
    "grid_of",
    "instant",
    "label_of",
    "milliseconds",
    "moment",
    "moment_ms",
    "nanoseconds",
    "number",
    "price",
    "price_of",
    "read",
    "read_all",
    "read_each",
    "seconds",
    "side_of",
    "size",
    "sizes",
    "units",
]

_READER: Final = Reader("polymarket")
decode = _READER.decode
read = _READER.read
read_all = _READER.read_all
read_each = _READER.read_each

_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_YES_NO: Final = frozenset({"yes", "no"})
_MILLION: Final = 6
_NO_BOUND: Final = 10**30
_NANO: Final = 10**9
EARLIEST: Final = 253_402_300_800
"""Seconds and milliseconds are mixed: what is less is seconds, before the year 10000."""
LATEST: Final = 10**14
"""What is more is neither; a book that believed it would believe nothing after it."""


def number(value: Decimal, field: str) -> Decimal:
    """A number of either sign; JSON has no NaN, but a text might say it."""
    if not value.is_finite():
        raise Malformed(field, f"is {value}, not a number")
    return value


def dollars(value: Decimal, field: str) -> Decimal:
    """Dollars or shares that cannot be negative, from a JSON number."""
    if number(value, field) < ZERO:
        raise Malformed(field, f"is {value}, below zero")
    return value


def price_of(value: Decimal, field: str) -> Decimal:
    """A price in dollars from a JSON number, 0 and 1 included."""
    if not ZERO <= number(value, field) <= ONE:
        raise Malformed(field, f"is {value}, not between 0 and 1 dollar")
    return value


def side_of(word: str, field: str) -> Side:
    """Buy or sell; nothing else is a side."""
    found = _SIDES.get(word)
    if found is None:
        raise Malformed(field, f"is {word!r}, not BUY or SELL")
    return found


def sizes(original: str, matched: str | None) -> tuple[Decimal, Decimal]:
    """The size of an order and how much of it filled, which is never more.

    An order that buys at once may bring more shares than it names, and the venue goes on
    telling what it named (reported by users of the vendor's clients, 2026-07; not
    documented): then its size is what it brought, as in the answer to its create.  Nothing
    is told of what an order that was killed had filled.
    """
    filled = size(matched, "size_matched") if matched else ZERO
    return max(size(original, "original_size"), filled), filled


def label_of(word: str) -> str:
    """An outcome's label: yes and no in lower case, every other as it is.

    >>> label_of("Yes"), label_of("Chiefs")
    ('yes', 'Chiefs')
    """
    plain = word.casefold()
    return plain if plain in _YES_NO else word


def units(value: str | int, field: str) -> Decimal:
    """Dollars or shares from a whole number of millionths."""
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise Malformed(field, f"is {value!r}, not a whole number of millionths")
    return EXACT.scaleb(Decimal(text), -_MILLION)


def bound(value: str | int, field: str) -> Decimal | None:
    """An allowance in dollars; None if it is more than there is money."""
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise Malformed(field, f"is {value!r}, not a whole number of millionths")
    return None if int(text) >= _NO_BOUND else units(text, field)


def moment_ms(value: int | str, field: str) -> int:
    """Unix milliseconds, of a number or a text that is in milliseconds or in seconds."""
    told = str(value)
    if not (told.isascii() and told.isdigit()):
        raise Malformed(field, f"is {told[:40]!r}, not a moment")
    count = int(told)
    if count >= LATEST:
        raise Malformed(field, f"is {told[:40]!r}, neither seconds nor milliseconds")
    return count if count >= EARLIEST else count * 1000


def instant(value: int | str, field: str) -> datetime:
    """The same moment as a time."""
    return milliseconds(moment_ms(value, field), field)


def nanoseconds(value: object) -> datetime | None:
    """A moment in Unix nanoseconds, as a number or a text; None if it is neither.

    The same moment is told in seconds too, and that is the one to depend on.
    """
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        return None
    whole, rest = divmod(int(text), _NANO)
    try:
        found = seconds(whole, "match_time_nano")
    except Malformed:
        return None
    return found + timedelta(microseconds=rest // 1000)


def moment(text: str | None) -> datetime | None:
    """A time of the catalog; None where it is missing, or not to be understood.

    ``closedTime`` has a space and ``+00``, others ``T`` and ``Z`` (captures of 2026-03).
    No money depends on any of them.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@lru_cache(maxsize=64)
def _grid(tick: Decimal) -> PriceGrid:
    return PriceGrid.of(str(tick))


def grid_of(tick: Decimal, field: str) -> PriceGrid:
    """The grid of a market: from one tick to one below a dollar."""
    if not ZERO < number(tick, field) < ONE or EXACT.remainder(ONE, tick):
        raise Malformed(field, f"is {tick}, not a part of a dollar")
    return _grid(tick)
