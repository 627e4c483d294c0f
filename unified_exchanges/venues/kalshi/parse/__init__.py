"""Kalshi's answers as models: pure functions from bytes.

Every function raises `VenueSchemaError`, which names the field, when a price, a size, a
side or an id is missing or malformed.  Words that are not known become ``UNKNOWN``; each
model keeps the bytes of its own object for ``raw``.
"""

from __future__ import annotations

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
from .catalog import event, events_page, market, markets_page, series, series_list
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
    "trades_page",
]
