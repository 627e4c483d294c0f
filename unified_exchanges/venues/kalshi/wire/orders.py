"""Orders, fills, order groups and queue positions as Kalshi sends them."""

from __future__ import annotations

from msgspec import Raw

from .base import Id, Time, Wire

__all__ = [
    "Fill",
    "FillsPage",
    "Order",
    "OrderAnswer",
    "OrderGroup",
    "OrderGroupDetail",
    "OrderGroups",
    "OrdersPage",
    "QueuePosition",
    "QueuePositionAnswer",
    "QueuePositions",
]


class Order(Wire, kw_only=True):
    """An order as it is read; of the two direction fields one may be absent."""

    order_id: Id
    client_order_id: str | None = None
    ticker: Id
    outcome_side: str | None = None
    book_side: str | None = None
    status: str
    yes_price_dollars: str
    no_price_dollars: str | None = None
    initial_count_fp: str
    fill_count_fp: str
    remaining_count_fp: str
    taker_fill_cost_dollars: str
    maker_fill_cost_dollars: str
    taker_fees_dollars: str
    maker_fees_dollars: str
    created_time: Time | None = None
    last_update_time: Time | None = None
    expiration_time: Time | None = None
    last_update_reason: str | None = None
    exchange_index: int | None = None


class OrdersPage(Wire, kw_only=True):
    """A page of orders."""

    orders: list[Raw]
    cursor: str | None = None


class OrderAnswer(Wire, kw_only=True):
    """One order."""

    order: Raw


class Fill(Wire, kw_only=True):
    """One execution; ``ts`` is seconds, for answers without ``created_time``."""

    fill_id: Id
    trade_id: str | None = None
    order_id: Id
    ticker: Id
    outcome_side: str | None = None
    book_side: str | None = None
    count_fp: str
    yes_price_dollars: str
    no_price_dollars: str | None = None
    is_taker: bool
    fee_cost: str
    created_time: Time | None = None
    ts: int | None = None
    exchange_index: int | None = None


class FillsPage(Wire, kw_only=True):
    """A page of fills."""

    fills: list[Raw]
    cursor: str | None = None


class OrderGroup(Wire, kw_only=True):
    """An order group in a list."""

    id: Id
    contracts_limit_fp: str | None = None
    is_auto_cancel_enabled: bool | None = None
    exchange_index: int | None = None


class OrderGroups(Wire, kw_only=True):
    """All order groups; the field is absent when there is none."""

    order_groups: list[OrderGroup] | None = None


class OrderGroupDetail(Wire, kw_only=True):
    """An order group with its orders, as it is read by its id."""

    orders: list[Id]
    contracts_limit_fp: str | None = None
    is_auto_cancel_enabled: bool | None = None
    exchange_index: int | None = None


class QueuePosition(Wire, kw_only=True):
    """Contracts ahead of one order."""

    order_id: Id
    market_ticker: str | None = None
    queue_position_fp: str


class QueuePositions(Wire, kw_only=True):
    """Contracts ahead of several orders."""

    queue_positions: list[QueuePosition]


class QueuePositionAnswer(Wire, kw_only=True):
    """Contracts ahead of the order that was asked for."""

    queue_position_fp: str
