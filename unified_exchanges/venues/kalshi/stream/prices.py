"""Frames to events: index values of CF Benchmarks and prices of Pyth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from ..parse.reading import Malformed, amount, milliseconds
from . import events, frames

__all__ = ["PRICE_READERS"]

_upstream: Final = msgspec.json.Decoder(frames.Upstream).decode


def _index(
    frame: frames.IndexValue, raw: bytes, _: datetime
) -> events.CfBenchmarksValue:
    w = frame.msg
    try:
        told = _upstream(w.data)
    except msgspec.MsgspecError as error:
        raise Malformed("msg.data", f"is no value of an index: {error}") from error
    closing = w.last_60s_windowed_average_15min
    return events.CfBenchmarksValue(
        venue="kalshi",
        raw_json=raw,
        index_id=w.index_id,
        value=amount(told.value, "msg.data.value"),
        average=_average(w.avg_60s_data, "msg.avg_60s_data"),
        closing_average=None
        if closing is None
        else _average(closing, "msg.last_60s_windowed_average_15min"),
        timestamp=milliseconds(told.time, "msg.data.time"),
        received_at=milliseconds(w.received_at, "msg.received_at"),
    )


def _average(w: frames.AverageMsg, field: str) -> events.IndexAverage:
    return events.IndexAverage(
        value=amount(w.value, f"{field}.value"),
        ticks=w.window_size,
        since=milliseconds(w.window_start_ts_ms, f"{field}.window_start_ts_ms"),
        until=milliseconds(
            w.window_end_ts_exclusive, f"{field}.window_end_ts_exclusive"
        ),
    )


def _index_list(
    frame: frames.IndexList, raw: bytes, _: datetime
) -> events.CfBenchmarksIndexList:
    ids = tuple(frame.msg.index_ids)
    return events.CfBenchmarksIndexList(venue="kalshi", raw_json=raw, index_ids=ids)


def _pyth(frame: frames.PythPrice, raw: bytes, _: datetime) -> events.PythValue:
    w = frame.msg
    return events.PythValue(
        venue="kalshi",
        raw_json=raw,
        underlying=w.underlying_ticker,
        value=amount(w.value_usd, "msg.value_usd"),
        timestamp=milliseconds(w.source_ts_ms, "msg.source_ts_ms"),
        received_at=milliseconds(w.received_at, "msg.received_at"),
    )


def _pyth_list(
    frame: frames.PythList, raw: bytes, _: datetime
) -> events.PythUnderlyingList:
    names = tuple(frame.msg.underlying_tickers)
    return events.PythUnderlyingList(venue="kalshi", raw_json=raw, underlyings=names)


PRICE_READERS: Final[dict[type, Callable[[Any, bytes, datetime], Any]]] = {
    frames.IndexValue: _index,
    frames.IndexList: _index_list,
    frames.PythPrice: _pyth,
    frames.PythList: _pyth_list,
}
"""How each kind of these frames becomes an event."""
