"""Order books, tickers and trades."""

from __future__ import annotations

from ...wire.base import Id, Wire
from .base import Frame, Moment

__all__ = [
    "Delta",
    "DeltaMsg",
    "Snapshot",
    "SnapshotMsg",
    "Ticker",
    "TickerMsg",
    "Trade",
    "TradeMsg",
]


class SnapshotMsg(Wire, kw_only=True):
    """A whole book; a side without orders is absent.  Both in YES prices."""

    market_ticker: Id
    yes_dollars_fp: list[tuple[str, str]] | None = None
    no_dollars_fp: list[tuple[str, str]] | None = None


class Snapshot(Frame, kw_only=True, tag="orderbook_snapshot"):
    """The book of a market."""

    msg: SnapshotMsg


class DeltaMsg(Wire, kw_only=True):
    """A change of one level; the last two fields are there when we caused it."""

    market_ticker: Id
    price_dollars: str
    delta_fp: str
    side: str
    ts_ms: Moment | None = None
    client_order_id: str | None = None
    subaccount: int | None = None


class Delta(Wire, kw_only=True, tag_field="type", tag="orderbook_delta"):
    """A change of a book; without its number it is worth nothing."""

    sid: int
    seq: int
    sending_ts_ms: Moment | None = None
    msg: DeltaMsg


class TickerMsg(Wire, kw_only=True):
    """Best quotes, the last trade, and what was traded since the market was made."""

    market_ticker: Id
    price_dollars: str
    yes_bid_dollars: str
    yes_ask_dollars: str
    volume_fp: str
    open_interest_fp: str
    yes_bid_size_fp: str
    yes_ask_size_fp: str
    ts_ms: Moment | None = None


class Ticker(Frame, kw_only=True, tag="ticker"):
    """Quotes of a market."""

    msg: TickerMsg


class TradeMsg(Wire, kw_only=True):
    """A public trade; of the two direction fields one may be absent."""

    trade_id: Id
    market_ticker: Id
    yes_price_dollars: str
    no_price_dollars: str | None = None
    count_fp: str
    taker_outcome_side: str | None = None
    taker_book_side: str | None = None
    is_block_trade: bool | None = None
    ts_ms: Moment


class Trade(Frame, kw_only=True, tag="trade"):
    """A trade of a market."""

    msg: TradeMsg
