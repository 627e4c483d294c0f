"""The same calls in both flavours, with prefetch and on a bad line, give the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import ConnectionLost
from unified_exchanges.flow import Request, Response
from unified_exchanges.testing.scripted import AsyncScriptedTransport, ScriptedTransport
from unified_exchanges.venues.kalshi import AsyncKalshi, Kalshi
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi

from .desk import KEY

CALLS: dict[str, Callable[[Any], Any]] = {
    "fetch_status": lambda kalshi: kalshi.fetch_status(),
    "fetch_series": lambda kalshi: kalshi.fetch_series(),
    "fetch_events": lambda kalshi: kalshi.fetch_events(status="all"),
    "fetch_markets": lambda kalshi: kalshi.fetch_markets(status="all"),
    "fetch_trades": lambda kalshi: kalshi.fetch_trades(outcome="no"),
    "fetch_orders": lambda kalshi: kalshi.fetch_orders(),
    "fetch_open_orders": lambda kalshi: kalshi.fetch_open_orders(),
    "fetch_closed_orders": lambda kalshi: kalshi.fetch_closed_orders(),
    "fetch_fills": lambda kalshi: kalshi.fetch_fills(outcome="no"),
    "fetch_settlements": lambda kalshi: kalshi.fetch_settlements(),
    "fetch_positions": lambda kalshi: kalshi.fetch_positions(),
    "fetch_balance": lambda kalshi: kalshi.fetch_balance(),
    "fetch_limits": lambda kalshi: kalshi.fetch_limits(),
}


class Flaky:
    """A simulated exchange whose answers are small pages, some of which get lost."""

    def __init__(self, *, seed: int, loses: float) -> None:
        self.clock = VirtualClock()
        self.exchange = SimulatedKalshi(seed=7, clock=self.clock, enforce_limits=False)
        self.key = self.exchange.add_account(public_key=KEY.public_key, history=True)
        self._rng = Random(seed)
        self._loses = loses

    def handle(self, request: Request) -> Response:
        if self._rng.random() < self._loses:
            raise ConnectionLost("cut")
        return self.exchange.handle(request)

    def options(self, transport: Any) -> dict[str, Any]:
        return {
            "api_key": self.key.key_id,
            "private_key": KEY.private_pem,
            "environment": "demo",
            "clock": self.clock,
            "rng": Random(7),
            "transport": transport,
        }


def blocking(name: str, flaky: Flaky) -> Any:
    transport = ScriptedTransport(flaky, clock=flaky.clock)
    with Kalshi(**flaky.options(transport)) as kalshi:
        return CALLS[name](kalshi)


def asynchronous(name: str, flaky: Flaky) -> Any:
    async def call() -> Any:
        transport = AsyncScriptedTransport(flaky, clock=flaky.clock)
        async with AsyncKalshi(**flaky.options(transport)) as kalshi:
            return await CALLS[name](kalshi)

    return asyncio.run(call())


@pytest.mark.parametrize("name", CALLS)
def test_both_flavours_give_the_same_on_a_good_and_on_a_bad_line(name: str) -> None:
    expected = blocking(name, Flaky(seed=1, loses=0))
    assert asynchronous(name, Flaky(seed=1, loses=0)) == expected
    assert blocking(name, Flaky(seed=2, loses=0.2)) == expected
    assert asynchronous(name, Flaky(seed=3, loses=0.2)) == expected
