"""What orders and a position put at risk together, whatever of the orders fills.

A purchase closes what was sold before it opens, and a sale what was bought.  Which order
fills first nobody knows, so what a position covers is taken to be the cheapest of it: then
no order of fills takes more.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from operator import attrgetter

import attrs

from ..models import Side
from ..models.tracking import risk
from ..money import EXACT, ONE, ZERO, total

__all__ = ["Claim", "opening", "reach"]


@attrs.frozen(slots=True, eq=False)
class Claim:
    """What may still fill of an order.

    ``price`` is dollars for the outcome in which all is told; ``is_reducing`` says that
    the venue lets it close only.
    """

    side: Side
    price: Decimal
    size: Decimal
    is_reducing: bool = False

    @property
    def unit(self) -> Decimal:
        """Dollars that one contract of it takes if it opens."""
        return self.price if self.side is Side.BUY else EXACT.subtract(ONE, self.price)

    @property
    def cost(self) -> Decimal:
        """Dollars that all of it takes if it opens."""
        return risk(self.side, self.price, self.size)


def reach(side: Side, claims: Iterable[Claim], held: Decimal) -> Decimal:
    """How many contracts of a side are held at most once its ``claims`` have filled.

    ``held`` is signed.  What only closes counts too: it opens nothing, but what is known
    to have filled after it may have closed less for it.

    >>> sale = Claim(Side.SELL, Decimal("0.40"), Decimal(15))
    >>> reach(Side.SELL, [sale], Decimal(10))
    Decimal('5')
    """
    signed = held if side is Side.BUY else EXACT.minus(held)
    return max(ZERO, EXACT.add(signed, total(x.size for x in claims)))


def opening(claims: Iterable[Claim], held: Decimal) -> Decimal:
    """Dollars that orders take at most together, beside ``held`` signed contracts.

    >>> sale = Claim(Side.SELL, Decimal("0.40"), Decimal(15))
    >>> opening([sale], Decimal(10))
    Decimal('3.00')
    """
    taken = ZERO
    sides: dict[Side, list[Claim]] = {Side.BUY: [], Side.SELL: []}
    for claim in claims:
        sides[claim.side].append(claim)
    for side, mine in sides.items():
        cover = max(ZERO, EXACT.minus(held) if side is Side.BUY else held)
        if cover and len(mine) > 1:
            mine.sort(key=attrgetter("unit"))
        if cover:
            # What only closes may come first, and leave the others nothing to close.
            mine.sort(key=attrgetter("is_reducing"), reverse=True)
        for claim in mine:
            closed = min(claim.size, cover)
            cover = EXACT.subtract(cover, closed)
            if not claim.is_reducing:
                opened = EXACT.subtract(claim.size, closed)
                taken = EXACT.add(taken, risk(side, claim.price, opened))
    return taken
