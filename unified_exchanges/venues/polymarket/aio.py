"""Polymarket, asynchronous."""

from __future__ import annotations

from ...shells.aio import AsyncExchange
from .venue import PolymarketVenue

__all__ = ["EXCHANGE", "AsyncPolymarket"]


class AsyncPolymarket(AsyncExchange):
    """Polymarket, asynchronous: see `AsyncExchange`."""

    venue_type = PolymarketVenue


EXCHANGE = AsyncPolymarket
