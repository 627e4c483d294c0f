"""What an account took, by the fills that its recording tells."""

from __future__ import annotations

import json
from typing import Any

from unified_exchanges.clock import VirtualClock
from unified_exchanges.paper import OwnTake
from unified_exchanges.venues.kalshi.decoder import DECODER

SUBSCRIBED = {"type": "subscribed", "id": 1, "msg": {"channel": "fill", "sid": 1}}


def fill(**more: Any) -> dict[str, Any]:
    msg = {
        "trade_id": "t1",
        "order_id": "o1",
        "market_ticker": "M",
        "is_taker": True,
        "outcome_side": "no",
        "book_side": "ask",
        "yes_price_dollars": "0.3920",
        "count_fp": "1.50",
        "fee_cost": "0.01",
        "ts_ms": 1_795_930_000_843,
        **more,
    }
    return {"type": "fill", "sid": 1, "msg": msg}


def takes(*told: dict[str, Any]) -> list[object]:
    decoder = DECODER(VirtualClock())
    assert not decoder.has_account
    frames = (json.dumps(each).encode() for each in (SUBSCRIBED, *told))
    found = [event for frame in frames for event in decoder.told(1, "in", frame)]
    assert decoder.has_account
    return found


def test_a_fill_that_took_is_told_with_the_id_of_its_trade() -> None:
    [own] = takes(fill())
    assert isinstance(own, OwnTake)
    assert (own.trade_id, own.market_id) == ("t1", "M")
    assert own.earliest == own.latest == 1_795_930_000_843_000_000
    # For YES, as all that is told of the account.
    assert (own.outcome, own.side, str(own.price), str(own.size)) == (
        "yes",
        "sell",
        "0.3920",
        "1.50",
    )


def test_who_rested_took_nothing() -> None:
    assert takes(fill(is_taker=False)) == []
