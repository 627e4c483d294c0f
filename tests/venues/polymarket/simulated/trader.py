"""A signing client without ambitions: what a request answers, decoded.

It hashes and signs in its own way, in as few lines as possible, with the venue's own
curve: that both agree with everybody else is for the vectors to show.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from decimal import Decimal
from hashlib import sha256
from typing import Any

import attrs

from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request
from unified_exchanges.venues.polymarket.simulated import ApiKey, SimulatedPolymarket
from unified_exchanges.venues.polymarket.simulated.catalog import Listed
from unified_exchanges.venues.polymarket.simulated.chain import Exchange
from unified_exchanges.venues.polymarket.simulated.curve import ORDER, point_of
from unified_exchanges.venues.polymarket.simulated.documents import (
    auth_digest,
    order_digest,
    order_hash,
    wrapped,
    wrapper_digest,
)
from unified_exchanges.venues.polymarket.simulated.wallets import Wallet

__all__ = ["HOST", "NOTHING", "Answer", "Trader", "sign", "trader"]

HOST = "http://127.0.0.1"
NOTHING = "0x" + "0" * 64
_DEPOSIT = 3


@attrs.frozen
class Answer:
    """A status, a decoded body, headers."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def error(self) -> str:
        """What it says."""
        return str(self.body["error"])


def sign(private_key: int, digest: bytes) -> bytes:
    """A valid ECDSA signature, with a nonce from a hash."""
    hashed = int.from_bytes(digest, "big")
    nonce = int.from_bytes(
        sha256(private_key.to_bytes(32, "big") + digest).digest(), "big"
    )
    nonce %= ORDER
    x, y = point_of(nonce)
    r = x % ORDER
    s = pow(nonce, -1, ORDER) * (hashed + r * private_key) % ORDER
    odd = y & 1
    if s > ORDER // 2:
        s, odd = ORDER - s, 1 - odd
    return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + odd])


