"""Trading: orders placed, cancelled and read, and the trades that came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .envelopes import read_envelope
from .errors import Failure, bad_request, not_found
from .order_views import order_view, trade_view
from .pages import clob_page
from .records import Match
from .routes import Call, Operation
from .wire import Payload, seconds

if TYPE_CHECKING:
    from .house import House

__all__ = ["OPERATIONS"]

_MOST_ORDERS = 15
_MOST_CANCELS = 1000


def _charge(
    house: House, call: Call, cost: int, *, cancels: bool, owes: bool = False
) -> None:
    if house.limits is not None:
        told = house.limits.pass_signer(
            call.key.address, call.now_us, cost=cost, cancels=cancels, owes=owes
        )
        call.extra.update(told)


def _check_place(house: House, call: Call) -> None:
    """Whether orders may come from there (status and text are reported, not documented)."""
    country = call.headers.get("cf-ipcountry", house.settings.blocked_country)
    if country is not None and house.settings.blocked_country == country:
        text = (
            "Trading restricted in your region, please refer to available regions - "
            "https://docs.polymarket.com/developers/CLOB/geoblock"
        )
        raise bad_request(text, 403)


def post_order(house: House, call: Call) -> Payload:
    """Place an order."""
    envelope = read_envelope(call.json())
    house.modes.check_order(call.now_us, post_only=envelope.post_only)
    _check_place(house, call)
    _charge(house, call, 1, cancels=False)
    return house.desk.place(envelope, call.key)


def post_orders(house: House, call: Call) -> list[Payload]:
    """Place up to fifteen: one result each, in their order."""
    sent = call.json()
    if not isinstance(sent, list) or not sent:
        raise bad_request("Invalid order payload")
    if len(sent) > _MOST_ORDERS:
        most = f"max allowed: {_MOST_ORDERS}"
        raise bad_request(f"Too many orders in payload: {len(sent)}, {most}")
    house.modes.check_order(call.now_us, post_only=True)
    _check_place(house, call)
    _charge(house, call, len(sent), cancels=False)
    return [_result(house, call, one) for one in sent]


def _result(house: House, call: Call, sent: Any) -> Payload:
    try:
        envelope = read_envelope(sent)
        house.modes.check_order(call.now_us, post_only=envelope.post_only)
        return house.desk.place(envelope, call.key)
    except Failure as failure:
        # A rejected entry says success all the same (clob-openapi, 2026-08).
        return {
            "errorMsg": failure.text,
            "orderID": "",
            "takingAmount": "",
            "makingAmount": "",
            "status": "",
            "success": True,
        }


def _cancelled(house: House, call: Call, order_ids: Sequence[str]) -> Payload:
    cancelled, refused = house.members.cancel(call.key, order_ids)
    return {"canceled": cancelled, "not_canceled": refused}


def delete_order(house: House, call: Call) -> Payload:
    """Cancel an order."""
    house.modes.check_cancel(call.now_us)
    sent = call.json()
    order_id = sent.get("orderID") if isinstance(sent, dict) else None
    if not isinstance(order_id, str) or not order_id:
        raise bad_request("Invalid orderID")
    _charge(house, call, 1, cancels=True)
    return _cancelled(house, call, [order_id])


def delete_orders(house: House, call: Call) -> Payload:
    """Cancel many; what is named twice counts once."""
    house.modes.check_cancel(call.now_us)
    sent = call.json()
    if not isinstance(sent, list) or not all(isinstance(one, str) for one in sent):
        raise bad_request("Invalid order payload")
    if len(sent) > _MOST_CANCELS:
        # Changelog of 2026-06-15; a guide and the vendor's client still say 3000.
        text = f"Too many orders in payload, max allowed: {_MOST_CANCELS}"
        raise bad_request(text)
    _charge(house, call, len(sent), cancels=True)
    return _cancelled(house, call, sent)


def cancel_all(house: House, call: Call) -> Payload:
    """Cancel all orders of the key; charged afterwards."""
    house.modes.check_cancel(call.now_us)
    _charge(house, call, 1, cancels=True)
    open_ids = [placed.order_id for placed, _ in house.members.open_orders(call.key)]
    _charge(house, call, len(open_ids), cancels=True, owes=True)
    return _cancelled(house, call, open_ids)


def cancel_market(house: House, call: Call) -> Payload:
    """Cancel those of a market, or of one token."""
    house.modes.check_cancel(call.now_us)
    sent = call.json()
    if not isinstance(sent, dict):
        raise bad_request("Invalid order payload")
    market, token = sent.get("market") or "", sent.get("asset_id") or ""
    if not market and not token:
        raise bad_request("Invalid order payload")
    _charge(house, call, 1, cancels=True)
    chosen = [
        placed.order_id
        for placed, _ in house.members.open_orders(call.key)
        if market in {"", placed.listed.condition_id} and token in {"", placed.token}
    ]
    _charge(house, call, len(chosen), cancels=True, owes=True)
    return _cancelled(house, call, chosen)


def get_order(house: House, call: Call) -> Payload:
    """An order of the key, ended ones too (docs, 2026-10; not so in 2026-07)."""
    placed = house.orders.get(call.path["id"])
    if placed is None or placed.key_id != call.key.key_id:
        raise not_found("Order not found")
    return order_view(house, placed, house.members.order(placed))


def list_orders(house: House, call: Call) -> Payload:
    """The open orders of the key, newest first."""
    wanted, market = call.text("id"), call.text("market")
    token = call.text("asset_id")
    rows = [
        (placed, order)
        for placed, order in house.members.open_orders(call.key)
        if wanted in {"", placed.order_id}
        and market in {"", placed.listed.condition_id}
        and token in {"", placed.token}
    ]
    shown, following = clob_page(
        rows, call.text("next_cursor"), house.settings.ledger_page
    )
    return _envelope(house, [order_view(house, *row) for row in shown], following)


def list_trades(house: House, call: Call) -> Payload:
    """The trades of the key, newest first."""
    rows = [m for m in reversed(house.tape.matches.values()) if _is_wanted(call, m)]
    shown, following = clob_page(
        rows, call.text("next_cursor"), house.settings.ledger_page
    )
    views = [trade_view(match, call.key.key_id) for match in shown]
    return _envelope(house, views, following)


def _is_wanted(call: Call, match: Match) -> bool:
    own = [leg for leg in match.members if leg.key_id == call.key.key_id]
    if not own or call.text("id") not in {"", match.trade_id}:
        return False
    token = call.text("asset_id")
    if token and token not in {match.listed.tokens[leg.index] for leg in own}:
        return False
    maker = call.text("maker_address").lower()
    if maker and maker not in {leg.maker.lower() for leg in own}:
        return False
    moment = seconds(match.time_us)
    after, before = call.integer("after"), call.integer("before")
    return (
        call.text("market") in {"", match.listed.condition_id}
        and (after is None or moment > after)
        and (before is None or moment < before)
    )


def _envelope(house: House, rows: list[Payload], following: str) -> Payload:
    return {
        "limit": house.settings.ledger_page,
        "next_cursor": following,
        "count": len(rows),
        "data": rows,
    }


def get_scoring(house: House, call: Call) -> Payload:
    """Whether an order earns rewards: while it rests."""
    placed = house.orders.get(call.text("order_id"))
    order = None if placed is None else house.members.order(placed)
    return {"scoring": order is not None and order.is_open}


def _l2(
    method: str, path: str, handler: Callable[[House, Call], Any], *groups: str
) -> Operation:
    return Operation(
        host="clob",
        method=method,
        path=path,
        handler=handler,
        level=2,
        groups=("clob", *groups),
    )


OPERATIONS = (
    _l2("POST", "/order", post_order, "post_order"),
    _l2("POST", "/orders", post_orders, "post_orders"),
    _l2("DELETE", "/order", delete_order, "delete_order"),
    _l2("DELETE", "/orders", delete_orders, "delete_orders"),
    _l2("DELETE", "/cancel-all", cancel_all, "cancel_all"),
    _l2("DELETE", "/cancel-market-orders", cancel_market, "cancel_market"),
    _l2("GET", "/data/order/{id}", get_order, "clob_ledger"),
    _l2("GET", "/data/orders", list_orders, "clob_ledger", "clob_orders"),
    _l2("GET", "/data/trades", list_trades, "clob_ledger", "clob_trades"),
    _l2("GET", "/order-scoring", get_scoring, "clob_ledger"),
)
