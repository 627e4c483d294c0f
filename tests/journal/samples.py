"""Intents to write down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from unified_exchanges.models import Account, Intent, IntentState, Side, TimeInForce

ACCOUNT = Account("kalshi", "demo", "5f1c")
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def intent(key: str = "one", at: int = 0, **fields: Any) -> Intent:
    """An intent that was written some seconds after the start."""
    written = START + timedelta(seconds=at)
    return Intent(
        **{
            "account": ACCOUNT,
            "client_order_id": key,
            "market_id": "KXRAIN-26NOV21",
            "outcome": "no",
            "side": Side.BUY,
            "price": Decimal("0.2950"),
            "size": Decimal("10.5"),
            "time_in_force": TimeInForce.GTC,
            "expires_at": START + timedelta(days=1),
            "params": {"subaccount": 3, "post_only": True},
            "written_at": written,
            "arrives_by": written + timedelta(seconds=15),
            **fields,
        }
    )


def ended(of: Intent, state: str, **fields: Any) -> Intent:
    return of.ended(IntentState(state), **fields)
