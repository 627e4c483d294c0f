"""What Kalshi charges for a fill: the documented formula and its rounding.

docs.kalshi.com fee rounding 2026-06-01, direct members (precision $0.0001). Written
apart from the client's estimate, so that each checks the other.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import attrs

from ....money import CENTI, EXACT, ONE, ZERO
from ....simulator.orders import Charge, Side, money_of

__all__ = ["RATES", "Tariff", "Terms"]

RATES: dict[str, tuple[Decimal, Decimal]] = {
    "quadratic": (Decimal("0.07"), ZERO),
    "quadratic_with_maker_fees": (Decimal("0.07"), Decimal("0.0175")),
    "quadratic_with_combo_maker_fees": (Decimal("0.07"), Decimal("0.035")),
}
"""Taker rate and maker rate by fee type."""

_STEP = Decimal("0.0001")
_FLOOR = Context(prec=60, rounding=ROUND_FLOOR)
_CEILING = Context(prec=60, rounding=ROUND_CEILING)


@attrs.frozen(slots=True)
class Terms:
    """How a series or an event is charged."""

    fee_type: str
    multiplier: Decimal = ONE


class Tariff:
    """The fee rule of one market: its terms at the time of the fill."""

    def __init__(
        self, terms_at: Callable[[int], Terms], *, waiver_us: int | None = None
    ) -> None:
        self._terms_at = terms_at
        self._waiver_us = waiver_us

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
        """The net fee of a fill and what the order's accumulator holds after it."""
        if self._waiver_us is not None and time_us < self._waiver_us:
            return Charge(ZERO, accumulator)
        terms = self._terms_at(time_us)
        trade_fee = _trade_fee(RATES[terms.fee_type][maker], terms, price, size)
        # A seller of YES is booked as a buyer of NO: both leave the same remainder.
        revenue = money_of(side, price, size).copy_negate()
        change = EXACT.subtract(revenue, trade_fee)
        rounding = EXACT.subtract(change, _FLOOR.quantize(change, _STEP))
        held = EXACT.add(accumulator, rounding)
        rebate = CENTI if held > CENTI else ZERO
        fee = EXACT.subtract(EXACT.add(trade_fee, rounding), rebate)
        return Charge(max(fee, ZERO), EXACT.subtract(held, rebate))


def _trade_fee(rate: Decimal, terms: Terms, price: Decimal, size: Decimal) -> Decimal:
    spread = EXACT.multiply(price, EXACT.subtract(ONE, price))
    amount = EXACT.multiply(EXACT.multiply(rate, terms.multiplier), size)
    return _CEILING.quantize(EXACT.multiply(amount, spread), _STEP)
