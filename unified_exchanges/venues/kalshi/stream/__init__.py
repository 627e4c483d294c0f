"""Kalshi's WebSocket without a socket: its frames, commands, sequence rule and events."""

from __future__ import annotations

from .events import (
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
from .protocol import KalshiStream

__all__ = [
    "BookDelta",
    "BookSnapshot",
    "CfBenchmarksIndexList",
    "CfBenchmarksValue",
    "EventFeeUpdate",
    "EventLifecycle",
    "IndexAverage",
    "KalshiStream",
    "OrderGroupUpdate",
    "PythUnderlyingList",
    "PythValue",
    "QuoteAccepted",
    "QuoteCreated",
    "QuoteExecuted",
    "RfqCreated",
    "RfqDeleted",
    "Unrecognised",
]
