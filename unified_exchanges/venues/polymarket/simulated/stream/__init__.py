"""The sockets of the simulated Polymarket: the market channel and the user channel."""

from __future__ import annotations

from .market import MarketSession
from .session import Session
from .user import UserSession

__all__ = ["MarketSession", "Session", "UserSession"]
