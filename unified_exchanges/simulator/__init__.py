"""A real exchange in small, on which every simulated venue trades.

`Engine` matches, holds collateral, charges, settles and keeps the books; `OrderFlow` adds
seeded synthetic traders. Both are exact, silent about time other than their clock's, and
know no venue.
"""

from __future__ import annotations

from .accounts import Books, Cash, Position, Settlement
from .engine import Engine
from .floor import Clock
from .markets import Candle, Level, Listing, Market, Range
from .notices import Notice
from .orderflow import FlowSettings, OrderFlow
from .orders import (
    Charge,
    FeeRule,
    Fill,
    Group,
    Order,
    Owner,
    Refusal,
    Ticket,
    Trade,
    Unchanged,
)

__all__ = [
    "Books",
    "Candle",
    "Cash",
    "Charge",
    "Clock",
    "Engine",
    "FeeRule",
    "Fill",
    "FlowSettings",
    "Group",
    "Level",
    "Listing",
    "Market",
    "Notice",
    "Order",
    "OrderFlow",
    "Owner",
    "Position",
    "Range",
    "Refusal",
    "Settlement",
    "Ticket",
    "Trade",
    "Unchanged",
]
