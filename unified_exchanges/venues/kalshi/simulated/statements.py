"""Orders, fills, positions and settlements, in the venue's words."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ....money import EXACT, ZERO, complement, div, total
from ....simulator.accounts import Position, Settlement
from ....simulator.orders import Fill, Order, Side
from .wire import (
    Payload,
    bare,
    cents,
    contracts,
    dollars,
    instant,
    money,
    rounded,
    whole_seconds,
)

__all__ = [
    "acknowledgement",
    "event_position_view",
    "fill_costs",
    "fill_view",
    "milliseconds",
    "order_view",
    "position_view",
    "settlement_view",
]


def milliseconds(time_us: int) -> int:
    """Unix milliseconds."""
    return time_us // 1000


def _direction(side: Side) -> Payload:
    """Canonical fields first, then the deprecated ones that are still sent."""
    outcome = "yes" if side == "bid" else "no"
    return {
        "outcome_side": outcome,
        "book_side": side,
        "action": "buy",
        "side": outcome,
    }


def order_view(order: Order, user_id: str) -> Payload:
    """An order as the reads show it."""
    expires = order.expires_us
    taker_cost, maker_cost = fill_costs(order)
    view = {
        "order_id": order.order_id,
        "user_id": user_id,
        "client_order_id": order.client_order_id or "",
        "ticker": order.market_id,
        "type": "limit",
        "status": order.status,
        "yes_price_dollars": dollars(order.price),
        "no_price_dollars": dollars(complement(order.price)),
        "initial_count_fp": contracts(order.size),
        "fill_count_fp": contracts(order.filled),
        "remaining_count_fp": contracts(order.remaining),
        "taker_fill_cost_dollars": money(taker_cost),
        "maker_fill_cost_dollars": money(maker_cost),
        "taker_fees_dollars": money(order.taker_fees),
        "maker_fees_dollars": money(order.maker_fees),
        "created_time": instant(order.created_us),
        "last_update_time": instant(order.updated_us),
        "expiration_time": None if expires is None else instant(expires),
        "self_trade_prevention_type": order.self_trade,
        "order_group_id": order.group_id,
        "cancel_order_on_pause": order.cancel_on_pause,
        "subaccount_number": order.owner.subaccount,
        "exchange_index": order.shard,
    }
    return bare(view | _direction(order.side))


def fill_costs(order: Order) -> tuple[Decimal, Decimal]:
    """What the fills of an order cost, as taker and as maker."""
    return (
        _cost(order, order.taker_value, order.taker_filled),
        _cost(order, order.maker_value, order.maker_filled),
    )


def _cost(order: Order, value: Decimal, size: Decimal) -> Decimal:
    # In which money an ask's cost is counted was never recorded: NO money is assumed.
    return value if order.side == "bid" else EXACT.subtract(size, value)


def acknowledgement(
    order: Order, *, filled: Decimal, value: Decimal, fees: Decimal, now_us: int
) -> Payload:
    """What creating or amending answers; averages only when something filled."""
    view: Payload = {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "fill_count": contracts(filled),
        "remaining_count": contracts(order.remaining),
        "ts_ms": milliseconds(now_us),
    }
    if filled:
        view["average_fill_price"] = dollars(rounded(div(value, filled)))
        view["average_fee_paid"] = dollars(rounded(div(fees, filled)))
    return bare(view)


def fill_view(fill: Fill) -> Payload:
    """A fill as its owner sees it."""
    view = {
        "fill_id": fill.trade_id,
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "ticker": fill.market_id,
        "market_ticker": fill.market_id,
        "count_fp": contracts(fill.size),
        "yes_price_dollars": dollars(fill.price),
        "no_price_dollars": dollars(complement(fill.price)),
        "is_taker": not fill.is_maker,
        "fee_cost": money(fill.fee),
        "created_time": instant(fill.time_us),
        "ts": whole_seconds(fill.time_us),
        "subaccount_number": fill.owner.subaccount,
        "exchange_index": fill.shard,
    }
    return view | _direction(fill.side)


def position_view(position: Position) -> Payload:
    """A position in one market."""
    return {
        "ticker": position.market_id,
        "exchange_index": position.shard,
        "total_traded_dollars": money(position.traded),
        "position_fp": contracts(position.size),
        "market_exposure_dollars": money(position.cost),
        "realized_pnl_dollars": money(position.realized),
        "fees_paid_dollars": money(position.fees),
        "last_updated_ts": instant(position.updated_us),
    }


def event_position_view(event_ticker: str, positions: Iterable[Position]) -> Payload:
    """All positions of one event together."""
    held = list(positions)
    return {
        "event_ticker": event_ticker,
        "total_cost_dollars": money(total(p.traded for p in held)),
        "total_cost_shares_fp": contracts(total(p.volume for p in held)),
        "event_exposure_dollars": money(total(p.cost for p in held)),
        "realized_pnl_dollars": money(total(p.realized for p in held)),
        "fees_paid_dollars": money(total(p.fees for p in held)),
    }


def settlement_view(settlement: Settlement) -> Payload:
    """What a position was paid; its revenue in whole cents."""
    is_yes = settlement.size > ZERO
    size, cost = settlement.size.copy_abs(), settlement.cost
    return {
        "ticker": settlement.market_id,
        "event_ticker": settlement.event_id,
        "exchange_index": settlement.shard,
        "market_result": settlement.result,
        "yes_count_fp": contracts(size if is_yes else ZERO),
        "yes_total_cost_dollars": money(cost if is_yes else ZERO),
        "no_count_fp": contracts(ZERO if is_yes else size),
        "no_total_cost_dollars": money(ZERO if is_yes else cost),
        "revenue": cents(settlement.revenue),
        "value": cents(settlement.yes_value),
        "fee_cost": money(settlement.fees),
        "settled_time": instant(settlement.time_us),
    }
