"""Kalshi: the US event-contract exchange (docs.kalshi.com).

The two flavours, their streams and what these tell are loaded when they are asked for, so
that a blocking program does not load asyncio, and one that does not stream no stream.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...streams.protocol import Refused
    from .aio import AsyncKalshi
    from .aio_websocket import AsyncKalshiWebSocket
    from .blocking import Kalshi
    from .stream.events import (
        BookDelta,
        BookSnapshot,
        CfBenchmarksIndexList,
        CfBenchmarksValue,
        EventFeeUpdate,
        EventLifecycle,
        IndexAverage,
        OrderGroupUpdate,
        PythUnderlyingList,
        PythValue,
        QuoteAccepted,
        QuoteCreated,
        QuoteExecuted,
        RfqCreated,
        RfqDeleted,
        Unrecognised,
    )
    from .subscriptions import KalshiEvent
    from .websocket import KalshiWebSocket

__all__ = [
    "AsyncKalshi",
    "AsyncKalshiWebSocket",
    "BookDelta",
    "BookSnapshot",
    "CfBenchmarksIndexList",
    "CfBenchmarksValue",
    "EventFeeUpdate",
    "EventLifecycle",
    "IndexAverage",
    "Kalshi",
    "KalshiEvent",
    "KalshiWebSocket",
    "OrderGroupUpdate",
    "PythUnderlyingList",
    "PythValue",
    "QuoteAccepted",
    "QuoteCreated",
    "QuoteExecuted",
    "Refused",
    "RfqCreated",
    "RfqDeleted",
    "Unrecognised",
]

_EVENTS = ".stream.events"
_HOMES = {
    "AsyncKalshi": ".aio",
    "AsyncKalshiWebSocket": ".aio_websocket",
    "BookDelta": _EVENTS,
    "BookSnapshot": _EVENTS,
    "CfBenchmarksIndexList": _EVENTS,
    "CfBenchmarksValue": _EVENTS,
    "EventFeeUpdate": _EVENTS,
    "EventLifecycle": _EVENTS,
    "IndexAverage": _EVENTS,
    "Kalshi": ".blocking",
    "KalshiEvent": ".subscriptions",
    "KalshiWebSocket": ".websocket",
    "OrderGroupUpdate": _EVENTS,
    "PythUnderlyingList": _EVENTS,
    "PythValue": _EVENTS,
    "QuoteAccepted": _EVENTS,
    "QuoteCreated": _EVENTS,
    "QuoteExecuted": _EVENTS,
    "Refused": "...streams.protocol",
    "RfqCreated": _EVENTS,
    "RfqDeleted": _EVENTS,
    "Unrecognised": _EVENTS,
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name], __name__), name)
