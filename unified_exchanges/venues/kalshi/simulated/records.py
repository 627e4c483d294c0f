"""What an account did: its orders, its fills, its places in the queues."""

from __future__ import annotations

from ....simulator.orders import Fill, Order, OrderStatus, Refusal
from .errors import not_found, unfit
from .house import House
from .lists import paged, split, within
from .routes import Call, Operation, integer, limit, string
from .statements import fill_view, order_view
from .wire import Payload, contracts

__all__ = ["OPERATIONS", "listed_fills", "listed_orders"]

_STATUSES: dict[str, OrderStatus] = {
    "resting": "resting",
    "canceled": "canceled",
    "executed": "executed",
}


def listed_fills(house: House, call: Call, *, archived: bool) -> Payload:
    """Fills of the live or of the historical tier, newest first."""
    query = call.query
    fills = house.engine.fills(
        call.account.user_id,
        subaccount=call.subaccount(query["subaccount"], default=None),
        order_id=query.get("order_id") or None,
    )
    tickers = split(query["ticker"], most=100)
    index = query.get("exchange_index")
    seen_us = house.seen_us(call.lag_us)
    chosen: list[Fill] = [
        fill
        for fill in fills
        if (fill.time_us < house.cutoff_us) is archived
        and fill.time_us <= seen_us
        and (not tickers or fill.market_id in tickers)
        and index in {None, fill.shard}
        and within(fill.time_us, call)
    ]
    shown, cursor = paged(chosen, call, lambda fill: fill.trade_id + fill.order_id)
    return {"fills": [fill_view(fill) for fill in shown], "cursor": cursor}


def get_fills(house: House, call: Call) -> Payload:
    """Live fills."""
    return listed_fills(house, call, archived=False)


def listed_orders(house: House, call: Call, *, archived: bool) -> Payload:
    """Orders of the live or of the historical tier, newest first."""
    query = call.query
    status = query.get("status", "")
    if status and status not in _STATUSES:
        raise unfit(f"unknown order status: {status}")
    orders = house.engine.orders(
        call.account.user_id,
        subaccount=call.subaccount(query["subaccount"], default=None),
        market_id=query["ticker"] or None,
        status=None if call.lag_us else _STATUSES.get(status),
    )
    events = split(query.get("event_ticker", ""), most=10)
    index = query.get("exchange_index")
    chosen = [
        order
        for order in _seen(house, call, orders)
        if is_archived(house, order) is archived
        and (not status or order.status == status)
        and (not events or order.event_id in events)
        and index in {None, order.shard}
        and within(order.created_us, call)
    ]
    shown, cursor = paged(chosen, call, lambda order: order.order_id)
    user = call.account.public_id
    return {"orders": [order_view(order, user) for order in shown], "cursor": cursor}


def get_orders(house: House, call: Call) -> Payload:
    """Live orders."""
    return listed_orders(house, call, archived=False)


def _seen(house: House, call: Call, orders: list[Order]) -> list[Order]:
    if not call.lag_us:
        return orders
    return house.memory.all_as_of(orders, house.seen_us(call.lag_us))


def is_archived(house: House, order: Order) -> bool:
    """Whether an order has ended beyond the cutoff."""
    return not order.is_open and order.updated_us < house.cutoff_us


def get_order(house: House, call: Call) -> Payload:
    """One live order."""
    order = _order(house, call)
    seen = _seen(house, call, [order])
    if not seen or is_archived(house, seen[0]):
        raise not_found()
    return {"order": order_view(seen[0], call.account.public_id)}


def _order(house: House, call: Call) -> Order:
    account_id = call.account.user_id
    try:
        order = house.engine.order(call.path["order_id"], account_id=account_id)
    except Refusal as refused:
        raise not_found() from refused
    bound = call.key.subaccount if call.key else None
    if bound is not None and order.owner.subaccount != bound:
        raise not_found()
    return order


def get_queue_position(house: House, call: Call) -> Payload:
    """Contracts ahead of a resting order."""
    order = _order(house, call)
    if not order.is_open:
        raise not_found()
    return {"queue_position_fp": _queue(house, order)}


def _queue(house: House, order: Order) -> str:
    account_id = order.owner.account_id
    ahead = house.engine.queue_position(order.order_id, account_id=account_id)
    return contracts(ahead)


def get_queue_positions(house: House, call: Call) -> Payload:
    """The same of all resting orders of some markets or of an event."""
    tickers = split(call.query["market_tickers"], most=100)
    event = call.query["event_ticker"]
    if not tickers and not event:
        raise unfit("market_tickers or event_ticker is required")
    orders = house.engine.orders(
        call.account.user_id,
        subaccount=call.owned(call.query["subaccount"]),
        status="resting",
    )
    return {
        "queue_positions": [
            {
                "order_id": order.order_id,
                "market_ticker": order.market_id,
                "queue_position_fp": _queue(house, order),
            }
            for order in orders
            if order.market_id in tickers or order.event_id == event
        ]
    }


_LIMIT = limit(100, 1000)
_CURSOR = string("cursor")
_TICKER = string("ticker")
_EVENT = string("event_ticker")
_SUBACCOUNT = integer("subaccount", least=0, most=63)
_INDEX = integer("exchange_index", least=0)
_TIMES = (integer("min_ts"), integer("max_ts"))
_LIST = (_LIMIT, _CURSOR, _TICKER, _SUBACCOUNT)


OPERATIONS = (
    Operation(
        name="GetFills",
        method="GET",
        path="/portfolio/fills",
        handler=get_fills,
        parameters=(*_LIST, *_TIMES, _INDEX, string("order_id")),
        scope="read",
    ),
    Operation(
        name="GetOrders",
        method="GET",
        path="/portfolio/orders",
        handler=get_orders,
        parameters=(*_LIST, *_TIMES, _INDEX, _EVENT, string("status")),
        scope="read",
    ),
    Operation(
        name="GetOrder",
        method="GET",
        path="/portfolio/orders/{order_id}",
        handler=get_order,
        scope="read",
        cost=2,
    ),
    Operation(
        name="GetOrderQueuePosition",
        method="GET",
        path="/portfolio/orders/{order_id}/queue_position",
        handler=get_queue_position,
        scope="read",
    ),
    Operation(
        name="GetOrderQueuePositions",
        method="GET",
        path="/portfolio/orders/queue_positions",
        handler=get_queue_positions,
        parameters=(string("market_tickers"), _EVENT, _SUBACCOUNT),
        scope="read",
    ),
)
