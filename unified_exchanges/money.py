"""Decimal dollars and contracts: strict reading, exact arithmetic, grids, the complement.

Arithmetic goes through `EXACT`, a context of our own that refuses to round, so that a
caller who lowered the precision of the global context cannot change a price.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from decimal import (
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from functools import lru_cache
from numbers import Integral, Real
from operator import index
from typing import TypeAlias

__all__ = [
    "CENTI",
    "EXACT",
    "ONE",
    "ZERO",
    "Number",
    "complement",
    "div",
    "read_number",
    "text",
    "total",
    "total_if_known",
]

Number: TypeAlias = Decimal | str | int | float
"""What a caller may pass as a price, a size or an amount of dollars."""

EXACT = Context(
    prec=60, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact, Clamped]
)
"""Adds, subtracts and multiplies money; raises `decimal.Inexact` rather than round."""

_QUOTIENT = Context(prec=28, traps=[InvalidOperation, DivisionByZero, Overflow])

ZERO = Decimal(0)
ONE = Decimal(1)
CENTI = Decimal("0.01")

_LARGEST = 15
_FINEST = 20
"""Powers of ten between which prices, sizes and dollars lie by far."""

_NUMERAL = re.compile(r"[+-]?(\d{1,30})(\.\d{0,30})?|[+-]?\.\d{1,30}")


def read_number(value: object) -> Decimal:
    """Read a caller's number exactly; raise ValueError saying what is wrong with it.

    A float is read through its shortest text, so 0.55 is 0.55 and ``0.1 + 0.2`` is
    0.30000000000000004, which no grid accepts.

    >>> read_number(0.55), read_number("7"), read_number(3)
    (Decimal('0.55'), Decimal('7'), Decimal('3'))
    """
    if isinstance(value, str):
        return _read_text(value)
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is a truth value, not a number")  # noqa: TRY004
    if isinstance(value, Decimal | int):
        number = Decimal(value)
    elif isinstance(value, float):
        # Kinds of float, such as numpy's, show themselves with more than the digits.
        number = Decimal(float.__repr__(value))
    else:
        number = _read_integral(value)
    return _checked(number, value)


def _read_integral(value: object) -> Decimal:
    """Read what is a whole number to Python, such as numpy's."""
    if isinstance(value, Integral):
        with suppress(TypeError):  # a span of time is one to numpy, and is none
            return Decimal(index(value))
    name, is_real = type(value).__name__, isinstance(value, Real)
    advice = "pass Decimal, str, int or float"
    if is_real and hasattr(value, "dtype"):
        # As a float it would have other digits than those that are shown.
        advice += ", such as str() of it"
    raise ValueError(f"{value!r} is a {name}; {advice}")


def _checked(number: Decimal, value: object) -> Decimal:
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    if number.adjusted() > _LARGEST or number.as_tuple().exponent < -_FINEST:  # type: ignore[operator]
        raise ValueError(f"{value!r} is not a number of this world's markets")
    return number


@lru_cache(maxsize=4_096)
def _read_text(value: str) -> Decimal:
    # Prices and sizes come in few distinct texts, again and again.
    if not _NUMERAL.fullmatch(value.strip()) or not value.isascii():
        raise ValueError(f"{value!r} is not a decimal number")
    return _checked(Decimal(value.strip()), value)


def complement(price: Decimal) -> Decimal:
    """The price of the other outcome of a binary market: ``1 - price``, exactly.

    >>> complement(Decimal("0.5600"))
    Decimal('0.4400')
    """
    return EXACT.subtract(ONE, price)


def total(values: Iterable[Decimal]) -> Decimal:
    """Add decimals without rounding.

    >>> total([Decimal("0.1"), Decimal("0.2")])
    Decimal('0.3')
    """
    result = ZERO
    for value in values:
        result = EXACT.add(result, value)
    return result


def total_if_known(values: Iterable[Decimal | None]) -> Decimal | None:
    """Add decimals without rounding; None if one of them is not known.

    >>> total_if_known([Decimal("0.1"), Decimal("0.2")])
    Decimal('0.3')
    >>> total_if_known([Decimal("0.1"), None]) is None
    True
    """
    result = ZERO
    for value in values:
        if value is None:
            return None
        result = EXACT.add(result, value)
    return result


def div(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Divide to 28 significant digits: for averages and ratios, never for cash."""
    return _QUOTIENT.divide(numerator, denominator)


def text(number: Decimal, places: int = 0) -> str:
    """Write a number plainly, with at least ``places`` decimals and no exponent.

    >>> text(Decimal("0.56"), 4), text(Decimal("1E+2"), 2), text(Decimal("0.123450"), 4)
    ('0.5600', '100.00', '0.12345')
    """
    plain = format(number, "f")
    whole, _, fraction = plain.partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole
