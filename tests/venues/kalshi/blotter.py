"""Orders on one scripted market, RAIN: what Kalshi answers, and what was sent to it."""

from __future__ import annotations

import json
from typing import Any

from tests.venues.kalshi.desk import NOW, Desk, desk, market, order, orders
from unified_exchanges.flow import Response
from unified_exchanges.policy import RetryPolicy

ORDERS = "/portfolio/events/orders"
BATCH = f"{ORDERS}/batched"
ONCE = RetryPolicy(attempts=1)
GONE = Response(502, {}, b"bad gateway")
PLACED = {
    "order_id": "o1",
    "fill_count": "0.00",
    "remaining_count": "10.00",
    "ts_ms": 1_795_200_000_123,
}
NOWHERE = {"/portfolio/orders": orders(), "/historical/orders": orders()}
RAIN = ("RAIN", "yes", "buy", "0.30", 10)


def rain(**answers: Any) -> dict[str, Any]:
    """Answers for an open market on which creates succeed."""
    told = {"/markets/RAIN": {"market": market("RAIN")}, ORDERS: PLACED, **NOWHERE}
    return told | answers


def place_with(post: Any, retry: RetryPolicy | None = None, **answers: Any) -> Desk:
    """A desk whose creates are answered like this."""
    settings = {} if retry is None else {"retry": retry}
    return desk({**rain(), ORDERS: post, **answers}, **settings)


def resting(**fields: Any) -> dict[str, Any]:
    """An order that rests, as a listing shows it."""
    terms = {
        "client_order_id": "mine",
        "created_time": NOW.isoformat(),
        "status": "resting",
        "fill_count_fp": "0.00",
        "remaining_count_fp": "10.00",
        "taker_fill_cost_dollars": "0.000000",
        "taker_fees_dollars": "0.000000",
        **fields,
    }
    return order("o1", **terms)


def sent(place: Desk) -> dict[str, Any]:
    """The body of the last write."""
    writes = [r for r in place.transport.requests if r.method != "GET"]
    content: dict[str, Any] = json.loads(writes[-1].body or b"null")
    return content


def posts(place: Desk) -> int:
    """How many single creates were sent."""
    return place.asked.count(ORDERS)
