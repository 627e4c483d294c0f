"""What the gate says when it refuses an order."""

from __future__ import annotations

from decimal import Decimal

from ..errors import GuardTripped
from ..money import text

__all__ = ["above", "bookless"]


def above(
    guard: str,
    most: Decimal,
    value: Decimal,
    now: Decimal,
    where: str,
    about: object,
) -> GuardTripped:
    """More would be at risk than a cap allows."""
    message = (
        f"{about} would put {text(value)} dollars at risk {where}, above the cap of "
        f"{text(most)}; {text(now)} are at risk without it. Nothing was sent; cancels, and "
        "orders that only close, go on. If it is meant, make the exchange with "
        f"guards=GuardPolicy({guard}=...)"
    )
    return GuardTripped(message, guard=guard, limit=most, value=value)


def bookless(why: str, about: object) -> GuardTripped:
    """There is no book to hold a price against."""
    message = (
        f"{about} cannot be held against the book: {why}. Nothing was sent. Watch the "
        "book of its market, or make the exchange with "
        "guards=GuardPolicy(without_book='pass')"
    )
    return GuardTripped(message, guard="price_collar")
