"""5,000 markets on one connection: what a quiet one costs in memory, and in time.

The floor of memory is the dictionaries of levels alone, integers to integers, with each
price made once for all markets.  Time is that of a frame, and of a look at what is due
(``poll``, ``next_poll``, ``data_to_send``) after each: it must not know how many markets
are quiet.
"""

from __future__ import annotations

import gc
import json
import random
import time
import tracemalloc
from collections.abc import Callable

from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges.clock import SystemClock
from unified_exchanges.models import Subject
from unified_exchanges.venues.kalshi.stream import KalshiStream

MARKETS = 5_000
FEW = 10
LEVELS = 20
"""Of each side of each book."""
FRAMES = 50_000

Sides = tuple[list[tuple[int, int]], list[tuple[int, int]]]


def names(count: int) -> list[str]:
    return [f"KXBENCH-26NOV21-T{number:05d}" for number in range(count)]


def sides(rng: random.Random) -> Sides:
    middle = rng.randrange(LEVELS + 1, 100 - LEVELS)
    yes = [(middle - n - 1, rng.randrange(100, 10**6)) for n in range(LEVELS)]
    no = [(middle + n, rng.randrange(100, 10**6)) for n in range(LEVELS)]
    return yes, no


def rows(levels: list[tuple[int, int]]) -> list[list[str]]:
    return [[f"0.{c:02d}00", f"{n // 100}.{n % 100:02d}"] for c, n in levels]


def snapshots(markets: list[str]) -> list[bytes]:
    rng = random.Random(5)
    made = []
    for number, market in enumerate(markets):
        yes, no = sides(rng)
        msg = {
            "market_ticker": market,
            "market_id": "9b0f6b43-5b68-4f9f-9f02-9a2d1b8ac1a1",
            "yes_dollars_fp": rows(yes),
            "no_dollars_fp": rows(no),
        }
        envelope = {"type": "orderbook_snapshot", "sid": 1, "seq": number + 1}
        made.append(json.dumps(envelope | {"msg": msg}).encode())
    return made


def acknowledge(stream: KalshiStream) -> None:
    """Answer all commands; they all are of the one subscription."""
    while commands := stream.data_to_send():
        for command in map(json.loads, commands):
            answer: dict[str, object] = {"id": command["id"], "sid": 1, "type": "ok"}
            if command["cmd"] == "subscribe":
                told = {"channel": "orderbook_delta", "sid": 1}
                answer = {"id": command["id"], "type": "subscribed", "msg": told}
            stream.receive(json.dumps(answer))


def streaming(markets: list[str], frames: list[bytes]) -> KalshiStream:
    stream = KalshiStream(clock=SystemClock())
    stream.follow(Subject.ORDER_BOOK, markets)
    stream.connection_made()
    for frame in frames:
        acknowledge(stream)
        stream.receive(frame)
    health = stream.health()
    assert (health.stale_books, health.gaps) == (0, 0), health
    return stream


def dictionaries(count: int) -> list[tuple[dict[int, int], dict[int, int]]]:
    rng = random.Random(5)
    price = {cents: cents * 100 for cents in range(100)}
    made = []
    for _ in range(count):
        yes, no = sides(rng)
        made.append(
            ({price[c]: n + 0 for c, n in yes}, {price[c]: n + 0 for c, n in no})
        )
    return made


def held(make: Callable[[], object]) -> int:
    """Bytes that something keeps, once what only made it is gone."""
    gc.collect()
    tracemalloc.start()
    kept = make()
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept is not None
    return size


def deltas(market: str, first: int) -> list[bytes]:
    return [
        (
            f'{{"type":"orderbook_delta","sid":1,"seq":{first + number},"msg":{{'
            f'"market_ticker":"{market}","market_id":"9b0f6b43-5b68-4f9f-9f02-9a2d1b8ac1a1",'
            f'"price_dollars":"0.0{1 + number % 9}00","delta_fp":"1.00","side":"yes",'
            f'"ts":"2026-11-21T12:00:00.123456Z","ts_ms":1795262400123}}}}'
        ).encode()
        for number in range(FRAMES)
    ]


def flow(count: int) -> Callable[[], None]:
    """Frames of one market while all the others of ``count`` are quiet."""
    markets = names(count)
    frames = snapshots(markets)
    changes = deltas(markets[0], count + 1)
    stream = streaming(markets, frames)

    def run() -> None:
        # Every round begins where the snapshots ended.
        stream._by_sid[1].seq = count  # noqa: SLF001 - cheaper than a new stream
        receive, poll = stream.receive, stream.poll
        for frame in changes:
            receive(frame)
            poll()
            stream.next_poll()
            stream.data_to_send()
        assert not stream.broken

    return run


def main() -> None:
    """Measure, print, and fail if a goal is missed."""
    options = arguments(__doc__)
    markets = names(MARKETS)
    frames = snapshots(markets)
    streaming(markets, frames)  # prices, sizes and code are shared by all streams
    mine = held(lambda: streaming(markets, frames)) / MARKETS
    least = held(lambda: dictionaries(MARKETS)) / MARKETS
    print(f"\n{MARKETS:,} markets of {LEVELS} levels a side")
    print(f"  {'dictionaries of levels':<34} {least:>12,.0f} bytes/market")
    print(f"  {'KalshiStream':<34} {mine:>12,.0f} bytes/market")
    few, many = f"{FEW} markets", f"{MARKETS:,} markets"
    times = interleave(
        {few: flow(FEW), many: flow(MARKETS)},
        options.rounds,
        clock=time.process_time,
    )
    report("a frame, and a look at what is due", times, few, per=FRAMES, unit="frame")
    verdict(
        [
            Goal("memory", mine / least, 3.0),
            Goal("time with quiet markets", ratio(times, many, few), 1.1),
        ],
        gate=not options.no_gate,
    )


if __name__ == "__main__":
    main()
