"""What a market charges, as a rule that can be asked without a request."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from .terms import Side

__all__ = ["FeeRule"]


class FeeRule(Protocol):
    """The fees of one market as they are now, from `fetch_fee_rule`; pure and exact."""

    def fee(
        self,
        outcome: str,
        side: Side | str,
        price: Decimal,
        size: Decimal,
        *,
        maker: bool = False,
    ) -> Decimal:
        """Dollars for one fill of ``size`` contracts of ``outcome`` at ``price``.

        Cut in pieces the same never pays less: what is rounded is rounded up.
        """
        ...
