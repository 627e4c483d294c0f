"""A Kalshi object over a script or over the simulated exchange, and what answers look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import urlsplit

import attrs
import msgspec

from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request, Response
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.kalshi import Kalshi
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, generate_key

FRESHNESS = "/exchange/user_data_timestamp"
FRESH = {"as_of_time": "2100-01-01T00:00:00Z"}
PREFIX = "/trade-api/v2"
KEY = generate_key("ed25519")
CUTOFF = "2026-11-06T00:00:00Z"
NOW = datetime.fromtimestamp(VirtualClock().now(), UTC)

Answer = Callable[[dict[str, str]], Any]


@attrs.frozen
class Desk:
    """One object, what it talks to, and the clock of both."""

    kalshi: Kalshi
    transport: ScriptedTransport
    clock: VirtualClock
    answers: dict[str, Any]

    @property
    def asked(self) -> list[str]:
        """Paths that were asked for, in order."""
        return [path_of(request) for request in self.transport.requests]

    def queries(self, path: str) -> list[dict[str, str]]:
        """The queries that a path was asked with."""
        return [query_of(x) for x in self.transport.requests if path_of(x) == path]


class Pages:
    """Answers by path: a payload, a `Response`, or a function of the query.

    A list is given out one by one, its last for ever.  What is not named is answered
    404.
    """

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers

    def handle(self, request: Request) -> Response:
        found = self._answers.get(path_of(request))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            found = found(query_of(request))
        if found is None:
            found = refusal(404, "not_found")
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, Response) else body(found)


def path_of(request: Request) -> str:
    return urlsplit(request.url).path.removeprefix(PREFIX)


def query_of(request: Request) -> dict[str, str]:
    """A query by name; what is repeated is joined by commas."""
    told: dict[str, str] = {}
    for name, value in request.query:
        told[name] = f"{told[name]},{value}" if name in told else value
    return told


def body(payload: Any, status: int = 200) -> Response:
    return Response(status, {}, msgspec.json.encode(payload))


def refusal(status: int, code: str) -> Response:
    return body({"error": {"code": code, "message": code}}, status)


def desk(
    answers: Mapping[str, Any] | SimulatedKalshi | None = None,
    *,
    clock: VirtualClock | None = None,
    key_id: str | None = "00000000-0000-4000-8000-000000000001",
    **fields: Any,
) -> Desk:
    """A Kalshi object with a key, over these answers or this simulated exchange."""
    clock = clock or VirtualClock()
    told: dict[str, Any] = {"/historical/cutoff": cutoff(), FRESHNESS: FRESH}
    if isinstance(answers, Mapping):
        told |= answers
    transport = ScriptedTransport(
        answers if isinstance(answers, SimulatedKalshi) else Pages(told), clock=clock
    )
    fields.setdefault("limits", LimitPolicy(enabled=False, discover=False))
    kalshi = Kalshi(
        api_key=key_id,
        private_key=KEY.private_pem if key_id else None,
        environment="demo",
        clock=clock,
        rng=Random(7),
        transport=transport,
        **fields,
    )
    return Desk(kalshi, transport, clock, told)


def simulated_desk(*, history: bool = True, **fields: Any) -> Desk:
    """A Kalshi object with an account on a simulated exchange of its own."""
    clock = VirtualClock()
    exchange = SimulatedKalshi(seed=7, clock=clock, enforce_limits=False)
    key = exchange.add_account(public_key=KEY.public_key, history=history)
    return desk(exchange, clock=clock, key_id=key.key_id, **fields)


# -- what Kalshi answers ---------------------------------------------------------------


def cutoff(moment: str = CUTOFF) -> dict[str, str]:
    names = ("market_settled_ts", "trades_created_ts", "orders_updated_ts")
    return dict.fromkeys(names, moment)


def market(ticker: str, **fields: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "event_ticker": "KXRAIN-26NOV21",
        "market_type": "binary",
        "title": "Rain?",
        "yes_sub_title": "Rain",
        "no_sub_title": "No rain",
        "status": "active",
        "result": "",
        "notional_value_dollars": "1.0000",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        "yes_bid_dollars": "0.4700",
        "yes_bid_size_fp": "3.00",
        "yes_ask_dollars": "0.5200",
        "yes_ask_size_fp": "2.00",
        "last_price_dollars": "0.5000",
        "previous_price_dollars": "0.4900",
        "volume_fp": "100.00",
        "volume_24h_fp": "10.00",
        "open_interest_fp": "40.00",
        "created_time": "2026-11-01T00:00:00Z",
        "open_time": "2026-11-01T00:00:00Z",
        "close_time": "2026-11-30T00:00:00Z",
        **fields,
    }


def markets(*tickers: str, cursor: str = "", **fields: Any) -> dict[str, Any]:
    return {"markets": [market(t, **fields) for t in tickers], "cursor": cursor}


def event(ticker: str, *tickers: str, **fields: Any) -> dict[str, Any]:
    return {
        "event_ticker": ticker,
        "series_ticker": "KXRAIN",
        "title": "Rain?",
        "sub_title": "",
        "mutually_exclusive": False,
        "markets": [market(t, event_ticker=ticker) for t in tickers],
        **fields,
    }


def order(order_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "client_order_id": f"client-{order_id}",
        "ticker": "RAIN",
        "outcome_side": "yes",
        "book_side": "bid",
        "status": "executed",
        "yes_price_dollars": "0.3000",
        "no_price_dollars": "0.7000",
        "initial_count_fp": "10.00",
        "fill_count_fp": "10.00",
        "remaining_count_fp": "0.00",
        "taker_fill_cost_dollars": "3.000000",
        "maker_fill_cost_dollars": "0.000000",
        "taker_fees_dollars": "0.150000",
        "maker_fees_dollars": "0.000000",
        "created_time": "2026-11-20T10:00:00Z",
        "last_update_time": "2026-11-20T10:00:00Z",
        **fields,
    }


def orders(*rows: dict[str, Any], cursor: str = "") -> dict[str, Any]:
    return {"orders": list(rows), "cursor": cursor}


def fill(fill_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "fill_id": fill_id,
        "trade_id": fill_id,
        "order_id": "o1",
        "ticker": "RAIN",
        "outcome_side": "yes",
        "book_side": "bid",
        "count_fp": "5.00",
        "yes_price_dollars": "0.3000",
        "no_price_dollars": "0.7000",
        "is_taker": True,
        "fee_cost": "0.075000",
        "created_time": "2026-11-20T10:00:00Z",
        **fields,
    }


def fills(*rows: dict[str, Any], cursor: str = "") -> dict[str, Any]:
    return {"fills": list(rows), "cursor": cursor}


def trade(trade_id: str, created: str, **fields: Any) -> dict[str, Any]:
    return {
        "trade_id": trade_id,
        "ticker": "RAIN",
        "count_fp": "1.50",
        "yes_price_dollars": "0.3000",
        "no_price_dollars": "0.7000",
        "taker_outcome_side": "yes",
        "taker_book_side": "bid",
        "created_time": created,
        "is_block_trade": False,
        **fields,
    }


def trades(*rows: dict[str, Any], cursor: str = "") -> dict[str, Any]:
    return {"trades": list(rows), "cursor": cursor}


def position(ticker: str, size: str, **fields: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "position_fp": size,
        "market_exposure_dollars": "4.000000",
        "total_traded_dollars": "4.000000",
        "realized_pnl_dollars": "0.000000",
        "fees_paid_dollars": "0.100000",
        "last_updated_ts": "2026-11-20T10:00:00Z",
        "exchange_index": 0,
        **fields,
    }


def positions(*rows: dict[str, Any], cursor: str = "") -> dict[str, Any]:
    return {"market_positions": list(rows), "event_positions": [], "cursor": cursor}


def settlement(ticker: str, **fields: Any) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "event_ticker": "KXRAIN-26NOV21",
        "market_result": "yes",
        "yes_count_fp": "10.00",
        "yes_total_cost_dollars": "3.000000",
        "no_count_fp": "0.00",
        "no_total_cost_dollars": "0.000000",
        "revenue": 1000,
        "value": 100,
        "fee_cost": "0.150000",
        "settled_time": "2026-11-19T10:00:00Z",
        **fields,
    }


def candle(end: int, **fields: Any) -> dict[str, Any]:
    def quote(low: str, high: str) -> dict[str, str]:
        names = ("open_dollars", "low_dollars", "high_dollars", "close_dollars")
        return dict(zip(names, (low, low, high, high), strict=True))

    return {
        "end_period_ts": end,
        "yes_bid": quote("0.4000", "0.4500"),
        "yes_ask": quote("0.5000", "0.5500"),
        "price": {**quote("0.4100", "0.5200"), "mean_dollars": "0.4500"},
        "volume_fp": "12.00",
        "open_interest_fp": "40.00",
        **fields,
    }
