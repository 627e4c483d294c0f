"""Orders and trades as the CLOB writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....money import ZERO
from ....simulator.orders import Order
from .records import Leg, Match, Placed
from .wire import Payload, seconds, text

if TYPE_CHECKING:
    from .house import House

__all__ = ["maker_view", "order_view", "side_of", "trade_view"]


def order_view(house: House, placed: Placed, order: Order | None) -> Payload:
    """An order, of whom the engine may not know yet."""
    return {
        "id": placed.order_id,
        "market": placed.listed.condition_id,
        "asset_id": placed.token,
        "owner": placed.key_id,
        "maker_address": placed.maker,
        "side": placed.side,
        "price": text(placed.price),
        "original_size": text(placed.size),
        "size_matched": text(order.filled if order else ZERO),
        "outcome": placed.outcome,
        "order_type": placed.order_type,
        "status": house.status(placed, order),
        "associate_trades": list(placed.trade_ids),
        "created_at": seconds(placed.created_us),
        "expiration": str(placed.expiration),
    }


def _rate(match: Match) -> str:
    """Left over: not what is charged."""
    return "0" if match.listed.fees is None else "1000"


def maker_view(match: Match, leg: Leg) -> Payload:
    """A maker's part of a trade."""
    return {
        "order_id": leg.order_id,
        "owner": leg.key_id,
        "maker_address": leg.maker,
        "matched_amount": text(leg.size),
        "price": text(leg.price),
        "fee_rate_bps": "0",
        "asset_id": match.listed.tokens[leg.index],
        "outcome": match.listed.outcomes[leg.index],
        "side": leg.side,
    }


def side_of(match: Match, key_id: str) -> str:
    """Whether the owner of a key took or made."""
    return "TAKER" if match.taker.key_id == key_id else "MAKER"


def trade_view(match: Match, key_id: str) -> Payload:
    """A trade as an owner sees it; what is on top is the taker's."""
    taker = match.taker
    return {
        "id": match.trade_id,
        "taker_order_id": taker.order_id,
        "market": match.listed.condition_id,
        "asset_id": match.listed.tokens[taker.index],
        "side": taker.side,
        "size": text(match.size),
        "fee_rate_bps": _rate(match),
        "price": text(taker.price),
        "status": f"TRADE_STATUS_{match.status}",
        "match_time": str(seconds(match.time_us)),
        "match_time_nano": str(match.time_us * 1000),
        "last_update": str(seconds(match.updated_us)),
        "outcome": match.listed.outcomes[taker.index],
        "bucket_index": match.bucket,
        "owner": taker.key_id,
        "maker_address": taker.maker,
        "transaction_hash": "" if match.status == "MATCHED" else match.transaction,
        "err_msg": match.error,
        "maker_orders": [maker_view(match, leg) for leg in match.makers],
        "trader_side": side_of(match, key_id),
    }
