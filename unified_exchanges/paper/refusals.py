"""Why an order on paper is refused, and which error of a venue says so."""

from __future__ import annotations

from typing import Final

from ..errors import (
    InsufficientFunds,
    InvalidSize,
    MarketClosed,
    OrderRejected,
    UnifiedExchangesError,
)
from ..models import MarketStatus

__all__ = [
    "HAS_FILLED",
    "NOT_ENOUGH",
    "TOO_FEW",
    "WOULD_CROSS",
    "error_of",
    "not_trading",
]

NOT_ENOUGH: Final = "not enough cash or contracts"
TOO_FEW: Final = "fill or kill: too few are offered"
WOULD_CROSS: Final = "post_only would have crossed"
HAS_FILLED: Final = (
    "the new size is the total, and as much has filled; cancel the order instead"
)
_NOT_TRADING: Final = "the market is"


def not_trading(status: MarketStatus) -> str:
    """Why nothing is placed or changed in a market of this status."""
    return f"{_NOT_TRADING} {status}"


def error_of(reason: str) -> type[UnifiedExchangesError]:
    """The error that a venue would have answered.

    >>> error_of(not_trading(MarketStatus.PAUSED)).__name__
    'MarketClosed'
    """
    if reason.startswith(_NOT_TRADING):
        return MarketClosed
    return _ERRORS.get(reason, OrderRejected)


_ERRORS: Final[dict[str, type[UnifiedExchangesError]]] = {
    NOT_ENOUGH: InsufficientFunds,
    HAS_FILLED: InvalidSize,
}
