"""Many first calls at once, over a real socket, where no API key was given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any, Self

import pytest

import unified_exchanges as ux
from tests.canary import guarded
from tests.flavours import FLAVOURS
from unified_exchanges.flow import Request, Response
from unified_exchanges.policy import RetryPolicy
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

CALLERS = 8
PRIVATE_KEY = 0xABC125


class Door:
    """A simulated Polymarket on a socket, and what it was asked of API keys."""

    def __init__(self, flavour: str) -> None:
        self.flavour = flavour
        self.venue = SimulatedPolymarket(seed=7, enforce_limits=False)
        self.asked: list[str] = []
        self.meet: Callable[[Request], Response | None] = lambda _: None
        self.met = Event()
        self.free = Event()
        self.free.set()
        self._serve = self.venue.handle
        self.venue.handle = self._handle  # type: ignore[method-assign]
        self._server = SimulatorServer(self.venue)
        funder = self.venue.add_account(PRIVATE_KEY).address
        self.options = {"funder": funder, "signature_type": 3}

    def _handle(self, request: Request, **more: Any) -> Response:
        if "/auth/" not in request.url:
            return self._serve(request, **more)
        self.asked.append(request.method)
        self.met.set()
        self.free.wait(10)
        return self.meet(request) or self._serve(request, **more)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__(None, None, None)

    def at_once(self) -> list[Any]:
        """What many calls of one object get that begin in one moment."""
        fields: dict[str, Any] = {
            **guarded(private_key=f"{PRIVATE_KEY:064x}"),
            "environment": self._server.url,
            "options": self.options,
            "retry": RetryPolicy(attempts=1),
        }
        if self.flavour == "async":
            return asyncio.run(self._in_tasks(fields))
        with ux.exchange("polymarket", **fields) as exchange:
            begin = Barrier(CALLERS)

            def call(_: int) -> Any:
                begin.wait(10)
                try:
                    return exchange.fetch_open_orders()
                except ux.UnifiedExchangesError as error:
                    return error

            with ThreadPoolExecutor(CALLERS) as pool:
                return list(pool.map(call, range(CALLERS)))

    async def _in_tasks(self, fields: dict[str, Any]) -> list[Any]:
        async with ux.async_exchange("polymarket", **fields) as exchange:
            calls = [exchange.fetch_open_orders() for _ in range(CALLERS)]
            tasks = [asyncio.ensure_future(call) for call in calls]
            if not self.free.is_set():
                await asyncio.to_thread(self.met.wait, 10)
                tasks[0].cancel()
                await asyncio.sleep(0)
                self.free.set()
            return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(params=FLAVOURS)
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    with Door(request.param) as made:
        yield made


def test_one_of_many_first_calls_has_the_key_made(door: Door) -> None:
    assert door.at_once() == [[]] * CALLERS
    assert door.asked == ["GET", "POST"]


def test_what_the_one_that_asks_meets_is_told_to_all_that_wait(door: Door) -> None:
    door.meet = lambda _: Response(503, {}, b"")
    got = door.at_once()
    assert {type(x) for x in got} == {ux.ExchangeNotAvailable}
    assert len({id(x) for x in got}) == CALLERS
    # Who came after it was told asks for itself.
    assert len(door.asked) <= 2


def test_a_call_that_is_cancelled_while_it_asks_leaves_it_to_the_next() -> None:
    with Door("async") as door:
        door.free.clear()
        got = door.at_once()
    assert isinstance(got[0], asyncio.CancelledError)
    assert got[1:] == [[]] * (CALLERS - 1)
