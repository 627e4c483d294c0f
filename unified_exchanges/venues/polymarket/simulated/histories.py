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
from .errors import Failure, bad_request
from .pages import keyset_page, place_of
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
_PAGE = 10_000
# Points of three hours are kept for good, finer ones for days (docs.polymarket.com, 2026-10).
_FOR_GOOD = 3 * _HOUR
_KEPT = ((1_800, 90), (300, 60), (60, 7))
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
        points = _points(house, *found, _Span(moment - _DAY, moment, 1))[-1:]
        return _page(call, _data_rows(points, _MINUTE))
    if interval and interval not in _INTERVALS:
        raise refused("interval is invalid", "interval")
    least = _MINUTE * _COARSEST.get(interval, 1)
    step = call.integer("bucket_seconds", least) or least
    if not least <= step <= _DAY:
        raise refused(f"bucket_seconds must be at least {least}", "bucket_seconds")
    if start is None:
        span = _Span(now - _INTERVALS[interval], now, step // _MINUTE)
    else:
        end = call.integer("end")
        # The end is not part of the answer; without one it goes to the present.
        last = now if end is None else end - 1
        span = _Span(start, last, step // _MINUTE)
        if last - start >= _LONGEST + (end is None):
            raise refused("start and end are too far apart", "start")
    return _page(call, _with_latest(house, found, span, now))


def _with_latest(
    house: House, found: tuple[Listed, int], span: _Span, now: int
) -> list[Payload]:
    """The points that are still kept, and the latest price, which lies where it lies."""
    step = span.minutes * _MINUTE
    kept = next((now - days * _DAY for s, days in _KEPT if not step % s), 0)
    since = max(span.start, 0 if not step % _FOR_GOOD else kept)
    points = _points(house, *found, attrs.evolve(span, start=since))
    latest = _points(house, *found, _Span(max(since, span.end - step), span.end, 1))
    rows = _data_rows(points, step)
    if latest and latest[-1][0] > (points[-1][0] if points else 0):
        rows += _data_rows(latest[-1:], _MINUTE)
    return rows


def _data_rows(points: list[tuple[int, Decimal]], step: int) -> list[Payload]:
    return [
        {"timestamp": at, "price": number(p), "resolution_seconds": step}
        for at, p in points
    ]


def _page(call: Call, rows: list[Payload]) -> Payload:
    limit = call.integer("limit", _PAGE) or _PAGE
    if not 0 < limit <= _PAGE:
        raise refused(f"limit must be at most {_PAGE}", "limit")
    cursor = call.text("cursor")
    try:
        place = place_of(cursor)
    except Failure as failure:
        raise refused("cursor is invalid", "cursor") from failure
    shown, following = keyset_page(rows, cursor, limit)
    page = {
        "limit": limit,
        "offset": place,
        "has_more": following is not None,
        "next_cursor": following,
    }
    return {"data": list(shown), "pagination": page}


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
