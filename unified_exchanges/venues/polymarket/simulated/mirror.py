"""A book as it was after each of its changes, which the engine tells only afterwards."""

from __future__ import annotations

from decimal import Decimal

from ....money import EXACT, ONE
from ....simulator.markets import Level
from ....simulator.notices import BookDelta
from ....simulator.orders import Side

__all__ = ["Mirror"]


class Mirror:
    """The levels of one market, in prices of outcome 0."""

    def __init__(self) -> None:
        self._sides: dict[Side, dict[Decimal, Decimal]] = {"bid": {}, "ask": {}}

    def apply(self, delta: BookDelta) -> None:
        """Take a change."""
        side = self._sides[delta.side]
        if delta.size:
            side[delta.price] = delta.size
        else:
            side.pop(delta.price, None)

    def levels(self, index: int, side: Side) -> list[Level]:
        """Bids or asks of an outcome, best first."""
        own: Side = side if index == 0 else ("ask" if side == "bid" else "bid")
        found = sorted(self._sides[own].items(), reverse=own == "bid")
        return [
            Level(price=price if index == 0 else EXACT.subtract(ONE, price), size=size)
            for price, size in found
        ]

    def best(self, index: int, side: Side) -> Decimal | None:
        """The best bid or ask of an outcome."""
        own: Side = side if index == 0 else ("ask" if side == "bid" else "bid")
        prices = self._sides[own]
        if not prices:
            return None
        price = max(prices) if own == "bid" else min(prices)
        return price if index == 0 else EXACT.subtract(ONE, price)
