"""Which amounts an order may have: its price and size out of two whole numbers."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Literal, TypeAlias

import attrs

from ....money import EXACT, div
from .wire import dollars

__all__ = ["Amounts", "Direction", "decimals"]

Direction: TypeAlias = Literal["BUY", "SELL"]

_HALF_EVEN = Context(prec=60, rounding=ROUND_HALF_EVEN)
_TOLERANCE = Decimal("0.02")
"""Of a tick: what flooring the shares of a market order moves its price by is less."""


def decimals(amount: Decimal) -> int:
    """How many decimals an amount has, without the zeros at its end."""
    exponent = EXACT.normalize(amount).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@attrs.frozen(kw_only=True, slots=True)
class Amounts:
    """What the maker of an order gives and gets, in dollars and shares."""

    side: Direction
    maker: Decimal
    taker: Decimal

    @classmethod
    def of(cls, side: Direction, maker_units: int, taker_units: int) -> Amounts:
        """Those of the wire: millionths."""
        return cls(side=side, maker=dollars(maker_units), taker=dollars(taker_units))

    @property
    def money(self) -> Decimal:
        """The dollars."""
        return self.maker if self.side == "BUY" else self.taker

    @property
    def size(self) -> Decimal:
        """The shares."""
        return self.taker if self.side == "BUY" else self.maker

    @property
    def price(self) -> Decimal:
        """Dollars of a share, to 28 digits."""
        return div(self.money, self.size)

    def on_grid(self, tick: Decimal) -> Decimal | None:
        """The price on the grid that the amounts mean; None when they mean none."""
        steps = _HALF_EVEN.to_integral_value(div(self.price, tick))
        nearest = EXACT.multiply(steps, tick)
        off = EXACT.subtract(self.price, nearest).copy_abs()
        if off > EXACT.multiply(tick, _TOLERANCE):
            return None
        return nearest if 0 < nearest < 1 else None
