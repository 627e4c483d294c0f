"""Orders, fills, positions and order groups: what is ours."""

from __future__ import annotations

from ...wire.base import Id, Wire
from .base import Frame, Moment

__all__ = [
    "Fill",
    "FillMsg",
    "OrderGroup",
    "OrderGroupMsg",
    "Position",
    "PositionMsg",
    "UserOrder",
    "UserOrderMsg",
]


class FillMsg(Wire, kw_only=True):
    """An execution of one of our orders."""

    trade_id: Id
    order_id: Id
    client_order_id: str | None = None
    market_ticker: Id
    exchange_index: int | None = None
    is_taker: bool
    outcome_side: str | None = None
    book_side: str | None = None
    yes_price_dollars: str
    count_fp: str
    fee_cost: str
    ts_ms: Moment
    subaccount: int | None = None


class Fill(Frame, kw_only=True, tag="fill"):
    """A fill."""

    msg: FillMsg


class UserOrderMsg(Wire, kw_only=True):
    """One of our orders as it is now; its market is called ``ticker`` here."""

    order_id: Id
    ticker: Id
    status: str
    outcome_side: str | None = None
    book_side: str | None = None
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    taker_fill_cost_dollars: str
    maker_fill_cost_dollars: str
    taker_fees_dollars: str
    maker_fees_dollars: str
    client_order_id: str | None = None
    created_ts_ms: Moment | None = None
    last_updated_ts_ms: Moment | None = None
    expiration_ts_ms: Moment | None = None
    subaccount_number: int | None = None
    exchange_index: int | None = None
    last_update_reason: str | None = None


class UserOrder(Frame, kw_only=True, tag="user_order"):
    """An order."""

    msg: UserOrderMsg


class PositionMsg(Wire, kw_only=True):
    """What we hold of a market; positive in YES, negative in NO."""

    market_ticker: Id
    position_fp: str
    position_cost_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str
    subaccount: int | None = None


class Position(Frame, kw_only=True, tag="market_position"):
    """A position."""

    msg: PositionMsg


class OrderGroupMsg(Wire, kw_only=True):
    """What happened to an order group."""

    event_type: str
    order_group_id: Id
    contracts_limit_fp: str | None = None
    ts_ms: Moment | None = None


class OrderGroup(Frame, kw_only=True, tag="order_group_updates"):
    """An order group was made, triggered, reset, limited anew or deleted."""

    msg: OrderGroupMsg
