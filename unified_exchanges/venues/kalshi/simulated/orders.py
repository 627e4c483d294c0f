"""Order writes: create, amend, decrease, cancel.

Routing, strictness and answers as of docs.kalshi.com 2026-10 and recordings 2026-06.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ....money import EXACT, ZERO
from ....simulator.orders import Order, Owner, Refusal, Ticket, TimeInForce, Unchanged
from .catalog import Catalog
from .errors import (
    nested,
    not_found,
    refusal,
    unfit,
)
from .house import House
from .routes import Call, Operation, bounded, integer, string
from .statements import acknowledgement, milliseconds
from .wire import (
    SECOND,
    Payload,
    bare,
    contracts,
    read_contracts,
    read_price,
)

__all__ = ["CREATE", "OPERATIONS", "cancel", "create", "subaccount_of"]

_FORCES: dict[str, TimeInForce] = {
    "good_till_canceled": "gtc",
    "immediate_or_cancel": "ioc",
    "fill_or_kill": "fok",
}
_REGIONAL = {"Sports", "Elections", "Entertainment"}

CREATE = {
    "ticker": "string!",
    "client_order_id": "string",
    "side": "string!",
    "count": "string!",
    "price": "string!",
    "expiration_time": "int",
    "time_in_force": "string!",
    "post_only": "bool",
    "self_trade_prevention_type": "string!",
    "cancel_order_on_pause": "bool",
    "reduce_only": "bool",
    "subaccount": "int",
    "order_group_id": "string",
    "exchange_index": "int",
}
_AMEND = {
    "ticker": "string!",
    "side": "string!",
    "price": "string!",
    "count": "string!",
    "client_order_id": "string",
    "updated_client_order_id": "string",
    "expiration_time": "int",
    "exchange_index": "int",
}
_DECREASE = {
    "reduce_by": "string",
    "reduce_to": "string",
    "exchange_index": "int",
    "market_ticker": "string",
}


# Creation


def create_order(house: House, call: Call) -> Payload:
    """Place an order."""
    call.pay(10, _billed(call.body.get("exchange_index"), has_ticker=True))
    return create(house, call, call.body)


def create(house: House, call: Call, body: Payload) -> Payload:
    """Place the order of a body that is paid for."""
    ticket = _ticket(call, body)
    _check_shard(house, ticket.market_id, body.get("exchange_index"))
    _check_region(house.catalog, call, ticket.market_id)
    order = house.engine.place(ticket)
    return acknowledgement(
        order,
        filled=order.filled,
        value=order.value,
        fees=order.fees,
        now_us=order.updated_us,
    )


def _ticket(call: Call, body: Payload) -> Ticket:
    force = _word(body, "time_in_force", *_FORCES)
    expires = bounded(body.get("expiration_time"), "expiration_time", 0, 1 << 40)
    if body.get("reduce_only") and force != "immediate_or_cancel":
        raise nested(400, "invalid_order", "reduce only requires immediate_or_cancel")
    if expires and force != "good_till_canceled":
        raise nested(400, "invalid_order", "only good_till_canceled orders can expire")
    return Ticket(
        market_id=body["ticker"],
        owner=Owner(call.account.user_id, subaccount_of(call, body)),
        side="bid" if _word(body, "side", "bid", "ask") == "bid" else "ask",
        price=read_price(body["price"]),
        size=read_contracts(body["count"]),
        time_in_force=_FORCES[force],
        self_trade="maker" if _stops_maker(body) else "taker_at_cross",
        post_only=body.get("post_only", False),
        reduce_only=body.get("reduce_only", False),
        cancel_on_pause=body.get("cancel_order_on_pause", False),
        client_order_id=body.get("client_order_id") or None,
        group_id=body.get("order_group_id") or None,
        expires_us=expires * SECOND if expires else None,
    )


def _stops_maker(body: Payload) -> bool:
    # How a "maker" answer looks was never recorded: like any other creation (invented).
    words = ("taker_at_cross", "maker")
    return _word(body, "self_trade_prevention_type", *words) == "maker"


def _word(body: Payload, name: str, *words: str) -> str:
    word: str = body[name]
    if word not in words:
        raise unfit(f"{name} must be one of {', '.join(words)}")
    return word


def subaccount_of(call: Call, body: Payload) -> int:
    """The subaccount of a body or of one item of a batch."""
    return call.owned(bounded(body.get("subaccount"), "subaccount", 0, 63))


def _check_shard(house: House, ticker: str, index: int | None) -> None:
    # An explicit index is where the venue looks; that it then knows no such market is
    # inferred from the routing rules.
    if index is not None and index >= 0 and house.market(ticker).shard != index:
        raise not_found()


def _check_region(catalog: Catalog, call: Call, ticker: str) -> None:
    """A lapsed attestation of the location closes some categories (2026-08-16)."""
    expires_us = call.account.region_expires_us
    if expires_us is None or expires_us > call.now_us or ticker not in catalog.markets:
        return
    if catalog.series_of(catalog.markets[ticker].event_ticker).category in _REGIONAL:
        raise nested(403, "permission_denied", "location attestation expired")


# Finding an order: the shard is asked for, named by the ticker, or taken to be 0


def _billed(index: int | None, *, has_ticker: bool) -> int | None:
    """Which shard's bucket pays; None is all of them, for automatic routing."""
    if index is not None and index >= 0:
        return index
    return None if has_ticker else 0


