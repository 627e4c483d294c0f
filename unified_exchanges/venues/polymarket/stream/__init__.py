"""Polymarket's WebSockets as conversations without a socket: market data, and our account."""

from __future__ import annotations

from .events import BookChange, BookSnapshot, NewMarket, Unrecognised
from .market import MarketStream
from .reading import Whose
from .user import UserStream

__all__ = [
    "BookChange",
    "BookSnapshot",
    "MarketStream",
    "NewMarket",
    "Unrecognised",
    "UserStream",
    "Whose",
]
