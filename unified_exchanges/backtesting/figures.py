"""Numbers of a report as people read them; JSON and tables have every digit."""

from __future__ import annotations

from decimal import Decimal

from ..money import ZERO, text

__all__ = ["contracts", "dollars", "percent", "ratio", "share"]


def contracts(number: Decimal) -> str:
    """As many places as it has.

    >>> contracts(Decimal("12500.50"))
    '12,500.5'
    """
    return f"{Decimal(text(number)):,f}"


def dollars(amount: Decimal) -> str:
    """To the hundredth of a cent.

    >>> dollars(Decimal("1234.5")), dollars(Decimal("-0.02"))
    ('$1,234.5000', '-$0.0200')
    """
    sign = "-" if amount < ZERO else ""
    return f"{sign}${amount.copy_abs():,.4f}"


def percent(part: Decimal) -> str:
    """A part of a whole.

    >>> percent(Decimal("0.0142"))
    '1.42%'
    """
    return f"{part:.2%}"


def share(part: Decimal | None) -> str:
    """The same, where there may be none."""
    return "–" if part is None else percent(part)


def ratio(number: Decimal | None) -> str:
    """Four places, where there are any.

    >>> ratio(Decimal("0.25")), ratio(None)
    ('0.2500', '–')
    """
    return "–" if number is None else f"{number:.4f}"
