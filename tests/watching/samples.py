"""Orders, fills, positions and books with little to say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from unified_exchanges.clock import VirtualClock
from unified_exchanges.models import (
    BUY,
    Fill,
    Level,
    Liquidity,
    Order,
    OrderBook,
    OrderStatus,
    Position,
    Ticker,
    Trade,
)

START = datetime.fromtimestamp(VirtualClock().now(), UTC)


def moment(seconds: float) -> datetime:
    """So many seconds after a virtual clock begins."""
    return START + timedelta(seconds=seconds)


def order(
    order_id: str = "o1",
    *,
    size: int | str = 10,
    filled: int | str = 0,
    status: OrderStatus | None = None,
    at: float | None = 0.0,
    **fields: Any,
) -> Order:
    amount, done = Decimal(size), Decimal(filled)
    ended = done == amount
    if status is None:
        status = OrderStatus.CLOSED if ended else OrderStatus.OPEN
    left = amount - done if status is OrderStatus.OPEN else Decimal(0)
    told: dict[str, Any] = {
        "venue": "toy",
        "order_id": order_id,
        "client_order_id": f"c-{order_id}",
        "market_id": "A",
        "outcome": "yes",
        "side": BUY,
        "price": Decimal("0.40"),
        "size": amount,
        "filled": done,
        "remaining": left,
        "status": status,
        "updated_at": None if at is None else moment(at),
        **fields,
    }
    return Order(**told)


def fill(
    fill_id: str = "t1", order_id: str = "o1", *, at: float = 0.0, **fields: Any
) -> Fill:
    told: dict[str, Any] = {
        "venue": "toy",
        "fill_id": fill_id,
        "trade_id": fill_id,
        "order_id": order_id,
        "market_id": "A",
        "outcome": "yes",
        "side": BUY,
        "price": Decimal("0.40"),
        "size": Decimal(1),
        "fee": Decimal("0.02"),
        "liquidity": Liquidity.TAKER,
        "created_at": moment(at),
        **fields,
    }
    return Fill(**told)


def position(market_id: str = "A", size: int = 5, **fields: Any) -> Position:
    told: dict[str, Any] = {
        "venue": "toy",
        "market_id": market_id,
        "outcome": "yes",
        "size": Decimal(size),
        "cost": Decimal(size) * Decimal("0.40"),
        "entry_price": Decimal("0.40") if size else None,
        "realized_pnl": Decimal(0),
        "fees_paid": Decimal(0),
        **fields,
    }
    return Position(**told)


def book(
    market_id: str = "A",
    bids: Mapping[str, int] | None = None,
    asks: Mapping[str, int] | None = None,
    **fields: Any,
) -> OrderBook:
    def levels(side: Mapping[str, int] | None, *, best_last: bool) -> tuple[Level, ...]:
        rows = [Level(Decimal(p), Decimal(n)) for p, n in (side or {}).items()]
        return tuple(sorted(rows, key=lambda x: x.price, reverse=not best_last))

    return OrderBook(
        venue="toy",
        market_id=market_id,
        outcome="yes",
        bids=levels(bids, best_last=False),
        asks=levels(asks, best_last=True),
        **fields,
    )


def ticker(market_id: str = "A", bid: str = "0.40", ask: str = "0.42") -> Ticker:
    return Ticker(
        venue="toy",
        market_id=market_id,
        outcome="yes",
        bid=Decimal(bid),
        ask=Decimal(ask),
        bid_size=Decimal(3),
        ask_size=Decimal(2),
    )


def trade(trade_id: str = "t1", market_id: str = "A", price: str = "0.40") -> Trade:
    return Trade(
        venue="toy",
        trade_id=trade_id,
        market_id=market_id,
        outcome="yes",
        price=Decimal(price),
        size=Decimal(1),
        taker_side=BUY,
        created_at=START,
    )
