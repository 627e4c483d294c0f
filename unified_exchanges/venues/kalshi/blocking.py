"""Kalshi, blocking."""

from __future__ import annotations

from ...shells.blocking import Exchange
from .venue import KalshiVenue

__all__ = ["EXCHANGE", "Kalshi"]


class Kalshi(Exchange):
    """Kalshi, blocking: see `Exchange`."""

    venue_type = KalshiVenue


EXCHANGE = Kalshi
