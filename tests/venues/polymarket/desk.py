"""A Polymarket object of either flavour over a script, and what the services answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import urlsplit

import attrs
import msgspec

from tests.venues.polymarket.keys import (
    ADDRESS,
    API_KEY,
    API_SECRET,
    PASSPHRASE,
    SECRET_KEY,
)
from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request, Response
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.testing.scripted import AsyncScriptedTransport, ScriptedTransport
from unified_exchanges.venues.polymarket import AsyncPolymarket, Polymarket

URL = "http://127.0.0.1:9"
NOW = datetime.fromtimestamp(VirtualClock().now(), UTC)
SECONDS = int(VirtualClock().now())
WALLET = "0x" + "ab" * 20
OTHERS = "0x" + "cd" * 20

Answer = Callable[[dict[str, str]], Any]


def condition(number: int) -> str:
    """The id of a market."""
    return f"0x{number:064x}"


def token(number: int, index: int = 0) -> str:
    """The id of an outcome of that market."""
    return str(10**70 + number * 10 + index)


def order_id(number: int) -> str:
    return f"0x{0xABC0000 + number:064x}"


@attrs.frozen
class Desk:
    """One object, what it talks to, and the clock of both."""

    exchange: Any
    transport: Any
    clock: VirtualClock
    answers: dict[str, Any]

    def __call__(self, method: str, *args: Any, **fields: Any) -> Any:
        """Call a method of either flavour; what a lazy listing gives comes as a list."""
        found = getattr(self.exchange, method)(*args, **fields)
        if inspect.isawaitable(found):
            return asyncio.run(_awaited(found))
        return found

    def run(self, flow: Any) -> Any:
        """Perform a flow of the venue's own."""
        found = self.exchange.run(flow)
        return asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found

    @property
    def venue(self) -> Any:
        return self.exchange.venue

    @property
    def asked(self) -> list[str]:
        """Methods and paths that were asked for, in order."""
        return [f"{x.method} {path_of(x)}" for x in self.transport.requests]

    def queries(self, path: str) -> list[dict[str, str]]:
        """The queries that a path was asked with."""
        return [query_of(x) for x in self.transport.requests if path_of(x) == path]

    def bodies(self, path: str) -> list[Any]:
        return [
            msgspec.json.decode(x.body)
            for x in self.transport.requests
            if path_of(x) == path and x.body
        ]


async def _awaited(found: Any) -> Any:
    return await found


class Pages:
    """Answers by path: a payload, a `Response`, or a function of the query.

    A list of several is given out one by one, its last for ever.  What is not named is
    answered 404.
    """

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers

    def handle(self, request: Request) -> Response:
        found = self._answers.get(path_of(request))
        if isinstance(found, Turns):
            found = found.next()
        if callable(found):
            asks_body = request.body is not None and request.method == "POST"
            asked = (
                msgspec.json.decode(request.body) if asks_body else query_of(request)
            )
            found = found(asked)
        if found is None:
            found = body({"error": "not found"}, 404)
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, Response) else body(found)


