"""What a transport costs on loopback, beside the bare library with the same bytes.

CPU time of this process, so that the server's share does not count.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping

import aiohttp
import requests
from canned import canned
from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges.flow import Request
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

COUNT = 300
OURS = "transport"
BLOCKING = "requests.Session().post"
ASYNC = "aiohttp.ClientSession().post"
PATH = "/portfolio/events/orders"
BODY = b'{"ticker":"KXBENCH-26NOV21-T1","side":"bid","count":"10.00","price":"0.5500"}'
HEADERS = {
    "KALSHI-ACCESS-KEY": "k" * 36,
    "KALSHI-ACCESS-SIGNATURE": "s" * 344,
    "KALSHI-ACCESS-TIMESTAMP": "1795200000000",
    "Content-Type": "application/json",
}


def blocking(url: str, rounds: int) -> dict[str, list[float]]:
    """Time requests beside the transport that is built on it."""
    session = requests.Session()
    transport = BlockingTransport()

    def floor() -> None:
        for _ in range(COUNT):
            answer = session.post(url + PATH, data=BODY, headers=HEADERS)
            assert (answer.status_code, bool(answer.content)) == (201, True)

    def ours() -> None:
        for _ in range(COUNT):
            answer = transport.send(Request("POST", url + PATH, (), HEADERS, BODY))
            assert (answer.status, bool(answer.body)) == (201, True)

    try:
        variants = {BLOCKING: floor, OURS: ours}
        return interleave(variants, rounds, clock=time.process_time)
    finally:
        transport.close()
        session.close()


async def asynchronous(url: str, rounds: int) -> dict[str, list[float]]:
    """Time aiohttp beside the transport that is built on it."""
    transport = AioTransport()
    async with aiohttp.ClientSession() as session:

        async def floor() -> None:
            for _ in range(COUNT):
                async with session.post(
                    url + PATH, data=BODY, headers=HEADERS
                ) as answer:
                    assert (answer.status, bool(await answer.read())) == (201, True)

        async def ours() -> None:
            for _ in range(COUNT):
                request = Request("POST", url + PATH, (), HEADERS, BODY)
                answer = await transport.send(request)
                assert (answer.status, bool(answer.body)) == (201, True)

        try:
            return await interleaved({ASYNC: floor, OURS: ours}, rounds)
        finally:
            await transport.close()


async def interleaved(
    variants: Mapping[str, Callable[[], Awaitable[None]]], rounds: int
) -> dict[str, list[float]]:
    """Time coroutines in turn, after one round to warm up."""
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
    """Print what was measured; fail when a goal is missed."""
    options = arguments(__doc__)
    goals = []
    with canned() as url:
        for name, floor, times, limit in (
            ("blocking", BLOCKING, blocking(url, options.rounds), 1.0),
            ("async", ASYNC, asyncio.run(asynchronous(url, options.rounds)), 1.15),
        ):
            report(f"transport, {name}", times, floor, per=COUNT, unit="request")
            goals.append(Goal(f"transport {name}", ratio(times, OURS, floor), limit))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
