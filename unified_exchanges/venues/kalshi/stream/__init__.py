"""Kalshi's WebSocket without a socket: its frames, commands, sequence rule and events."""

from __future__ import annotations

from .events import (
    BookDelta,
    BookSnapshot,
    EventFeeUpdate,
    EventLifecycle,
    OrderGroupUpdate,
    QuoteAccepted,
    QuoteCreated,
    QuoteExecuted,
    RfqCreated,
    RfqDeleted,
)
from .protocol import KalshiStream

__all__ = [
    "BookDelta",
    "BookSnapshot",
    "EventFeeUpdate",
    "EventLifecycle",
    "KalshiStream",
    "OrderGroupUpdate",
    "QuoteAccepted",
    "QuoteCreated",
    "QuoteExecuted",
    "RfqCreated",
    "RfqDeleted",
]
