"""An exchange over a venue in memory has no streams: who waits reads, who watches is told."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from tests.canary import guarded
from unified_exchanges import (
    NotSupported,
    OrderNotDone,
    VirtualClock,
    async_exchange,
    exchange,
    exchanges,
)
from unified_exchanges.registry import folder
from unified_exchanges.testing import AsyncScriptedTransport, ScriptedTransport

FLAVOURS = {
    "blocking": (exchange, ScriptedTransport),
    "async": (async_exchange, AsyncScriptedTransport),
}


class Room:
    """An exchange of a flavour, and the simulated venue behind it in memory."""

    def __init__(self, venue: str, flavour: str) -> None:
        self.clock = VirtualClock()
        box = folder(venue, "simulated").simulated(clock=self.clock)
        make, transport = FLAVOURS[flavour]
        account: dict[str, Any] = guarded(
            api_key=box.api_key, private_key=box.private_key, **box.arguments
        )
        self.exchange: Any = make(
            venue,
            environment="local",
            clock=self.clock,
            transport=transport(box.venue, clock=self.clock),
            **account,
        )

    def __call__(self, method: str, *args: Any, **fields: Any) -> Any:
        found = getattr(self.exchange, method)(*args, **fields)
        return asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found


async def _awaited(found: Any) -> Any:
    return await found


@pytest.fixture(params=exchanges)
def venue(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(params=FLAVOURS)
def room(request: pytest.FixtureRequest, venue: str) -> Room:
    return Room(venue, request.param)


def test_a_wait_reads_until_time_is_up_on_the_virtual_clock(room: Room) -> None:
    market = next(m for m in room("fetch_markets", limit=20) if m.bid and m.ask)
    terms = market.market_id, market.outcomes[0].label, "buy", market.grid.lowest
    order = room("create_order", *terms, 200)
    before = room.clock.monotonic()
    with pytest.raises(OrderNotDone):
        room("wait_filled", order, 20)
    assert room.clock.monotonic() - before == pytest.approx(20)


@pytest.mark.parametrize("method", ["watch_order_book", "watch_fills"])
def test_a_watch_is_refused_and_says_what_has_streams(room: Room, method: str) -> None:
    with pytest.raises(
        NotSupported, match=rf"{method} follows a stream.*SimulatorServer"
    ):
        getattr(room.exchange, method)("M")
