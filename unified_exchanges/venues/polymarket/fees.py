"""What Polymarket charges for a fill, to the last digit.

``rate × (p × (1 − p)) ^ exponent`` dollars for each share that a taker trades, rounded to
five digits, and what is below the last of them is nothing; makers pay nothing
(docs.polymarket.com, fees, 2026-08).
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from typing import Final

import attrs

from ...errors import NotSupported
from ...models import Side
from ...models.fees import Charges
from ...money import ONE, ZERO, complement, text
from .parse import FeeTerms

__all__ = ["Fees", "fee_of"]

_STEP: Final = Decimal("0.00001")
# Which way a half goes is not documented (2026-10).
_ROUNDED: Final = Context(prec=120, rounding=ROUND_HALF_UP)
"""Whole exponents are exact in it; the roots of others are cut a hundred digits further."""
_UP: Final = Context(prec=120, rounding=ROUND_CEILING)
_LARGEST: Final = 8


def fee_of(
    terms: FeeTerms | None, price: Decimal, size: Decimal, *, maker: bool
) -> Decimal:
    """Dollars for one fill; ``terms`` is None for a market that charges nothing.

    Raises `NotSupported` for a rule whose arithmetic nobody has published: of makers
    who pay, and with an exponent below 0 or above 8.

    >>> crypto = FeeTerms(Decimal("0.07"), Decimal(1))
    >>> fee_of(crypto, Decimal("0.50"), Decimal(100), maker=False)
    Decimal('1.75000')
    """
    exact = _exact_fee(terms, price, size, maker=maker)
    if exact is None or exact < _STEP:
        return ZERO
    return _ROUNDED.quantize(exact, _STEP)


def _exact_fee(
    terms: FeeTerms | None, price: Decimal, size: Decimal, *, maker: bool
) -> Decimal | None:
    """What a fill would pay if nothing were rounded; None if it pays nothing."""
    if terms is None:
        return None
    if maker:
        if terms.is_taker_only:
            return None
        message = "what makers pay on this market is not published; look at the balance"
        raise NotSupported(message, venue="polymarket")
    exponent = terms.exponent
    if not 0 <= exponent <= _LARGEST:
        message = (
            f"a fee with the exponent {exponent} is like none that the venue has had"
        )
        raise NotSupported(message, venue="polymarket")
    spread = _ROUNDED.multiply(price, complement(price))
    each = _ROUNDED.multiply(terms.rate, _ROUNDED.power(spread, exponent))
    return _ROUNDED.multiply(size, each)


@attrs.frozen(slots=True)
class Fees(Charges):
    """The fees of one market as they were read; the same for both outcomes and sides."""

    terms: FeeTerms | None

    def __str__(self) -> str:
        if self.terms is None:
            return "nothing"
        rate, exponent = text(self.terms.rate), self.terms.exponent
        power = "" if exponent == ONE else f" ^ {text(exponent)}"
        makers = "nothing" if self.terms.is_taker_only else "what is not published"
        return (
            f"takers {rate} × shares × (price × (1 − price)){power}, makers {makers}, "
            f"to the nearest ${text(_STEP)}"
        )

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

    def fee_if_known(
        self, price: Decimal, size: Decimal, *, maker: bool
    ) -> Decimal | None:
        """The same; None where nobody has published the arithmetic."""
        try:
            return fee_of(self.terms, price, size, maker=maker)
        except NotSupported:
            return None

    def lot_fee(
        self,
        outcome: str,  # noqa: ARG002 - likewise
        side: Side | str,  # noqa: ARG002 - likewise
        price: Decimal,
        lot: Decimal,
    ) -> Decimal:
        """Dollars that each lot adds at most: its fee, rounded up.

        Rounded to the nearest step a lot may pay nothing where two of them do.
        """
        exact = _exact_fee(self.terms, price, lot, maker=False)
        return ZERO if exact is None else _UP.quantize(exact, _STEP)
