"""Kalshi's answers as models: pure functions from bytes.

Every function raises `VenueSchemaError`, which names the field, when a price, a size, a
side or an id is missing or malformed.  Words that are not known become ``UNKNOWN``; each
model keeps the bytes of its own object for ``raw``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .account import (
        KeyRing,
        SubaccountBalance,
        api_keys,
        balance,
        limits,
        positions_page,
        settlements_page,
        subaccount_balances,
    )
    from .catalog import (
        event,
        events_page,
        market,
        markets_page,
        series,
        series_list,
        tag_list,
    )
    from .combinations import Collection, collection, collections_page
    from .cursor import peek_cursor
    from .exchange import Cutoff, Schedule, Week, cutoff, fresh_until, schedule, status
    from .fees import FeeChange, event_fee_changes_page, series_fee_changes
    from .orders import (
        OrderGroup,
        fills_page,
        order,
        order_group,
        order_groups,
        orders_page,
        queue_position,
        queue_positions,
    )
    from .quotes import (
        EventCandles,
        candles,
        candles_by_market,
        event_candles,
        historical_candles,
        order_book,
        order_books,
        trades_page,
    )

__all__ = [
    "Collection",
    "Cutoff",
    "EventCandles",
    "FeeChange",
    "KeyRing",
    "OrderGroup",
    "Schedule",
    "SubaccountBalance",
    "Week",
    "api_keys",
    "balance",
    "candles",
    "candles_by_market",
    "collection",
    "collections_page",
    "cutoff",
    "event",
    "event_candles",
    "event_fee_changes_page",
    "events_page",
    "fills_page",
    "fresh_until",
    "historical_candles",
    "limits",
    "market",
    "markets_page",
    "order",
    "order_book",
    "order_books",
    "order_group",
    "order_groups",
    "orders_page",
    "peek_cursor",
    "positions_page",
    "queue_position",
    "queue_positions",
    "schedule",
    "series",
    "series_fee_changes",
    "series_list",
    "settlements_page",
    "status",
    "subaccount_balances",
    "tag_list",
    "trades_page",
]

_HOMES = {
    "account": (
        "KeyRing",
        "SubaccountBalance",
        "api_keys",
        "balance",
        "limits",
        "positions_page",
        "settlements_page",
        "subaccount_balances",
    ),
    "catalog": (
        "event",
        "events_page",
        "market",
        "markets_page",
        "series",
        "series_list",
        "tag_list",
    ),
    "combinations": (
        "Collection",
        "collection",
        "collections_page",
    ),
    "cursor": ("peek_cursor",),
    "exchange": (
        "Cutoff",
        "Schedule",
        "Week",
        "cutoff",
        "fresh_until",
        "schedule",
        "status",
    ),
    "fees": (
        "FeeChange",
        "event_fee_changes_page",
        "series_fee_changes",
    ),
    "orders": (
        "OrderGroup",
        "fills_page",
        "order",
        "order_group",
        "order_groups",
        "orders_page",
        "queue_position",
        "queue_positions",
    ),
    "quotes": (
        "EventCandles",
        "candles",
        "candles_by_market",
        "event_candles",
        "historical_candles",
        "order_book",
        "order_books",
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
