"""Polymarket: the prediction market on Polygon (docs.polymarket.com).

The two flavours are loaded when they are asked for, so that a blocking program does not load
asyncio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .aio import AsyncPolymarket
    from .blocking import Polymarket

__all__ = ["AsyncPolymarket", "Polymarket"]

_HOMES = {"AsyncPolymarket": ".aio", "Polymarket": ".blocking"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name], __name__), name)
