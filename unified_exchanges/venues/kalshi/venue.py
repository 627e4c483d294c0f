"""The Kalshi venue: its parts put together."""

from __future__ import annotations

from .changing import Changing
from .placing import Placing

__all__ = ["KalshiVenue"]


class KalshiVenue(Placing, Changing):
    """Every unified method that Kalshi has, as flows."""
