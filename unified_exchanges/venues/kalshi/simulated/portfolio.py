"""What an account holds and was paid: balance, positions, settlements."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ....money import EXACT, ZERO, complement, total
from ....simulator.accounts import Position
from ....simulator.orders import Owner, money_of
from .errors import not_found, unfit
from .house import House
from .limits import SHARDS
from .lists import paged, within
from .pages import page
from .routes import Call, Operation, choice, integer, limit, string
from .statements import (
    event_position_view,
    position_view,
    settlement_view,
)
from .wire import Payload, cents, dollars, whole_seconds

__all__ = ["OPERATIONS", "listed_positions"]


def get_balance(house: House, call: Call) -> Payload:
    """Cash of one subaccount, in all and by shard, and what its positions are worth."""
    owner = Owner(call.account.user_id, call.owned(call.query["subaccount"]))
    _check_subaccount(house, owner)
    asked = call.query["exchange_index"]
    shards = range(SHARDS) if asked is None or asked < 0 else [asked]
    seen_us = house.seen_us(call.lag_us)
    cash = house.memory.cash_as_of(owner, house.available(owner), seen_us)
    free = {n: cash[n] for n in shards}
    whole = total(free.values())
    positions = house.memory.positions_as_of(
        house.engine.positions(owner.account_id, subaccount=owner.subaccount), seen_us
    )
    worth = total(_worth(house, p) for p in positions if p.size and p.shard in free)
    return {
        "balance": cents(whole),
        "balance_dollars": dollars(whole),
        "portfolio_value": cents(worth),
        "updated_ts": whole_seconds(call.now_us),
        "balance_breakdown": [
            {"exchange_index": n, "balance": dollars(amount)}
            for n, amount in free.items()
        ],
    }


def _check_subaccount(house: House, owner: Owner) -> None:
    if owner.subaccount not in house.engine.subaccounts(owner.account_id):
        raise not_found()


def _worth(house: House, position: Position) -> Decimal:
    """A position at the last price, in its own money."""
    market = house.market(position.market_id)
    price = market.yes_value
    if price is None:
        price = market.last_price or ZERO
    unit = price if position.size > ZERO else complement(price)
    return EXACT.multiply(position.size.copy_abs(), unit)


def listed_positions(house: House, call: Call, *, archived: bool) -> Payload:
    """Positions of the live or of the historical tier, and their events."""
    query = call.query
    positions = house.memory.positions_as_of(
        house.engine.positions(
            call.account.user_id,
            subaccount=call.owned(query["subaccount"]),
            market_id=query["ticker"] or None,
        ),
        house.seen_us(call.lag_us),
    )
    old = {e for e in {p.event_id for p in positions} if _is_old(house, e, positions)}
    wanted = query["event_ticker"]
    index = query.get("exchange_index")
    status = query.get("settlement_status", "all")
    nonzero = query.get("count_filter", "")
    chosen = [
        position
        for position in positions
        if (position.event_id in old) is archived
        and (not wanted or position.event_id == wanted)
        and index in {None, position.shard}
        and status in {"all", "settled" if position.is_settled else "unsettled"}
        and _counts(position, nonzero)
    ]
    shown, cursor = page(
        chosen,
        key=lambda p: p.market_id,
        cursor=query["cursor"],
        limit=query["limit"] or 100,
    )
    events: dict[str, list[Position]] = {}
    for position in shown:
        events.setdefault(position.event_id, []).append(position)
    return {
        "cursor": cursor,
        "market_positions": [position_view(position) for position in shown],
        "event_positions": [event_position_view(e, ps) for e, ps in events.items()],
    }


def _is_old(house: House, event_id: str, positions: Iterable[Position]) -> bool:
    """The positions of an event move together once all of them were settled."""
    mine = [p for p in positions if p.event_id == event_id]
    return all(p.is_settled and p.updated_us < house.cutoff_us for p in mine)


def _counts(position: Position, names: str) -> bool:
    asked = {name.strip() for name in names.split(",")} - {""}
    if not asked <= {"position", "total_traded"}:
        raise unfit("count_filter takes position and total_traded")
    return not (
        ("position" in asked and not position.size)
        or ("total_traded" in asked and not position.traded)
    )


def get_positions(house: House, call: Call) -> Payload:
    """Live positions; unsettled ones unless asked otherwise."""
    return listed_positions(house, call, archived=False)


def get_settlements(house: House, call: Call) -> Payload:
    """What was paid, newest first."""
    query = call.query
    settlements = house.engine.settlements(
        call.account.user_id,
        subaccount=call.subaccount(query["subaccount"], default=None),
    )
    ticker, event = query["ticker"], query["event_ticker"]
    chosen = [
        settlement
        for settlement in reversed(settlements)
        if (not ticker or settlement.market_id == ticker)
        and (not event or settlement.event_id == event)
        and within(settlement.time_us, call)
    ]
    shown, cursor = paged(chosen, call, lambda s: str(s.sequence))
    return {"settlements": [settlement_view(s) for s in shown], "cursor": cursor}


def get_resting_value(house: House, call: Call) -> Payload:
    """What the resting orders would cost, in cents, and by shard in dollars."""
    orders = house.engine.orders(call.account.user_id, status="resting")
    values = dict.fromkeys(range(SHARDS), ZERO)
    for order in orders:
        value = money_of(order.side, order.price, order.remaining)
        values[order.shard] = EXACT.add(values[order.shard], value)
    return {
        "total_resting_order_value": cents(total(values.values())),
        "resting_order_value_breakdown": [
            {"exchange_index": shard, "balance": dollars(value)}
            for shard, value in values.items()
        ],
    }


def get_deposits(_: House, __: Call) -> Payload:
    """None: the money of a simulated account was always there."""
    return {"deposits": [], "cursor": ""}


def get_withdrawals(_: House, __: Call) -> Payload:
    """None."""
    return {"withdrawals": [], "cursor": ""}


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
        name="GetBalance",
        method="GET",
        path="/portfolio/balance",
        handler=get_balance,
        parameters=(_SUBACCOUNT, integer("exchange_index", most=SHARDS - 1)),
        scope="read::portfolio_balance",
    ),
    Operation(
        name="GetPositions",
        method="GET",
        path="/portfolio/positions",
        handler=get_positions,
        parameters=(
            *_LIST,
            _EVENT,
            _INDEX,
            string("count_filter"),
            choice(
                "settlement_status",
                "unsettled",
                "settled",
                "all",
                default="unsettled",
            ),
        ),
        scope="read",
    ),
    Operation(
        name="GetSettlements",
        method="GET",
        path="/portfolio/settlements",
        handler=get_settlements,
        parameters=(*_LIST, *_TIMES, _EVENT),
        scope="read",
    ),
    Operation(
        name="GetPortfolioRestingOrderTotalValue",
        method="GET",
        path="/portfolio/summary/total_resting_order_value",
        handler=get_resting_value,
        scope="read",
        shared=True,
    ),
    Operation(
        name="GetDeposits",
        method="GET",
        path="/portfolio/deposits",
        handler=get_deposits,
        parameters=(limit(100, 500), _CURSOR),
        scope="read",
        shared=True,
    ),
    Operation(
        name="GetWithdrawals",
        method="GET",
        path="/portfolio/withdrawals",
        handler=get_withdrawals,
        parameters=(limit(100, 500), _CURSOR),
        scope="read",
        shared=True,
    ),
)
