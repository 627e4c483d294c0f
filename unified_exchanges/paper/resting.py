"""Our orders that rest in one market, and what they hold back, as running sums."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

import attrs

from ..models import BUY, FeeRule, Side
from ..money import EXACT, ZERO, complement
from .contract import Contract
from .orders import PaperOrder

__all__ = ["Resting"]


class _Levels:
    """Contracts of one side by limit; what is best for its taker comes first."""

    def __init__(self, *, buys: bool) -> None:
        self.sizes: dict[Decimal, Decimal] = {}
        self._buys = buys
        self._limits: list[Decimal] = []
        """Lowest first."""

    def add(self, limit: Decimal, size: Decimal) -> None:
        before = self.sizes.get(limit, ZERO)
        after = EXACT.add(before, size)
        if after and not before:
            insort(self._limits, limit)
        if after:
            self.sizes[limit] = after
        elif before:
            del self.sizes[limit]
            del self._limits[bisect_left(self._limits, limit)]

    def __iter__(self) -> Iterator[Decimal]:
        return reversed(self._limits) if self._buys else iter(self._limits)

    def closed_for(self, held: Decimal) -> Decimal:
        """Dollars that need not be paid, as the first to fill close what is held."""
        spared = ZERO
        for limit in self:
            if not held:
                break
            closed = min(held, self.sizes[limit])
            held = EXACT.subtract(held, closed)
            each = limit if self._buys else complement(limit)
            spared = EXACT.add(spared, EXACT.multiply(each, closed))
        return spared


@attrs.frozen(slots=True)
class _Place:
    """What of an order decides to which sums it belongs."""

    outcome: str
    side: Side
    buys: bool
    limit: Decimal


class Resting:
    """Orders by number.

    `put` is called again when the remaining contracts or the price of one have changed.
    Sums follow each change by itself, so that none costs more where many rest.  Fees are
    added up when they are asked for: before, they may not be known.
    """

    def __init__(self) -> None:
        self._orders: dict[int, PaperOrder] = {}
        self._counted: dict[int, tuple[_Place, Decimal]] = {}
        self._levels = {True: _Levels(buys=True), False: _Levels(buys=False)}
        self._costs: dict[Side, Decimal] = {}
        self._sold: dict[str, Decimal] = {}
        self._rule: FeeRule | None = None
        """By which fees were added up."""
        self._fees: dict[int, Decimal] = {}
        self._all_fees = ZERO
        self._unpriced: set[int] = set()

    def __len__(self) -> int:
        return len(self._orders)

    def __iter__(self) -> Iterator[PaperOrder]:
        return iter(self._orders.values())

    def __contains__(self, order: PaperOrder) -> bool:
        return order.number in self._orders

    def put(self, order: PaperOrder) -> None:
        """Count an order in, as it is now."""
        self._uncount(order.number)
        self._orders[order.number] = order
        place = _Place(order.outcome, order.side, order.buys, order.limit)
        self._counted[order.number] = place, order.remaining
        self._count(place, order.remaining)
        self._unpriced.add(order.number)

    def drop(self, order: PaperOrder) -> None:
        """Count an order out, if it is in."""
        if self._orders.pop(order.number, None) is not None:
            self._uncount(order.number)

    def _uncount(self, number: int) -> None:
        if number not in self._counted:
            return
        place, size = self._counted.pop(number)
        self._count(place, EXACT.minus(size))
        self._all_fees = EXACT.subtract(self._all_fees, self._fees.pop(number, ZERO))
        self._unpriced.discard(number)

    def _count(self, place: _Place, size: Decimal) -> None:
        side, outcome, limit = place.side, place.outcome, place.limit
        self._levels[place.buys].add(limit, size)
        cost = EXACT.multiply(limit if place.buys else complement(limit), size)
        self._costs[side] = EXACT.add(self._costs.get(side, ZERO), cost)
        if side is not BUY:
            self._sold[outcome] = EXACT.add(self._sold.get(outcome, ZERO), size)

    def best(self, *, buys: bool) -> Decimal | None:
        """The limit of the order of one side that fills first; None if there is none."""
        return next(iter(self._levels[buys]), None)

    def selling(self, outcome: str) -> Decimal:
        """Contracts of an outcome that are for sale."""
        return self._sold.get(outcome, ZERO)

    def is_priced_by(self, contract: Contract) -> bool:
        """Whether fees are still those by which they were added up."""
        return not self._orders or contract.rule() == self._rule

    def reserved(self, contract: Contract, first: Decimal, second: Decimal) -> Decimal:
        """Dollars that the orders may still take, fees included.

        ``first`` and ``second`` is what is held of the outcomes.  Where these net, orders
        first close what is held: those that would fill first count first.
        """
        if not self._orders:
            # Not a sum that came to nothing by digits that orders of the past have had.
            self._costs, self._all_fees = {}, ZERO
            return ZERO
        self._price(contract.rule())
        needed = EXACT.add(self._all_fees, self._costs.get(Side.BUY, ZERO))
        if not contract.nets:
            return needed
        needed = EXACT.add(needed, self._costs.get(Side.SELL, ZERO))
        needed = EXACT.subtract(needed, self._levels[True].closed_for(second))
        return EXACT.subtract(needed, self._levels[False].closed_for(first))

    def _price(self, rule: FeeRule) -> None:
        if rule != self._rule:
            self._rule, self._all_fees = rule, ZERO
            self._fees.clear()
            self._unpriced.update(self._orders)
        while self._unpriced:
            number = next(iter(self._unpriced))
            order = self._orders[number]
            fee = rule.fee(
                order.outcome, order.side, order.price, order.remaining, maker=True
            )
            self._fees[number] = fee
            self._all_fees = EXACT.add(self._all_fees, fee)
            self._unpriced.discard(number)
