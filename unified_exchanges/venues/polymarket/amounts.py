"""What an order gives and takes, as the whole numbers that are signed.

A buyer gives dollars and takes shares, a seller the reverse; both are in millionths, and the
price is their quotient (docs.polymarket.com, create orders, 2026-08).  Prices and sizes on
the grid make whole numbers by themselves: a size has two decimals and a price at most four.
So nothing is rounded here; what would have to be is refused.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from math import gcd, lcm
from typing import NamedTuple

from ...errors import InvalidOrder, InvalidPrice, InvalidSize
from ...models import BUY, Side
from ...money import EXACT, text
from .contracts import UNITS

__all__ = [
    "DECIMALS",
    "LOT",
    "Amounts",
    "amounts_of",
    "immediate_amounts_of",
    "least_immediate_size",
    "price_of",
    "size_of",
]

LOT = Decimal("0.01")
"""Shares come in hundredths: ``Maximum lot size is 2`` (vendor's issues, 2026-05)."""

DECIMALS = {
    Decimal("0.1"): 3,
    Decimal("0.01"): 4,
    Decimal("0.005"): 5,
    Decimal("0.0025"): 6,
    Decimal("0.001"): 5,
    Decimal("0.0001"): 6,
}
"""Every tick there is, and how many decimals a cost may then have.

Of polymarket-client 0.14.0 and py-clob-client-v2 1.2.1, 2026-10; 0.0025 since 2026-07.
"""

_PLACES = 6
_CENT = UNITS // 100
_LOTS = 100
_LOT = UNITS // _LOTS


class Amounts(NamedTuple):
    """What the maker of an order gives and takes, in millionths of a dollar or share."""

    maker: int
    taker: int


def amounts_of(side: Side, price: Decimal, size: Decimal) -> Amounts:
    """The amounts of an order that may rest, for a price and a size on the grid.

    >>> amounts_of(BUY, Decimal("0.52"), Decimal(10))
    Amounts(maker=5200000, taker=10000000)
    """
    shares = _shares(size)
    dollars, rest = divmod(_price_units(price) * shares, UNITS)
    if rest:
        # A price of more than four decimals, which no tick has.
        message = (
            f"price {text(price)} times size {text(size)} is no whole number of "
            "millionths of a dollar: take a price on the market's grid"
        )
        raise InvalidPrice(message, venue="polymarket")
    return Amounts(dollars, shares) if side is BUY else Amounts(shares, dollars)


def immediate_amounts_of(side: Side, price: Decimal, size: Decimal) -> Amounts:
    """The amounts of an order that fills at once or not at all (FAK, FOK).

    One that buys is refused by the venue unless it costs whole cents (vendor's issues,
    2026-09), so that not every price goes with every size.

    >>> immediate_amounts_of(BUY, Decimal("0.52"), Decimal("2.25")).maker
    1170000
    """
    amounts = amounts_of(side, price, size)
    if side is not BUY or not amounts.maker % _CENT:
        return amounts
    nearest = _whole_cent_sizes(_price_units(price), amounts.taker)
    valid = " or ".join(text(size) for size in nearest)
    cost = EXACT.multiply(price, size)
    message = (
        f"size {text(size)} at {text(price)} costs {text(cost)} dollars, and Polymarket "
        "takes orders to buy at once in whole cents only; nearest sizes at this price: "
        f"{valid}; an order that may rest (gtc) has no such rule"
    )
    raise InvalidSize(message, nearest=nearest, venue="polymarket")


def least_immediate_size(price: Decimal) -> Decimal:
    """The least shares that cost a dollar at least and whole cents.

    >>> least_immediate_size(Decimal("0.30"))
    Decimal('3.4')
    """
    units = _price_units(price)
    step = _whole_cents(units)
    shares = -(-UNITS * UNITS // units)
    return _number(-(-shares // step) * step)


def price_of(side: Side, amounts: Amounts) -> Decimal:
    """The price that amounts imply, exactly.

    Raises `InvalidOrder` if they imply none of at most six decimals.

    >>> price_of(BUY, Amounts(5_200_000, 10_000_000))
    Decimal('0.52')
    """
    dollars, shares = amounts if side is BUY else reversed(amounts)
    if shares > 0:
        price, rest = divmod(dollars * UNITS, shares)
        if not rest:
            return _number(price)
    message = (
        f"amounts {amounts.maker} and {amounts.taker} imply no price of six decimals"
    )
    raise InvalidOrder(message, venue="polymarket")


def size_of(side: Side, amounts: Amounts) -> Decimal:
    """The shares that amounts imply.

    >>> size_of(BUY, Amounts(5_200_000, 10_000_000))
    Decimal('10')
    """
    return _number(amounts.taker if side is BUY else amounts.maker)


def _number(units: int) -> Decimal:
    return Decimal(text(EXACT.scaleb(Decimal(units), -_PLACES)))


@lru_cache(maxsize=16_384)
def _price_units(price: Decimal) -> int:
    dollars, parts = price.as_integer_ratio()
    if not 0 < dollars < parts or UNITS % parts:
        message = f"price {text(price)} is not on any grid of Polymarket's"
        raise InvalidPrice(message, venue="polymarket")
    return dollars * (UNITS // parts)


def _shares(size: Decimal) -> int:
    shares, parts = size.as_integer_ratio()
    if shares <= 0 or _LOTS % parts:
        message = f"size {text(size)} is not a number of shares of at most two decimals"
        raise InvalidSize(message, venue="polymarket")
    return shares * (UNITS // parts)


def _whole_cents(price: int) -> int:
    """The least shares, in whole lots, of which this price makes whole cents."""
    whole = UNITS * _CENT
    return lcm(_LOT, whole // gcd(whole, price))


def _whole_cent_sizes(price: int, shares: int) -> tuple[Decimal, ...]:
    """The sizes on either side of one that cost whole cents at this price."""
    step = _whole_cents(price)
    below = shares // step * step
    return tuple(_number(size) for size in (below, below + step) if size)
