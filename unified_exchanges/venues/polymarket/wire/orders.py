"""Our orders and trades as the CLOB sends them."""

from __future__ import annotations

from msgspec import Raw

from .base import ConditionId, Hash, Id, OrderId, TokenId, Untrusted, Wire

__all__ = ["MakerOrder", "Order", "Page", "Trade"]


class Page(Wire, kw_only=True):
    """A page of orders or trades."""

    data: list[Raw]
    next_cursor: str | None = None


class Order(Wire, kw_only=True):
    """An order; sizes are shares as decimal text, "" for none."""

    id: OrderId
    market: ConditionId
    asset_id: TokenId
    side: str
    price: str
    original_size: str
    size_matched: str
    status: str
    outcome: str
    order_type: str | None = None
    created_at: int | str | None = None
    expiration: int | str | None = None


class MakerOrder(Wire, kw_only=True):
    """One maker of a trade, in its own terms; captures of 2024 have no ``side``."""

    order_id: Hash
    owner: str | None = None
    maker_address: str | None = None
    matched_amount: str
    price: str
    asset_id: TokenId
    outcome: Id
    side: str | None = None


class Trade(Wire, kw_only=True):
    """A trade that we had a part in; all that is not in ``maker_orders`` is the taker's."""

    id: Id
    taker_order_id: Hash
    market: ConditionId
    asset_id: TokenId
    side: str
    size: str
    price: str
    status: str
    outcome: Id
    trader_side: str
    match_time: int | str
    match_time_nano: Untrusted = None
    maker_address: str | None = None
    maker_orders: list[MakerOrder] | None = None
