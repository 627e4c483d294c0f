"""A flood of book frames → typed events at an `async for` consumer.

The floor is `websockets` with `recv()` and nothing parsed, compression off.  CPU time of
this process: the server is another one.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from typing import Literal

import aiohttp
from flood import COMMAND, MARKET, flooding
from timing import Goal, arguments, ratio, report, verdict
from websockets.asyncio.client import connect

from unified_exchanges.policy import StreamPolicy
from unified_exchanges.venues.kalshi import AsyncKalshiWebSocket
from unified_exchanges.venues.kalshi.simulated import generate_key

FRAMES = 200_000
FLOOR = "websockets recv(), nothing parsed"
BARE = "aiohttp receive(), nothing parsed"
OURS = "ours on websockets"
FAST = "ours on aiohttp"
PEM = generate_key("ed25519").private_pem


async def floor(url: str) -> None:
    async with connect(url, compression=None, max_size=None) as socket:
        await socket.send(COMMAND)
        for _ in range(FRAMES + 2):
            await socket.recv()


async def bare(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str(COMMAND)
        for _ in range(FRAMES + 2):
            await socket.receive()


async def ours(host: str, driver: Literal["websockets", "aiohttp"]) -> None:
    policy = StreamPolicy(driver=driver, queue=2 * FRAMES)
    async with AsyncKalshiWebSocket(
        api_key="bench",
        private_key=PEM,
        environment=f"http://{host}/trade-api/v2",
        stream=policy,
    ) as socket:
        await socket.subscribe("orderbook_delta", MARKET)
        seen = 0
        async for event in socket:
            assert event.market_id == MARKET  # type: ignore[union-attr]
            seen += 1
            if seen > FRAMES:
                break
        book = socket.book(MARKET)
        assert book is not None
        assert book.sequence == FRAMES + 1
        assert not book.stale


async def measure(
    variants: dict[str, Callable[[], Awaitable[None]]], rounds: int
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(-1, rounds):
        for name in variants if number % 2 else reversed(list(variants)):
            gc.collect()
            start = time.process_time()
            await variants[name]()
            if number >= 0:
                times[name].append(time.process_time() - start)
    return times


def main() -> None:
    options = arguments(__doc__)
    with flooding(FRAMES) as host:
        url = f"ws://{host}/trade-api/ws/v2"
        variants: dict[str, Callable[[], Awaitable[None]]] = {
            FLOOR: lambda: floor(url),
            BARE: lambda: bare(url),
            OURS: lambda: ours(host, "websockets"),
            FAST: lambda: ours(host, "aiohttp"),
        }
        times = asyncio.run(measure(variants, options.rounds))
    report("flood of book frames", times, FLOOR, per=FRAMES, unit="frame")
    goals = [
        Goal("on websockets", ratio(times, OURS, FLOOR), 1.6),
        Goal("on aiohttp", ratio(times, FAST, FLOOR), 0.75),
    ]
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
