"""An API key that the library derived, and that the venue has revoked since."""

from __future__ import annotations

import asyncio
import inspect
import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import msgspec
import pytest

import unified_exchanges as ux
from tests.canary import guarded
from tests.flavours import FLAVOURS
from unified_exchanges import AuthenticationError, RetryPolicy
from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.testing.scripted import AsyncScriptedTransport, ScriptedTransport
from unified_exchanges.venues.polymarket import AsyncPolymarket, Polymarket
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

PRIVATE_KEY = 0xABC125
CALLERS = 8


class Trade:
    """A wallet whose object derives its API key, at a venue that may revoke it."""

    def __init__(self, flavour: str, **fields: Any) -> None:
        self.clock = VirtualClock()
        self.venue = SimulatedPolymarket(
            seed=7, clock=self.clock, enforce_limits=False, lively=False
        )
        self.wallet = self.venue.add_account(PRIVATE_KEY)
        self.transport: Any
        kind: Any
        kind, transport = (
            (Polymarket, ScriptedTransport)
            if flavour == "blocking"
            else (AsyncPolymarket, AsyncScriptedTransport)
        )
        self.refusing: list[str] = []
        self.transport = transport(self, clock=self.clock)
        secret = guarded(private_key=f"{PRIVATE_KEY:064x}")
        self.exchange = kind(
            environment="http://127.0.0.1:9",
            clock=self.clock,
            transport=self.transport,
            options={"funder": self.wallet.address, "signature_type": 3},
            **secret,
            **fields,
        )

    def handle(self, request: Request, **more: Any) -> Response:
        if any(part in request.url for part in self.refusing):
            return Response(401, {}, b'{"error":"Unauthorized/Invalid api key"}')
        return self.venue.handle(request, **more)

    def __call__(self, method: str, *args: Any, **fields: Any) -> Any:
        found = getattr(self.exchange, method)(*args, **fields)
        return asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found

    def revoke(self) -> None:
        self.venue.revoke_keys(self.wallet)
        self.transport.requests.clear()

    @property
    def asked(self) -> list[str]:
        """What was asked since, without the host."""
        return [
            f"{x.method} {x.url.removeprefix('http://127.0.0.1:9/clob')}"
            for x in self.transport.requests
        ]

    def terms(self) -> tuple[Any, ...]:
        found = self("fetch_markets", limit=20)
        market = next(x for x in found if x.bid and x.ask)
        return market.market_id, market.outcomes[0].label, "buy", market.grid.lowest, 10


async def _awaited(found: Any) -> Any:
    return await found


@pytest.fixture(params=FLAVOURS)
def trade(request: pytest.FixtureRequest) -> Trade:
    return Trade(request.param)


RENEWED = ["GET /auth/derive-api-key", "POST /auth/api-key"]


def test_a_read_is_sent_anew_with_a_key_that_is_derived_anew(trade: Trade) -> None:
    before = trade("fetch_balance")
    old = trade.exchange.venue.key_id
    trade.revoke()
    assert trade("fetch_balance") == before
    cash, orders = trade.asked[0], trade.asked[-1]
    assert trade.asked == [cash, *RENEWED, cash, orders]
    assert trade.exchange.venue.key_id != old
    trade("fetch_balance")
    assert trade.asked[5:] == [cash, orders]


@pytest.mark.parametrize("several", [False, True])
def test_an_order_is_sent_anew_the_same_but_for_its_owner(
    trade: Trade, several: bool
) -> None:
    terms = trade.terms()
    trade("fetch_balance")
    old = trade.exchange.venue.key_id
    trade.revoke()
    if several:
        names = ("market_id", "outcome", "side", "price", "size")
        given = [ux.OrderRequest(**dict(zip(names, terms, strict=True)))] * 2
        results = trade("create_orders", given)
        ids = {x.order.order_id for x in results}
    else:
        ids = {trade("create_order", *terms).order_id}
    sent = [
        msgspec.json.decode(x.body)
        for x in trade.transport.requests
        if x.method == "POST" and "/clob/order" in x.url
    ]
    first, second = (x if isinstance(x, list) else [x] for x in sent)
    new = trade.exchange.venue.key_id
    assert {x.pop("owner") for x in first} == {old}
    assert {x.pop("owner") for x in second} == {new} != {old}
    assert first == second
    assert {x.order_id for x in trade("fetch_open_orders")} == ids


def test_an_order_of_the_old_key_is_sent_again_in_the_name_of_the_new(
    trade: Trade,
) -> None:
    """Its first try gets a new key, the second is lost and sent once more."""
    terms = trade.terms()
    trade("fetch_balance")
    trade.revoke()
    serve, lost = trade.venue.handle, []

    def handle(request: Request, **more: Any) -> Response:
        is_order = request.method == "POST" and request.url.endswith("/clob/order")
        answer = serve(request, **more)
        if is_order and answer.status == 200 and not lost:
            lost.append(request)
            raise ux.ConnectionLost("reset")
        return answer

    trade.venue.handle = handle  # type: ignore[method-assign]
    order = trade("create_order", *terms)
    assert lost
    assert [x.order_id for x in trade("fetch_open_orders")] == [order.order_id]


