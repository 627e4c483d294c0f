"""Every offered operation, fuzzed over a socket, answers as the OpenAPI document says.

Checks that run: no server error, documented status codes, documented content types,
documented bodies. Checks that do not, and why:

- "negative data is rejected": Kalshi ignores unknown and garbled parameters (a garbage
  cursor is answered with the first page, recorded 2026-06), and so does this.
- "positive data is accepted": a well-formed order may be refused for its market, price,
  money or id; the document cannot know.
- "authentication is required", "use after free", "resource is available": every call
  here is signed; `test_authentication.py` and `test_orders.py` hold those facts.
- "unsupported method": 405 is invented here.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, given, settings
from requests.auth import AuthBase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.recorded import need_contract
from unified_exchanges.clock import SystemClock
from unified_exchanges.simulator.orders import Owner, Ticket
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .contract import PREFIX, seen_contract

# What Kalshi offers and a trader's adapter does not need; all of it answers 404.
NOT_OFFERED = ("/communications", "/fcm", "/live_data")
SENSIBLE = {
    "amount": 100,
    "amount_cents": 100,
    "contracts_limit": 5,
    "contracts_limit_fp": "5.00",
    "count": "20.00",
    "destination": "event_contract",
    "destination_exchange_shard": 1,
    "from_subaccount": 0,
    "price": "0.0100",
    "reduce_by": "1.00",
    "scopes": ["read"],
    "side": "bid",
    "source": "event_contract",
    "source_exchange_shard": 0,
    "subaccount_number": 0,
    "allocations": [{"exchange_index": 0, "percent": 100}],
}
DROPPED = {
    "client_order_id",
    "destination_subaccount",
    "exchange_index",
    "expiration_time",
    "order_group_id",
    "reduce_only",
    "reduce_to",
    "source_subaccount",
    "subaccount",
}
OPERATIONS = SimulatedKalshi.operations
EXAMPLES = 12
CHECKS_RUN = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


class Signed(AuthBase):
    """Signs each request as it leaves."""

    def __init__(self, private_key: Ed25519PrivateKey, key_id: str) -> None:
        self._private_key = private_key
        self._key_id = key_id
        self._clock = SystemClock()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        timestamp = str(round(self._clock.now() * 1000))
        text = f"{timestamp}{request.method}{urlsplit(request.url or '').path}"
        signature = self._private_key.sign(text.encode())
        request.headers["KALSHI-ACCESS-KEY"] = self._key_id
        request.headers["KALSHI-ACCESS-TIMESTAMP"] = timestamp
        request.headers["KALSHI-ACCESS-SIGNATURE"] = b64encode(signature).decode()
        return request


class World:
    """A server, a signer, and names that exist there."""

    def __init__(self, server: SimulatorServer, kalshi: SimulatedKalshi) -> None:
        private = Ed25519PrivateKey.generate()
        key = kalshi.add_account(public_key=private.public_key(), history=True)
        self.base = server.url + PREFIX
        self.session = requests.Session()
        self.session.auth = Signed(private, key.key_id)
        catalog, engine = kalshi.catalog, kalshi.engine
        open_market = next(m for m in engine.markets() if m.status == "active")
        old = next(m for m in engine.markets() if m.settled_us is not None)
        self.owner = Owner(key.user_id)
        self.engine = engine
        self.market = open_market
        self.count = 0
        self.names = {
            "ticker": open_market.market_id,
            "market_ticker": open_market.market_id,
            "event_ticker": open_market.event_id,
            "series_ticker": catalog.series_of(open_market.event_id).ticker,
            "collection_ticker": next(iter(catalog.collections)),
            "milestone_id": next(iter(catalog.milestones)),
            "structured_target_id": next(iter(catalog.targets)),
            "api_key": kalshi.add_key(
                key.user_id, public_key=private.public_key()
            ).key_id,
        }
        self.old_ticker = old.market_id

    def resting(self) -> str:
        """An order that rests."""
        ticket = Ticket(
            market_id=self.market.market_id,
            owner=self.owner,
            side="bid",
            price=self.market.grid.lowest,
            size=Decimal(10),
        )
        return self.engine.place(ticket).order_id

    def group(self) -> str:
        """An order group."""
        return self.engine.create_group(self.owner, Decimal(10)).group_id

    def named(self, case: schemathesis.Case) -> None:
        """Let every other case be about something that exists, and mean it."""
        self.count += 1
        if self.count % 2:
            return
        names = self.names | {
            "order_id": self.resting(),
            "order_group_id": self.group(),
        }
        if "/historical/" in case.path:
            names["ticker"] = self.old_ticker
        if "/events/{ticker}" in case.path:
            names["ticker"] = names["event_ticker"]
        for part in (case.path_parameters, case.body):
            if isinstance(part, dict):
                part.update({name: names[name] for name in part if name in names})
        if isinstance(case.body, dict):
            case.body = {n: v for n, v in case.body.items() if n not in DROPPED}
            case.body |= {n: v for n, v in SENSIBLE.items() if n in case.body}
        case.query = {n: v for n, v in (case.query or {}).items() if n not in DROPPED}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    kalshi = SimulatedKalshi(seed=7, enforce_limits=False)
    with SimulatorServer(kalshi) as server:
        made = World(server, kalshi)
        yield made
        made.session.close()


@pytest.fixture(scope="module")
def schema() -> Any:
    need_contract()
    return schemathesis.openapi.from_dict(seen_contract())


@pytest.mark.parametrize(
    ("method", "path"),
    [(o.method, o.path) for o in OPERATIONS],
    ids=[o.name for o in OPERATIONS],
)
def test_an_operation_answers_as_documented(
    schema: Any, world: World, method: str, path: str
) -> None:
    operation = schema[path][method]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    def fuzz(case: schemathesis.Case) -> None:
        world.named(case)
        response = case.call(base_url=world.base, session=world.session)
        case.validate_response(response, checks=CHECKS_RUN)

    fuzz()


def test_everything_that_a_trader_needs_is_offered(schema: Any) -> None:
    offered = {(o.method, o.path) for o in OPERATIONS}
    documented = {
        (result.ok().method.upper(), result.ok().path)
        for result in schema.get_all_operations()
    }
    lacking = {p for p in documented - offered if not p[1].startswith(NOT_OFFERED)}
    assert (lacking, offered - documented) == (set(), set())
