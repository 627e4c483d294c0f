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
from ..money import EXACT, ONE, ZERO

__all__ = ["Claim", "opening"]


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
