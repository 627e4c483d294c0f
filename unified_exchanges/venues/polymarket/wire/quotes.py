"""Order books, public trades and the venue's clock."""

from __future__ import annotations

from .base import Address, ConditionId, Hash, Number, TokenId, Wire

__all__ = ["Book", "Last", "Level", "Point", "Trade"]


class Level(Wire, kw_only=True):
    """Shares at a price."""

    price: str
    size: str


class Book(Wire, kw_only=True):
    """A book of one token; the best level of a side is its last."""

    market: ConditionId
    asset_id: TokenId
    timestamp: str
    bids: list[Level]
    asks: list[Level]
    tick_size: str | None = None


class Last(Wire, kw_only=True):
    """A book, looked at for its last trade only."""

    last_trade_price: str | None = None


class Trade(Wire, kw_only=True):
    """A public trade of the Data API; it has no id."""

    proxy_wallet: Address
    token_id: TokenId
    condition_id: ConditionId
    side: str
    size: Number
    price: Number
    timestamp: int
    transaction_hash: Hash
    outcome: str | None = None


class Point(Wire, kw_only=True):
    """The price of a token at a moment."""

    timestamp: int
    price: Number
    resolution_seconds: int | None = None