class Turns:
    """Answers in turn, the last for ever."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def next(self) -> Any:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def path_of(request: Request) -> str:
    return urlsplit(request.url).path


def query_of(request: Request) -> dict[str, str]:
    """A query by name; what is repeated is joined by commas."""
    told: dict[str, str] = {}
    for name, value in request.query:
        told[name] = f"{told[name]},{value}" if name in told else value
    return told


def body(payload: Any, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, msgspec.json.encode(payload))


def desk(
    flavour: str = "blocking",
    answers: Mapping[str, Any] | None = None,
    *,
    clock: VirtualClock | None = None,
    keyed: bool = True,
    api: bool = True,
    environment: str = URL,
    options: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Desk:
    """A Polymarket object over these answers, with a key and its API key by default."""
    clock = clock or VirtualClock()
    told: dict[str, Any] = dict(answers or {})
    kind, transport = (
        (Polymarket, ScriptedTransport(Pages(told), clock=clock))
        if flavour == "blocking"
        else (AsyncPolymarket, AsyncScriptedTransport(Pages(told), clock=clock))
    )
    if keyed:
        fields.setdefault("private_key", SECRET_KEY)
        if api:
            fields |= {"api_key": API_KEY, "secret": API_SECRET, "password": PASSPHRASE}
    fields.setdefault("limits", LimitPolicy(enabled=False, discover=False))
    exchange = kind(
        environment=environment,
        clock=clock,
        rng=Random(7),
        transport=transport,
        options=options or {},
        **fields,
    )
    return Desk(exchange, transport, clock, told)


# -- what Gamma answers ----------------------------------------------------------------


def market(number: int, **fields: Any) -> dict[str, Any]:
    """An open market with a quote; lists are texts that hold JSON."""
    return {
        "id": str(number),
        "question": f"Rain {number}?",
        "slug": f"rain-{number}",
        "conditionId": condition(number),
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.505", "0.495"]',
        "clobTokenIds": f'["{token(number)}", "{token(number, 1)}"]',
        "active": True,
        "closed": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "negRisk": False,
        "bestBid": 0.5,
        "bestAsk": 0.51,
        "lastTradePrice": 0.505,
        "volumeNum": 9.999997,
        "createdAt": "2026-11-01T00:00:00.123456Z",
        "startDate": "2026-11-02T00:00:00Z",
        "endDate": "2026-11-30T00:00:00Z",
        "description": "Resolves Yes if it rains.",
        "feesEnabled": True,
        "feeSchedule": {
            "exponent": 1,
            "rate": 0.05,
            "rebateRate": 0.25,
            "takerOnly": True,
        },
        "events": [{"id": "77", "series": [{"id": "9"}]}],
        **fields,
    }


def resolved(number: int, prices: str = '["1", "0"]', **fields: Any) -> dict[str, Any]:
    return market(
        number,
        closed=True,
        acceptingOrders=False,
        closedTime="2026-11-19 23:20:15+00",
        umaResolutionStatus="resolved",
        outcomePrices=prices,
        **fields,
    )


def markets(*rows: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"markets": list(rows), **({"next_cursor": cursor} if cursor else {})}


def catalog(*rows: dict[str, Any]) -> Answer:
    """The keyset listing of markets as Gamma filters it: by ids, and closed or not."""

    def answer(query: dict[str, str]) -> Any:
        closed = query.get("closed", "false") == "true"
        ids = query.get("condition_ids")
        names = None if ids is None else ids.split(",")
        return markets(
            *(
                row
                for row in rows
                if row["closed"] is closed
                and (names is None or row["conditionId"] in names)
            )
        )

    return answer


def event(number: int, *rows: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "slug": f"weather-{number}",
        "title": "Weather",
        "negRisk": True,
        "series": [{"id": "9"}],
        "markets": [{k: v for k, v in row.items() if k != "events"} for row in rows],
        "updatedAt": "2026-11-20T00:00:00Z",
        **fields,
    }


def events(*rows: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"events": list(rows), **({"next_cursor": cursor} if cursor else {})}


def series(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "title": "Weather",
        "recurrence": "daily",
        "categories": [{"label": "Science"}],
        "tags": [{"label": "Rain"}],
        **fields,
    }


# -- what the CLOB answers -------------------------------------------------------------


def book(number: int, index: int = 0, **fields: Any) -> dict[str, Any]:
    """A book whose best levels are last, as the venue sends it."""
    return {
        "market": condition(number),
        "asset_id": token(number, index),
        "timestamp": str(SECONDS * 1000 + 257),
        "hash": "a" * 40,
        "bids": [
            {"price": "0.01", "size": "2151131.59"},
            {"price": "0.5", "size": "30"},
        ],
        "asks": [
            {"price": "0.99", "size": "218442.27"},
            {"price": "0.51", "size": "7.5"},
        ],
        "min_order_size": "5",
        "tick_size": "0.01",
        "neg_risk": False,
        "last_trade_price": "0.505",
        **fields,
    }


def terms(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "t": [{"t": token(number), "o": "Yes"}, {"t": token(number, 1), "o": "No"}],
        "mos": 5,
        "mts": 0.01,
        "mbf": 1000,
        "tbf": 1000,
        "nr": True,
        "sd": 1,
        "fd": {"r": 0.05, "e": 1, "to": True},
        **fields,
    }


def order(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": order_id(number),
        "market": condition(1),
        "asset_id": token(1),
        "owner": API_KEY,
        "maker_address": ADDRESS.lower(),
        "side": "BUY",
        "price": "0.52",
        "original_size": "10",
        "size_matched": "4",
        "outcome": "Yes",
        "order_type": "GTC",
        "status": "LIVE",
        "associate_trades": ["t1"],
        "created_at": SECONDS - 600,
        "expiration": "0",
        **fields,
    }


def page(*rows: dict[str, Any], cursor: str = "LTE=") -> dict[str, Any]:
    """A page of orders or trades; ``LTE=`` is its end."""
    return {"limit": 100, "next_cursor": cursor, "count": len(rows), "data": list(rows)}


def trade(name: str, **fields: Any) -> dict[str, Any]:
    """A trade that we took: 4 YES at 0.52 by order 1."""
    return {
        "id": name,
        "taker_order_id": order_id(1),
        "market": condition(1),
        "asset_id": token(1),
        "side": "BUY",
        "size": "4",
        "fee_rate_bps": "1000",
        "price": "0.52",
        "status": "TRADE_STATUS_CONFIRMED",
        "match_time": str(SECONDS - 300),
        "last_update": str(SECONDS - 290),
        "outcome": "Yes",
        "bucket_index": 0,
        "owner": API_KEY,
        "maker_address": ADDRESS.lower(),
        "transaction_hash": "0x" + "16" * 32,
        "err_msg": None,
        "maker_orders": [
            maker(99, owner="somebody", maker_address=OTHERS, side="SELL")
        ],
        "trader_side": "TAKER",
        **fields,
    }


def maker(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "order_id": order_id(number),
        "owner": API_KEY,
        "maker_address": ADDRESS.lower(),
        "matched_amount": "4",
        "price": "0.52",
        "fee_rate_bps": "0",
        "asset_id": token(1),
        "outcome": "Yes",
        **fields,
    }


def balance(**fields: Any) -> dict[str, Any]:
    return {
        "balance": "1000000000",
        "allowances": {
            "0xE111180000d2663C0091e4f400237545B87B996B": str(2**256 - 1),
            "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa": "0",
        },
        **fields,
    }


# -- what the Data API answers ---------------------------------------------------------


def told(*rows: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {
        "data": list(rows),
        "pagination": {
            "limit": 1000,
            "offset": 0,
            "has_more": cursor is not None,
            "next_cursor": cursor,
        },
    }


def public_trade(ago: int, **fields: Any) -> dict[str, Any]:
    """A public trade so many seconds ago: 10 YES bought at 0.52."""
    return {
        "proxy_wallet": OTHERS,
        "token_id": token(1),
        "condition_id": condition(1),
        "side": "BUY",
        "size": 10,
        "price": 0.52,
        "timestamp": SECONDS - ago,
        "transaction_hash": f"0x{ago:064x}",
        "title": "Rain 1?",
        "outcome": "Yes",
        "outcome_index": 0,
        **fields,
    }


def position(number: int, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "proxy_wallet": WALLET,
        "token_id": token(number, index),
        "condition_id": condition(number),
        "current_size": 86780.64,
        "avg_price": 0.5203,
        "entry_cost_usdc": 45151.97,
        "entry_fees_usdc": 1.25,
        "total_cost_usdc": 45153.22,
        "current_price": 0.505,
        "current_value": 43824.22,
        "total_size": 86780.64,
        "realized_pnl": -2.5,
        "unrealized_pnl": -1327.75,
        "total_pnl": -1330.25,
        "percent_pnl": -2.9,
        "percent_realized_pnl": 0,
        "status": "OPEN",
        "redeemable": False,
        "mergeable": False,
        "negative_risk": False,
        "archived": False,
        "verified": False,
        "outcome": ["Yes", "No"][index],
        "outcome_index": index,
        "event_id": "77",
        "last_event_at": SECONDS - 60,
        "first_entry_at": SECONDS - 6000,
        **fields,
    }


def redemption(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "proxy_wallet": WALLET,
        "type": "REDEEM",
        "timestamp": SECONDS - 3600,
        "transaction_hash": "0x" + "17" * 32,
        "condition_id": condition(number),
        "usdc_size": 100,
        "size": 100,
        "outcome": "Yes",
        "outcome_index": 0,
        "is_combo": False,
        **fields,
    }
