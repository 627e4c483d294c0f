"""Kalshi: the US event-contract exchange (docs.kalshi.com).

The two flavours are loaded when they are asked for, so that a blocking program does not
load asyncio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .aio import AsyncKalshi
    from .aio_websocket import AsyncKalshiWebSocket
    from .blocking import Kalshi
    from .websocket import KalshiWebSocket

__all__ = ["AsyncKalshi", "AsyncKalshiWebSocket", "Kalshi", "KalshiWebSocket"]

_HOMES = {
    "AsyncKalshi": ".aio",
    "AsyncKalshiWebSocket": ".aio_websocket",
    "Kalshi": ".blocking",
    "KalshiWebSocket": ".websocket",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name], __name__), name)
