"""The simulated Kalshi: a real exchange in small behind Kalshi's wire."""

from __future__ import annotations

from .authentication import ApiKey, KeyPair, generate_key, load_public_key
from .dialect import SimulatedKalshi
from .sandbox import simulated
from .stream import Session, StreamSettings

__all__ = [
    "ApiKey",
    "KeyPair",
    "Session",
    "SimulatedKalshi",
    "StreamSettings",
    "generate_key",
    "load_public_key",
    "simulated",
]
