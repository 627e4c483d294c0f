"""The past of a price, out of the engine's minutes: prices only, no volumes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from ....money import EXACT, div
from ....simulator.markets import Candle
from .books import find_token
from .catalog import Listed
from .data_errors import refused
from .errors import bad_request
from .records import other_price
from .routes import Call, Operation
from .wire import SECOND, Payload, number

if TYPE_CHECKING:
    from .house import House

__all__ = ["OPERATIONS"]

_MINUTE = 60
_HOUR = 3600
_DAY = 24 * _HOUR
_INTERVALS = {
    "1h": _HOUR,
    "6h": 6 * _HOUR,
    "1d": _DAY,
    "1w": 7 * _DAY,
    "1m": 30 * _DAY,
    "all": 366 * _DAY,
    "max": 366 * _DAY,
}
# Long intervals need coarse steps, in minutes (documented and reported, 2026).
_COARSEST = {"1w": 5, "1m": 10, "all": 10, "max": 10}
_LONGEST = 15 * _DAY
_MOST = 20


@attrs.frozen(slots=True)
class _Span:
    """From when to when, in seconds, and the minutes of a step."""

    start: int
    end: int
    minutes: int


def _price(candle: Candle) -> Decimal | None:
    """The middle at the end of a period, else the last trade."""
    if candle.bid is not None and candle.ask is not None:
        return div(EXACT.add(candle.bid.close, candle.ask.close), Decimal(2))
    return candle.price.close if candle.price is not None else candle.previous


def _points(
    house: House, listed: Listed, index: int, span: _Span
) -> list[tuple[int, Decimal]]:
    candles = house.engine.candles(
        listed.condition_id,
        start_us=span.start * SECOND,
        end_us=span.end * SECOND,
        minutes=span.minutes,
    )
    told = ((candle.end_us // SECOND, _price(candle)) for candle in candles)
    return [(at, other_price(index, p)) for at, p in told if p is not None]


def _span(call: Call, interval: str, start: int | None, end: int | None) -> _Span:
    now = call.now_us // SECOND
    fidelity = call.integer("fidelity")
    if interval:
        if interval not in _INTERVALS:
            raise bad_request("invalid interval")
        least = _COARSEST.get(interval, 1)
        minutes = least if fidelity is None else fidelity
        if minutes < least:
            raise bad_request(f"invalid filters: minimum 'fidelity' is {least}")
        return _Span(now - _INTERVALS[interval], now, minutes)
    if start is None:
        raise bad_request("invalid filters: 'interval' or 'startTs' is required")
    last = now if end is None else end
    if last - start > _LONGEST:
        raise bad_request("invalid filters: 'startTs' and 'endTs' interval is too long")
    return _Span(start, last, fidelity or 1)


def get_history(house: House, call: Call) -> Payload:
    """The prices of one token; ``market`` is its id."""
    listed, index = find_token(house, call.text("market"))
    span = _span(
        call, call.text("interval"), call.integer("startTs"), call.integer("endTs")
    )
    return {"history": _rows(_points(house, listed, index, span))}


def _rows(points: list[tuple[int, Decimal]]) -> list[Payload]:
    return [{"t": at, "p": number(price)} for at, price in points]


def get_histories(house: House, call: Call) -> Payload:
    """The prices of up to twenty tokens."""
    asked = call.json()
    markets = asked.get("markets") if isinstance(asked, dict) else None
    if not isinstance(markets, list) or not 0 < len(markets) <= _MOST:
        raise bad_request("Invalid payload")
    query = {
        name: [str(asked[name])] for name in ("interval", "fidelity") if name in asked
    }
    inner = attrs.evolve(call, query=query)
    span = _span(
        inner, inner.text("interval"), asked.get("start_ts"), asked.get("end_ts")
    )
    told = {}
    for token in markets:
        listed, index = find_token(house, str(token))
        told[str(token)] = _rows(_points(house, listed, index, span))
    return {"history": told}


def get_data_history(house: House, call: Call) -> Payload:
    """The same of the Data API v2, in seconds."""
    found = house.catalog.of_token(call.text("token_id"))
    if found is None:
        raise refused("token_id is required", "token_id")
    interval, start = call.text("interval"), call.integer("start")
    now, moment = call.now_us // SECOND, call.integer("as_of")
    if [bool(interval), start is not None, moment is not None].count(True) != 1:
        raise refused("exactly one of interval, start, as_of is required", "interval")
    if moment is not None:
        return _page(_points(house, *found, _Span(moment - _DAY, moment, 1))[-1:], 1)
    if interval and interval not in _INTERVALS:
        raise refused("interval is invalid", "interval")
    least = _MINUTE * _COARSEST.get(interval, 1)
    step = call.integer("bucket_seconds", least) or least
    if not least <= step <= _DAY:
        raise refused(f"bucket_seconds must be at least {least}", "bucket_seconds")
    if start is None:
        span = _Span(now - _INTERVALS[interval], now, step // _MINUTE)
    else:
        span = _Span(start, call.integer("end", now) or now, step // _MINUTE)
        if span.end - span.start > _LONGEST:
            raise refused("start and end are too far apart", "start")
    limit = call.integer("limit", 10_000) or 10_000
    return _page(_points(house, *found, span)[:limit], limit, step)


def _page(
    points: list[tuple[int, Decimal]], limit: int, step: int = _MINUTE
) -> Payload:
    rows = [
        {"timestamp": at, "price": number(p), "resolution_seconds": step}
        for at, p in points
    ]
    page = {"limit": limit, "offset": 0, "has_more": False, "next_cursor": None}
    return {"data": rows, "pagination": page}


OPERATIONS = (
    Operation(
        host="clob",
        method="GET",
        path="/prices-history",
        handler=get_history,
        groups=("clob", "clob_history"),
    ),
    Operation(
        host="clob",
        method="POST",
        path="/batch-prices-history",
        handler=get_histories,
        groups=("clob", "clob_batch"),
    ),
    Operation(
        host="data",
        method="GET",
        path="/v2/prices-history",
        handler=get_data_history,
        groups=("data_v2", "data_v2_rest"),
    ),
)
