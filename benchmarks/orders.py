"""`create_order` on loopback, beside a bare POST of the same bytes and one signature.

CPU time of this process, so that the server's share does not count.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal

import aiohttp
import requests
from canned import canned
from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges import GuardPolicy, LimitPolicy, async_exchange, exchange
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import Market, MarketStatus, Outcome
from unified_exchanges.venues.kalshi import credentials
from unified_exchanges.venues.kalshi.simulated import generate_key

COUNT = 300
OURS = "create_order"
BLOCKING = "requests POST + signature"
ASYNC = "aiohttp POST + signature"
PATH = "/portfolio/events/orders"
MARKET = "KXBENCH-26NOV21-T1"
PEM = generate_key("rsa").private_pem
SENT = (
    b'{"ticker":"KXBENCH-26NOV21-T1","client_order_id":'
    b'"2b8394e0-515e-4b89-b624-f34067756855","side":"bid","count":"10.00","price":'
    b'"0.5500","time_in_force":"good_till_canceled",'
    b'"self_trade_prevention_type":"taker_at_cross","exchange_index":0}'
)
# Nobody trades like a benchmark.
GUARDS = GuardPolicy(max_orders=1_000_000_000)
SETTINGS = {"api_key": "bench", "private_key": PEM, "guards": GUARDS}
# The limiter keeps count, in buckets that never run dry.
PLENTY = (1e9, 1e9)
LIMITS = LimitPolicy(buckets={"read": PLENTY, "write": PLENTY}, discover=False)


def known_market() -> Market:
    return Market(
        venue="kalshi",
        market_id=MARKET,
        event_id="KXBENCH-26NOV21",
        title="",
        status=MarketStatus.OPEN,
        venue_status="active",
        outcomes=(Outcome("yes", "yes", ""), Outcome("no", "no", "")),
        grid=PriceGrid.of("0.01"),
    )


def signed() -> Callable[[], dict[str, str]]:
    """A function that makes the headers of one request."""
    key = credentials.load("bench", PEM, None, {})
    assert key is not None
    path = f"/trade-api/v2{PATH}"

    def headers() -> dict[str, str]:
        made = key.headers(int(time.time() * 1000), "POST", path)
        return made | {"content-type": "application/json"}

    return headers


def blocking(url: str, rounds: int) -> dict[str, list[float]]:
    session = requests.Session()
    headers = signed()
    ex = exchange("kalshi", environment=url, limits=LIMITS, **SETTINGS)
    ex.venue.memory.learn_markets([known_market()], 0.0)  # type: ignore[attr-defined]

    def floor() -> None:
        for _ in range(COUNT):
            response = session.post(url + PATH, data=SENT, headers=headers())
            assert response.status_code == 201

    def ours() -> None:
        for _ in range(COUNT):
            order = ex.create_order(MARKET, "yes", "buy", "0.55", 10)
            assert order.remaining == Decimal(10)

    try:
        variants = {BLOCKING: floor, OURS: ours}
        return interleave(variants, rounds, clock=time.process_time)
    finally:
        ex.close()
        session.close()


async def asynchronous(url: str, rounds: int) -> dict[str, list[float]]:
    headers = signed()
    times: dict[str, list[float]] = {}
    async with (
        aiohttp.ClientSession() as session,
        async_exchange("kalshi", environment=url, limits=LIMITS, **SETTINGS) as ex,
    ):
        ex.venue.memory.learn_markets([known_market()], 0.0)  # type: ignore[attr-defined]

        async def floor() -> None:
            for _ in range(COUNT):
                async with session.post(url + PATH, data=SENT, headers=headers()) as r:
                    assert r.status == 201
                    await r.read()

        async def ours() -> None:
            for _ in range(COUNT):
                order = await ex.create_order(MARKET, "yes", "buy", "0.55", 10)
                assert order.remaining == Decimal(10)

        variants = {ASYNC: floor, OURS: ours}
        for name in variants:
            times[name] = []
        for number in range(-1, rounds):
            for name in variants if number % 2 else reversed(list(variants)):
                start = time.process_time()
                await variants[name]()
                if number >= 0:
                    times[name].append(time.process_time() - start)
    return times


def main() -> None:
    options = arguments(__doc__)
    goals = []
    with canned() as url:
        for flavour, floor, times in (
            ("blocking", BLOCKING, blocking(url, options.rounds)),
            ("async", ASYNC, asyncio.run(asynchronous(url, options.rounds))),
        ):
            report(
                f"order round trip, {flavour}", times, floor, per=COUNT, unit="order"
            )
            goals.append(
                Goal(f"create_order {flavour}", ratio(times, OURS, floor), 1.15)
            )
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
