"""The streams of a recording are told again, in virtual time and without a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import psutil
import pytest
from msgspec.structs import replace

from unified_exchanges import (
    BadRequest,
    NotRecorded,
    OrderNotDone,
    RequestTimeout,
    StreamPolicy,
    async_exchange,
    exchange,
)
from unified_exchanges.clock import VirtualClock
from unified_exchanges.models import Gap, OrderBook, Reconciled, Reconnected
from unified_exchanges.recording import Frame, Opened, Rest, Torn, Withheld, read
from unified_exchanges.recording.format import encode
from unified_exchanges.registry import folder
from unified_exchanges.simulator.faults import StreamFault, StreamPlan
from unified_exchanges.testing import cassette, socket_guard

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .streaming import closed, drained, recorded, replayed, trading, venues_own

SECOND = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param) as made:
        yield made


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_told_live_is_told_again_to_the_last_digit_in_both_flavours(
    at: Stage, path: Path, flavour: str
) -> None:
    live = recorded(flavour, trading, at, path)
    for other in FLAVOURS:
        with socket_guard():
            first = replayed(other, trading, path)
            assert venues_own(first) == venues_own(live)
            assert venues_own(replayed(other, trading, path)) == venues_own(first)


# -- other programs than the one that was recorded ---------------------------------------


def two_books(ex: Any) -> Any:
    """Watch two markets, and move both by orders of our own."""
    markets = yield ex.fetch_markets(limit=2)
    names = [x.market_id for x in markets]
    books = ex.watch_order_book(names, policy="every", events=True)
    said = [(yield books.next(timeout=30)), (yield books.next(timeout=30))]
    for number in range(6):
        market = markets[number % 2]
        terms = (market.market_id, market.outcomes[0].label, "buy")
        order = yield ex.create_order(*terms, market.grid.lowest, 10 + number)
        said.append((yield books.next(timeout=30)))
        yield ex.cancel_order(order.order_id)
        said.append((yield books.next(timeout=30)))
    return said


def all_of_two_books(ex: Any) -> Any:
    one, two = [x.market_id for x in (yield ex.fetch_markets(limit=2))]
    return (yield drained(ex.watch_order_book([one, two], policy="every", events=True)))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_loop_over_a_watch_ends_with_the_recording(
    at: Stage, path: Path, flavour: str
) -> None:
    live = venues_own(recorded("blocking", two_books, at, path))
    with socket_guard():
        told = venues_own(replayed(flavour, all_of_two_books, path))
        assert venues_own(replayed(flavour, all_of_two_books, path)) == told
    assert told[: len(live)] == live


def watched_later(ex: Any) -> Any:
    """The books as they stand once the second of two markets was watched long ago."""
    one, two = [x.market_id for x in (yield ex.fetch_markets(limit=2))]
    first = ex.watch_order_book(one, policy="every")
    for _ in range(4):
        yield first.next(timeout=30)
    second = ex.watch_order_book(two, policy="every")
    return (yield drained(second))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_market_that_is_watched_later_begins_with_its_book_of_then(
    at: Stage, path: Path, flavour: str
) -> None:
    recorded("blocking", two_books, at, path)
    every = venues_own(replayed(flavour, all_of_two_books, path))
    late = venues_own(replayed(flavour, watched_later, path))
    of_it = [x for x in every if x["market_id"] == late[0]["market_id"]]
    prices = [(x["bids"], x["asks"]) for x in of_it]
    told = [(x["bids"], x["asks"]) for x in late]
    assert 0 < len(told) < len(prices)
    assert prices[-len(told) :] == told


def ticker_at_first(ex: Any) -> Any:
    """Watch the ticker of a market, and then its book, which a trade of ours changes."""
    [market] = yield ex.fetch_markets(limit=1)
    tickers = ex.watch_ticker(market.market_id, policy="every")
    first = yield tickers.next(timeout=30)
    books = ex.watch_order_book(market.market_id, policy="every")
    yield books.next(timeout=30)
    yield ex.create_order(
        *(market.market_id, market.outcomes[0].label, "buy", market.grid.lowest, 10)
    )
    yield books.next(timeout=30)
    return [first]


def ticker_at_last(ex: Any) -> Any:
    """The same in the other order."""
    [market] = yield ex.fetch_markets(limit=1)
    books = ex.watch_order_book(market.market_id, policy="every")
    yield books.next(timeout=30)
    tickers = ex.watch_ticker(market.market_id, policy="every")
    return [(yield tickers.next(timeout=30))]


def leaving_a_ticker(ex: Any) -> Any:
    """Leave what the recording followed to its end, and come back to it."""
    [market] = yield ex.fetch_markets(limit=1)
    tickers = ex.watch_ticker(market.market_id, policy="every")
    said = [(yield tickers.next(timeout=30))]
    books = ex.watch_order_book(market.market_id, policy="every")
    said += [(yield books.next(timeout=30))]
    yield closed(ex, tickers)
    yield ex.create_order(
        *(market.market_id, market.outcomes[0].label, "buy", market.grid.lowest, 10)
    )
    said += [(yield books.next(timeout=30))]
    again = ex.watch_ticker(market.market_id, policy="every")
    return [*said, (yield again.next(timeout=30))]


def leaving_a_book(ex: Any) -> Any:
    """The same of its book, which a trade of ours has changed meanwhile."""
    [market] = yield ex.fetch_markets(limit=1)
    tickers = ex.watch_ticker(market.market_id, policy="every")
    yield tickers.next(timeout=30)
    books = ex.watch_order_book(market.market_id, policy="every")
    yield books.next(timeout=30)
    yield closed(ex, books)
    yield ex.create_order(
        *(market.market_id, market.outcomes[0].label, "buy", market.grid.lowest, 10)
    )
    again = ex.watch_order_book(market.market_id, policy="every")
    said = yield drained(again)
    return [said[-1].bids[-1].price == market.grid.lowest]


@pytest.fixture
def commands(at: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the venue of a recording; never again and again."""
    asked: list[str] = []
    counterpart = folder(at.venue, "counterpart")
    kind = vars(counterpart)[f"{at.venue.capitalize()}Counterpart"]
    answer = kind.asked

    def counted(self: Any, text: str, line: int, past: Any) -> Any:
        asked.append(text)
        assert len(asked) < 100
        return answer(self, text, line, past)

    monkeypatch.setattr(kind, "asked", counted)
    return asked


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_is_left_earlier_than_it_was_is_left_once_and_can_be_watched_again(
    at: Stage, path: Path, flavour: str, commands: list[str]
) -> None:
    live = recorded("blocking", ticker_at_first, at, path)
    commands.clear()
    said = replayed(flavour, leaving_a_ticker, path)
    assert venues_own(said[:1]) == venues_own(live)
    assert (said[-1].bid, said[-1].ask) == (said[0].bid, said[0].ask)
    assert len(commands) < 10


