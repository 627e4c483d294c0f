"""Contracts that were sold, and of which no purchase was told."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from ..models import Fill
from ..money import EXACT, ZERO
from ..paper.account import Lots

__all__ = ["Supposed"]

_Key: TypeAlias = tuple[str, str]
"""A market and an outcome of it."""

_Sale: TypeAlias = tuple[datetime, Decimal, Decimal]
"""By when they were bought, at which price they were sold, and how many they are."""


class Supposed:
    """What must have been bought, as a venue on which none is sold short sold it.

    Elsewhere since the run began, and then what it cost is not known here; or by the run
    itself, where a stream lost that fill and a read tells it after that of the sale.
    """

    def __init__(self) -> None:
        self._sales: dict[_Key, list[_Sale]] = {}
        self._last: dict[_Key, datetime] = {}
        """When the last sale was: one that was told before may have taken what this one did."""

    def sold(self, fill: Fill, size: Decimal, held: Lots) -> None:
        """Have as many as are sold, at the price of the sale."""
        key, missing = (fill.market_id, fill.outcome), EXACT.subtract(size, held.size)
        last = self._last.get(key, fill.created_at)
        self._last[key] = last = max(last, fill.created_at)
        if missing > 0:
            held.add(missing, fill.price)
            self._sales.setdefault(key, []).append((last, fill.price, missing))

    def bought(self, fill: Fill, held: Lots) -> None:
        """Give away what was bought, as far as it was sold already."""
        key, left, unknown = (fill.market_id, fill.outcome), fill.size, []
        for by, price, missing in self._sales.pop(key, ()):
            size = min(left, missing) if fill.created_at <= by else ZERO
            if size:
                held.remove(size, price)
                left = EXACT.subtract(left, size)
            if size < missing:
                unknown.append((by, price, EXACT.subtract(missing, size)))
        if unknown:
            self._sales[key] = unknown
