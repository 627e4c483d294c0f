"""What a run asks of a venue whose market data come from a recording."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ..paper.broker import PaperBroker
from .clock import ReplayClock

__all__ = ["Overhearing"]


class Overhearing(ABC):
    """A venue with an account on paper, in the time of a recording."""

    broker: PaperBroker
    clock: ReplayClock

    @abstractmethod
    def overhear(self, listener: Callable[[object], None]) -> None:
        """Tell of what is followed before the account makes anything of it."""

    @property
    @abstractmethod
    def closing(self) -> int:
        """When the next market closes by the clock, as the strategy's shows it."""

    @abstractmethod
    def close_markets(self) -> None:
        """Close those whose time has come."""
