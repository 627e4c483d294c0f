"""Kalshi: the US event-contract exchange (docs.kalshi.com)."""

from __future__ import annotations

from ...async_exchange import AsyncExchange
from ...exchange import Exchange
from .venue import KalshiVenue

__all__ = ["AsyncKalshi", "Kalshi"]


class Kalshi(Exchange):
    """Kalshi, blocking."""

    venue_type = KalshiVenue


class AsyncKalshi(AsyncExchange):
    """Kalshi, asynchronous."""

    venue_type = KalshiVenue
