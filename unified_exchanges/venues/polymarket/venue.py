"""The Polymarket venue: its parts put together."""

from __future__ import annotations

from .account import Account
from .fill_history import FillHistory

__all__ = ["PolymarketVenue"]


class PolymarketVenue(Account, FillHistory):
    """Every unified method that Polymarket has, as flows.

    Each outcome has a book of its own, so nothing is told in terms of the first one.
    """
