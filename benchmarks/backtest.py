"""A backtest of a trivial strategy, over decoded events and over a recording.

Over events in memory the floor is one loop with everything inline: the clock, the newest
book of each market, and the decision.  Over a recording the floor is decoding its lines and
its frames with msgspec: nothing is made of them there.  All of it is CPU time, since nobody
else works for it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Final

from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges.backtesting import backtest
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import Level, Market, MarketStatus, OrderBook, Outcome
from unified_exchanges.paper import FREE, Contract
from unified_exchanges.recording import Body, Frame, Header, Opened, read
from unified_exchanges.recording.format import encode
from unified_exchanges.strategies import Desk, Strategy
from unified_exchanges.venues.kalshi.stream import frames

COUNT: Final = 200_000
LINES: Final = 20_000
START: Final = 1_795_000_000 * 10**9
STEP: Final = 3_000_000
NAMES: Final = [f"KXRAIN-{n}" for n in range(20)]
CHEAP: Final = Decimal("0.05")
FLOOR: Final = "everything inline"
DECODED: Final = "msgspec decodes the frames"
OURS: Final = "backtest"

Told = list[tuple[int, OrderBook]]


def contract(name: str) -> Contract:
    market = Market(
        venue="kalshi",
        market_id=name,
        event_id="KXRAIN",
        title="Rain?",
        status=MarketStatus.OPEN,
        venue_status="active",
        outcomes=(Outcome("yes", "yes", "Rain"), Outcome("no", "no", "Dry")),
        grid=PriceGrid.of("0.01"),
    )
    return Contract(market=market, fees=FREE, nets=True)


class Trivial(Strategy):
    """Would buy what is cheap, and counts it."""

    def __init__(self) -> None:
        self.seen = 0

    def on_book(self, desk: Desk, book: OrderBook) -> None:  # noqa: ARG002
        """Look at the best ask."""
        if book.asks[0].price < CHEAP:
            self.seen += 1


def events() -> Told:
    size = Decimal(100)
    books = [
        OrderBook(
            venue="kalshi",
            market_id=name,
            outcome="yes",
            bids=(Level(Decimal(cents) / 100, size),),
            asks=(Level(Decimal(cents + 2) / 100, size),),
        )
        for cents in range(2, 90)
        for name in NAMES
    ]
    return [(START + n * STEP, books[n % len(books)]) for n in range(COUNT)]


def inline(told: Told) -> int:
    latest: dict[str, OrderBook] = {}
    last, due, seen, count = 0, START + COUNT * STEP, 0, 0
    for moment, event in told:
        if not last <= moment < due:
            break
        last = moment
        count += 1  # noqa: SIM113 - as the backtest counts
        if isinstance(event, OrderBook):
            latest[event.market_id] = event
            if event.asks[0].price < CHEAP:
                seen += 1
    return seen


def ours(told: Told) -> int:
    trivial = Trivial()
    backtest(trivial, told, contracts=map(contract, NAMES))
    return trivial.seen


SNAPSHOT: Final = (
    '{{"type":"orderbook_snapshot","sid":1,"seq":{},"msg":{{"market_ticker":"{}",'
    '"market_id":"x","yes_dollars_fp":[{}],"no_dollars_fp":[{}]}}}}'
)
DELTA: Final = (
    '{{"type":"orderbook_delta","sid":1,"seq":{},"msg":{{"market_ticker":"{}",'
    '"market_id":"x","price_dollars":"0.{:02}","delta_fp":"{}.00","side":"yes",'
    '"ts_ms":1795930000000}}}}'
)


def written(path: Path) -> Path:
    """A recording of twenty books with ten levels a side, and their changes."""
    head = Header(
        format=1,
        venue="kalshi",
        environment="production",
        library="0",
        rest="https://kalshi.test",
        at=START,
        mono=0,
    )
    bids = ",".join(f'["0.{n:02}","10.00"]' for n in range(30, 40))
    asks = ",".join(f'["0.{n:02}","10.00"]' for n in range(42, 52))
    texts = [SNAPSHOT.format(n, name, bids, asks) for n, name in enumerate(NAMES, 1)]
    for n in range(len(NAMES) + 1, LINES + 1):
        price, change = 30 + n // 40 % 10, (1, -1)[n // 20 % 2]
        texts.append(DELTA.format(n, NAMES[n % len(NAMES)], price, change))
    with path.open("wb") as file:
        file.write(encode(head))
        file.write(encode(Opened(START, 0, 1, "wss://kalshi.test")))
        for n, text in enumerate(texts, 1):
            at, body = n * STEP, Body.of(text)
            line = Frame(
                at=START + at, mono=at, connection=1, direction="in", body=body
            )
            file.write(encode(line))
    return path


def decoded(path: Path) -> int:
    found = 0
    for line in read(path):
        if isinstance(line, Frame):
            frames.decode(line.body.json)
            found += 1
    return found


def replayed(path: Path) -> int:
    trivial = Trivial()
    return backtest(trivial, path, contracts=map(contract, NAMES)).events


def main() -> None:
    options = arguments(__doc__)
    told = events()
    assert inline(told) == ours(told) > 0
    memory: dict[str, Callable[[], object]] = {
        FLOOR: lambda: inline(told),
        OURS: lambda: ours(told),
    }
    times = interleave(memory, options.rounds, clock=process_time)
    report("over events in memory", times, FLOOR, per=COUNT, unit="event")
    goals = [Goal("over events in memory", ratio(times, OURS, FLOOR), 1.6)]
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "session.jsonl")
        assert replayed(path) == decoded(path) == LINES
        stored: dict[str, Callable[[], object]] = {
            DECODED: lambda: decoded(path),
            OURS: lambda: replayed(path),
        }
        times = interleave(stored, options.rounds, clock=process_time)
        report("from a recording", times, DECODED, per=LINES, unit="event")
        goals.append(Goal("from a recording", ratio(times, OURS, DECODED), 2.0))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
