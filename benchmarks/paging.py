"""A hundred pages of 1000 markets, 50 ms an answer, beside fetching them undecoded.

Wall time: while one page travels the one before it is decoded.
"""

from __future__ import annotations

import asyncio
import re
import time

import aiohttp
import requests
from canned import canned
from timing import Goal, arguments, report, verdict

from unified_exchanges import LimitPolicy, Market, async_exchange, exchange

PAGES = 100
LIMITS = LimitPolicy(enabled=False)
CURSOR = re.compile(rb'"cursor":"(c\d+)"')
OURS = "fetch_markets"
FLOOR = "one after another, undecoded"


def next_cursor(body: bytes) -> str | None:
    found = CURSOR.search(body)
    return found[1].decode() if found else None


def fetch_undecoded(url: str) -> None:
    with requests.Session() as session:
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": 1000, "cursor": cursor}
            cursor = next_cursor(session.get(f"{url}/markets", params=query).content)


async def fetch_undecoded_async(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": "1000", "cursor": cursor}
            async with session.get(f"{url}/markets", params=query) as response:
                cursor = next_cursor(await response.read())


def fetch_markets(url: str) -> list[Market]:
    with exchange("kalshi", environment=url, limits=LIMITS) as ex:
        return ex.fetch_markets()


async def fetch_markets_async(url: str) -> list[Market]:
    async with async_exchange("kalshi", environment=url, limits=LIMITS) as ex:
        return await ex.fetch_markets()


def timed(call: object, url: str) -> float:
    start = time.perf_counter()
    result = call(url)  # type: ignore[operator]
    if asyncio.iscoroutine(result):
        result = asyncio.run(result)
    taken = time.perf_counter() - start
    # Giving the memory back, after this, is nobody's work.
    assert result is None or len(result) > PAGES * 900
    return taken


def main() -> None:
    """Measure, print, and fail if a goal is missed."""
    options = arguments(__doc__)
    rounds = min(options.rounds, 3)
    goals = []
    with canned(PAGES, 50) as url:
        for flavour, goal, floor, ours in (
            ("blocking", 1.25, fetch_undecoded, fetch_markets),
            ("async", 1.05, fetch_undecoded_async, fetch_markets_async),
        ):
            times: dict[str, list[float]] = {FLOOR: [], OURS: []}
            for _ in range(rounds):
                times[FLOOR].append(timed(floor, url))
                times[OURS].append(timed(ours, url))
            report(f"{PAGES} pages, {flavour}", times, FLOOR, per=PAGES, unit="page")
            ratios = sorted(
                a / b for a, b in zip(times[OURS], times[FLOOR], strict=True)
            )
            goals.append(Goal(f"pages {flavour}", ratios[len(ratios) // 2], goal))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
