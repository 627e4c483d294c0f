"""The Polymarket venue: its parts put together."""

from __future__ import annotations

from .account import Account
from .resync import Resyncing

__all__ = ["PolymarketVenue"]


class PolymarketVenue(Account, Resyncing):
    """Every unified method that Polymarket has, as flows.

    Each outcome has a book of its own, so nothing is told in terms of the first one.
    """
