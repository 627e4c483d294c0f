"""Kalshi, asynchronous."""

from __future__ import annotations

from ...shells.aio import AsyncExchange
from .venue import KalshiVenue

__all__ = ["EXCHANGE", "AsyncKalshi"]


class AsyncKalshi(AsyncExchange):
    """Kalshi, asynchronous: see `AsyncExchange`."""

    venue_type = KalshiVenue


EXCHANGE = AsyncKalshi
