"""Replaying the stream of a recording, beside decoding its messages.

A recording of one of Kalshi's books, a change each millisecond, is replayed through an
exchange of each flavour to a program that takes every book.  Measured is all of it: the
recording read twice, the protocol, the book, and the loop of the consumer.  The floor
decodes the same messages with msgspec, from memory, as the protocol does.  Beside it is
what the protocol takes to read them and to make the books, without anybody who follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Final

from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges import async_exchange, exchange
from unified_exchanges.clock import VirtualClock
from unified_exchanges.models import Subject
from unified_exchanges.recording import Frame, read
from unified_exchanges.recording.format import Body, End, Header, Opened, encode
from unified_exchanges.venues.kalshi.stream import KalshiStream, frames

COUNT: Final = 20_000
HOST: Final = "127.0.0.1:1"
MARKET: Final = "KXFED-26DEC-T3.25"
START: Final = 1_795_000_000_000_000_000
LEVELS: Final = 50
STEP: Final = 1_000_000
FLOOR: Final = "msgspec decode of the messages"
PROTOCOL: Final = "the protocol, and every book"
SCAN: Final = "reading the recording"
BLOCKING: Final = "replay, every book in a loop"
ASYNC: Final = "replay, every book in async for"
ASKED: Final = (
    '{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],'
    f'"market_tickers":["{MARKET}"],"use_yes_price":true}}}}'
)


def told() -> Iterator[str]:
    """What the venue says: an answer, a book, and changes of it."""
    yield '{"id":1,"type":"subscribed","msg":{"channel":"orderbook_delta","sid":1}}'
    bids = ",".join(f'["0.{n:02}00","100.00"]' for n in range(20, 45))
    asks = ",".join(f'["0.{n:02}00","100.00"]' for n in range(55, 80))
    yield (
        '{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":'
        f'{{"market_ticker":"{MARKET}","yes_dollars_fp":[{bids}],"no_dollars_fp":[{asks}]}}}}'
    )
    for number in range(COUNT):
        price = 20 + number % 25
        sign = "" if number // 25 % 2 == 0 else "-"
        yield (
            f'{{"type":"orderbook_delta","sid":1,"seq":{number + 2},"msg":'
            f'{{"market_ticker":"{MARKET}","price_dollars":"0.{price}00",'
            f'"delta_fp":"{sign}5.00","side":"yes","ts_ms":{START // STEP + number}}}}}'
        )


def written(path: Path) -> Path:
    base = f"http://{HOST}/trade-api/v2"
    head = Header(
        format=1,
        venue="kalshi",
        environment=base,
        library="0",
        rest=base,
        at=START,
        mono=0,
    )
    url = f"ws://{HOST}/trade-api/ws/v2"
    asked = Frame(START + 2, 2, 1, "out", Body.of(ASKED))
    lines = [head, Opened(START + 1, 1, 1, url), asked]
    with path.open("wb") as file:
        for line in lines:
            file.write(encode(line))
        mono = 0
        for number, text in enumerate(told(), 1):
            mono = number * STEP
            frame = Frame(START + mono, mono, 1, "in", Body.of(text))
            file.write(encode(frame))
        file.write(encode(End(START + mono, mono, COUNT + 5, 0)))
    return path


def protocol(messages: list[bytes]) -> None:
    stream = KalshiStream(clock=VirtualClock())
    stream.follow(Subject.ORDER_BOOK, [MARKET])
    stream.connection_made()
    stream.data_to_send()
    book = None
    for message in messages:
        if stream.receive(message):
            book = stream.order_book(MARKET)
    assert book is not None
    assert len(book.bids) + len(book.asks) == LEVELS


def replayed(path: Path) -> None:
    with exchange("replay", path=path) as kalshi:
        count = sum(1 for _ in kalshi.watch_order_book(MARKET, policy="every"))
    assert count == COUNT + 1


async def replayed_async(path: Path) -> None:
    count = 0
    async with async_exchange("replay", path=path) as kalshi:
        async for _ in kalshi.watch_order_book(MARKET, policy="every"):
            count += 1
    assert count == COUNT + 1


def main() -> None:
    options = arguments(__doc__)
    messages = [text.encode() for text in told()]
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "session.jsonl")
        variants: dict[str, Callable[[], object]] = {
            FLOOR: lambda: [frames.decode(message) for message in messages],
            PROTOCOL: lambda: protocol(messages),
            SCAN: lambda: sum(1 for _ in read(path)),
            BLOCKING: lambda: replayed(path),
            ASYNC: lambda: asyncio.run(replayed_async(path)),
        }
        times = interleave(variants, options.rounds, clock=process_time)
    report(f"replay of {COUNT:,} changes", times, FLOOR, per=COUNT, unit="event")
    for name in (BLOCKING, ASYNC):
        print(f"  {name}: {COUNT / min(times[name]):,.0f} events/s at best")
    goals = [
        Goal(f"{BLOCKING}, by the protocol", ratio(times, BLOCKING, PROTOCOL), 5.0),
        Goal(f"{ASYNC}, by the protocol", ratio(times, ASYNC, PROTOCOL), 7.0),
    ]
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
