"""Books, trades, orders, fills, positions and groups in the words of the stream.

Fields that Kalshi deprecated are sent where its schema still requires them.
"""

from __future__ import annotations

from decimal import Decimal

from .....money import EXACT, complement
from .....simulator.accounts import Position
from .....simulator.markets import Level, Market
from .....simulator.notices import BookDelta, GroupChanged
from .....simulator.orders import Fill, Order, OrderReason, Side, Trade
from ..listings import quotes_view
from ..statements import fill_costs, milliseconds
from ..wire import (
    Payload,
    bare,
    contracts,
    dollars,
    instant,
    market_uuid,
    rounded,
    whole_seconds,
)

__all__ = [
    "delta_view",
    "fill_message",
    "group_view",
    "order_message",
    "position_message",
    "snapshot_view",
    "ticker_view",
    "trade_message",
]

_REASONS: dict[OrderReason, str] = {
    "trade": "Trade",
    "amend": "Amend",
    "decrease": "Decrease",
    "self_trade": "SelfTradeCancel",
    "reduce_only": "ReduceOnlyCancel",
    "expiry": "ExpiryCancel",
    "close": "CloseCancel",
    "halt": "HaltCancel",
    "reactivation": "HaltCancel",
    "margin": "MarginCancel",
}
"""The words known; that the others (placed, cancelled) have none is assumed."""


def _outcome(side: Side) -> str:
    return "yes" if side == "bid" else "no"


def _market(ticker: str) -> Payload:
    return {"market_ticker": ticker, "market_id": market_uuid(ticker)}


# Books


def snapshot_view(
    ticker: str, bids: list[Level], asks: list[Level], *, in_yes_price: bool
) -> Payload:
    """Both sides, prices ascending; a side without orders is left out."""
    noes = (
        [_level(ask.price, ask.size) for ask in asks]
        if in_yes_price
        else [_level(complement(ask.price), ask.size) for ask in reversed(asks)]
    )
    yeses = [_level(bid.price, bid.size) for bid in reversed(bids)]
    return bare(
        {
            **_market(ticker),
            "yes_dollars_fp": yeses or None,
            "no_dollars_fp": noes or None,
        }
    )


def _level(price: Decimal, size: Decimal) -> list[str]:
    return [dollars(price), contracts(size)]


def delta_view(
    notice: BookDelta,
    *,
    in_yes_price: bool,
    is_own: bool = False,
    subaccount: int | None = None,
) -> Payload:
    """A change at one price; only its own maker learns whose order it was."""
    is_flipped = notice.side == "ask" and not in_yes_price
    price = complement(notice.price) if is_flipped else notice.price
    return bare(
        {
            **_market(notice.market_id),
            "price_dollars": dollars(price),
            "delta_fp": contracts(notice.delta),
            "side": _outcome(notice.side),
            "client_order_id": notice.client_order_id if is_own else None,
            "subaccount": subaccount,
            "ts": instant(notice.time_us),
            "ts_ms": milliseconds(notice.time_us),
        }
    )


def ticker_view(market: Market) -> Payload:
    """Quotes and statistics of a market, without the time.

    In the documentation's example the dollars are half of the contracts; so here.
    """
    quotes = quotes_view(market)
    names = ("yes_bid_dollars", "yes_ask_dollars", "yes_bid_size_fp", "yes_ask_size_fp")
    return {
        **_market(market.market_id),
        "price_dollars": quotes["last_price_dollars"],
        **{name: quotes[name] for name in names},
        "last_trade_size_fp": contracts(market.last_size),
        "volume_fp": quotes["volume_fp"],
        "open_interest_fp": quotes["open_interest_fp"],
        "dollar_volume": _half(market.volume),
        "dollar_open_interest": _half(market.open_interest),
    }


def _half(size: Decimal) -> int:
    return int(EXACT.divide(size, 2))


