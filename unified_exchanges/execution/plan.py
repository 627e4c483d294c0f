"""How much of each leg a budget buys, at limits that cannot break it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal

import attrs

from ..errors import InvalidOrder
from ..grid import read_price
from ..models import FeeRule, Market, OrderBook, Side
from ..money import EXACT, text, total
from .crossing import Crossing, marketable_limit
from .legs import HedgeLeg
from .sizing import dearest_lot, grid_of, largest, lots_of, whole_lots

__all__ = ["Candidate", "Planned", "bound_of", "plan"]

_CEILING = Context(prec=60, rounding=ROUND_CEILING)


@attrs.frozen(kw_only=True, slots=True)
class Candidate:
    """A leg with all that must be known to size it; ``bound`` is the highest price."""

    market: Market
    outcome: str
    book: OrderBook
    fees: FeeRule
    bound: Decimal
    _lots: dict[Decimal, Decimal] = attrs.field(
        factory=dict, init=False, eq=False, repr=False
    )
    """What one lot takes at most, by limit: sizing asks again and again."""

    def crossing(self, size: Decimal) -> Crossing:
        """What buying so many now gets."""
        return marketable_limit(self.book, Side.BUY, size, self.bound, fees=self.fees)

    def most(self, size: Decimal, limit: Decimal) -> Decimal:
        """Dollars that so many take at most at a limit, in however many pieces."""
        lot = self._lots.get(limit)
        if lot is None:
            lot = dearest_lot(limit, self.market, self.fees, self.outcome)
            self._lots[limit] = lot
        return EXACT.multiply(lot, lots_of(size, self.market.lot))


@attrs.frozen(kw_only=True, slots=True)
class Planned:
    """A leg that was sized; ``most`` is dollars that it can take, with fees."""

    candidate: Candidate
    size: Decimal
    limit: Decimal
    expected: Crossing
    most: Decimal


def plan(candidates: Sequence[Candidate], budget: Decimal) -> list[Planned]:
    """The same number of contracts of each leg, the most that the budget can pay.

    All are paid for even if each fills at its limit only, cut into as many pieces as can
    be: what the books say is what is likely, and they move.  Raises `InvalidOrder` where not
    even the smallest hedge fits.
    """
    lot = _common_lot([x.market.lot for x in candidates])
    depth = min(_depth(x) for x in candidates)
    most = whole_lots(depth, lot)

    def sized(size: Decimal) -> list[Planned]:
        return [_planned(x, size) for x in candidates]

    def fits(count: int) -> bool:
        size = EXACT.multiply(lot, Decimal(count))
        return total(x.most for x in sized(size)) <= budget

    size = EXACT.multiply(lot, Decimal(largest(most, fits)))
    least = max(x.market.minimum_size for x in candidates)
    while size >= least:
        planned = sized(size)
        common = _common_lot([_lot_of(x) for x in planned])
        whole = EXACT.multiply(common, Decimal(whole_lots(size, common)))
        if whole == size:
            return planned
        # Fewer may have another limit, with sums of its own.
        size = whole
    raise _too_small(candidates, lot, least, depth, budget)


def _lot_of(planned: Planned) -> Decimal:
    """What the size of a leg is a multiple of at its limit."""
    return planned.candidate.market.immediate_lot(planned.limit)


def _planned(candidate: Candidate, size: Decimal) -> Planned:
    expected = candidate.crossing(size)
    limit = candidate.bound if expected.price is None else expected.price
    return Planned(
        candidate=candidate,
        size=size,
        limit=limit,
        expected=expected,
        most=candidate.most(size, limit),
    )


def _depth(candidate: Candidate) -> Decimal:
    """Contracts that are offered up to the bound."""
    levels = candidate.book.asks
    return total(level.size for level in levels if level.price <= candidate.bound)


def _common_lot(lots: Sequence[Decimal]) -> Decimal:
    """The smallest size that is whole in every lot, by their least common multiple."""
    common = lots[0]
    for lot in lots[1:]:
        step = common
        while EXACT.remainder(common, lot):
            common = EXACT.add(common, step)
    return common


def _too_small(
    candidates: Sequence[Candidate],
    lot: Decimal,
    least: Decimal,
    depth: Decimal,
    budget: Decimal,
) -> InvalidOrder:
    smallest = _smallest(candidates, lot, least)
    thin = [x.market.market_id for x in candidates if _depth(x) < smallest]
    if depth < smallest:
        reason = f"too little is offered within the bound on {', '.join(thin)}"
    else:
        needed = total(_planned(x, smallest).most for x in candidates)
        reason = f"{text(smallest)} of each leg take {text(needed)} dollars"
    message = f"a budget of {text(budget)} dollars buys no hedge: {reason}"
    return InvalidOrder(message)


def _smallest(candidates: Sequence[Candidate], lot: Decimal, least: Decimal) -> Decimal:
    """The smallest hedge at the bounds, which are about what it would cost."""
    lots = [x.market.immediate_lot(x.bound) for x in candidates]
    common = _common_lot([lot, *lots])
    count = _CEILING.divide(least, common).to_integral_value(ROUND_CEILING)
    return EXACT.multiply(common, count)


def bound_of(
    leg: HedgeLeg, market: Market, outcome: str, book: OrderBook, slippage: Decimal
) -> Decimal:
    """The highest price of a leg, on the market's grid."""
    grid = grid_of(market, outcome)
    if leg.bound is not None:
        return read_price(leg.bound, grid)
    if book.ask is None:
        message = f"nobody sells {outcome} of {market.market_id}: the book has no asks"
        raise InvalidOrder(message)
    highest = EXACT.add(book.ask.price, slippage)
    # The best ask itself is on the grid, if it is all that is left of it.
    return grid.snap(highest, "down") or book.ask.price
