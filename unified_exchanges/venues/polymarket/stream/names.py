"""Which token is which outcome of which market, as far as one object knows."""

from __future__ import annotations

from typing import Protocol

from ....grid import PriceGrid
from ....models import Outcome
from ..memory import Known

__all__ = ["Names"]


class Names(Protocol):
    """What the memory of a venue tells a stream, and learns from it."""

    def market(self, market_id: str) -> Known | None:
        """A market's outcomes and tokens."""
        ...

    def learn_market(self, market_id: str, outcomes: tuple[Outcome, ...]) -> Known:
        """A market was listed."""
        ...

    def grid(self, market_id: str) -> PriceGrid | None:
        """The prices that may be ordered, if a stream has told."""
        ...

    def learn_grid(self, market_id: str, grid: PriceGrid) -> None:
        """They are these from now on."""
        ...
