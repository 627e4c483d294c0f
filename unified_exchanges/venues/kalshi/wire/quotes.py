"""Trades, order books and candles as Kalshi sends them."""

from __future__ import annotations

from msgspec import Raw, field

from .base import Id, Time, Wire

__all__ = [
    "Book",
    "BookAnswer",
    "BookEntry",
    "BooksAnswer",
    "Candle",
    "CandleSet",
    "CandleSets",
    "CandlesAnswer",
    "EventCandles",
    "HistoricalCandle",
    "HistoricalPrices",
    "HistoricalQuotes",
    "Prices",
    "Quotes",
    "Trade",
    "TradesPage",
]


class Trade(Wire, kw_only=True):
    """A public trade; of the two direction fields one may be absent."""

    trade_id: Id
    ticker: Id
    count_fp: str
    yes_price_dollars: str
    no_price_dollars: str | None = None
    taker_outcome_side: str | None = None
    taker_book_side: str | None = None
    created_time: Time
    is_block_trade: bool | None = None


class TradesPage(Wire, kw_only=True):
    """A page of trades."""

    trades: list[Raw]
    cursor: str | None = None


class Book(Wire, kw_only=True):
    """Two lists of bids, each in its own prices; an empty one may be null or absent."""

    yes_dollars: list[tuple[str, str]] | None = None
    no_dollars: list[tuple[str, str]] | None = None


class BookAnswer(Wire, kw_only=True):
    """The book that was asked for; the answer does not name its market."""

    orderbook_fp: Raw


class BookEntry(Wire, kw_only=True):
    """One book of several."""

    ticker: Id
    orderbook_fp: Raw


class BooksAnswer(Wire, kw_only=True):
    """Several books."""

    orderbooks: list[BookEntry]


class Quotes(Wire, kw_only=True):
    """How a quote moved in a period."""

    open_dollars: str
    high_dollars: str
    low_dollars: str
    close_dollars: str


class Prices(Wire, kw_only=True):
    """How the price moved in a period; all null or absent where nothing traded."""

    open_dollars: str | None = None
    high_dollars: str | None = None
    low_dollars: str | None = None
    close_dollars: str | None = None
    mean_dollars: str | None = None
    previous_dollars: str | None = None


class Candle(Wire, kw_only=True):
    """One period, named by its last second."""

    end_period_ts: int
    yes_bid: Quotes
    yes_ask: Quotes
    price: Prices
    volume_fp: str
    open_interest_fp: str


class HistoricalQuotes(Wire, kw_only=True):
    """`Quotes` under the names of the historical tier."""

    open_dollars: str = field(name="open")
    high_dollars: str = field(name="high")
    low_dollars: str = field(name="low")
    close_dollars: str = field(name="close")


class HistoricalPrices(Wire, kw_only=True):
    """`Prices` under the names of the historical tier, where they are null, not absent."""

    open_dollars: str | None = field(name="open")
    high_dollars: str | None = field(name="high")
    low_dollars: str | None = field(name="low")
    close_dollars: str | None = field(name="close")
    mean_dollars: str | None = field(name="mean", default=None)
    previous_dollars: str | None = field(name="previous", default=None)


class HistoricalCandle(Wire, kw_only=True):
    """`Candle` under the names of the historical tier."""

    end_period_ts: int
    yes_bid: HistoricalQuotes
    yes_ask: HistoricalQuotes
    price: HistoricalPrices
    volume_fp: str = field(name="volume")
    open_interest_fp: str = field(name="open_interest")


class CandlesAnswer(Wire, kw_only=True):
    """The candles of one market."""

    ticker: str | None = None
    candlesticks: list[Raw]


class CandleSet(Wire, kw_only=True):
    """The candles of one market of several."""

    market_ticker: Id
    candlesticks: list[Raw]


class CandleSets(Wire, kw_only=True):
    """The candles of several markets."""

    markets: list[CandleSet]


class EventCandles(Wire, kw_only=True):
    """The candles of an event's markets, cut off at ``adjusted_end_ts``."""

    market_tickers: list[Id]
    market_candlesticks: list[list[Raw]]
    adjusted_end_ts: int
