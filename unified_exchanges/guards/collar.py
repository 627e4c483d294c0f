"""The price collar: how much worse than the book a limit may be."""

from __future__ import annotations

from decimal import Decimal

from ..errors import GuardTripped
from ..models import OrderBook, Side
from ..money import EXACT, text

__all__ = ["check_collar"]


def check_collar(
    collar: Decimal, book: OrderBook, side: Side, price: Decimal, about: object
) -> None:
    """Refuse a limit that is worse than the best opposite price by more than the collar.

    The book and the price are of the same outcome.  Where nobody is on the other side
    there is nothing to compare with.
    """
    is_buy = side is Side.BUY
    best = book.ask if is_buy else book.bid
    if best is None:
        return
    worse = EXACT.subtract(price, best.price)
    worse = worse if is_buy else EXACT.minus(worse)
    if worse <= collar:
        return
    age = book.age
    seen = "just read" if age is None else f"{age:.1f} s old"
    message = (
        f"{about} is {text(worse)} worse than the best {'ask' if is_buy else 'bid'} of "
        f"{text(best.price)} ({book.outcome}, {seen}), above the collar of "
        f"{text(collar)}; nothing was sent. Give a better price, mark what only closes "
        "as reduce_only=True, or if it is meant, make the exchange with "
        "guards=GuardPolicy(price_collar=...)"
    )
    raise GuardTripped(message, guard="price_collar", limit=collar, value=worse)
