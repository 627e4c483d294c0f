"""Kalshi: the US event-contract exchange (docs.kalshi.com)."""

from __future__ import annotations

from ...shells.aio import AsyncExchange
from ...shells.blocking import Exchange
from .venue import KalshiVenue

__all__ = ["ASYNC", "BLOCKING", "AsyncKalshi", "Kalshi"]


class Kalshi(Exchange):
    """Kalshi, blocking."""

    venue_type = KalshiVenue


class AsyncKalshi(AsyncExchange):
    """Kalshi, asynchronous."""

    venue_type = KalshiVenue


BLOCKING = Kalshi
ASYNC = AsyncKalshi
