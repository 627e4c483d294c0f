"""What a simulated market charges: Kalshi's rule under the terms of the moment."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import attrs

from ....money import ONE
from ....simulator.orders import Charge, Side
from ..fees import FeeAccumulator, FeeSchedule

__all__ = ["Tariff", "Terms"]


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
        fee, after = self._schedule(time_us).fill_fee(
            size,
            price,
            is_bid=side == "bid",
            maker=maker,
            accumulator=FeeAccumulator(accumulator),
        )
        return Charge(fee, after.held)

    def _schedule(self, time_us: int) -> FeeSchedule:
        terms = self._terms_at(time_us)
        waived = self._waiver_us is not None and time_us < self._waiver_us
        return FeeSchedule(terms.fee_type, terms.multiplier, waived=waived)
