"""Trades, order books and candles out of Kalshi's answers.

Kalshi has one book per market, in YES prices.  The NO view is made by the models
(`OrderBook.complement`, `Trade.in_terms_of`, `Candle.in_terms_of`) and nowhere here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import attrs
import msgspec

from ....models import Candle, Level, Ohlc, OrderBook, Period, Trade
from ....models.quotes import POLLED
from ....money import ONE, ZERO, complement
from ..wire import quotes as wire
from .reading import (
    Malformed,
    decode,
    direction,
    optional_price,
    price,
    read,
    read_all,
    same,
    seconds,
    size,
    yes_price,
)

__all__ = [
    "EventCandles",
    "candles",
    "candles_by_market",
    "event_candles",
    "historical_candles",
    "order_book",
    "order_books",
    "trade_from",
    "trades_page",
]


# -- trades ----------------------------------------------------------------------------


def trade_from(w: wire.Trade, payload: bytes, outcome: str) -> Trade:
    """A trade priced for ``outcome``."""
    trade = Trade(
        venue="kalshi",
        raw_json=payload,
        trade_id=w.trade_id,
        market_id=w.ticker,
        outcome="yes",
        price=yes_price(w.yes_price_dollars, w.no_price_dollars),
        size=size(w.count_fp, "count_fp"),
        taker_side=direction(w.taker_book_side, w.taker_outcome_side, "taker_"),
        created_at=w.created_time,
        is_block=bool(w.is_block_trade),
    )
    return trade.in_terms_of(outcome)


_TRADE = msgspec.json.Decoder(wire.Trade)
_TRADES_PAGE = msgspec.json.Decoder(wire.TradesPage)


def trades_page(body: bytes, outcome: str = "yes") -> tuple[list[Trade], str | None]:
    """The trades of a page, live or historical, priced for ``outcome``; the next cursor."""
    page = decode(_TRADES_PAGE, body)
    make = partial(trade_from, outcome=outcome)
    return read_all(_TRADE, make, page.trades, "trades"), page.cursor or None


# -- order books -----------------------------------------------------------------------


def _book(
    w: wire.Book,
    payload: bytes,
    market_id: str,
    outcome: str,
    timestamp: datetime | None,
) -> OrderBook:
    if w.yes_dollars is None and w.no_dollars is None:
        _refuse_renamed(payload)
    bids = _levels(w.yes_dollars, "yes_dollars")
    # A bid for NO at q is an ask for YES at 1 − q, so the best bid is the best ask.
    asks = [
        Level(complement(x.price), x.size) for x in _levels(w.no_dollars, "no_dollars")
    ]
    book = OrderBook(
        venue="kalshi",
        raw_json=payload,
        market_id=market_id,
        outcome="yes",
        bids=tuple(bids),
        asks=tuple(asks),
        timestamp=timestamp,
        freshness=POLLED,
    )
    return book if outcome == "yes" else book.complement(outcome)


_SIDES = {"yes_dollars", "no_dollars"}
_KEYS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _refuse_renamed(payload: bytes) -> None:
    """An empty book may leave both sides out; one with its sides renamed must not pass."""
    unknown = sorted(_KEYS.decode(payload).keys() - _SIDES)
    if unknown:
        problem = f"is missing beside the unknown {', '.join(unknown)}"
        raise Malformed("yes_dollars", problem)


def _levels(rows: Sequence[tuple[str, str]] | None, field: str) -> list[Level]:
    """The bids of one side, best first.

    The documentation says that they come best first, recordings say best last (2026-08):
    they are sorted, so that neither can be wrong.
    """
    name = f"{field}[]"
    levels = [Level(price(p, name), size(count, name)) for p, count in rows or ()]
    if len({level.price for level in levels}) < len(levels):
        raise Malformed(field, "has two levels at one price")
    levels.sort(key=_price_of, reverse=True)
    return [level for level in levels if level.size]


def _price_of(level: Level) -> Decimal:
    return level.price


_BOOK = msgspec.json.Decoder(wire.Book)
_BOOK_ANSWER = msgspec.json.Decoder(wire.BookAnswer)
_BOOKS_ANSWER = msgspec.json.Decoder(wire.BooksAnswer)


def order_book(
    body: bytes,
    market_id: str,
    outcome: str = "yes",
    timestamp: datetime | None = None,
) -> OrderBook:
    """The book of one outcome; ``timestamp`` is when the answer arrived."""
    row = decode(_BOOK_ANSWER, body).orderbook_fp
    make = partial(_book, market_id=market_id, outcome=outcome, timestamp=timestamp)
    return read(_BOOK, make, row, "orderbook_fp")


def order_books(
    body: bytes, outcome: str = "yes", timestamp: datetime | None = None
) -> dict[str, OrderBook]:
    """Several books by market id."""
    make = partial(_book, outcome=outcome, timestamp=timestamp)
    entries = decode(_BOOKS_ANSWER, body).orderbooks
    return {
        x.ticker: read(
            _BOOK,
            partial(make, market_id=x.ticker),
            x.orderbook_fp,
            f"orderbooks[{index}].orderbook_fp",
        )
        for index, x in enumerate(entries)
    }


# -- candles ---------------------------------------------------------------------------

_LENGTHS = {
    "1m": timedelta(minutes=1),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}


def _candle(
    w: wire.Candle | wire.HistoricalCandle,
    payload: bytes,
    market_id: str,
    period: Period,
    outcome: str,
) -> Candle:
    end = seconds(w.end_period_ts, "end_period_ts")
    candle = Candle(
        venue="kalshi",
        raw_json=payload,
        market_id=market_id,
        outcome="yes",
        start=end - _LENGTHS[period],
        end=end,
        price=_ohlc(w.price, "price"),
        bid=_quotes(w.yes_bid, "yes_bid", ZERO),
        ask=_quotes(w.yes_ask, "yes_ask", ONE),
        volume=size(w.volume_fp, "volume_fp"),
        open_interest=size(w.open_interest_fp, "open_interest_fp"),
        mean=optional_price(w.price.mean_dollars, "price.mean_dollars"),
        previous=optional_price(w.price.previous_dollars, "price.previous_dollars"),
    )
    return candle.in_terms_of(outcome)


_Moves = wire.Prices | wire.Quotes | wire.HistoricalPrices | wire.HistoricalQuotes


def _ohlc(w: _Moves, field: str) -> Ohlc | None:
    """Four prices, or None where all four are null: a part of them is no candle."""
    told = (w.open_dollars, w.high_dollars, w.low_dollars, w.close_dollars)
    if not any(told):
        return None
    names = ("open_dollars", "high_dollars", "low_dollars", "close_dollars")
    prices = [
        _present(text, f"{field}.{name}")
        for text, name in zip(told, names, strict=True)
    ]
    return Ohlc(*prices)


def _quotes(w: _Moves, field: str, nobody: Decimal) -> Ohlc | None:
    """The quotes of a side, or None where nobody quoted in the whole period.

    Kalshi writes a side without orders as a bid of 0 and an ask of 1, which nobody can
    place (recorded, 2026-08).  Where a part of the four prices is that, they stay.
    """
    told = _ohlc(w, field)
    nothing = Ohlc(nobody, nobody, nobody, nobody)
    return None if told == nothing else told


def _present(text: str | None, field: str) -> Decimal:
    if text is None:
        raise Malformed(field, "is null beside prices that are not")
    return price(text, field)


_CANDLE = msgspec.json.Decoder(wire.Candle)
_HISTORICAL = msgspec.json.Decoder(wire.HistoricalCandle)
_CANDLES_ANSWER = msgspec.json.Decoder(wire.CandlesAnswer)
_CANDLE_SETS = msgspec.json.Decoder(wire.CandleSets)


def _rows(w: wire.CandlesAnswer, _: bytes, market_id: str) -> list[msgspec.Raw]:
    same(w.ticker, market_id, "ticker")
    return w.candlesticks


def candles(
    body: bytes, market_id: str, period: Period, outcome: str = "yes"
) -> list[Candle]:
    """The candles of one market, in the order of the answer: oldest first."""
    rows = read(_CANDLES_ANSWER, partial(_rows, market_id=market_id), body)
    make = partial(_candle, market_id=market_id, period=period, outcome=outcome)
    return read_all(_CANDLE, make, rows, "candlesticks")


def historical_candles(
    body: bytes, market_id: str, period: Period, outcome: str = "yes"
) -> list[Candle]:
    """The same from the historical tier, which names its fields differently."""
    rows = read(_CANDLES_ANSWER, partial(_rows, market_id=market_id), body)
    make = partial(_candle, market_id=market_id, period=period, outcome=outcome)
    return read_all(_HISTORICAL, make, rows, "candlesticks")


def candles_by_market(
    body: bytes, period: Period, outcome: str = "yes"
) -> dict[str, list[Candle]]:
    """The candles of several markets, by market id."""
    make = partial(_candle, period=period, outcome=outcome)
    return {
        x.market_ticker: read_all(
            _CANDLE,
            partial(make, market_id=x.market_ticker),
            x.candlesticks,
            f"markets[{index}].candlesticks",
        )
        for index, x in enumerate(decode(_CANDLE_SETS, body).markets)
    }


@attrs.frozen(slots=True)
class EventCandles:
    """Candles by market id, complete up to ``until``: ask again from there."""

    by_market: dict[str, list[Candle]]
    until: datetime


def _event_candles(
    w: wire.EventCandles, _: bytes, period: Period, outcome: str
) -> EventCandles:
    tickers, sets = w.market_tickers, w.market_candlesticks
    if len(tickers) != len(sets):
        problem = f"has {len(sets)} lists for {len(tickers)} markets"
        raise Malformed("market_candlesticks", problem)
    make = partial(_candle, period=period, outcome=outcome)
    found = {
        ticker: read_all(
            _CANDLE,
            partial(make, market_id=ticker),
            rows,
            f"market_candlesticks[{index}]",
        )
        for index, (ticker, rows) in enumerate(zip(tickers, sets, strict=True))
    }
    return EventCandles(found, seconds(w.adjusted_end_ts, "adjusted_end_ts"))


_EVENT_ANSWER = msgspec.json.Decoder(wire.EventCandles)


def event_candles(body: bytes, period: Period, outcome: str = "yes") -> EventCandles:
    """The candles of an event's markets."""
    return read(
        _EVENT_ANSWER, partial(_event_candles, period=period, outcome=outcome), body
    )
