"""Polymarket: the prediction market on Polygon (docs.polymarket.com).

The two flavours are loaded when they are asked for, so that a blocking program does not load
asyncio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .aio import AsyncPolymarket
    from .aio_websocket import AsyncPolymarketWebSocket
    from .blocking import Polymarket
    from .stream import BookChange, BookSnapshot, NewMarket, Unrecognised
    from .subscriptions import PolymarketEvent
    from .websocket import PolymarketWebSocket

__all__ = [
    "AsyncPolymarket",
    "AsyncPolymarketWebSocket",
    "BookChange",
    "BookSnapshot",
    "NewMarket",
    "Polymarket",
    "PolymarketEvent",
    "PolymarketWebSocket",
    "Unrecognised",
]

_HOMES = {
    "AsyncPolymarket": ".aio",
    "AsyncPolymarketWebSocket": ".aio_websocket",
    "BookChange": ".stream",
    "BookSnapshot": ".stream",
    "NewMarket": ".stream",
    "Polymarket": ".blocking",
    "PolymarketEvent": ".subscriptions",
    "PolymarketWebSocket": ".websocket",
    "Unrecognised": ".stream",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name], __name__), name)
