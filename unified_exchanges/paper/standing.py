"""How many contracts surely stand before orders of ours at their price.

`PaperOrder.ahead` is how many may, so that none fills too soon.  Whoever takes the other way
takes of those before an order of ours first, and there the fewest are assumed that may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

import attrs

from ..money import EXACT, ZERO
from .orders import PaperOrder

__all__ = ["Standing"]


@attrs.frozen(slots=True)
class _Place:
    free: Decimal
    """What was there to be taken of its level at the last look."""
    least: Decimal
    """Of it before the order."""


class Standing:
    """The least for each order, as far as every change of its level was looked at.

    Whatever leaves the level is taken to have stood before, whoever joins to stand behind.
    """

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}

    def join(self, order: PaperOrder, free: Decimal) -> None:
        """An order has come behind all that is there."""
        self._places[order.number] = _Place(free, free)

    def look(
        self, orders: Iterable[PaperOrder], free_of: Callable[[PaperOrder], Decimal]
    ) -> None:
        """See what is there now of the levels of all orders that rest."""
        self._places = {x.number: self._seen(x, free_of(x)) for x in orders}

    def forget(self) -> None:
        """Changes may have been missed."""
        self._places = {}

    def least(self, order: PaperOrder) -> Decimal:
        """How many stand before an order for sure."""
        place = self._places.get(order.number)
        return ZERO if place is None else place.least

    def _seen(self, order: PaperOrder, free: Decimal) -> _Place:
        place = self._places.get(order.number)
        if place is None:
            return _Place(free, ZERO)
        if free >= place.free:
            return _Place(free, place.least)
        gone = EXACT.subtract(place.free, free)
        return _Place(free, max(ZERO, EXACT.subtract(place.least, gone)))