def test_a_key_that_is_refused_again_is_told_and_not_asked_for_in_a_loop(
    trade: Trade,
) -> None:
    trade("fetch_balance")
    trade.revoke()
    trade.refusing.append("/balance-allowance")
    with pytest.raises(AuthenticationError, match="and that is refused too") as caught:
        trade("fetch_balance")
    assert caught.value.status == 401
    assert len(trade.asked) == 4
    # That one was never taken: it is not replaced at every call.
    with pytest.raises(AuthenticationError, match="refused from the first"):
        trade("fetch_balance")
    assert len(trade.asked) == 5


def test_a_key_that_cannot_be_had_again_is_told(trade: Trade) -> None:
    trade("fetch_balance")
    trade.revoke()
    trade.refusing.append("/auth/")
    with pytest.raises(
        AuthenticationError, match="no other could be had: the API key"
    ) as caught:
        trade("fetch_balance")
    assert caught.value.request == "GET /clob/balance-allowance"
    assert not caught.value.maybe_executed


def test_a_key_that_was_given_is_not_replaced() -> None:
    made = Trade("blocking")
    key = made.venue.add_key(made.wallet)
    given = guarded(api_key=key.key_id, secret=key.secret, password=key.passphrase)
    trade = Trade("blocking", **given)
    trade.venue.add_key(trade.wallet)
    trade("fetch_balance")
    trade.revoke()
    with pytest.raises(AuthenticationError):
        trade("fetch_balance")
    assert len(trade.asked) == 1


class Door:
    """The same on a socket, with many calls at once."""

    def __init__(self, flavour: str) -> None:
        self.flavour = flavour
        self.venue = SimulatedPolymarket(seed=7, enforce_limits=False)
        self.wallet = self.venue.add_account(PRIVATE_KEY)
        self.asked: list[str] = []
        self._serve = self.venue.handle
        self.venue.handle = self._handle  # type: ignore[method-assign]

    def _handle(self, request: Request, **more: Any) -> Response:
        if "/auth/" in request.url:
            self.asked.append(request.method)
        return self._serve(request, **more)

    def revoke(self) -> None:
        self.venue.revoke_keys(self.wallet)
        self.asked.clear()

    def fields(self, url: str) -> dict[str, Any]:
        return {
            **guarded(private_key=f"{PRIVATE_KEY:064x}"),
            "environment": url,
            "options": {"funder": self.wallet.address, "signature_type": 3},
            "retry": RetryPolicy(attempts=1),
        }

    def at_once(self) -> list[Any]:
        with SimulatorServer(self.venue) as server:
            fields = self.fields(server.url)
            if self.flavour == "async":
                return asyncio.run(self._in_tasks(fields))
            with ux.exchange("polymarket", **fields) as exchange:
                exchange.fetch_open_orders()
                self.revoke()
                begin = Barrier(CALLERS)

                def call(_: int) -> Any:
                    begin.wait(10)
                    return exchange.fetch_open_orders()

                with ThreadPoolExecutor(CALLERS) as pool:
                    return list(pool.map(call, range(CALLERS)))

    async def _in_tasks(self, fields: dict[str, Any]) -> list[Any]:
        async with ux.async_exchange("polymarket", **fields) as exchange:
            await exchange.fetch_open_orders()
            self.revoke()
            calls = [exchange.fetch_open_orders() for _ in range(CALLERS)]
            return await asyncio.gather(*calls)


@pytest.fixture(params=FLAVOURS)
def door(request: pytest.FixtureRequest) -> Door:
    return Door(request.param)


def test_calls_that_are_refused_together_share_one_new_key(door: Door) -> None:
    assert door.at_once() == [[]] * CALLERS
    assert door.asked == ["GET", "POST"]


def test_a_stream_that_was_opened_with_the_old_key_is_given_up(trade: Trade) -> None:
    trade("fetch_balance")
    stream = trade.exchange.venue.user_stream()
    stream.follow(ux.Subject.FILLS, None)
    stream.connection_made()
    stream.data_to_send()
    stream.poll()
    assert not stream.broken
    trade.revoke()
    trade("fetch_balance")
    stream.poll()
    assert "revoked" in stream.broken


def test_the_stream_of_fills_goes_on_with_the_new_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    door = Door("blocking")
    with (
        caplog.at_level(logging.CRITICAL),
        SimulatorServer(door.venue) as server,
        ux.exchange("polymarket", **door.fields(server.url)) as exchange,
    ):
        found = exchange.fetch_markets(limit=20)
        market = next(x for x in found if x.bid and x.ask)
        terms = (market.market_id, market.outcomes[0].label, "buy", market.ask, 10)
        fills = exchange.watch_fills()
        first = exchange.create_order(*terms, time_in_force="ioc")
        assert fills.next(timeout=10).order_id == first.order_id
        door.revoke()
        second = exchange.create_order(*terms, time_in_force="ioc")
        assert fills.next(timeout=30).order_id == second.order_id
