"""Polymarket's answers as models: pure functions from bytes.

Every function raises `VenueSchemaError`, which names the field, when a price, a size, a
side or an id is missing or malformed.  Words that are not known become ``UNKNOWN``; each
model keeps the bytes of its own object for ``raw``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .account import (
        Redemption,
        balance,
        claims_page,
        positions_page,
        redemptions_page,
        tier,
        told_price,
    )
    from .activity import KINDS, activity_page
    from .catalog import (
        FeeTerms,
        LeaveOut,
        MarketTerms,
        event,
        events_page,
        fee_terms,
        markets_page,
        search_page,
        series,
        series_list,
        tag_list,
        terms,
    )
    from .orders import EXPIRY_MARGIN, Ours, fills_page, order, orders_page
    from .quotes import (
        clock,
        last_price,
        order_book,
        order_books,
        points_page,
        trades_page,
    )

__all__ = [
    "EXPIRY_MARGIN",
    "KINDS",
    "FeeTerms",
    "LeaveOut",
    "MarketTerms",
    "Ours",
    "Redemption",
    "activity_page",
    "balance",
    "claims_page",
    "clock",
    "event",
    "events_page",
    "fee_terms",
    "fills_page",
    "last_price",
    "markets_page",
    "order",
    "order_book",
    "order_books",
    "orders_page",
    "points_page",
    "positions_page",
    "redemptions_page",
    "search_page",
    "series",
    "series_list",
    "tag_list",
    "terms",
    "tier",
    "told_price",
    "trades_page",
]

_HOMES = {
    "activity": ("KINDS", "activity_page"),
    "account": (
        "Redemption",
        "balance",
        "claims_page",
        "positions_page",
        "redemptions_page",
        "tier",
        "told_price",
    ),
    "catalog": (
        "FeeTerms",
        "LeaveOut",
        "MarketTerms",
        "event",
        "events_page",
        "fee_terms",
        "markets_page",
        "search_page",
        "series",
        "series_list",
        "tag_list",
        "terms",
    ),
    "orders": ("EXPIRY_MARGIN", "Ours", "fills_page", "order", "orders_page"),
    "quotes": (
        "clock",
        "last_price",
        "order_book",
        "order_books",
        "points_page",
        "trades_page",
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a reader with the first answer that needs it."""
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
