"""The simulated Polymarket: a real exchange in small behind Polymarket's wires."""

from __future__ import annotations

from .dialect import SimulatedPolymarket
from .sandbox import simulated
from .settings import PolymarketSettings
from .wallets import ApiKey, Wallet

__all__ = ["ApiKey", "PolymarketSettings", "SimulatedPolymarket", "Wallet", "simulated"]