class Trader:
    """One wallet on one simulated Polymarket."""

    def __init__(
        self,
        polymarket: SimulatedPolymarket,
        clock: VirtualClock,
        private_key: int,
        wallet: Wallet,
        key: ApiKey,
    ) -> None:
        self.polymarket = polymarket
        self.clock = clock
        self.private_key = private_key
        self.wallet = wallet
        self.key = key
        self._salt = 0

    # Requests

    def headers(
        self, method: str, path: str, body: str = "", *, age: int = 0
    ) -> dict[str, str]:
        """L2."""
        timestamp = str(int(self.clock.now()) - age)
        text = f"{timestamp}{method}{path}{body}".encode()
        digest = hmac.new(urlsafe_b64decode(self.key.secret), text, sha256).digest()
        return {
            "POLY_ADDRESS": self.key.address,
            "POLY_API_KEY": self.key.key_id,
            "POLY_PASSPHRASE": self.key.passphrase,
            "POLY_TIMESTAMP": timestamp,
            "POLY_SIGNATURE": urlsafe_b64encode(digest).decode(),
        }

    def l1(self, *, nonce: int = 0, age: int = 0) -> dict[str, str]:
        """L1."""
        timestamp = str(int(self.clock.now()) - age)
        digest = auth_digest(self.wallet.signer, timestamp, nonce)
        return {
            "POLY_ADDRESS": self.wallet.signer,
            "POLY_SIGNATURE": "0x" + sign(self.private_key, digest).hex(),
            "POLY_TIMESTAMP": timestamp,
            "POLY_NONCE": str(nonce),
        }

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        host: str = "/clob",
        **query: Any,
    ) -> Answer:
        """Send a signed request to the CLOB, or with ``headers`` as they are."""
        text = "" if body is None else json.dumps(body, separators=(",", ":"))
        sent = self.headers(method, path, text) if headers is None else headers
        return self.send(
            Request(
                method,
                HOST + host + path,
                query=tuple((name, str(value)) for name, value in query.items()),
                headers=sent,
                body=text.encode() or None,
            )
        )

    def send(self, request: Request) -> Answer:
        """Send a request as it is."""
        response = self.polymarket.handle(request)
        body = None
        if response.headers.get("content-type") == "application/json" and response.body:
            body = json.loads(response.body, parse_float=Decimal)
        elif response.body:
            body = response.body.decode()
        return Answer(response.status, body, dict(response.headers))

    def read(self, path: str, **query: Any) -> Any:
        """The body of a public read that succeeds, host and all in the path."""
        answer = self.ask("GET", path, host="", headers={}, **query)
        assert answer.status == 200, answer
        return answer.body

    def get(self, path: str, **query: Any) -> Any:
        """The body of a signed read that succeeds."""
        answer = self.ask("GET", path, **query)
        assert answer.status == 200, answer
        return answer.body

    # Orders

    def order(
        self,
        listed: Listed,
        side: str,
        price: str,
        size: str,
        *,
        index: int = 0,
        order_type: str = "GTC",
        exchange: Exchange | None = None,
        amounts: tuple[int, int] | None = None,
        expiration: int = 0,
        signed_by: int | None = None,
        changes: dict[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """The body of an order; ``changes`` are made after signing."""
        money = int(Decimal(price) * Decimal(size) * 1_000_000)
        shares = int(Decimal(size) * 1_000_000)
        maker, taker = amounts or (
            (money, shares) if side == "BUY" else (shares, money)
        )
        self._salt += 1
        kind = self.wallet.signature_type
        signer = self.wallet.address if kind == _DEPOSIT else self.wallet.signer
        fields: dict[str, Any] = {
            "salt": self._salt,
            "maker": self.wallet.address,
            "signer": signer,
            "tokenId": int(listed.tokens[index]),
            "makerAmount": maker,
            "takerAmount": taker,
            "side": ("BUY", "SELL").index(side),
            "signatureType": kind,
            "timestamp": int(self.clock.now() * 1000),
            "metadata": NOTHING,
            "builder": NOTHING,
        }
        signature = self._signature(
            fields, exchange or listed.exchange, signed_by or self.private_key
        )
        order = {
            **{name: str(value) for name, value in fields.items()},
            "salt": fields["salt"],
            "signatureType": kind,
            "side": side,
            "expiration": str(expiration),
            "signature": "0x" + signature.hex(),
            **(changes or {}),
        }
        return {
            "deferExec": False,
            "order": order,
            "orderType": order_type,
            "owner": self.key.key_id,
            **more,
        }

    def _signature(
        self, fields: dict[str, Any], exchange: Exchange, private_key: int
    ) -> bytes:
        contents = order_hash(fields)
        if fields["signatureType"] != _DEPOSIT:
            return sign(private_key, order_digest(exchange, contents))
        digest = wrapper_digest(exchange, contents, fields["maker"])
        return wrapped(sign(private_key, digest), exchange, contents)

    def place(
        self, listed: Listed, side: str, price: str, size: str, **more: Any
    ) -> Answer:
        """Sign and send an order."""
        return self.ask("POST", "/order", self.order(listed, side, price, size, **more))

    def placed(
        self, listed: Listed, side: str, price: str, size: str, **more: Any
    ) -> Any:
        """The same, and it is accepted; the receipt."""
        answer = self.place(listed, side, price, size, **more)
        assert answer.status == 200, answer
        return answer.body

    # What there is

    def market(self, slug: str = "will-the-fed-cut-rates-in-december") -> Listed:
        listed = self.polymarket.catalog.find(slug)
        assert listed is not None
        return listed

    @property
    def cash(self) -> Decimal:
        return self.polymarket.collateral(self.wallet)

    def tokens(self, listed: Listed, index: int = 0) -> Decimal:
        return self.polymarket.tokens(self.wallet, listed.tokens[index])

    def best(self, listed: Listed, side: str, index: int = 0) -> str:
        """The best bid or ask."""
        book = self.read("/clob/book", token_id=listed.tokens[index])
        return str(book["bids" if side == "bid" else "asks"][-1]["price"])


def trader(
    polymarket: SimulatedPolymarket,
    clock: VirtualClock,
    private_key: int,
    **account: Any,
) -> Trader:
    """Open a funded wallet and make its key."""
    wallet = polymarket.add_account(private_key, **account)
    key = polymarket.add_key(wallet)
    return Trader(polymarket, clock, private_key, wallet, key)
