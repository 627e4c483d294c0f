"""How many contracts a budget buys, to the last lot."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from ..errors import BadRequest
from ..grid import PriceGrid, read_price
from ..models import FeeRule, Market, Side
from ..money import EXACT, ZERO, Number, read_number, text
from .legs import require_plain

__all__ = [
    "contracts_for",
    "dearest_lot",
    "grid_of",
    "largest",
    "lots_of",
    "read_dollars",
    "whole_lots",
]

_FLOOR = Context(prec=60, rounding=ROUND_FLOOR)
_CEILING = Context(prec=60, rounding=ROUND_CEILING)
_NEAR = Decimal("0.02")
"""Dollars below a limit within which a better price may take more, by rounding."""
_BELOW = Decimal("1E-12")
"""Less than the step of any grid."""


def contracts_for(
    budget: Number,
    price: Number,
    market: Market,
    *,
    fees: FeeRule | None,
    outcome: str | None = None,
    maker: bool = False,
) -> Decimal:
    """The most contracts of an outcome that ``budget`` dollars buy, fees included.

    ``price`` is the limit in dollars for ``outcome``, default the first (YES).  ``fees``
    come from `fetch_fee_rule`; None counts none.  The result is a multiple of the market's
    lot (of ``market.immediate_lot(price)``, unless ``maker``), and 0 where the budget does
    not reach its minimum size.  Price times size plus the fee is never above the budget;
    one lot more always would be.

    That is the cost of one fill at the limit, and a better price never costs more in all.
    A venue that rounds the fee of each fill up takes so much more for each further piece:
    `hedge` counts every lot as one, which at the lowest prices buys half as much.
    Raises `InvalidPrice` where the market's grid refuses the price, and
    `CombinationMarket` for what is no plain market.

    >>> from unified_exchanges import Market, Outcome, PriceGrid
    >>> market = Market(
    ...     venue="kalshi", market_id="RAIN", event_id="RAIN", title="Rain?",
    ...     status="open", venue_status="active", grid=PriceGrid.of("0.01"),
    ...     outcomes=(Outcome("yes", "yes", "Rain"), Outcome("no", "no", "No rain")),
    ... )
    >>> contracts_for(10, "0.55", market, fees=None)
    Decimal('18.18')
    """
    require_plain(market)
    cash = read_dollars("budget", budget)
    label = market.outcome(outcome).label
    paid = read_price(price, grid_of(market, label))

    lot = market.lot if maker else market.immediate_lot(paid)

    def cost(lots: int) -> Decimal:
        size = EXACT.multiply(lot, Decimal(lots))
        fee = fees.fee(label, Side.BUY, paid, size, maker=maker) if fees else ZERO
        return EXACT.add(EXACT.multiply(paid, size), fee)

    most = whole_lots(cash, EXACT.multiply(paid, lot))
    lots = largest(most, lambda count: cost(count) <= cash)
    size = EXACT.multiply(lot, Decimal(lots))
    return size if size >= market.minimum_size else ZERO


def dearest_lot(limit: Decimal, market: Market, fees: FeeRule, outcome: str) -> Decimal:
    """Dollars that one lot takes at most, bought at once at a limit, with fees.

    So many times this is the most that an order takes, in whatever pieces it fills: fees
    are rounded fill by fill, the levels of a book do not tell pieces, and no piece is
    smaller than a lot.
    """
    grid = grid_of(market, outcome)

    def taken(price: Decimal) -> Decimal:
        fee = fees.lot_fee(outcome, Side.BUY, price, market.lot)
        return EXACT.add(EXACT.multiply(price, market.lot), fee)

    most, price = taken(limit), _next_below(limit, grid)
    # A better price saves less than a rounding takes, if it is hardly better: on Kalshi
    # $0.0001 of 0.01 contracts, which is a cent a contract and some.
    while price is not None and EXACT.subtract(limit, price) <= _NEAR:
        most, price = max(most, taken(price)), _next_below(price, grid)
    return most


def _next_below(price: Decimal, grid: PriceGrid) -> Decimal | None:
    return grid.snap(EXACT.subtract(price, _BELOW), "down")


def lots_of(size: Decimal, lot: Decimal) -> Decimal:
    """How many lots a size has; a part of one counts as one."""
    return _CEILING.divide(size, lot).to_integral_value(ROUND_CEILING)


def read_dollars(name: str, amount: Number) -> Decimal:
    """Read a caller's amount of dollars, which is not below 0."""
    try:
        dollars = read_number(amount)
    except ValueError as error:
        raise BadRequest(f"{name} {error}; it is dollars, such as 25") from error
    if dollars < ZERO:
        raise BadRequest(f"{name} {text(dollars)} is below 0; it is dollars")
    return dollars


def grid_of(market: Market, outcome: str) -> PriceGrid:
    """The prices that a market takes for an outcome of its."""
    is_first = outcome == market.outcomes[0].label
    return market.grid if is_first else market.grid.complement()


def whole_lots(amount: Decimal, unit: Decimal) -> int:
    """How many whole units an amount holds."""
    return int(_FLOOR.divide(amount, unit).to_integral_value(ROUND_FLOOR))


def largest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number from 1 to ``most`` that fits, if all below it do; 0 if none does.

    What is returned fits in any case.
    """
    low, high = 0, most
    while low < high:
        middle = high - (high - low) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
