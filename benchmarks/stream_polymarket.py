"""Polymarket's frames → typed events and a book, and its books of totals.

1. Changes as wire strings, best bid and ask read as Decimal, at two depths; the floor is that
   of Kalshi's books, an integer ladder, all inline, which reads and checks nothing.  Once as
   there, of totals that came before; and once as they come, of which a third never did and
   has to be read, each held against the best prices that come with it.
2. Frames of the market channel through the protocol object, without a socket; the floor is
   `msgspec` decoding the same frames into the same structs, and nothing more.
3. A flood of frames → typed events at an ``async for`` consumer, on both libraries; the floor
   is ``recv()`` of `websockets`, nothing parsed.  CPU time of this process.

What is gated, each with the slack of `timing`:

- *like for like*, the goals of every venue: 4× for books of totals that came before, held
  against nothing, as the floor does; 1.6× and 0.75× for the flood, though a frame here is
  twice as long and tells of both tokens.
- *own goal*, where the floor does less than the venue makes necessary, so that no factor of
  another venue can be compared: totals as they come, read and each held against the venue's
  best prices (7.5×, which is **not** the 4× met), and all of the protocol over reading its
  frames (3×).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Literal

import aiohttp
from flood import flooding_frames
from stream_book import Change, changes, floor
from stream_frames import measure
from timing import Goal, arguments, interleave, ratio, report, verdict
from websockets.asyncio.client import connect

from unified_exchanges.clock import SystemClock
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.streams.totals import TotalsBook
from unified_exchanges.venues.polymarket import AsyncPolymarketWebSocket
from unified_exchanges.venues.polymarket.memory import Memory
from unified_exchanges.venues.polymarket.stream import MarketStream, frames

COUNT = 300_000
FRAMES = 200_000
TURN = 128
"""Frames of a read, in a flood."""
GRIDS = (99, 999)
YES = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
NO = "52114319501245915516055106046884209969926127482827954674443846427813813222426"
MARKET = "0x" + "5f" * 32
T0 = 1_795_262_400_000
RECV = "websockets recv(), nothing parsed"
BARE = "aiohttp receive(), nothing parsed"
OURS = "ours on websockets"
FAST = "ours on aiohttp"


# -- books of totals -------------------------------------------------------------------

Total = tuple[bool, str, str, str, str]
"""Whether it is a bid, its price and total, and the best prices after it."""


def totals(levels: int, start: list[int], made: list[Change]) -> list[Total]:
    """The changes as Polymarket would send them."""
    step = 10_000 // (levels + 1)
    prices = [f"{tick * step / 10_000:.4f}".rstrip("0") for tick in range(levels + 2)]
    prices[0], prices[levels + 1] = "0", "1"
    size = list(start)
    bid, ask = levels // 2, levels // 2 + 1
    told = []
    for is_bid, tick, by in made:
        size[tick] += by
        if is_bid:
            bid = max(bid, tick)
            while bid and not size[bid]:
                bid -= 1
        else:
            ask = min(ask, tick)
            while ask <= levels and not size[ask]:
                ask += 1
        total = f"{size[tick] / 100:.2f}"
        told.append((is_bid, prices[tick], total, prices[bid], prices[ask]))
    return told


def repeated(told: list[Total]) -> list[Total]:
    """The same with totals that are few, as the changes of Kalshi are; nought stays."""
    few = [f"{100 + number}.00" for number in range(50)]
    return [
        (is_bid, price, total if total == "0.00" else few[number % 50], bid, ask)
        for number, (is_bid, price, total, bid, ask) in enumerate(told)
    ]


def loaded(levels: int, start: list[int]) -> TotalsBook:
    step = 10_000 // (levels + 1)
    rows = [
        (f"{tick * step / 10_000:.4f}", f"{start[tick] / 100:.2f}")
        for tick in range(1, levels + 1)
    ]
    book = TotalsBook()
    book.load(rows[: levels // 2], rows[levels // 2 :])
    return book


def ours_book(book: TotalsBook, told: list[Total]) -> object:
    set_bid, set_ask, is_best = book.set_bid, book.set_ask, book.is_best
    best: object = None
    for is_bid, price, total, bid, ask in told:
        if is_bid:
            set_bid(price, total)
        else:
            set_ask(price, total)
        if not is_best(bid, ask):
            raise AssertionError
        best = book.bid, book.ask
    return best


def ours_unchecked(book: TotalsBook, told: list[Total]) -> object:
    set_bid, set_ask = book.set_bid, book.set_ask
    best: object = None
    for is_bid, price, total, _, _ in told:
        if is_bid:
            set_bid(price, total)
        else:
            set_ask(price, total)
        best = book.bid, book.ask
    return best


def measure_books(rounds: int) -> list[Goal]:
    found: list[list[float]] = []
    goals: list[Goal] = []
    for levels in GRIDS:
        start, made = changes(levels, COUNT)
        told = totals(levels, start, made)
        known = repeated(told)
        name, mine = f"integer ladder, {levels} levels", f"TotalsBook, {levels} levels"
        alike = "the same, unchecked, told before"
        times = interleave(
            {
                name: lambda start=start, levels=levels, made=made: floor(
                    start, levels, made
                ),
                mine: lambda start=start, levels=levels, told=told: ours_book(
                    loaded(levels, start), told
                ),
                alike: lambda start=start, levels=levels, known=known: ours_unchecked(
                    loaded(levels, start), known
                ),
            },
            rounds,
            clock=time.process_time,
        )
        report(f"{COUNT:,} totals", times, name, per=COUNT, unit="total")
        like = f"like for like, {levels} levels"
        goals.append(Goal(like, ratio(times, alike, name), 4.0))
        own = f"own goal, {levels} levels, totals read and checked"
        goals.append(Goal(own, ratio(times, mine, name), 7.5))
        found.append(times[mine])
    for few, many in pairwise(found):
        goals.append(Goal("own goal, growth with depth", min(many) / min(few), 1.15))
    return goals


# -- frames ----------------------------------------------------------------------------


def snapshot() -> bytes:
    bids = ",".join(f'{{"price":"0.{c:02d}","size":"1000"}}' for c in range(1, 45))
    asks = ",".join(f'{{"price":"0.{c:02d}","size":"1000"}}' for c in range(98, 45, -1))
    return (
        f'[{{"event_type":"book","asset_id":"{YES}","market":"{MARKET}",'
        f'"bids":[{bids}],"asks":[{asks}],"timestamp":"{T0}","hash":"h"}}]'
    ).encode()


def price_changes(count: int) -> list[bytes]:
    """One order a frame, told of both tokens as the venue does; neither side runs empty."""
    rng = random.Random(7)
    bids = dict.fromkeys(range(1, 45), 1000)
    asks = dict.fromkeys(range(46, 99), 1000)
    made = []
    for number in range(count):
        is_bid = rng.random() < 0.5
        side = bids if is_bid else asks
        cent = rng.randrange(25, 45) if is_bid else rng.randrange(46, 66)
        size = 0 if cent in side and rng.random() < 0.2 else rng.randrange(1, 1000)
        if size:
            side[cent] = size
        else:
            side.pop(cent, None)
        bid, ask = max(bids), min(asks)
        mark = f"{number:040x}"
        one, two = ("BUY", "SELL") if is_bid else ("SELL", "BUY")
        made.append(
            (
                f'{{"market":"{MARKET}","price_changes":['
                f'{{"asset_id":"{YES}","price":"0.{cent:02d}","size":"{size}",'
                f'"side":"{one}","hash":"{mark}","best_bid":"0.{bid:02d}",'
                f'"best_ask":"0.{ask:02d}"}},'
                f'{{"asset_id":"{NO}","price":"0.{100 - cent:02d}","size":"{size}",'
                f'"side":"{two}","hash":"{mark}","best_bid":"0.{100 - ask:02d}",'
                f'"best_ask":"0.{100 - bid:02d}"}}],"timestamp":"{T0 + number}",'
                '"event_type":"price_change"}'
            ).encode()
        )
    return made


def decoded(told: list[bytes]) -> int:
    decode, seen = frames.decode, 0
    for frame in told:
        decode(frame)
        seen += 1
    return seen


def received(told: list[bytes]) -> int:
    stream = MarketStream(
        clock=SystemClock(), names=Memory(), policy=StreamPolicy(silence=3600)
    )
    stream.tap([YES])
    list(stream.connection_made())
    stream.data_to_send()
    list(stream.receive(snapshot()))
    receive, seen = stream.receive_all, 0
    for at in range(0, len(told), TURN):
        for _ in receive(told[at : at + TURN]):
            seen += 1
    book = stream.token_book(YES)
    assert book is not None
    assert not book.stale
    assert seen == len(told)
    return seen


def measure_protocol(told: list[bytes], rounds: int) -> list[Goal]:
    name, mine = "msgspec into the same structs", "MarketStream.receive"
    times = interleave(
        {name: lambda: decoded(told), mine: lambda: received(told)},
        rounds,
        clock=time.process_time,
    )
    report("frames without a socket", times, name, per=len(told), unit="frame")
    return [Goal("own goal, protocol over decoding", ratio(times, mine, name), 3.0)]


# -- the flood -------------------------------------------------------------------------


async def recv_only(url: str) -> None:
    async with connect(url, compression=None, max_size=None) as socket:
        await socket.send("{}")
        for _ in range(FRAMES + 1):
            await socket.recv()


async def receive_only(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str("{}")
        for _ in range(FRAMES + 1):
            await socket.receive()


async def ours(host: str, driver: Literal["websockets", "aiohttp"]) -> None:
    policy = StreamPolicy(driver=driver, queue=2 * FRAMES)
    async with AsyncPolymarketWebSocket(
        environment=f"http://{host}", stream=policy
    ) as socket:
        await socket.subscribe("market", YES)
        seen = 0
        async for event in socket:
            assert event.market_id == MARKET  # type: ignore[union-attr]
            seen += 1
            if seen > FRAMES:
                break
        book = socket.book(YES)
        assert book is not None
        assert not book.stale


def measure_flood(told: list[bytes], rounds: int) -> list[Goal]:
    with flooding_frames([snapshot(), *told]) as host:
        url = f"ws://{host}/ws/market"
        variants: dict[str, Callable[[], Awaitable[None]]] = {
            RECV: lambda: recv_only(url),
            BARE: lambda: receive_only(url),
            OURS: lambda: ours(host, "websockets"),
            FAST: lambda: ours(host, "aiohttp"),
        }
        times = asyncio.run(measure(variants, rounds))
    report("flood of book frames", times, RECV, per=FRAMES, unit="frame")
    return [
        Goal("like for like, on websockets", ratio(times, OURS, RECV), 1.6),
        Goal("like for like, on aiohttp", ratio(times, FAST, RECV), 0.75),
    ]


def main() -> None:
    """Measure, print, and fail if a goal is missed."""
    options = arguments(__doc__)
    told = price_changes(FRAMES)
    goals = measure_books(options.rounds)
    goals += measure_protocol(told, options.rounds)
    goals += measure_flood(told, options.rounds)
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
