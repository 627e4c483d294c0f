"""Why an order on paper is refused, and which error of a venue says so."""

from __future__ import annotations

from typing import Final

from ..errors import ExchangeError, InsufficientFunds, MarketClosed, OrderRejected
from ..models import MarketStatus

__all__ = ["NOT_ENOUGH", "WOULD_CROSS", "error_of", "not_trading"]

NOT_ENOUGH: Final = "not enough cash or contracts"
WOULD_CROSS: Final = "post_only would have crossed"
_NOT_TRADING: Final = "the market is"


def not_trading(status: MarketStatus) -> str:
    """Why nothing is placed or changed in a market of this status."""
    return f"{_NOT_TRADING} {status}"


def error_of(reason: str) -> type[ExchangeError]:
    """The error that a venue would have answered.

    >>> error_of(not_trading(MarketStatus.PAUSED)).__name__
    'MarketClosed'
    """
    if reason.startswith(_NOT_TRADING):
        return MarketClosed
    return InsufficientFunds if reason == NOT_ENOUGH else OrderRejected
