"""Index values and prices in the words of the stream."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

from .....money import text
from ..feeds import Average, IndexTold, PriceTold
from ..statements import milliseconds
from ..wire import Payload, bare, encode

__all__ = ["index_message", "price_message"]

_HALF_EVEN = Context(prec=60, rounding=ROUND_HALF_EVEN)
_FINEST = Decimal("0.00000001")


def index_message(told: IndexTold) -> Payload:
    """The value of an index, in the frame that its source sent (from the example)."""
    moment = milliseconds(told.time_us)
    source = {
        "type": "value",
        "id": told.index_id,
        "time": moment,
        "value": text(told.value, 2),
    }
    closing = told.closing
    return bare(
        {
            "index_id": told.index_id,
            "received_at": moment,
            "data": encode(source).decode(),
            "avg_60s_data": _average(told.average),
            "last_60s_windowed_average_15min": closing and _average(closing),
        }
    )


def _average(average: Average) -> Payload:
    return {
        "value": _eight(average.value),
        "window_size": average.ticks,
        "window_start_ts_ms": milliseconds(average.start_us),
        "window_end_ts_exclusive": milliseconds(average.end_us),
    }


def price_message(told: PriceTold) -> Payload:
    """The price of an underlying."""
    moment = milliseconds(told.time_us)
    return {
        "underlying_ticker": told.underlying,
        "value_usd": _eight(told.value),
        "source_ts_ms": moment,
        "received_at": moment,
    }


def _eight(value: Decimal) -> str:
    return text(_HALF_EVEN.quantize(value, _FINEST), 8)
