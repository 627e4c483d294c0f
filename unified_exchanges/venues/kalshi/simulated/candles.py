"""Candlesticks: of a market, of several, of an event, and of the historical tier."""

from __future__ import annotations

from ....simulator.markets import Candle
from .errors import nested, not_found, unfit
from .house import House
from .listings import candle_view, historical_candle_view
from .lists import split
from .markets import found_market
from .routes import Call, Operation, Parameter, flag, integer, string, strings
from .wire import SECOND, Payload

__all__ = ["OPERATIONS"]

_MOST = 10_000
_EVENT_MOST = 5_000
"""Candles of one answer; the event's limit is invented."""


def get_candles(house: House, call: Call) -> Payload:
    """Candles of one live market."""
    ticker = call.path["ticker"]
    found_market(house, ticker)
    if _series(house, ticker) != call.path["series_ticker"]:
        raise not_found()
    return {"ticker": ticker, "candlesticks": _live(house, call, ticker)}


def _series(house: House, ticker: str) -> str:
    return house.catalog.series_of(house.catalog.markets[ticker].event_ticker).ticker


def _minutes(call: Call) -> int:
    return int(call.query["period_interval"])


def _span(call: Call) -> tuple[int, int]:
    start, end = call.query["start_ts"], call.query["end_ts"]
    if end < start:
        raise unfit("end_ts must not be before start_ts")
    if (end - start) // (60 * _minutes(call)) > _MOST:
        # That there is a limit is documented for batches only.
        raise unfit("too many candlesticks were asked for")
    return start * SECOND, end * SECOND


def _candles(
    house: House, ticker: str, start_us: int, end_us: int, minutes: int
) -> list[Candle]:
    return house.engine.candles(
        ticker, start_us=start_us, end_us=end_us, minutes=minutes
    )


def _live(house: House, call: Call, ticker: str) -> list[Payload]:
    start_us, end_us = _span(call)
    minutes = _minutes(call)
    found = _candles(house, ticker, start_us, end_us, minutes)
    if call.query.get("include_latest_before_start"):
        earlier = start_us - minutes * 60 * SECOND
        found = _candles(house, ticker, earlier, start_us - 1, minutes)[-1:] + found
    return [candle_view(candle) for candle in found]


def get_batch(house: House, call: Call) -> Payload:
    """Candles of up to 100 markets, 10 000 in all."""
    tickers = split(call.query["market_tickers"], most=100)
    _span(call)
    chosen = sorted(t for t in tickers if house.is_listed(t))
    views = [
        {"market_ticker": t, "candlesticks": _live(house, call, t)} for t in chosen
    ]
    if sum(len(view["candlesticks"]) for view in views) > _MOST:
        raise unfit("too many candlesticks were asked for")
    return {"markets": views}


def get_event_candles(house: House, call: Call) -> Payload:
    """Candles of all markets of an event, cut where they become too many."""
    event = call.path["ticker"]
    if event not in house.catalog.events:
        # Documented are 400 and 401 only.
        raise nested(400, "invalid_parameters", "unknown event")
    names = [m.ticker for m in house.catalog.markets_of(event)]
    tickers = [name for name in names if house.is_listed(name)]
    start_us, end_us = _span(call)
    width = _minutes(call) * 60 * SECOND
    room = _EVENT_MOST // max(1, len(tickers)) * width
    end_us = min(end_us, start_us + room)
    minutes = _minutes(call)
    return {
        "market_tickers": tickers,
        "market_candlesticks": [
            [candle_view(c) for c in _candles(house, t, start_us, end_us, minutes)]
            for t in tickers
        ],
        "adjusted_end_ts": end_us // SECOND,
    }


def get_old_candles(house: House, call: Call) -> Payload:
    """Candles of a market behind the cutoff: the same under other names."""
    ticker = call.path["ticker"]
    found_market(house, ticker, archived=True)
    start_us, end_us = _span(call)
    found = _candles(house, ticker, start_us, end_us, _minutes(call))
    return {
        "ticker": ticker,
        "candlesticks": [historical_candle_view(candle) for candle in found],
    }


def get_percentiles(_: House, __: Call) -> Payload:
    """No forecasts are made here (the documented answer of an event without any)."""
    return {"forecast_history": []}


def _period(*words: str) -> Parameter:
    return Parameter(name="period_interval", words=words, required=True)


_SPAN = (integer("start_ts", required=True), integer("end_ts", required=True))
_PERIOD = _period("1", "60", "1440")
_LATEST = flag("include_latest_before_start")
_SERIES = "/series/{series_ticker}"

OPERATIONS = (
    Operation(
        name="GetMarketCandlesticks",
        method="GET",
        path=f"{_SERIES}/markets/{{ticker}}/candlesticks",
        handler=get_candles,
        parameters=(*_SPAN, _PERIOD, _LATEST),
    ),
    Operation(
        name="BatchGetMarketCandlesticks",
        method="GET",
        path="/markets/candlesticks",
        handler=get_batch,
        parameters=(
            string("market_tickers", required=True),
            *_SPAN,
            integer("period_interval", least=1, most=1440, required=True),
            _LATEST,
        ),
    ),
    Operation(
        name="GetMarketCandlesticksByEvent",
        method="GET",
        path=f"{_SERIES}/events/{{ticker}}/candlesticks",
        handler=get_event_candles,
        parameters=(*_SPAN, _PERIOD),
    ),
    Operation(
        name="GetMarketCandlesticksHistorical",
        method="GET",
        path="/historical/markets/{ticker}/candlesticks",
        handler=get_old_candles,
        parameters=(*_SPAN, _PERIOD),
    ),
    Operation(
        name="GetEventForecastPercentilesHistory",
        method="GET",
        path=f"{_SERIES}/events/{{ticker}}/forecast_percentile_history",
        handler=get_percentiles,
        parameters=(
            strings("percentiles", most=10, required=True),
            *_SPAN,
            _period("0", "1", "60", "1440"),
        ),
        scope="read",
    ),
)
