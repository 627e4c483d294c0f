"""Why an order on paper is refused, and which error of a venue says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, TypeAlias

from ..errors import (
    InsufficientFunds,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketClosed,
    OrderRejected,
    UnifiedExchangesError,
)
from ..models import MarketStatus, OrderStatus
from ..money import text

__all__ = [
    "HAS_FILLED",
    "NOTHING_TO_REDUCE",
    "NOT_ENOUGH",
    "OFF_GRID",
    "PAUSES",
    "RESUMED",
    "TOO_FEW",
    "WOULD_CROSS",
    "Pause",
    "error_of",
    "has_ended",
    "not_trading",
    "refusal_told",
]

Pause: TypeAlias = Literal["trading", "venue"]
"""What pauses while a market is open: orders and changes, or the venue with its cancels."""

NOTHING_TO_REDUCE: Final = "reduce_only: there is no position to reduce"
NOT_ENOUGH: Final = "not enough cash or contracts"
OFF_GRID: Final = "the price is not on the market's grid, which has changed meanwhile"
RESUMED: Final = "the market has resumed trading after a pause: what rested is canceled"
TOO_FEW: Final = "fill or kill: too few are offered"
WOULD_CROSS: Final = "post_only would have crossed"
HAS_FILLED: Final = (
    "the new size is the total, and as much has filled; cancel the order instead"
)
_NOT_TRADING: Final = "the market is"
PAUSES: Final[dict[Pause, str]] = {
    "trading": f"{_NOT_TRADING} open, but trading is paused; resting orders stay",
    "venue": f"{_NOT_TRADING} open, but the whole venue is paused, cancels included",
}
_NOT_CHANGED: Final = "could not be changed; the venue shows it"


def not_trading(status: MarketStatus) -> str:
    """Why nothing is placed or changed in a market of this status."""
    return f"{_NOT_TRADING} {status}"


def has_ended(
    order_id: str, status: OrderStatus, filled: Decimal, size: Decimal
) -> str:
    """Why an order is not changed that was over before the change arrived."""
    return (
        f"order {order_id} {_NOT_CHANGED} {status} with {text(filled)} of {text(size)} "
        "filled"
    )


def error_of(reason: str) -> type[UnifiedExchangesError]:
    """The error that a venue would have answered.

    >>> error_of(not_trading(MarketStatus.PAUSED)).__name__
    'MarketClosed'
    """
    if reason.startswith(_NOT_TRADING):
        return MarketClosed
    if _NOT_CHANGED in reason:
        return InvalidOrder
    return _ERRORS.get(reason, OrderRejected)


def refusal_told(about: object, reason: str) -> str:
    """What an error says of it, alike on paper and in a backtest.

    >>> refusal_told("change of 7", TOO_FEW)
    'change of 7: refused on paper: fill or kill: too few are offered'
    """
    return f"{about}: refused on paper: {reason}"


_ERRORS: Final[dict[str, type[UnifiedExchangesError]]] = {
    NOTHING_TO_REDUCE: InvalidOrder,
    NOT_ENOUGH: InsufficientFunds,
    OFF_GRID: InvalidPrice,
    HAS_FILLED: InvalidSize,
}