def _find(
    house: House, call: Call, order_id: str, item: Payload, subaccount: int
) -> Order:
    """The resting order, if it is where the request lets the venue look."""
    index, ticker = item.get("exchange_index"), item.get("market_ticker")
    try:
        order = house.engine.order(order_id, account_id=call.account.user_id)
    except Refusal as refused:
        raise not_found() from refused
    shard = index if index is not None and index >= 0 else 0
    if (index is None or index < 0) and ticker:
        shard = order.shard if order.market_id == ticker else -1
    if order.owner.subaccount != subaccount or order.shard != shard:
        raise not_found()
    return order


def _owner(call: Call, subaccount: int) -> Owner:
    return Owner(call.account.user_id, subaccount)


# Cancellation


def cancel_order(house: House, call: Call) -> Payload:
    """Cancel one order."""
    query = call.query
    ticker = query["market_ticker"]
    call.pay(2, _billed(query["exchange_index"], has_ticker=bool(ticker)))
    subaccount = call.owned(query["subaccount"])
    return cancel(house, call, call.path["order_id"], query, subaccount)


def cancel(
    house: House, call: Call, order_id: str, item: Any, subaccount: int
) -> Payload:
    """Cancel an order that is where ``item`` lets the venue look."""
    before = _find(house, call, order_id, item, subaccount)
    order = _carry_out(
        lambda: house.engine.cancel(order_id, owner=_owner(call, subaccount))
    )
    return bare(
        {
            "order_id": order_id,
            "client_order_id": order.client_order_id,
            "reduced_by": contracts(before.remaining),
            "ts_ms": milliseconds(order.updated_us),
        }
    )


def cancel_all_orders(house: House, call: Call) -> None:
    """Cancel everything that rests, on every shard."""
    asked = call.query["subaccount"]
    subaccount = call.subaccount(asked, default=None)
    house.engine.cancel_all(call.account.user_id, subaccount=subaccount)


# Changes


def amend_order(house: House, call: Call) -> Payload:
    """Change price, size (the total) or expiry of a resting order."""
    body = call.body
    index = body.get("exchange_index")
    call.pay(10, _billed(index, has_ticker=True))
    item = {"exchange_index": index, "market_ticker": body["ticker"]}
    subaccount = call.owned(call.query["subaccount"])
    order_id = call.path["order_id"]
    before = _find(house, call, order_id, item, subaccount)
    _check_same(before, body)
    price, size = read_price(body["price"]), read_contracts(body["count"])
    after = _carry_out(
        lambda: house.engine.amend(
            order_id,
            owner=_owner(call, subaccount),
            price=price,
            size=size,
            expires_us=_new_expiry(body),
            client_order_id=body.get("updated_client_order_id") or Unchanged.UNCHANGED,
        )
    )
    return _amended(before, after)