def trade_message(trade: Trade) -> Payload:
    """A public trade."""
    return {
        "trade_id": trade.trade_id,
        "market_ticker": trade.market_id,
        "yes_price_dollars": dollars(trade.price),
        "no_price_dollars": dollars(complement(trade.price)),
        "count_fp": contracts(trade.size),
        "taker_side": _outcome(trade.taker_side),
        "taker_outcome_side": _outcome(trade.taker_side),
        "taker_book_side": trade.taker_side,
        "is_block_trade": False,
        "ts": whole_seconds(trade.time_us),
        "ts_ms": milliseconds(trade.time_us),
    }


# The account's own


def fill_message(fill: Fill, subaccount: int | None) -> Payload:
    """A fill as its owner sees it."""
    outcome = _outcome(fill.side)
    return bare(
        {
            "trade_id": fill.trade_id,
            "order_id": fill.order_id,
            "client_order_id": fill.client_order_id,
            "market_ticker": fill.market_id,
            "exchange_index": fill.shard,
            "is_taker": not fill.is_maker,
            "outcome_side": outcome,
            "book_side": fill.side,
            "side": outcome,
            "action": "buy",
            "purchased_side": outcome,
            "yes_price_dollars": dollars(fill.price),
            "count_fp": contracts(fill.size),
            "fee_cost": _amount(fill.fee),
            "post_position_fp": contracts(fill.position_after),
            "ts": whole_seconds(fill.time_us),
            "ts_ms": milliseconds(fill.time_us),
            "subaccount": subaccount,
        }
    )


def order_message(order: Order, reason: OrderReason, user_id: str) -> Payload:
    """An order as it stands, and why it changed."""
    outcome = _outcome(order.side)
    taker_cost, maker_cost = fill_costs(order)
    expires = order.expires_us
    return bare(
        {
            "order_id": order.order_id,
            "user_id": user_id,
            "client_order_id": order.client_order_id or "",
            "ticker": order.market_id,
            "exchange_index": order.shard,
            "status": order.status,
            "outcome_side": outcome,
            "book_side": order.side,
            "side": outcome,
            "is_yes": order.side == "bid",
            "yes_price_dollars": dollars(order.price),
            "initial_count_fp": contracts(order.size),
            "fill_count_fp": contracts(order.filled),
            "remaining_count_fp": contracts(order.remaining),
            "taker_fill_cost_dollars": _amount(taker_cost),
            "maker_fill_cost_dollars": _amount(maker_cost),
            "taker_fees_dollars": _amount(order.taker_fees),
            "maker_fees_dollars": _amount(order.maker_fees),
            "order_group_id": order.group_id,
            "self_trade_prevention_type": order.self_trade,
            "last_update_reason": _REASONS.get(reason),
            "created_time": instant(order.created_us),
            "created_ts_ms": milliseconds(order.created_us),
            "last_updated_ts_ms": milliseconds(order.updated_us),
            "expiration_ts_ms": None if expires is None else milliseconds(expires),
            "subaccount_number": order.owner.subaccount,
        }
    )


def position_message(
    position: Position, user_id: str, subaccount: int | None
) -> Payload:
    """A position as it stands.

    What part of the fees belongs to the open contracts is not told apart: all do.
    """
    return bare(
        {
            "user_id": user_id,
            "market_ticker": position.market_id,
            "position_fp": contracts(position.size),
            "position_cost_dollars": _amount(position.cost),
            "realized_pnl_dollars": _amount(position.realized),
            "fees_paid_dollars": _amount(position.fees),
            "position_fee_cost_dollars": _amount(position.fees),
            "volume_fp": contracts(position.volume),
            "subaccount": subaccount,
        }
    )


def group_view(notice: GroupChanged) -> Payload:
    """An order group that changed; its limit only when that is new."""
    has_limit = notice.change in {"created", "limit_updated"}
    return bare(
        {
            "event_type": notice.change,
            "order_group_id": notice.group.group_id,
            "contracts_limit_fp": contracts(notice.group.limit) if has_limit else None,
            "ts_ms": milliseconds(notice.time_us),
        }
    )


def _amount(amount: Decimal) -> str:
    """Four decimals as documented, two more where a fee or an average has them."""
    return dollars(rounded(amount))
