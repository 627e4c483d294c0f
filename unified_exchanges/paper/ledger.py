"""Fills and settlements as what JSON can hold, and back, without a digit lost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ..models import Fill, Holding, Liquidity, Settlement, Side

__all__ = ["read_fill", "read_settlement", "told_fill", "told_settlement"]

_TEXTS = (
    "venue",
    "fill_id",
    "order_id",
    "market_id",
    "outcome",
    "client_order_id",
)


def told_fill(fill: Fill) -> dict[str, str | None]:
    """A fill, with numbers as texts."""
    return {
        **{name: getattr(fill, name) for name in _TEXTS},
        "side": str(fill.side),
        "price": str(fill.price),
        "size": str(fill.size),
        "fee": str(fill.fee),
        "liquidity": str(fill.liquidity),
        "created_at": fill.created_at.isoformat(),
    }


def read_fill(told: dict[str, Any]) -> Fill:
    """The fill again."""
    return Fill(
        **{name: told[name] for name in _TEXTS},
        side=Side(told["side"]),
        price=Decimal(told["price"]),
        size=Decimal(told["size"]),
        fee=Decimal(told["fee"]),
        liquidity=Liquidity(told["liquidity"]),
        created_at=datetime.fromisoformat(told["created_at"]),
    )


def told_settlement(paid: Settlement) -> dict[str, Any]:
    """A settlement, with numbers as texts."""
    return {
        "venue": paid.venue,
        "market_id": paid.market_id,
        "event_id": paid.event_id,
        "result": paid.result,
        "value": str(paid.value),
        "payout": str(paid.payout),
        "holdings": [[x.outcome, str(x.size), str(x.cost)] for x in paid.holdings],
        "fee": str(paid.fee),
        "settled_at": paid.settled_at.isoformat(),
    }


def read_settlement(told: dict[str, Any]) -> Settlement:
    """The settlement again."""
    holdings = (
        Holding(o, Decimal(size), Decimal(c)) for o, size, c in told["holdings"]
    )
    return Settlement(
        venue=told["venue"],
        market_id=told["market_id"],
        event_id=told["event_id"],
        result=told["result"],
        value=Decimal(told["value"]),
        payout=Decimal(told["payout"]),
        holdings=tuple(holdings),
        fee=Decimal(told["fee"]),
        settled_at=datetime.fromisoformat(told["settled_at"]),
    )