def _check_same(order: Order, body: Payload) -> None:
    # The codes were named in the changelog of January 2026; today's spelling is not
    # known.
    side = _word(body, "side", "bid", "ask")
    if order.market_id != body["ticker"]:
        raise nested(400, "order_ticker_mismatch")
    if order.side != side:
        raise nested(400, "order_side_mismatch")
    named = body.get("client_order_id")
    if named and named != order.client_order_id:
        raise nested(400, "order_id_and_client_order_id_mismatch")


def _new_expiry(body: Payload) -> int | Unchanged | None:
    seconds = bounded(body.get("expiration_time"), "expiration_time", 0, 1 << 40)
    if seconds is None:
        return Unchanged.UNCHANGED
    return seconds * SECOND or None


def _amended(before: Order, after: Order) -> Payload:
    filled = EXACT.subtract(after.filled, before.filled)
    answer = acknowledgement(
        after,
        filled=filled,
        value=EXACT.subtract(after.value, before.value),
        fees=EXACT.subtract(after.fees, before.fees),
        now_us=after.updated_us,
    )
    if not filled and after.size == before.size:
        del answer["fill_count"], answer["remaining_count"]
    return answer


def decrease_order(house: House, call: Call) -> Payload:
    """Take contracts off a resting order."""
    body = call.body
    ticker = body.get("market_ticker")
    call.pay(10, _billed(body.get("exchange_index"), has_ticker=bool(ticker)))
    if ("reduce_by" in body) == ("reduce_to" in body):
        raise unfit("exactly one of reduce_by and reduce_to is required")
    by, to = _reductions(body)
    subaccount = call.owned(call.query["subaccount"])
    order_id = call.path["order_id"]
    _find(house, call, order_id, body, subaccount)
    order = _carry_out(
        lambda: house.engine.decrease(
            order_id, owner=_owner(call, subaccount), by=by, to=to
        )
    )
    return bare(
        {
            "order_id": order_id,
            "client_order_id": order.client_order_id,
            "remaining_count": contracts(order.remaining),
            "ts_ms": milliseconds(order.updated_us),
        }
    )


def _reductions(body: Payload) -> tuple[Decimal | None, Decimal | None]:
    if "reduce_by" in body:
        return read_contracts(body["reduce_by"], name="reduce_by"), None
    least = EXACT.minus(Decimal("0.01"))
    to = read_contracts(body["reduce_to"], name="reduce_to", least=least)
    return None, max(to, ZERO)


def _carry_out(act: Callable[[], Order]) -> Order:
    try:
        return act()
    except Refusal as refused:
        raise refusal(refused) from refused


_SUBACCOUNT = integer("subaccount", least=0, most=63)
_ORDERS = "/portfolio/events/orders"
_ONE = f"{_ORDERS}/{{order_id}}"

OPERATIONS = (
    Operation(
        name="CreateOrderV2",
        method="POST",
        path=_ORDERS,
        handler=create_order,
        scope="write::trade",
        status=201,
        struct="CreateOrderV2Request",
        body=CREATE,
        routed=True,
    ),
    Operation(
        name="CancelAllOrders",
        method="DELETE",
        path=_ORDERS,
        handler=cancel_all_orders,
        parameters=(_SUBACCOUNT,),
        scope="write::trade",
        cost=2,
        status=204,
    ),
    Operation(
        name="CancelOrderV2",
        method="DELETE",
        path=_ONE,
        handler=cancel_order,
        parameters=(_SUBACCOUNT, integer("exchange_index"), string("market_ticker")),
        scope="write::trade",
        routed=True,
    ),
    Operation(
        name="AmendOrderV2",
        method="POST",
        path=f"{_ONE}/amend",
        handler=amend_order,
        parameters=(_SUBACCOUNT,),
        scope="write::trade",
        struct="AmendOrderV2Request",
        body=_AMEND,
        routed=True,
    ),
    Operation(
        name="DecreaseOrderV2",
        method="POST",
        path=f"{_ONE}/decrease",
        handler=decrease_order,
        parameters=(_SUBACCOUNT,),
        scope="write::trade",
        struct="DecreaseOrderV2Request",
        body=_DECREASE,
        routed=True,
    ),
)
