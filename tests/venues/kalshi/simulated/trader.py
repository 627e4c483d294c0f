"""A signing client without ambitions: what a request answers, checked by the contract."""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request, Response
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .contract import PREFIX, kalshi_contract

__all__ = ["HOST", "Answer", "Trader", "trader"]

HOST = "http://127.0.0.1"


@attrs.frozen
class Answer:
    """A status, a decoded body, lower-case headers."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str | None:
        """The error code, wherever it is."""
        error = self.body.get("error", self.body)
        return error.get("code") if isinstance(error, dict) else error


class Trader:
    """One key on one simulated Kalshi."""

    def __init__(
        self,
        kalshi: SimulatedKalshi,
        clock: VirtualClock,
        private_key: Ed25519PrivateKey,
        key_id: str,
    ) -> None:
        self.kalshi = kalshi
        self.clock = clock
        self.private_key = private_key
        self.key_id = key_id
        self.account_id = ""

    def headers(self, method: str, path: str, *, age_ms: int = 0) -> dict[str, str]:
        timestamp = str(round(self.clock.now() * 1000) - age_ms)
        text = f"{timestamp}{method}{path}".encode()
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": timestamp,
            "KALSHI-ACCESS-SIGNATURE": b64encode(self.private_key.sign(text)).decode(),
        }

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        signed: bool = True,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Send a request and check its answer by the contract, if that is here."""
        path = PREFIX + path
        sent = self.headers(method, path) if signed else {}
        data = None
        if body is not None or method in {"POST", "PUT"}:
            sent["Content-Type"] = "application/json"
            data = json.dumps({} if body is None else body).encode()
        request = Request(
            method,
            HOST + path,
            query=tuple((name, _text(value)) for name, value in query.items()),
            headers={**sent, **(headers or {})},
            body=data,
        )
        return self.send(request)

    def send(self, request: Request) -> Answer:
        """Send a request as it is."""
        return self.checked(request, self.kalshi.handle(request))

    def checked(self, request: Request, response: Response) -> Answer:
        contract = kalshi_contract()
        if contract is not None and response.status not in {301, 405, 410}:
            contract.check(request, response)
        body = json.loads(response.body, parse_float=Decimal) if response.body else None
        return Answer(response.status, body, dict(response.headers))

    def get(self, path: str, **query: Any) -> Any:
        """The body of a read that succeeds."""
        answer = self.ask("GET", path, **query)
        assert answer.status == 200, answer
        return answer.body

    # What many tests do

    def market(self, *, shard: int = 0, series: str | None = None, **query: Any) -> Any:
        """An open market with quotes on both sides, of a shard or of a series."""
        found = self.get("/markets", status="open", limit=1000, **query)["markets"]
        return next(
            market
            for market in found
            if (
                market["ticker"].startswith(series)
                if series
                else market["exchange_index"] == shard
            )
            and market["yes_bid_size_fp"] != "0.00"
            and market["yes_ask_size_fp"] != "0.00"
        )

    def order(self, market: Any, **changes: Any) -> dict[str, Any]:
        """The body of an order that rests below the market; ``changes`` win."""
        body = {
            "ticker": market["ticker"],
            "side": "bid",
            "count": "3",
            "price": market["price_ranges"][0]["step"],
            "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross",
            "exchange_index": market["exchange_index"],
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    def place(self, market: Any, **changes: Any) -> Answer:
        """Send such an order."""
        return self.ask(
            "POST", "/portfolio/events/orders", self.order(market, **changes)
        )

    def rest(self, market: Any, **changes: Any) -> str:
        """Rest such an order; its id."""
        answer = self.place(market, **changes)
        assert answer.status == 201, answer
        return str(answer.body["order_id"])

    def take(self, market: Any, **changes: Any) -> Any:
        """Buy at the best ask; the receipt."""
        price = market["yes_ask_dollars"]
        answer = self.place(market, **{"price": price, **changes})
        assert answer.status == 201, answer
        return answer.body

    def cash(self, shard: int = 0) -> Decimal:
        """Available dollars on a shard."""
        rows = self.get("/portfolio/balance")["balance_breakdown"]
        return Decimal(next(r["balance"] for r in rows if r["exchange_index"] == shard))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def trader(kalshi: SimulatedKalshi, clock: VirtualClock, **account: Any) -> Trader:
    """Open an account with an Ed25519 key."""
    private = Ed25519PrivateKey.generate()
    key = kalshi.add_account(public_key=private.public_key(), **account)
    made = Trader(kalshi, clock, private, key.key_id)
    made.account_id = key.user_id
    return made
