"""Paper over the simulated venues, in memory and on a virtual clock: no socket is opened."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.paper.broker import PaperBroker
from unified_exchanges.testing.conformance import Ground


class _OnPaper(Ground):
    """Every exchange of a ground has the same account, as if it were at one venue."""

    source: ClassVar[str]
    _broker: PaperBroker | None = None

    def exchange(self, flavour: str, **settings: Any) -> Any:
        """An exchange on paper over the venue of the ground."""
        settings.setdefault("source", self.source)
        settings["options"] = {"stream": False, **settings.get("options", {})}
        made = super().exchange(flavour, **settings)
        self._broker = made.venue.broker = self._broker or made.venue.broker
        return made


class KalshiPaper(_OnPaper, KalshiGround):
    """Paper over the simulated Kalshi."""

    exchange_id: ClassVar[str] = "paper"
    source: ClassVar[str] = "kalshi"


class PolymarketPaper(_OnPaper, PolymarketGround):
    """Paper over the simulated Polymarket."""

    exchange_id: ClassVar[str] = "paper"
    source: ClassVar[str] = "polymarket"
