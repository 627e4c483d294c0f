"""The Kalshi venue: its parts put together."""

from __future__ import annotations

from .account import Account
from .discovery import Discovery
from .quotes import Quotes
from .history import History
from .trading import Trading

__all__ = ["KalshiVenue"]


class KalshiVenue(Trading, Account, History, Quotes, Discovery):
    """Every unified method that Kalshi has, as flows."""
