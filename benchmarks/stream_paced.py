"""A paced stream: 5,000 messages/s, from the venue's sending to the consumer.

Beside it aiohttp `receive()` with the timestamp read, and nothing else.  The sender stamps
each frame with the monotonic clock, which all processes of a machine share.  It keeps one
core busy: on two cores nothing else may run, or what is measured is the scheduler.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Literal

import aiohttp
from flood import COMMAND, MARKET, flooding
from timing import Goal, arguments, verdict

from unified_exchanges.policy import StreamPolicy
from unified_exchanges.venues.kalshi import AsyncKalshiWebSocket
from unified_exchanges.venues.kalshi.simulated import generate_key

RATE = 5_000
COUNT = 10_000
SKIPPED = 500
"""Messages at the start that do not count."""
FLOOR = "aiohttp receive(), stamp read"
OURS = "ours on aiohttp"
OTHER = "ours on websockets"
PEM = generate_key("ed25519").private_pem
_MARK = '"ts_ms":'


async def floor(host: str) -> list[int]:
    url = f"ws://{host}/trade-api/ws/v2"
    delays: list[int] = []
    now = time.monotonic_ns
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str(COMMAND)
        while len(delays) < COUNT:
            text: str = (await socket.receive()).data
            start = text.find(_MARK)
            if start >= 0:
                start += len(_MARK)
                delays.append(now() - int(text[start : text.index("}", start)]))
    return delays


async def ours(host: str, driver: Literal["websockets", "aiohttp"]) -> list[int]:
    delays: list[int] = []
    now = time.monotonic_ns
    async with AsyncKalshiWebSocket(
        api_key="bench",
        private_key=PEM,
        environment=f"http://{host}/trade-api/v2",
        stream=StreamPolicy(driver=driver),
    ) as socket:
        await socket.subscribe("orderbook_delta", MARKET)
        async for event in socket:
            # The stamp travels as the time of the change; the snapshot has none.
            stamp: int = event._moment  # type: ignore[union-attr] # noqa: SLF001
            if event.sequence > 1:  # type: ignore[union-attr]
                delays.append(now() - stamp)
                if len(delays) == COUNT:
                    break
    return delays


def percentile(delays: list[int], share: float) -> float:
    ordered = sorted(delays[SKIPPED:])
    return ordered[round(share * (len(ordered) - 1))] / 1000


async def measure(
    variants: dict[str, Callable[[], Awaitable[list[int]]]], rounds: int
) -> dict[str, list[tuple[float, float, float]]]:
    """Each round's p50 and p99 in µs, and the CPU of this process in µs a message."""
    found: dict[str, list[tuple[float, float, float]]] = {x: [] for x in variants}
    for number in range(-1, rounds):
        for name in variants if number % 2 else reversed(list(variants)):
            gc.collect()
            start = time.process_time()
            delays = await variants[name]()
            cpu = (time.process_time() - start) / COUNT * 1e6
            if number >= 0:
                p50, p99 = percentile(delays, 0.5), percentile(delays, 0.99)
                found[name].append((p50, p99, cpu))
    return found


def main() -> None:
    options = arguments(__doc__)
    with flooding(COUNT, RATE) as host:
        found = asyncio.run(
            measure(
                {
                    FLOOR: lambda: floor(host),
                    OURS: lambda: ours(host, "aiohttp"),
                    OTHER: lambda: ours(host, "websockets"),
                },
                options.rounds,
            )
        )
    print(f"\n{RATE} messages/s, µs from send to consumer (floor: {FLOOR})")
    for name, rounds in found.items():
        p50, p99, cpu = (
            statistics.median(column) for column in zip(*rounds, strict=True)
        )
        print(f"  {name:<34} p50 {p50:6.1f}  p99 {p99:6.1f}  CPU {cpu:5.1f} µs/message")
    for column, share in enumerate((50, 99)):
        print(f"  {OTHER}: p{share} ×{ratio(found, OTHER, column):.3f}")
    goals = [
        Goal(f"p{share} on aiohttp", ratio(found, OURS, column), 1.25)
        for column, share in enumerate((50, 99))
    ]
    verdict(goals, gate=not options.no_gate)


def ratio(
    found: dict[str, list[tuple[float, float, float]]], name: str, column: int
) -> float:
    pairs = zip(found[name], found[FLOOR], strict=True)
    return statistics.median(a[column] / b[column] for a, b in pairs)


if __name__ == "__main__":
    main()
