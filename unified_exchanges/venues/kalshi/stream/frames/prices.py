"""Index values of CF Benchmarks and prices of Pyth."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ...wire.base import Id, Wire
from .base import Frame, Moment

__all__ = [
    "AverageMsg",
    "IndexList",
    "IndexListMsg",
    "IndexValue",
    "IndexValueMsg",
    "PythList",
    "PythListMsg",
    "PythPrice",
    "PythPriceMsg",
    "Upstream",
]


class AverageMsg(Wire, kw_only=True):
    """An average over a window of ticks."""

    value: str
    window_size: Annotated[int, Meta(ge=0)]
    window_start_ts_ms: Moment
    window_end_ts_exclusive: Moment


class IndexValueMsg(Wire, kw_only=True):
    """The frame of CF Benchmarks as a text, and what Kalshi averaged of it."""

    index_id: Id
    received_at: Moment
    data: str
    avg_60s_data: AverageMsg
    last_60s_windowed_average_15min: AverageMsg | None = None


class IndexValue(Frame, kw_only=True, tag="cfbenchmarks_value"):
    """The value of an index."""

    msg: IndexValueMsg


class Upstream(Wire, kw_only=True):
    """The text in ``data``: known by its documented example (asyncapi 2.0.0)."""

    time: Moment
    value: str


class IndexListMsg(Wire, kw_only=True):
    """Which indices there are."""

    index_ids: list[str]


class IndexList(Frame, kw_only=True, tag="cfbenchmarks_value_indexlist"):
    """The indices that can be followed."""

    msg: IndexListMsg


class PythPriceMsg(Wire, kw_only=True):
    """What Pyth says that something costs in dollars."""

    underlying_ticker: Id
    value_usd: str
    source_ts_ms: Moment
    received_at: Moment


class PythPrice(Frame, kw_only=True, tag="pyth_value"):
    """The price of an underlying."""

    msg: PythPriceMsg


class PythListMsg(Wire, kw_only=True):
    """Which underlyings were told of in the last two hours."""

    underlying_tickers: list[str]


class PythList(Frame, kw_only=True, tag="pyth_value_underlying_list"):
    """The underlyings that can be followed."""

    msg: PythListMsg
