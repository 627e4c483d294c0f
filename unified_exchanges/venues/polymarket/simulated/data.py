"""The Data API v2: positions, trades and activity of any wallet, a while ago."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from ....money import EXACT, ZERO, div
from .catalog import Listed
from .data_errors import refused
from .errors import Failure
from .pages import keyset_page, place_of
from .quotes import prices
from .records import Credit, Match
from .routes import Call, Operation
from .vault import Holding
from .wire import Payload, instant, number, seconds

if TYPE_CHECKING:
    from .house import House

__all__ = ["OPERATIONS", "Row", "acts_of", "current_price", "rows_of", "standing"]

_MOST = 1000
_HUNDRED = Decimal(100)
_SIDES = frozenset({"BUY", "SELL"})
_STATUSES = frozenset({"OPEN", "REDEEMABLE", "REDEEMABLE_LOST", "MERGEABLE", "CLOSED"})
_SORTS = {
    "CURRENT_VALUE": "current_value",
    "PRICE": "current_price",
    "TOKENS": "current_size",
    "UNREALIZED_PNL": "unrealized_pnl",
    "REALIZED_PNL": "realized_pnl",
    "TOTAL_PNL": "total_pnl",
    "TIMESTAMP": "last_event_at",
}
_SETTLED = frozenset({"MINED", "CONFIRMED"})


@attrs.frozen(kw_only=True, slots=True)
class Row:
    """What one wallet did: its part of a trade, or something on the chain."""

    kind: str
    wallet: str
    listed: Listed
    index: int
    side: str
    size: Decimal
    price: Decimal
    money: Decimal
    time_us: int
    transaction: str
    sequence: int
    is_taker: bool = True


def _of_match(match: Match) -> Iterable[Row]:
    for leg in match.legs:
        is_taker = leg is match.taker
        size = match.size if is_taker else leg.size
        yield Row(
            kind="TRADE",
            wallet=leg.maker,
            listed=match.listed,
            index=leg.index,
            side=leg.side,
            size=size,
            price=leg.price,
            money=EXACT.multiply(size, leg.price),
            time_us=match.time_us,
            transaction=match.transaction,
            sequence=match.sequence,
            is_taker=is_taker,
        )


def _is_settled(match: Match) -> bool:
    """Whether the chain has it; trades of the crowd are on it at once."""
    return not match.members or match.status in _SETTLED


def rows_of(house: House, call: Call, *, user: str = "") -> list[Row]:
    """The trades that the API knows of, newest first."""
    until = house.seen_us(call.lag_us)
    matches: Iterable[Match] = house.tape.public
    if user.lower() in house.wallets:
        matches = house.tape.matches.values()
    found = [
        row
        for match in matches
        if match.time_us <= until and _is_settled(match)
        for row in _of_match(match)
        if not user or row.wallet.lower() == user.lower()
    ]
    return sorted(found, key=lambda row: row.sequence, reverse=True)


def acts_of(house: House, call: Call, user: str) -> list[Row]:
    """All that a wallet did, newest first."""
    until = house.seen_us(call.lag_us)
    acts = [
        Row(
            kind=act.kind,
            wallet=house.wallets[act.wallet].address,
            listed=act.listed,
            index=act.index,
            side="",
            size=act.size,
            price=ZERO,
            money=act.money,
            time_us=act.time_us,
            transaction=act.transaction,
            sequence=act.sequence,
        )
        for act in house.acts
        if act.wallet == user.lower() and act.time_us <= until
    ]
    found = [*rows_of(house, call, user=user), *acts]
    return sorted(found, key=lambda row: (row.time_us, row.sequence), reverse=True)


def current_price(house: House, listed: Listed, index: int) -> Decimal:
    """What a token is worth now."""
    return prices(house, listed)[index]


def standing(house: House, held: Holding) -> str:
    """How a position stands: OPEN, REDEEMABLE or CLOSED."""
    if not held.size:
        return "CLOSED"
    is_open = house.value(held.condition_id) is None
    return "OPEN" if is_open else "REDEEMABLE"


def _page(call: Call, rows: Sequence[Any], view: Callable[[Any], Payload]) -> Payload:
    limit = call.integer("limit", 100) or 100
    if not 0 < limit <= _MOST:
        raise refused(f"limit must be at most {_MOST}", "limit")
    cursor = call.text("cursor")
    try:
        start = place_of(cursor)
    except Failure as failure:
        raise refused("cursor is invalid", "cursor") from failure
    shown, following = keyset_page(rows, cursor, limit)
    return {
        "data": [view(row) for row in shown],
        "pagination": {
            "limit": limit,
            "offset": start,
            "has_more": following is not None,
            "next_cursor": following,
        },
    }


def _is_within(call: Call, time_us: int) -> bool:
    start, end = call.integer("start"), call.integer("end")
    moment = seconds(time_us)
    return (start is None or moment >= start) and (end is None or moment <= end)


def _enough(call: Call, size: Decimal, money: Decimal) -> bool:
    kind, word = call.text("filter_type"), call.text("filter_amount")
    if not word:
        return True
    return (money if kind == "CASH" else size) >= Decimal(word)


def _mergeable(house: House, held: Holding) -> bool:
    other = house.vault.size(held.wallet, held.condition_id, 1 - held.index)
    return standing(house, held) == "OPEN" and bool(other) and bool(held.size)


def _fits(house: House, held: Holding, status: str) -> bool:
    now = standing(house, held)
    if status == "MERGEABLE":
        return _mergeable(house, held)
    if status == "REDEEMABLE_LOST":
        listed = house.catalog.markets[held.condition_id]
        return now == "REDEEMABLE" and not current_price(house, listed, held.index)
    return now == status


def _is_among(call: Call, name: str, value: str) -> bool:
    """Whether a value is one of those that are asked for, comma between (SDK, 2026-10)."""
    asked = call.text(name).lower()
    return not asked or value in asked.split(",")


def _is_asked(house: House, call: Call, held: Holding) -> bool:
    listed = house.catalog.markets[held.condition_id]
    value = EXACT.multiply(held.size, current_price(house, listed, held.index))
    return (
        call.text("user").lower() in {"", held.wallet}
        and _is_among(call, "condition_id", held.condition_id)
        and _is_among(call, "event_id", listed.event_id)
        and call.text("title").lower() in listed.question.lower()
        and _enough(call, held.size, value)
        and _is_within(call, held.last_us)
    )


def list_positions(house: House, call: Call) -> Payload:
    """The tokens of a wallet, or of everybody in one market."""
    if not call.text("user") and not call.text("condition_id"):
        raise refused("user or condition_id is required", "user")
    status = call.text("status")
    if status and status not in _STATUSES:
        raise refused("status is invalid", "status")
    found = [
        held
        for held in house.vault.as_of(house.seen_us(call.lag_us))
        if _is_asked(house, call, held) and (not status or _fits(house, held, status))
    ]
    views = [position_view(house, held) for held in found]
    field = _SORTS.get(call.text("sort_by", "CURRENT_VALUE"))
    if field is None:
        raise refused("sort_by is invalid", "sort_by")
    descending = call.text("sort_direction", "DESC").upper() != "ASC"
    views.sort(key=lambda view: view[field], reverse=descending)
    return _page(call, views, lambda view: view)


def position_view(house: House, held: Holding) -> Payload:
    """A position in the words of v2."""
    listed = house.catalog.markets[held.condition_id]
    event = house.catalog.event_of(listed)
    price = current_price(house, listed, held.index)
    value = EXACT.multiply(held.size, price)
    unrealized = EXACT.subtract(value, held.cost)
    whole = EXACT.add(unrealized, held.realized)
    status = standing(house, held)
    other = 1 - held.index
    return {
        "proxy_wallet": held.wallet,
        "token_id": listed.tokens[held.index],
        "condition_id": listed.condition_id,
        "current_size": number(held.size),
        "avg_price": number(held.average_price),
        "entry_cost_usdc": number(held.cost),
        "entry_fees_usdc": number(held.fees),
        "total_cost_usdc": number(EXACT.add(held.cost, held.fees)),
        "current_price": number(price),
        "current_value": number(value),
        "total_size": number(held.bought),
        "realized_pnl": number(held.realized),
        "unrealized_pnl": number(unrealized),
        "total_pnl": number(whole),
        "percent_pnl": number(_percent(whole, held.spent)),
        "percent_realized_pnl": number(_percent(held.realized, held.spent)),
        "status": status,
        "redeemable": status == "REDEEMABLE",
        "mergeable": _mergeable(house, held),
        "negative_risk": listed.is_neg_risk,
        "archived": False,
        "verified": False,
        "title": listed.question,
        "slug": listed.slug,
        "icon": "",
        "event_id": event.event_id,
        "event_slug": event.slug,
        "outcome": listed.outcomes[held.index],
        "outcome_index": held.index,
        "opposite_outcome": listed.outcomes[other],
        "opposite_token_id": listed.tokens[other],
        "end_date": instant(listed.end_us)[:10],
        "last_event_at": seconds(held.last_us),
        "first_entry_at": seconds(held.first_us),
        "name": "",
        "profile_image": "",
    }


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return EXACT.multiply(div(part, whole), _HUNDRED) if whole else ZERO


def _chosen(call: Call, rows: Iterable[Row]) -> list[Row]:
    """The rows that a query wants."""
    side = call.text("side").upper()
    if side and side not in _SIDES:
        raise refused("side is invalid", "side")
    kinds = {k for word in call.texts("type") for k in word.upper().split(",")}
    return [
        row
        for row in rows
        if _is_among(call, "condition_id", row.listed.condition_id)
        and _is_among(call, "event_id", row.listed.event_id)
        and side in {"", row.side}
        and (not kinds or row.kind in kinds)
        and _is_within(call, row.time_us)
        and _enough(call, row.size, row.money)
    ]


def list_trades(house: House, call: Call) -> Payload:
    """Trades of anybody, or of a wallet; those of takers only unless asked."""
    user = call.text("user")
    rows = rows_of(house, call, user=user)
    if call.flag("taker_only") is not False:
        rows = [row for row in rows if row.is_taker]
    return _page(call, _chosen(call, rows), _trade_view(house))


def _trade_view(house: House) -> Callable[[Row], Payload]:
    def view(row: Row) -> Payload:
        return {
            "proxy_wallet": row.wallet.lower(),
            "token_id": row.listed.tokens[row.index],
            "condition_id": row.listed.condition_id,
            "side": row.side,
            "size": number(row.size),
            "price": number(row.price),
            "timestamp": seconds(row.time_us),
            "transaction_hash": row.transaction,
            "title": row.listed.question,
            "slug": row.listed.slug,
            "icon": "",
            "event_slug": house.catalog.event_of(row.listed).slug,
            "outcome": row.listed.outcomes[row.index],
            "outcome_index": row.index,
            "name": "",
            "pseudonym": "",
            "bio": "",
            "profile_image": "",
            "profile_image_optimized": "",
        }

    return view


def list_activity(house: House, call: Call) -> Payload:
    """What a wallet did."""
    user = call.text("user")
    if not user:
        raise refused("user is required", "user")
    rows: list[Row | Credit] = [*_chosen(call, acts_of(house, call, user))]
    rows += _chosen_credits(house, call, user.lower())
    rows.sort(key=lambda row: (row.time_us, row.sequence), reverse=True)
    plain = _trade_view(house)

    def view(row: Row | Credit) -> Payload:
        if isinstance(row, Credit):
            return _credit_view(row)
        told = {**plain(row), "type": row.kind, "usdc_size": number(row.money)}
        return told | _NO_TOKEN if row.kind in _OF_BOTH else told

    return _page(call, rows, view)


_OF_BOTH = frozenset({"SPLIT", "MERGE"})
_MOVES = frozenset({"DEPOSIT", "WITHDRAWAL"})
_NO_TOKEN = {"token_id": "", "outcome": "", "outcome_index": 999}
"""How a row tells that it is about no single token (data-openapi, 2026-08)."""


def _chosen_credits(house: House, call: Call, user: str) -> list[Credit]:
    """What came or went for no market; deposits only if they are asked for."""
    if any(call.text(name) for name in ("condition_id", "event_id", "side")):
        return []
    kinds = {k for word in call.texts("type") for k in word.upper().split(",")}
    hides = call.flag("exclude_deposits_withdrawals") is not False
    until = house.seen_us(call.lag_us)
    return [
        credit
        for credit in house.credits
        if credit.wallet == user
        and credit.time_us <= until
        and (not kinds or credit.kind in kinds)
        and not (hides and credit.kind in _MOVES)
        and _is_within(call, credit.time_us)
    ]


def _credit_view(credit: Credit) -> Payload:
    return {
        "proxy_wallet": credit.wallet,
        "type": credit.kind,
        "timestamp": seconds(credit.time_us),
        "transaction_hash": credit.transaction,
        "condition_id": "",
        "size": number(credit.money),
        "usdc_size": number(credit.money),
        "price": 0,
        "side": "",
        **_NO_TOKEN,
    }


def get_value(house: House, call: Call) -> Payload:
    """What the tokens of a wallet are worth."""
    user = call.text("user").lower()
    worth = ZERO
    for held in house.vault.of(user):
        listed = house.catalog.markets[held.condition_id]
        price = current_price(house, listed, held.index)
        worth = EXACT.add(worth, EXACT.multiply(held.size, price))
    return {"data": {"proxy_wallet": user, "value": number(worth)}}


def get_status(_: House, __: Call) -> Payload:
    """Alive."""
    return {"status": "ok"}


def _get(
    path: str, handler: Callable[[House, Call], Any], group: str = "rest"
) -> Operation:
    groups = ("data_v2", f"data_v2_{group}")
    return Operation(
        host="data", method="GET", path=path, handler=handler, groups=groups
    )


OPERATIONS = (
    _get("/v2/positions", list_positions),
    _get("/v2/trades", list_trades, "trades"),
    _get("/v2/activity", list_activity),
    _get("/v2/value", get_value),
    _get("/v2/status", get_status),
)
