"""Orders, fills, order groups and queue positions out of Kalshi's answers.

Everything comes out in YES terms, as Kalshi's one book has it; ``in_terms_of`` of a model
gives the NO view.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import partial

import attrs
import msgspec

from ....models import Fill, Liquidity, Order, OrderStatus, Side
from ....money import EXACT, div
from ..wire import orders as wire
from .reading import (
    Malformed,
    amount,
    cost,
    decode,
    direction,
    read,
    read_all,
    seconds,
    size,
    yes_price,
)

__all__ = [
    "OrderGroup",
    "fill_from",
    "fills_page",
    "order",
    "order_from",
    "order_group",
    "order_groups",
    "orders_page",
    "queue_position",
    "queue_positions",
]

_STATUSES = {
    "resting": OrderStatus.OPEN,
    "executed": OrderStatus.CLOSED,
    "canceled": OrderStatus.CANCELED,
}


# -- orders ----------------------------------------------------------------------------


def order_from(w: wire.Order, payload: bytes) -> Order:
    """An order in YES terms; also for the stream, which names the same fields."""
    side = direction(w.book_side, w.outcome_side)
    filled = size(w.fill_count_fp, "fill_count_fp")
    fees = (
        cost(w.taker_fees_dollars, "taker_fees_dollars"),
        cost(w.maker_fees_dollars, "maker_fees_dollars"),
    )
    return Order(
        venue="kalshi",
        raw_json=payload,
        order_id=w.order_id,
        client_order_id=w.client_order_id or None,
        market_id=w.ticker,
        outcome="yes",
        side=side,
        price=yes_price(w.yes_price_dollars, w.no_price_dollars),
        size=size(w.initial_count_fp, "initial_count_fp"),
        filled=filled,
        remaining=size(w.remaining_count_fp, "remaining_count_fp"),
        status=_status(w),
        average_price=_average_price(w, side, filled),
        fee=EXACT.add(*fees),
        expires_at=w.expiration_time,
        created_at=w.created_time,
        updated_at=w.last_update_time,
        shard=w.exchange_index or 0,
    )


def _average_price(w: wire.Order, side: Side, filled: Decimal) -> Decimal | None:
    paid = EXACT.add(
        cost(w.taker_fill_cost_dollars, "taker_fill_cost_dollars"),
        cost(w.maker_fill_cost_dollars, "maker_fill_cost_dollars"),
    )
    # In whose money the cost of an ask is counted, YES or NO, is nowhere documented or
    # recorded (2026-10); its average can be had from the fills.
    if not filled or side is Side.SELL:
        return None
    return div(paid, filled)


def _status(w: wire.Order) -> OrderStatus:
    status = _STATUSES.get(w.status, OrderStatus.UNKNOWN)
    return OrderStatus.EXPIRED if _expired(w, status) else status


def _expired(w: wire.Order, status: OrderStatus) -> bool:
    """Whether a cancelled order ran out of time: Kalshi has no status of its own for it."""
    expiry, last = w.expiration_time, w.last_update_time
    if status is not OrderStatus.CANCELED or expiry is None:
        return False
    if w.last_update_reason:
        return w.last_update_reason == "ExpiryCancel"
    return last is not None and expiry <= last


_ORDER = msgspec.json.Decoder(wire.Order)
_ORDERS_PAGE = msgspec.json.Decoder(wire.OrdersPage)
_ORDER_ANSWER = msgspec.json.Decoder(wire.OrderAnswer)


def order(body: bytes) -> Order:
    """One order as it was read; a receipt of a write has another shape."""
    return read(_ORDER, order_from, decode(_ORDER_ANSWER, body).order, "order")


def orders_page(body: bytes) -> tuple[list[Order], str | None]:
    """The orders of a page, live or historical, and the next cursor."""
    page = decode(_ORDERS_PAGE, body)
    return read_all(_ORDER, order_from, page.orders, "orders"), page.cursor or None


# -- fills -----------------------------------------------------------------------------


def fill_from(w: wire.Fill, payload: bytes, client_order_id: str | None = None) -> Fill:
    """A fill in YES terms; the stream tells the client order id besides."""
    return Fill(
        venue="kalshi",
        raw_json=payload,
        fill_id=w.fill_id,
        trade_id=w.trade_id or None,
        order_id=w.order_id,
        client_order_id=client_order_id or None,
        market_id=w.ticker,
        outcome="yes",
        side=direction(w.book_side, w.outcome_side),
        price=yes_price(w.yes_price_dollars, w.no_price_dollars),
        size=size(w.count_fp, "count_fp"),
        fee=amount(w.fee_cost, "fee_cost"),
        liquidity=Liquidity.TAKER if w.is_taker else Liquidity.MAKER,
        created_at=_filled_at(w),
        shard=w.exchange_index or 0,
    )


def _filled_at(w: wire.Fill) -> datetime:
    if w.created_time is not None:
        return w.created_time
    if w.ts is None:
        raise Malformed("created_time", "is missing, and so is `ts`")
    return seconds(w.ts, "ts")


_FILL = msgspec.json.Decoder(wire.Fill)
_FILLS_PAGE = msgspec.json.Decoder(wire.FillsPage)


def fills_page(body: bytes) -> tuple[list[Fill], str | None]:
    """The fills of a page, live or historical, and the next cursor."""
    page = decode(_FILLS_PAGE, body)
    return read_all(_FILL, fill_from, page.fills, "fills"), page.cursor or None


# -- order groups, queue positions -----------------------------------------------------


@attrs.frozen(kw_only=True, slots=True)
class OrderGroup:
    """A cap on the contracts that its orders may fill within 15 seconds.

    ``limit`` is contracts, None when the venue does not tell; ``order_ids`` is None in a
    list of groups, which does not name them.
    """

    group_id: str
    limit: Decimal | None
    is_auto_cancel: bool
    order_ids: tuple[str, ...] | None = None
    shard: int = 0


def _group(
    w: wire.OrderGroup | wire.OrderGroupDetail,
    group_id: str,
    order_ids: tuple[str, ...] | None,
) -> OrderGroup:
    limit = w.contracts_limit_fp
    return OrderGroup(
        group_id=group_id,
        limit=None if limit is None else size(limit, "contracts_limit_fp"),
        is_auto_cancel=bool(w.is_auto_cancel_enabled),
        order_ids=order_ids,
        shard=w.exchange_index or 0,
    )


def _groups(w: wire.OrderGroups, _: bytes) -> list[OrderGroup]:
    return [_group(x, x.id, None) for x in w.order_groups or ()]


def _detail(w: wire.OrderGroupDetail, _: bytes, group_id: str) -> OrderGroup:
    return _group(w, group_id, tuple(w.orders))


def _queue(w: wire.QueuePositions, _: bytes) -> dict[str, Decimal]:
    return {
        x.order_id: size(x.queue_position_fp, "queue_positions[].queue_position_fp")
        for x in w.queue_positions
    }


def _place(w: wire.QueuePositionAnswer, _: bytes) -> Decimal:
    return size(w.queue_position_fp, "queue_position_fp")


_GROUPS = msgspec.json.Decoder(wire.OrderGroups)
_DETAIL = msgspec.json.Decoder(wire.OrderGroupDetail)
_QUEUE = msgspec.json.Decoder(wire.QueuePositions)
_PLACE = msgspec.json.Decoder(wire.QueuePositionAnswer)


def order_groups(body: bytes) -> list[OrderGroup]:
    """All order groups, without their orders."""
    return read(_GROUPS, _groups, body)


def order_group(body: bytes, group_id: str) -> OrderGroup:
    """One order group with its orders; the answer does not repeat its id."""
    return read(_DETAIL, partial(_detail, group_id=group_id), body)


def queue_positions(body: bytes) -> dict[str, Decimal]:
    """Contracts ahead of each order, by order id."""
    return read(_QUEUE, _queue, body)


def queue_position(body: bytes) -> Decimal:
    """Contracts ahead of the order that was asked for."""
    return read(_PLACE, _place, body)
