"""What Polymarket charges for a fill, to the last digit.

``rate × (p × (1 − p)) ^ exponent`` dollars for each share that a taker trades, rounded to
five digits; makers pay nothing (docs.polymarket.com, fees, 2026-08).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

import attrs

from ...errors import NotSupported
from ...models import Side
from ...money import EXACT, ZERO, complement
from .parse import FeeTerms

__all__ = ["Fees", "fee_of"]

_STEP: Final = Decimal("0.00001")
# Which way a half goes is not documented (2026-10).
_ROUNDED: Final = Context(prec=60, rounding=ROUND_HALF_UP)
_LARGEST: Final = 8


def fee_of(
    terms: FeeTerms | None, price: Decimal, size: Decimal, *, maker: bool
) -> Decimal:
    """Dollars for one fill; ``terms`` is None for a market that charges nothing.

    Raises `NotSupported` for a rule whose arithmetic nobody has published.

    >>> crypto = FeeTerms(Decimal("0.07"), Decimal(1))
    >>> fee_of(crypto, Decimal("0.50"), Decimal(100), maker=False)
    Decimal('1.75000')
    """
    if terms is None:
        return ZERO
    if maker:
        if terms.is_taker_only:
            return ZERO
        message = "what makers pay on this market is not published; look at the balance"
        raise NotSupported(message, venue="polymarket")
    exponent = terms.exponent
    if exponent not in range(_LARGEST + 1):
        message = f"a fee with the exponent {exponent} has no exact arithmetic here"
        raise NotSupported(message, venue="polymarket")
    spread = EXACT.multiply(price, complement(price))
    each = EXACT.multiply(terms.rate, EXACT.power(spread, int(exponent)))
    return _ROUNDED.quantize(EXACT.multiply(size, each), _STEP)


@attrs.frozen(slots=True)
class Fees:
    """The fees of one market as they were read; the same for both outcomes and sides."""

    terms: FeeTerms | None

    def fee(
        self,
        outcome: str,  # noqa: ARG002 - p × (1 − p) is the same of both
        side: Side | str,  # noqa: ARG002 - buyers and sellers pay alike
        price: Decimal,
        size: Decimal,
        *,
        maker: bool = False,
    ) -> Decimal:
        """Dollars for one fill of ``size`` shares at ``price``."""
        return fee_of(self.terms, price, size, maker=maker)
