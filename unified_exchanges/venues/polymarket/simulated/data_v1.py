"""The Data API v1: frozen since 2026-09-04, and answering still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from ....money import EXACT, ZERO
from .data import Row, acts_of, current_price, position_view, rows_of, standing
from .errors import bad_request
from .routes import Call, Operation
from .wire import Payload, number, seconds

if TYPE_CHECKING:
    from .house import House

__all__ = ["OPERATIONS"]

T = TypeVar("T")

_POSITION = {
    "proxyWallet": "proxy_wallet",
    "asset": "token_id",
    "conditionId": "condition_id",
    "size": "current_size",
    "avgPrice": "avg_price",
    "initialValue": "entry_cost_usdc",
    "currentValue": "current_value",
    "cashPnl": "unrealized_pnl",
    "percentPnl": "percent_pnl",
    "totalBought": "total_size",
    "realizedPnl": "realized_pnl",
    "percentRealizedPnl": "percent_realized_pnl",
    "curPrice": "current_price",
    "redeemable": "redeemable",
    "mergeable": "mergeable",
    "title": "title",
    "slug": "slug",
    "icon": "icon",
    "eventSlug": "event_slug",
    "outcome": "outcome",
    "outcomeIndex": "outcome_index",
    "oppositeOutcome": "opposite_outcome",
    "oppositeAsset": "opposite_token_id",
    "endDate": "end_date",
    "negativeRisk": "negative_risk",
}
"""Names of v1 and of v2."""


def _user(call: Call) -> str:
    user = call.text("user")
    if not user:
        raise bad_request("required query param 'user' not provided")
    return user


def _sliced(call: Call, rows: Sequence[T], *, default: int, most: int) -> Sequence[T]:
    limit = min(call.integer("limit", default) or default, most)
    offset = call.integer("offset", 0) or 0
    return rows[offset : offset + limit]


def _named(call: Call, name: str) -> set[str]:
    return {part for word in call.texts(name) for part in word.split(",")}


def _positions(house: House, call: Call, *, closed: bool) -> list[Payload]:
    user, markets = _user(call).lower(), _named(call, "market")
    least = ZERO if closed else Decimal(call.text("sizeThreshold", "1"))
    views = []
    for held in house.vault.as_of(house.seen_us(call.lag_us)):
        is_closed = standing(house, held) == "CLOSED"
        if held.wallet != user or is_closed != closed or held.size < least:
            continue
        if markets and held.condition_id not in markets:
            continue
        whole = position_view(house, held)
        views.append({name: whole[other] for name, other in _POSITION.items()})
    redeemable = call.flag("redeemable")
    if redeemable is not None:
        views = [view for view in views if view["redeemable"] == redeemable]
    return views


def list_positions(house: House, call: Call) -> Sequence[Payload]:
    """What a wallet holds; less than one share is hidden unless asked."""
    views = _positions(house, call, closed=False)
    return _sliced(call, views, default=100, most=500)


def list_closed(house: House, call: Call) -> Sequence[Payload]:
    """What a wallet held."""
    return _sliced(call, _positions(house, call, closed=True), default=10, most=50)


def _trade(house: House, row: Row) -> Payload:
    return {
        "proxyWallet": row.wallet.lower(),
        "side": row.side,
        "asset": row.listed.tokens[row.index],
        "conditionId": row.listed.condition_id,
        "size": number(row.size),
        "price": number(row.price),
        "timestamp": seconds(row.time_us),
        "title": row.listed.question,
        "slug": row.listed.slug,
        "icon": "",
        "eventSlug": house.catalog.event_of(row.listed).slug,
        "outcome": row.listed.outcomes[row.index],
        "outcomeIndex": row.index,
        "name": "",
        "pseudonym": "",
        "bio": "",
        "profileImage": "",
        "profileImageOptimized": "",
        "transactionHash": row.transaction,
    }


def _is_wanted(call: Call, row: Row) -> bool:
    markets, side = _named(call, "market"), call.text("side").upper()
    fits = not markets or row.listed.condition_id in markets
    return fits and side in {"", row.side}


def list_trades(house: House, call: Call) -> list[Payload]:
    """Trades, those of takers unless asked."""
    rows = [
        r for r in rows_of(house, call, user=call.text("user")) if _is_wanted(call, r)
    ]
    if call.flag("takerOnly") is not False:
        rows = [row for row in rows if row.is_taker]
    shown = _sliced(call, rows, default=100, most=10_000)
    return [_trade(house, row) for row in shown]


def list_activity(house: House, call: Call) -> list[Payload]:
    """What a wallet did."""
    rows = [r for r in acts_of(house, call, _user(call)) if _is_wanted(call, r)]
    kinds = _named(call, "type")
    chosen = [row for row in rows if not kinds or row.kind in kinds]
    shown = _sliced(call, chosen, default=100, most=500)
    return [
        {**_trade(house, row), "type": row.kind, "usdcSize": number(row.money)}
        for row in shown
    ]


def get_value(house: House, call: Call) -> list[Payload]:
    """What the tokens of a wallet are worth."""
    user = _user(call)
    worth = ZERO
    for held in house.vault.of(user.lower()):
        listed = house.catalog.markets[held.condition_id]
        price = current_price(house, listed, held.index)
        worth = EXACT.add(worth, EXACT.multiply(held.size, price))
    return [{"user": user, "value": number(worth)}]


def list_interest(house: House, call: Call) -> list[Payload]:
    """Open interest of markets, in dollars."""
    return [
        {"market": name, "value": number(house.interest(name))}
        for name in call.texts("market")
        if name in house.catalog.markets
    ]


def list_holders(house: House, call: Call) -> list[Payload]:
    """Who holds most of each outcome; only our wallets are told."""
    told = []
    for name in sorted(_named(call, "market") & set(house.catalog.markets)):
        listed = house.catalog.markets[name]
        for index in (0, 1):
            held = [
                h
                for h in house.vault.all()
                if h.condition_id == name and h.index == index and h.size
            ]
            held.sort(key=lambda h: h.size, reverse=True)
            rows = [
                {
                    "proxyWallet": h.wallet,
                    "asset": listed.tokens[index],
                    "amount": number(h.size),
                    "outcomeIndex": index,
                    "name": "",
                    "pseudonym": "",
                    "bio": "",
                    "profileImage": "",
                }
                for h in held[:20]
            ]
            told.append({"token": listed.tokens[index], "holders": rows})
    return told


def get_alive(_: House, __: Call) -> Payload:
    """Alive."""
    return {"data": "OK"}


def _get(
    path: str, handler: Callable[[House, Call], Any], group: str = ""
) -> Operation:
    groups = ("data_v1", f"data_v1_{group}") if group else ("data_v1",)
    return Operation(
        host="data", method="GET", path=path, handler=handler, groups=groups
    )


OPERATIONS = (
    _get("/", get_alive),
    _get("/positions", list_positions, "positions"),
    _get("/closed-positions", list_closed, "positions"),
    _get("/trades", list_trades, "trades"),
    _get("/activity", list_activity),
    _get("/value", get_value),
    _get("/oi", list_interest),
    _get("/holders", list_holders),
)
