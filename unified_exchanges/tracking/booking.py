"""What a position has of one order's fills, and what that took at most."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

import attrs

from ..models import Side
from ..money import ZERO

__all__ = ["UP", "Booking"]

UP: Final = Context(prec=28, rounding=ROUND_CEILING)
"""Arithmetic that errs to the safe side: dollars at risk are never too few."""
_FINE: Final = Decimal("0.000001")


@attrs.frozen(slots=True, eq=False)
class Booking:
    """Contracts that came in on a side, and the dollars they took at most if they opened.

    ``unit`` is what one of them took at most: they may have filled one by one, some of
    them better, and which are left then nobody knows.  So as many as possible count as if
    they took so much, and the others nothing.
    """

    side: Side
    size: Decimal
    cost: Decimal
    unit: Decimal

    @classmethod
    def even(cls, side: Side, size: Decimal, cost: Decimal) -> Booking:
        """Contracts that took the same each."""
        return cls(side, size, cost, UP.divide(cost, size))

    @property
    def dear(self) -> Decimal:
        """How many count at ``unit``."""
        if not self.cost:
            return ZERO
        return min(
            self.size, UP.divide(self.cost, self.unit).quantize(_FINE, ROUND_CEILING)
        )
