"""What a simulated market charges: takers only, in dollars, at the match.

docs.polymarket.com fees, 2026-08: shares × rate × (p × (1 − p)), five decimals, what is
below that is nothing. How half a step is rounded is not documented: up is assumed.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

from ....money import EXACT, ONE, ZERO
from ....simulator.orders import Charge, Side
from .catalog import Fees

__all__ = ["Tariff", "taker_fee"]

_STEP = Decimal("0.00001")
_HALF_UP = Context(prec=60, rounding=ROUND_HALF_UP)


def taker_fee(fees: Fees | None, price: Decimal, size: Decimal) -> Decimal:
    """The fee of a taker's fill; the same for both outcomes of a market."""
    if fees is None:
        return ZERO
    spread = EXACT.multiply(price, EXACT.subtract(ONE, price))
    exact = EXACT.multiply(EXACT.multiply(size, fees.rate), spread)
    return ZERO if exact < _STEP else _HALF_UP.quantize(exact, _STEP)


class Tariff:
    """The fee rule of one market."""

    def __init__(self, fees: Fees | None) -> None:
        self._fees = fees

    def fee(
        self,
        *,
        maker: bool,
        side: Side,
        price: Decimal,
        size: Decimal,
        accumulator: Decimal,
        time_us: int,
    ) -> Charge:
        """The fee of a fill."""
        del side, accumulator, time_us
        return Charge(ZERO if maker else taker_fee(self._fees, price, size), ZERO)
