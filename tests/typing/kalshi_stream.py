"""What Kalshi's own stream takes and tells: checked by mypy and pyright, never run."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_type

from unified_exchanges.venues.kalshi import (
    AsyncKalshiWebSocket,
    BookDelta,
    CfBenchmarksValue,
    IndexAverage,
    KalshiEvent,
    KalshiWebSocket,
    PythValue,
    Refused,
    Unrecognised,
)


def blocking(ws: KalshiWebSocket, indices: list[str]) -> None:
    """The blocking flavour."""
    ws.subscribe("orderbook_delta", "M", params={"skip_ticker_ack": True})
    ws.subscribe("communications", params={"user_filter": "self", "shard_factor": 2})
    ws.subscribe("cfbenchmarks_value", params={"index_ids": indices})
    for event in ws:
        assert_type(event, KalshiEvent)
        told(event)


async def asynchronous(ws: AsyncKalshiWebSocket) -> None:
    """The async flavour."""
    await ws.subscribe("pyth_value", params={"underlying_tickers": ["all"]})
    async for event in ws:
        assert_type(event, KalshiEvent)


def told(event: KalshiEvent) -> None:
    """A type says what there is."""
    if isinstance(event, BookDelta):
        assert_type(event.price, Decimal)
    elif isinstance(event, CfBenchmarksValue):
        assert_type(event.value, Decimal)
        assert_type(event.closing_average, IndexAverage | None)
    elif isinstance(event, PythValue):
        assert_type(event.value, Decimal)
    elif isinstance(event, Unrecognised | Refused):
        assert_type(event.channel, str)