def ticker_left_at_last(ex: Any) -> Any:
    """As `ticker_at_first`, and leave the ticker before the end."""
    [market] = yield ex.fetch_markets(limit=1)
    tickers = ex.watch_ticker(market.market_id, policy="every")
    first = yield tickers.next(timeout=30)
    books = ex.watch_order_book(market.market_id, policy="every")
    yield books.next(timeout=30)
    terms = (market.market_id, market.outcomes[0].label, "buy", market.grid.lowest)
    order = yield ex.create_order(*terms, 10)
    yield books.next(timeout=30)
    yield closed(ex, tickers)
    yield ex.cancel_order(order.order_id)
    yield books.next(timeout=30)
    return [first]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_is_left_earlier_than_it_was_can_be_watched_again_until_then(
    at: Stage, path: Path, flavour: str
) -> None:
    live = recorded("blocking", ticker_left_at_last, at, path)
    said = replayed(flavour, leaving_a_ticker, path)
    assert venues_own(said[:1]) == venues_own(live)
    assert (said[-1].bid, said[-1].ask) == (said[0].bid, said[0].ask)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_book_that_was_left_is_as_it_stands_when_it_is_watched_again(
    at: Stage, path: Path, flavour: str, commands: list[str]
) -> None:
    recorded("blocking", ticker_at_first, at, path)
    assert replayed(flavour, leaving_a_book, path) == [True]
    assert len(commands) < 12


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_ticker_that_is_watched_later_begins_with_that_of_then(
    at: Stage, path: Path, flavour: str
) -> None:
    live = recorded("blocking", ticker_at_first, at, path)
    assert venues_own(replayed(flavour, ticker_at_last, path)) == venues_own(live)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_market_that_was_not_followed_is_refused_with_what_there_is(
    at: Stage, path: Path, flavour: str
) -> None:
    def watch_one(ex: Any) -> Any:
        one, two = [x.market_id for x in (yield ex.fetch_markets(limit=2))]
        yield ex.watch_order_book(one).next(timeout=30)
        return [one, two]

    one, two = recorded("blocking", watch_one, at, path)

    def watch_other(ex: Any) -> Any:
        yield ex.fetch_markets(limit=2)
        with pytest.raises(NotRecorded) as told:
            yield ex.watch_order_book([one, two]).next(timeout=30)
        with pytest.raises(NotRecorded, match="fills"):
            yield ex.watch_fills().next(timeout=30)
        return [str(told.value)]

    with socket_guard():
        [text] = replayed(flavour, watch_other, path)
    assert f"order_book of {two}" in text
    assert f"order_book of {one}" not in text
    assert one in text


