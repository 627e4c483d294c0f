"""Numbers of a report as people read them; JSON and tables have every digit."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["dollars", "percent", "ratio", "share"]


def dollars(amount: Decimal) -> str:
    """To the hundredth of a cent.

    >>> dollars(Decimal("1234.5"))
    '1,234.5000 $'
    """
    return f"{amount:,.4f} $"


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
