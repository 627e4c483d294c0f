"""What a market charges, as a rule that can be asked without a request."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from .record import Flat
from .terms import Side

__all__ = ["Charges", "FeeRule"]


class FeeRule(Protocol):
    """The fees of one market as they are now, from `fetch_fee_rule`; pure and exact.

    ``str(rule)`` says in words what is charged, as a backtest's report tells it.
    """

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

        Cut in pieces the same may pay more, since each is rounded: see `lot_fee`.
        """
        ...

    def lot_fee(
        self, outcome: str, side: Side | str, price: Decimal, lot: Decimal
    ) -> Decimal:
        """Dollars that each lot adds at most, in whatever pieces of lots an order takes.

        So many times this as there are lots is never below the fees of all pieces.  A fee
        that is rounded is rounded up for that, even where a fill's goes to the nearest.
        """
        ...


class Charges(Flat):
    """A rule that is shown by what it charges, and by what it was made of."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from .html import fields  # noqa: PLC0415 - only notebooks need its tables

        return fields("Fees", [("charged", str(self)), *self._items()])
