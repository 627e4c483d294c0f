"""The simulated Kalshi: a real exchange in small behind Kalshi's REST wire."""

from __future__ import annotations

from .authentication import ApiKey, KeyPair, generate_key, load_public_key
from .dialect import SimulatedKalshi
from .sandbox import simulated

__all__ = [
    "ApiKey",
    "KeyPair",
    "SimulatedKalshi",
    "generate_key",
    "load_public_key",
    "simulated",
]