def test_no_socket_is_made_by_a_replayed_stream(
    at: Stage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded("blocking", two_books, at, path)
    made: list[object] = []

    def refuse(*given: object, **_: object) -> None:
        made.append(given)

    monkeypatch.setattr(socket.socket, "__init__", refuse)
    assert replayed("blocking", all_of_two_books, path)
    assert made == []


# -- breaks and time ---------------------------------------------------------------------


def through_a_break(ex: Any) -> Any:
    """Follow a book over a connection that breaks at its first change."""
    [market] = yield ex.fetch_markets(limit=1)
    books = ex.watch_order_book(market.market_id, policy="every", events=True)
    said = [(yield books.next(timeout=30))]
    terms = (market.market_id, market.outcomes[0].label, "buy", market.grid.lowest)
    yield ex.create_order(*terms, 10)
    kinds: list[type] = []
    while kinds[-2:] != [Reconnected, OrderBook]:
        said.append((yield books.next(timeout=30)))
        kinds.append(type(said[-1]))
    assert Gap in kinds
    return said


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_connection_that_broke_breaks_again_and_the_next_one_follows(
    venue: str, path: Path, flavour: str
) -> None:
    changes = "orderbook_delta" if venue == "kalshi" else "price_change"
    faults = StreamPlan([StreamFault("reset", frame=changes)])
    with stage(venue, faults) as at:
        live = recorded(flavour, through_a_break, at, path)
    for other in FLAVOURS:
        told = replayed(other, through_a_break, path)
        assert venues_own(told) == venues_own(live)
        [was] = [x for x in live if isinstance(x, Reconnected)]
        [is_] = [x for x in told if isinstance(x, Reconnected)]
        assert abs(was.downtime - is_.downtime) < 0.2


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_silence_is_told_as_the_reason_that_it_was(path: Path, flavour: str) -> None:
    faults = StreamPlan([StreamFault("silence", frame="orderbook_delta", seconds=3.0)])
    with stage("kalshi", faults) as at:
        at.account["stream"] = StreamPolicy(silence=1.0, audit=None)
        live = recorded(flavour, through_a_break, at, path)
    told = replayed(flavour, through_a_break, path)
    assert venues_own(told) == venues_own(live)
    [gap] = [x for x in told if isinstance(x, Gap)]
    assert "nothing was heard for" in gap.reason


def stretched(path: Path, pause: float) -> Path:
    """The same recording with a pause before each message of a stream after the first four."""
    lines, later, frames = [], 0, 0
    for line in read(path):
        if isinstance(line, Frame) and line.direction == "in":
            frames += 1
            later += int(pause * SECOND) if frames > 4 else 0
        if not isinstance(line, Torn):
            more = {"began": line.began + later} if isinstance(line, Rest) else {}
            moved = replace(line, at=line.at + later, mono=line.mono + later, **more)
            lines.append(encode(moved))
    other = path.with_name("stretched.jsonl")
    other.write_bytes(b"".join(lines))
    return other


def pressed(path: Path, seconds: float) -> Path:
    """The same recording in so many seconds; the order of what happened stays."""
    lines = [x for x in read(path) if not isinstance(x, Torn)]
    first, most = lines[0], int(seconds * SECOND)
    span = lines[-1].mono - first.mono

    def sooner(moment: int, of: int) -> int:
        return of + (moment - of) * most // span

    pressed = []
    for line in lines:
        more = {"began": sooner(line.began, first.at)} if isinstance(line, Rest) else {}
        at, mono = sooner(line.at, first.at), sooner(line.mono, first.mono)
        pressed.append(encode(replace(line, at=at, mono=mono, **more)))
    other = path.with_name("pressed.jsonl")
    other.write_bytes(b"".join(pressed))
    return other


def reconciled(ex: Any) -> Any:
    """Follow the orders until the account was read, as it is for each connection."""
    orders = ex.watch_orders(events=True)
    said = [(yield orders.next(timeout=30))]
    while not isinstance(said[-1], Reconciled):
        said.append((yield orders.next(timeout=30)))
    return said


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_read_at_once_when_the_venue_had_answered_is_read_at_once_again(
    at: Stage, path: Path, flavour: str
) -> None:
    live = recorded(flavour, reconciled, at, path)
    # All of it is over before the time at which an answer would be looked for by itself.
    quick = pressed(path, 0.04)
    for other in FLAVOURS:
        assert venues_own(replayed(other, reconciled, quick)) == venues_own(live)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_hour_in_which_nothing_came_is_no_break(
    at: Stage, path: Path, flavour: str
) -> None:
    recorded("blocking", two_books, at, path)
    told = venues_own(replayed(flavour, all_of_two_books, path))
    began = monotonic()
    slow = venues_own(replayed(flavour, all_of_two_books, stretched(path, 3_600.0)))
    assert monotonic() - began < 10
    assert slow == told
    assert not [x for x in slow if not isinstance(x, dict)]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_time_out_is_of_the_recording_s_time(
    at: Stage, path: Path, flavour: str
) -> None:
    def patiently(ex: Any) -> Any:
        names = [x.market_id for x in (yield ex.fetch_markets(limit=2))]
        books = ex.watch_order_book(names, policy="every")
        late, found, began = 0, 0, ex.venue.clock.monotonic()
        while found < 10:
            try:
                yield books.next(timeout=1_000)
                found += 1
            except RequestTimeout:
                late += 1
        return [late, ex.venue.clock.monotonic() - began]

    recorded("blocking", two_books, at, path)
    late, passed = replayed(flavour, patiently, stretched(path, 3_600.0))
    assert late >= 3
    assert 1_000 * late < passed


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_is_over_is_over_for_whoever_watches_then(
    at: Stage, path: Path, flavour: str
) -> None:
    def on_and_on(ex: Any) -> Any:
        names = [x.market_id for x in (yield ex.fetch_markets(limit=2))]
        books = ex.watch_order_book(names)
        yield drained(books)
        with pytest.raises(BadRequest, match="has ended"):
            yield books.next(timeout=1)
        with pytest.raises(NotRecorded, match="come to its end"):
            yield ex.watch_order_book(names).next(timeout=1)
        return [ex.stream_health().state]

    recorded("blocking", two_books, at, path)
    assert replayed(flavour, on_and_on, path) == ["stopped"]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_cassette_has_no_streams(at: Stage, tmp_path: Path, flavour: str) -> None:
    tape_path = tmp_path / "session.yaml"
    with (
        cassette(tape_path, "record") as tape,
        exchange(at.venue, clock=tape.clock, **at.account) as ex,
    ):
        ex.fetch_markets(limit=1)

    def watch(ex: Any) -> Any:
        [market] = yield ex.fetch_markets(limit=1)
        with pytest.raises(NotRecorded, match="cassette"):
            yield ex.watch_order_book(market.market_id).next(timeout=1)
        return []

    assert replayed(flavour, watch, tape_path) == []


# -- several who watch -------------------------------------------------------------------


def without_end_of_patience(ex: Any) -> Any:
    """The same, but that no thread is too slow to be waited for, however busy the machine."""
    ex.venue.taps.timeline.attendance._real = VirtualClock()
    return ex


def test_threads_that_watch_side_by_side_lose_nothing(at: Stage, path: Path) -> None:
    recorded("blocking", two_books, at, path)
    told = venues_own(replayed("blocking", all_of_two_books, path))
    found: dict[str, list[Any]] = {}
    with exchange("replay", path=path) as ex:
        names = [x.market_id for x in ex.fetch_markets(limit=2)]
        watches = [ex.watch_order_book(x, policy="latest") for x in names]
        without_end_of_patience(ex)

        def take(watch: Any, name: str, later: float) -> None:
            found[name] = []
            # Nobody goes on without whoever begins late to take what was opened for him.
            sleep(later)
            for book in watch:
                sleep(0.001)
                found[name].append(book)

        pairs = zip(watches, names, (0.0, 0.1), strict=True)
        threads = [Thread(target=take, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sum(watch.folded for watch in watches) == 0
    for name in names:
        assert venues_own(found[name]) == [x for x in told if x["market_id"] == name]


def test_a_thread_that_takes_what_waits_already_is_waited_for(
    at: Stage, path: Path
) -> None:
    recorded("blocking", two_books, at, path)
    told = venues_own(replayed("blocking", all_of_two_books, path))
    second: list[Any] = []
    has_taken = Event()
    with exchange("replay", path=path) as ex:
        one, two = [x.market_id for x in ex.fetch_markets(limit=2)]
        watches = [ex.watch_order_book(x, policy="latest") for x in (one, two)]
        without_end_of_patience(ex)
        # By then the first book of the other has come.
        first = [watches[0].next(), watches[0].next()]

        def take() -> None:
            second.append(watches[1].next(timeout=0))
            has_taken.set()
            sleep(0.1)
            second.extend(watches[1])

        thread = Thread(target=take)
        thread.start()
        assert has_taken.wait(30)
        first += watches[0]
        thread.join(30)
        assert sum(watch.folded for watch in watches) == 0
    for name, books in ((one, first), (two, second)):
        assert venues_own(books) == [x for x in told if x["market_id"] == name]


def test_a_thread_goes_on_without_what_nobody_takes(at: Stage, path: Path) -> None:
    recorded("blocking", two_books, at, path)
    told = venues_own(replayed("blocking", all_of_two_books, path))
    found: list[Any] = []
    with exchange("replay", path=path) as ex:
        one, two = [x.market_id for x in ex.fetch_markets(limit=2)]
        watches = [ex.watch_order_book(x, policy="latest") for x in (one, two)]
        thread = Thread(target=lambda: found.extend(watches[0]))
        thread.start()
        thread.join(30)
    assert venues_own(found) == [x for x in told if x["market_id"] == one]


def test_tasks_that_watch_side_by_side_lose_nothing(at: Stage, path: Path) -> None:
    recorded("async", two_books, at, path)
    told = venues_own(replayed("async", all_of_two_books, path))

    async def take(ex: Any, name: str) -> list[Any]:
        found = []
        async for book in ex.watch_order_book(name, policy="latest"):
            await asyncio.sleep(0.001)
            found.append(book)
        return found

    async def run() -> tuple[list[str], list[list[Any]]]:
        async with async_exchange("replay", path=path) as ex:
            names = [x.market_id for x in await ex.fetch_markets(limit=2)]
            return names, await asyncio.gather(*(take(ex, name) for name in names))

    names, found = asyncio.run(run())
    for name, books in zip(names, found, strict=True):
        assert venues_own(books) == [x for x in told if x["market_id"] == name]


def test_a_task_that_takes_what_waits_already_is_waited_for(
    at: Stage, path: Path
) -> None:
    recorded("async", two_books, at, path)
    told = venues_own(replayed("async", all_of_two_books, path))

    async def take(watch: Any) -> list[Any]:
        books = [await watch.next()]
        await asyncio.sleep(0.05)
        return books + [book async for book in watch]

    async def run() -> tuple[list[str], list[list[Any]], int]:
        async with async_exchange("replay", path=path) as ex:
            names = [x.market_id for x in await ex.fetch_markets(limit=2)]
            watches = [ex.watch_order_book(x, policy="latest") for x in names]
            without_end_of_patience(ex)
            first = [await watches[0].next(), await watches[0].next()]
            taking = asyncio.create_task(take(watches[1]))
            await asyncio.sleep(0)
            first += [book async for book in watches[0]]
            return names, [first, await taking], sum(x.folded for x in watches)

    names, found, folded = asyncio.run(run())
    assert folded == 0
    for name, books in zip(names, found, strict=True):
        assert venues_own(books) == [x for x in told if x["market_id"] == name]


async def turns(count: int) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("who", ["opener", "another"])
@pytest.mark.parametrize("late", [0, 1, 2, 3, 4, 5, 8, 13, 40])
def test_a_task_that_has_not_taken_yet_is_waited_for_however_the_loop_goes_round(
    at: Stage, path: Path, late: int, who: str
) -> None:
    recorded("async", two_books, at, path)
    told = venues_own(replayed("async", all_of_two_books, path))

    async def take(watch: Any, after: int) -> list[Any]:
        await turns(after)
        return [book async for book in watch]

    async def opened(ex: Any, name: str, after: int) -> tuple[list[Any], int]:
        watch = ex.watch_order_book(name, policy="latest")
        return await take(watch, after), watch.folded

    async def run(early: int) -> tuple[list[str], list[list[Any]], int]:
        async with async_exchange("replay", path=path) as ex:
            names = [x.market_id for x in await ex.fetch_markets(limit=2)]
            without_end_of_patience(ex)
            if who == "opener":
                found = await asyncio.gather(
                    opened(ex, names[0], early), opened(ex, names[1], late)
                )
                return names, [x for x, _ in found], sum(x for _, x in found)
            watches = [ex.watch_order_book(x, policy="latest") for x in names]
            other = asyncio.create_task(take(watches[1], late))
            books = [await take(watches[0], early), await other]
            return names, books, sum(x.folded for x in watches)

    for early in (0, 2, 7):
        names, found, folded = asyncio.run(run(early))
        assert folded == 0
        for name, books in zip(names, found, strict=True):
            assert venues_own(books) == [x for x in told if x["market_id"] == name]


@pytest.mark.parametrize("others", [0, 1])
def test_tasks_go_on_without_a_watch_that_nobody_takes_from(
    at: Stage, path: Path, others: int
) -> None:
    recorded("async", two_books, at, path)
    told = venues_own(replayed("async", all_of_two_books, path))

    async def run() -> tuple[str, list[Any]]:
        async with async_exchange("replay", path=path) as ex:
            names = [x.market_id for x in await ex.fetch_markets(limit=2)]
            watches = [ex.watch_order_book(x, policy="latest") for x in names]
            idle = [asyncio.create_task(asyncio.Event().wait()) for _ in range(others)]
            if not others:
                # Nobody else is there who could: so that is not even waited for.
                without_end_of_patience(ex)
            async with asyncio.timeout(30):
                books = [book async for book in watches[0]]
            for task in idle:
                task.cancel()
            return names[0], books

    name, found = asyncio.run(run())
    assert venues_own(found) == [x for x in told if x["market_id"] == name]


# -- orders that are waited for ----------------------------------------------------------


def waiting(ex: Any) -> Any:
    """Wait in vain for an order, and then until it was cancelled."""
    [market] = yield ex.fetch_markets(limit=1)
    terms = (market.market_id, market.outcomes[0].label, "buy", market.grid.lowest)
    order = yield ex.create_order(*terms, 10)
    began = ex.venue.clock.monotonic()
    with pytest.raises(OrderNotDone):
        yield ex.wait_done(order, timeout=2)
    # Clocks count nanoseconds; the difference of two floats may be less by a part of one.
    took = round(ex.venue.clock.monotonic() - began, 9)
    yield ex.cancel_order(order.order_id)
    ended = yield ex.wait_done(order, timeout=20)
    return [order.order_id, ended.status, ended.remaining, took]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_order_is_waited_for_in_the_recording_s_time(
    at: Stage, path: Path, flavour: str
) -> None:
    *live, took = recorded(flavour, waiting, at, path)
    assert took >= 2
    for other in FLAVOURS:
        needed = []
        # What a busy machine takes besides it does not take each time.
        while min(needed, default=2.0) >= 2 and len(needed) < 5:
            began = monotonic()
            *again, span = replayed(other, waiting, path)
            needed.append(monotonic() - began)
            # Live it took what a busy machine takes; here it is not much more than that.
            assert again == live
            assert 2 <= span < took + 2
        assert min(needed) < 2


def waiting_late(ex: Any) -> Any:
    """Wait for an order, after something that takes no time in a replay."""
    [market] = yield ex.fetch_markets(limit=1)
    terms = (market.market_id, market.outcomes[0].label, "buy", market.grid.lowest)
    order = yield ex.create_order(*terms, 10)
    sleep(0.6)
    with pytest.raises(OrderNotDone):
        yield ex.wait_done(order, timeout=1)
    seen = yield ex.fetch_order(order.order_id)
    ended = yield ex.cancel_order(order.order_id)
    return [seen.status, ended.status]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_who_waits_for_an_order_takes_no_read_that_the_program_asks_for_later(
    at: Stage, path: Path, flavour: str
) -> None:
    live = recorded(flavour, waiting_late, at, path)
    assert live == ["open", "canceled"]
    # The account is followed later than the program waits for it, which so looks itself.
    for other in FLAVOURS:
        assert replayed(other, waiting_late, path) == live


# -- what is missing in a recording ------------------------------------------------------


def with_one_withheld(path: Path) -> Path:
    """The same recording without one change of a book."""
    lines: list[bytes] = []
    changes = 0
    for line in read(path):
        kept: Any = line
        if isinstance(line, Frame) and line.direction == "in":
            changes += b"delta" in line.body.data or b"price_change" in line.body.data
            if changes == 3:
                changes += 1
                number = line.connection
                about = f"connection {number}, in"
                kept = Withheld(line.at, line.mono, "frame", about, ["x"], number)
        lines.append(encode(kept))
    other = path.with_name("withheld.jsonl")
    other.write_bytes(b"".join(lines))
    return other


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_message_that_was_withheld_is_a_gap_and_no_wrong_book(
    at: Stage, path: Path, flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorded("blocking", two_books, at, path)
    told = venues_own(replayed(flavour, all_of_two_books, path))
    less = venues_own(replayed(flavour, all_of_two_books, with_one_withheld(path)))
    gaps = [x for x in less if isinstance(x, tuple) and x[0] is Gap]
    assert gaps
    assert "is not known at this moment of the recording" in caplog.text
    books = [(x["bids"], x["asks"]) for x in told]
    after = less[less.index(gaps[0]) :]
    assert all((x["bids"], x["asks"]) in books for x in after if isinstance(x, dict))
    assert len([x for x in less if isinstance(x, dict)]) < len(told)


def without_reads_of_the_account(path: Path) -> Path:
    """The same recording, in which no request came after the stream was opened."""
    lines, is_open = [], False
    for line in read(path):
        is_open |= isinstance(line, Opened)
        if not isinstance(line, Torn) and not (is_open and isinstance(line, Rest)):
            lines.append(encode(line))
    other = path.with_name("unread.jsonl")
    other.write_bytes(b"".join(lines))
    return other


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_stream_is_live_once_the_reads_it_has_not_are_passed_over(
    at: Stage, path: Path, flavour: str
) -> None:
    def account(ex: Any) -> Any:
        [market] = yield ex.fetch_markets(limit=1)
        # What happens before the account is told of is in a read alone, and left out then.
        yield from reconciled(ex)
        orders = ex.watch_orders(policy="every")
        books = ex.watch_order_book(market.market_id, policy="every")
        yield books.next(timeout=30)
        terms = (market.market_id, market.outcomes[0].label, "buy")
        order = yield ex.create_order(*terms, market.grid.lowest, 10)
        yield orders.next(timeout=30)
        yield ex.cancel_order(order.order_id)
        yield orders.next(timeout=30)
        return []

    def followed(ex: Any) -> Any:
        [market] = yield ex.fetch_markets(limit=1)
        orders = ex.watch_orders(policy="every")
        books = ex.watch_order_book(market.market_id, policy="every")
        yield books.next(timeout=30)
        yield orders.next(timeout=30)
        yield orders.next(timeout=300)
        health = ex.stream_health()
        return [health.state, health.reconciliations]

    recorded(flavour, account, at, path)
    slow = stretched(without_reads_of_the_account(path), 20.0)
    told = replayed(flavour, followed, slow)
    assert told == ["live", 0]


# -- reads beside a stream ---------------------------------------------------------------


def reading_once(ex: Any) -> Any:
    """Follow a book, and read it once some time after it was told."""
    [market] = yield ex.fetch_markets(limit=1)
    name = market.market_id
    books = ex.watch_order_book(name, policy="every")
    yield books.next(timeout=30)
    terms = (name, market.outcomes[0].label, "buy", market.grid.lowest)
    order = yield ex.create_order(*terms, 10)
    yield books.next(timeout=30)
    book = yield ex.fetch_order_book(name)
    yield ex.cancel_order(order.order_id)
    yield books.next(timeout=30)
    return [book.bids, book.asks]


def later_orders(path: Path, seconds: float) -> Path:
    """The same recording with a pause before the first order."""
    lines, later = [], 0
    for line in read(path):
        if isinstance(line, Rest) and line.method == "POST" and not later:
            later = int(seconds * SECOND)
        if not isinstance(line, Torn):
            more = {"began": line.began + later} if isinstance(line, Rest) else {}
            moved = replace(line, at=line.at + later, mono=line.mono + later, **more)
            lines.append(encode(moved))
    other = path.with_name("later.jsonl")
    other.write_bytes(b"".join(lines))
    return other


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_the_program_reads_is_there_though_a_stream_has_read_it_before(
    at: Stage, path: Path, flavour: str
) -> None:
    at.account["stream"] = StreamPolicy(audit=None)
    book = recorded(flavour, reading_once, at, path)
    # The stream compares its book when it was not compared live, and is answered by the
    # read of the program, which asks for it afterwards.
    often = StreamPolicy(audit=0.5)
    later = later_orders(path, 3.0)
    assert replayed(flavour, reading_once, later, stream=often) == book


def three_watches(ex: Any) -> Generator[Any, Any, list[Any]]:
    """Loop over one watch after another; of the last nothing was told."""
    [market] = yield ex.fetch_markets(limit=1)
    books = ex.watch_order_book(market.market_id, policy="every")
    statuses = ex.watch_market_status(market.market_id)
    closed_before = ex.watch_market_status(market.market_id)
    yield books.next(timeout=30)
    yield closed(ex, closed_before)
    if not ex.venue.taps.is_replay:
        yield closed(ex, books, statuses)
        return []
    told: list[Any] = [(yield drained(books)), (yield drained(statuses))]
    for again in (books, statuses, closed_before):
        try:
            yield drained(again)
        except BadRequest as error:
            told.append("come to its end" in str(error))
    return told


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_loop_over_what_was_told_nothing_ends_with_the_recording_once(
    flavour: str, venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    with stage(venue) as at:
        recorded(flavour, three_watches, at, path)
    assert replayed(flavour, three_watches, path) == [[], [], True, True, True]


def is_open(path: Path) -> bool:
    return str(path) in [x.path for x in psutil.Process().open_files()]


@pytest.mark.parametrize("is_early", [True, False])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_whoever_has_closed_a_replay_holds_its_file_no_more(
    path: Path, flavour: str, is_early: bool
) -> None:
    with stage("kalshi") as at:
        recorded(flavour, two_books, at, path)
    held: list[Any] = []

    def leaving(ex: Any) -> Any:
        markets = yield ex.fetch_markets(limit=2)
        books = ex.watch_order_book([x.market_id for x in markets], policy="every")
        yield books.next(timeout=30)
        # The file is read on and on, and whoever still has the exchange reads no more.
        held.extend((ex, books))
        assert is_open(path)
        if not is_early:
            yield drained(books)
            assert not is_open(path)
        return []

    replayed(flavour, leaving, path)
    assert not is_open(path)
