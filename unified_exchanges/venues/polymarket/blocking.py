"""Polymarket, blocking."""

from __future__ import annotations

from ...shells.blocking import Exchange
from .venue import PolymarketVenue

__all__ = ["EXCHANGE", "Polymarket"]


class Polymarket(Exchange):
    """Polymarket, blocking: see `Exchange`."""

    venue_type = PolymarketVenue


EXCHANGE = Polymarket
