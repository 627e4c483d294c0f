"""What is to leave before an order: asked about together, they must fit together."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ..guards.worst import Claim
from ..money import EXACT, total
from .exposures import Exposures

__all__ = ["Ahead"]

_Key = tuple[str, str]


class Ahead:
    """Orders that were let pass so far, of several that are only asked about."""

    def __init__(self) -> None:
        self._claims: dict[str, dict[_Key, list[Claim]]] = {}
        self.opening = 0
        """How many of them may open something."""

    def add(self, market_id: str, key: _Key, claim: Claim) -> None:
        """Let one more pass."""
        self._claims.setdefault(market_id, {}).setdefault(key, []).append(claim)

    def on(self, market_id: str) -> Iterable[tuple[_Key, list[Claim]]]:
        """Those of a market, by what nets."""
        return self._claims.get(market_id, {}).items()

    def of(self, market_id: str, key: _Key) -> list[Claim]:
        """Those that net with an order."""
        return self._claims.get(market_id, {}).get(key, [])

    def at_risk(self, exposures: Exposures) -> Decimal:
        """Dollars that they put at risk on top of what is, in all markets."""
        return total(
            EXACT.subtract(
                exposures.of(name, plus=self.on(name)).total, exposures.of(name).total
            )
            for name in self._claims
        )
