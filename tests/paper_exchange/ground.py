"""Paper over the simulated venues, in memory and on a virtual clock: no socket is opened."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.paper.house import PaperHouse
from unified_exchanges.testing.conformance import Ground


class _OnPaper(Ground):
    """Every exchange of a ground has the same account, as if it were at one venue."""

    source: ClassVar[str]
    _house: PaperHouse | None = None

    def exchange(self, flavour: str, **settings: Any) -> Any:
        """An exchange on paper over the venue of the ground."""
        settings.setdefault("source", self.source)
        settings["options"] = {"stream": False, **settings.get("options", {})}
        made = super().exchange(flavour, **settings)
        self._house = made.venue.house = self._house or made.venue.house
        return made


class KalshiPaper(_OnPaper, KalshiGround):
    """Paper over the simulated Kalshi."""

    exchange_id: ClassVar[str] = "paper"
    source: ClassVar[str] = "kalshi"


class PolymarketPaper(_OnPaper, PolymarketGround):
    """Paper over the simulated Polymarket."""

    exchange_id: ClassVar[str] = "paper"
    source: ClassVar[str] = "polymarket"
