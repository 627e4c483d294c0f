"""What orders put at stake in one market, exactly: what they open, and what they close.

YES and NO net on Kalshi: a bid buys NO back before it opens YES, an ask sells YES before it
opens NO (docs.kalshi.com, 2026-10).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import attrs

from ...models import Position
from ...money import EXACT, ZERO, complement
from .arguments import YES

__all__ = ["Held", "Stake", "opening"]


@attrs.frozen(slots=True)
class Held:
    """Contracts that are held of a market, of which one is always 0, and their cost."""

    yes: Decimal = ZERO
    no: Decimal = ZERO
    cost: Decimal = ZERO

    @classmethod
    def of(cls, positions: Iterable[Position]) -> Held:
        """What the positions in one market come to."""
        found = cls()
        for position in positions:
            name = "yes" if position.outcome == YES else "no"
            size = EXACT.add(getattr(found, name), position.size)
            cost = EXACT.add(found.cost, position.cost)
            found = attrs.evolve(found, cost=cost, **{name: size})
        return found


@attrs.frozen(slots=True)
class Stake:
    """An order as money sees it: the book's side, YES dollars, what may still fill."""

    is_bid: bool
    price: Decimal
    size: Decimal
    reduce_only: bool = False

    def worth(self, size: Decimal) -> Decimal:
        """Dollars that so many contracts of it take at its limit."""
        unit = self.price if self.is_bid else complement(self.price)
        return EXACT.multiply(unit, size)


def opening(stakes: Iterable[Stake], held: Held) -> Decimal:
    """Dollars that orders take at their limits together, the first closing first."""
    left = {True: held.no, False: held.yes}
    taken = ZERO
    for stake in stakes:
        closed = min(stake.size, left[stake.is_bid])
        left[stake.is_bid] = EXACT.subtract(left[stake.is_bid], closed)
        if not stake.reduce_only:
            opened = EXACT.subtract(stake.size, closed)
            taken = EXACT.add(taken, stake.worth(opened))
    return taken
