"""What kind of endpoint a path belongs to, in few words, for monitoring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["family_of"]

_FAMILIES: Final[Mapping[str, str]] = {
    "account": "account",
    "api_keys": "account",
    "candlesticks": "candles",
    "communications": "communications",
    "events": "events",
    "exchange": "exchange",
    "fills": "fills",
    "markets": "markets",
    "order_groups": "order_groups",
    "orderbook": "order_books",
    "orderbooks": "order_books",
    "orders": "orders",
    "portfolio": "portfolio",
    "positions": "positions",
    "series": "series",
    "settlements": "settlements",
    "trades": "trades",
}


def family_of(path: str) -> str:
    """The family of a path: the last of its words that names one, else ``other``.

    >>> family_of("/portfolio/events/orders/2f1c"), family_of("/milestones/abc")
    ('orders', 'other')
    """
    words = reversed(path.split("/"))
    return next((_FAMILIES[word] for word in words if word in _FAMILIES), "other")
