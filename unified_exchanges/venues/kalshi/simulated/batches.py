"""Orders in batches: each item on its own, its refusal beside it."""

from __future__ import annotations

from ....simulator.orders import Refusal
from .errors import Failure, bad_request, flat, refusal, restricted_key
from .house import House
from .orders import CREATE, cancel, create, subaccount_of
from .routes import Call, Operation
from .wire import Payload, bare, read_objects

__all__ = ["OPERATIONS"]

_NOTHING = "0.00"
_CANCEL_ITEM = {
    "order_id": "string!",
    "subaccount": "int",
    "exchange_index": "int",
    "market_ticker": "string",
}


def create_orders(house: House, call: Call) -> Payload:
    """Place several orders, each on its own."""
    items = read_objects(
        call.body["orders"], "BatchCreateOrdersV2Request.orders", CREATE
    )
    _admit(call, items, cost=10)
    return {"orders": [_created(house, call, item) for item in items]}


def _created(house: House, call: Call, item: Payload | Failure) -> Payload:
    name = None if isinstance(item, Failure) else item.get("client_order_id")
    try:
        if isinstance(item, Failure):
            raise item
        return create(house, call, item)
    except (Failure, Refusal) as failure:
        return bare({"client_order_id": name, "error": _flat(failure)})


def cancel_orders(house: House, call: Call) -> Payload:
    """Cancel several orders, each on its own."""
    struct = "BatchCancelOrdersV2Request.orders"
    items = read_objects(call.body["orders"], struct, _CANCEL_ITEM)
    _admit(call, items, cost=2)
    return {"orders": [_canceled(house, call, item) for item in items]}


def _canceled(house: House, call: Call, item: Payload | Failure) -> Payload:
    order_id = "" if isinstance(item, Failure) else item["order_id"]
    try:
        if isinstance(item, Failure):
            raise item
        return cancel(house, call, order_id, item, subaccount_of(call, item))
    except (Failure, Refusal) as failure:
        return {"order_id": order_id, "reduced_by": _NOTHING, "error": _flat(failure)}


def _admit(call: Call, items: list[Payload | Failure], *, cost: int) -> None:
    """A batch is paid whole; one item of another subaccount refuses all of it."""
    if not items:
        raise bad_request("orders must not be empty")
    call.pay(cost * len(items))
    bound = call.key.subaccount if call.key else None
    for item in items:
        asked = None if isinstance(item, Failure) else item.get("subaccount")
        if bound is not None and asked not in {None, bound}:
            raise restricted_key()


def _flat(failure: Failure | Refusal) -> Payload:
    if isinstance(failure, Refusal):
        failure = refusal(failure)
    body = failure.payload.get("error", failure.payload)
    return dict(body) if isinstance(body, dict) else flat("internal_error")


_PATH = "/portfolio/events/orders/batched"

OPERATIONS = (
    Operation(
        name="BatchCreateOrdersV2",
        method="POST",
        path=_PATH,
        handler=create_orders,
        scope="write::trade",
        status=201,
        struct="BatchCreateOrdersV2Request",
        body={"orders": "array!"},
        routed=True,
    ),
    Operation(
        name="BatchCancelOrdersV2",
        method="DELETE",
        path=_PATH,
        handler=cancel_orders,
        scope="write::trade",
        struct="BatchCancelOrdersV2Request",
        body={"orders": "array!"},
        routed=True,
    ),
)
