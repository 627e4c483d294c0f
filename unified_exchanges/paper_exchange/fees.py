"""The fees of a market as they are when something fills, not as they were when it was read."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import attrs

from ..errors import NotSupported
from ..models import FeeRule, Side

__all__ = ["FeesInForce"]


@attrs.define(eq=False)
class FeesInForce:
    """The rule that was read last, or the one that it announced for now.

    An order may rest for days: its fee is that of the moment of the fill.
    """

    announced: Callable[[], FeeRule | None]
    """What holds now of all that was read; None where nothing is announced."""
    latest: FeeRule | None = None
    """None until it is read: an account that goes on has not read all its markets."""

    def fee(
        self,
        outcome: str,
        side: Side | str,
        price: Decimal,
        size: Decimal,
        *,
        maker: bool = False,
    ) -> Decimal:
        """Dollars for one fill now."""
        rule = self._rule()
        return rule.fee(outcome, side, price, size, maker=maker)

    def lot_fee(
        self, outcome: str, side: Side | str, price: Decimal, lot: Decimal
    ) -> Decimal:
        """Dollars that each lot adds at most, by the rule of now."""
        return self._rule().lot_fee(outcome, side, price, lot)

    def _rule(self) -> FeeRule:
        rule = self.announced() or self.latest
        if rule is None:
            raise NotSupported("what it charges was not read", venue="paper")
        return rule
