"""A replay follows markets that the program has not listed before, by what was recorded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import NotRecorded, async_exchange, exchange
from unified_exchanges.models import OrderBook, Ticker, Trade
from unified_exchanges.recording import Recorder
from unified_exchanges.simulator.faults import unavailable

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .streaming import drained, recorded, replayed, venues_own

KINDS = {"order_book": OrderBook, "ticker": Ticker, "trades": Trade}
UNLISTED = unavailable(path="/gamma/", count=None)
"""A market whose book is late is looked for over REST, which would list it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param) as made:
        yield made


def followed(ex: Any, markets: Any) -> Any:
    """Follow all of two markets, and trade in both."""
    names = [x.market_id for x in markets]
    books = ex.watch_order_book(names, policy="every")
    tickers = ex.watch_ticker(names, policy="every")
    trades = ex.watch_trades(names, policy="every")
    for watch in (books, tickers):
        for _ in names:
            yield watch.next(timeout=30)
    for market in markets:
        book = yield ex.fetch_order_book(market.market_id)
        terms = (market.market_id, market.outcomes[0].label, "buy")
        yield ex.create_order(*terms, book.asks[0].price, 20, time_in_force="ioc")
        yield trades.next(timeout=30)
    return names


def by_markets(ex: Any) -> Any:
    """Follow two of three markets that were listed as such."""
    markets = yield ex.fetch_markets(limit=3)
    return (yield from followed(ex, markets[:2]))


def by_event(ex: Any) -> Any:
    """Follow two markets that were listed with their events."""
    events = yield ex.fetch_events(limit=3, with_markets=True)
    markets = [market for event in events for market in event.markets]
    return (yield from followed(ex, markets[:2]))


def told(kind: str, market_ids: object, *, lists: bool) -> Any:
    """All that is told of markets, with a look at the listing before or without."""

    def script(ex: Any) -> Any:
        if lists:
            yield ex.fetch_markets(limit=3)
        watch = getattr(ex, f"watch_{kind}")(market_ids, policy="every")
        return (yield drained(watch))

    return script


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_followed_is_told_to_a_program_that_has_not_listed_it(
    at: Stage, path: Path, flavour: str, kind: str
) -> None:
    one, two = recorded(flavour, by_markets, at, path)
    for asked in ([one, two], [two, one], one, two, one.upper()):
        listed = replayed(flavour, told(kind, asked, lists=True), path)
        alone = replayed(flavour, told(kind, asked, lists=False), path)
        assert {type(x) for x in alone} == {KINDS[kind]}
        assert venues_own(alone) == venues_own(listed)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_two_watches_of_markets_that_were_not_listed_are_told_side_by_side(
    at: Stage, path: Path, flavour: str
) -> None:
    one, two = recorded(flavour, by_markets, at, path)

    def both(ex: Any) -> Any:
        names = (one, two, one)
        watches = [ex.watch_order_book(name, policy="every") for name in names]
        found = []
        for watch in watches:
            book = yield watch.next(timeout=30)
            found.append(book.market_id)
        return found

    assert replayed(flavour, both, path) == [one, two, one]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_market_that_was_listed_with_its_event_is_known_as_well(
    at: Stage, path: Path, flavour: str
) -> None:
    names = recorded(flavour, by_event, at, path)
    books = replayed(flavour, told("order_book", names, lists=False), path)
    assert {book.market_id for book in books} == set(names)


def test_a_recording_that_lists_no_market_says_that_its_tokens_are_not_known(
    path: Path,
) -> None:
    with stage("polymarket") as at, exchange(at.venue, **at.account) as ex:
        [market] = ex.fetch_markets(limit=1)
        at.server.faults.add(UNLISTED)
        with Recorder(ex, path):
            ex.watch_order_book(market.market_id).next(timeout=30)
    name = market.market_id
    with (
        exchange("replay", path=path) as ex,
        pytest.raises(NotRecorded, match="no answer in it lists") as raised,
    ):
        ex.watch_order_book(name)
    assert f"order_book of {name}" in str(raised.value)
    assert "begin the Recorder before" in str(raised.value)


async def test_the_same_is_said_in_an_event_loop(path: Path) -> None:
    with stage("polymarket") as at:
        async with async_exchange(at.venue, **at.account) as ex:
            [market] = await ex.fetch_markets(limit=1)
            at.server.faults.add(UNLISTED)
            async with Recorder(ex, path):
                await ex.watch_order_book(market.market_id).next(timeout=30)
    async with async_exchange("replay", path=path) as ex:
        with pytest.raises(NotRecorded, match="no answer in it lists"):
            await ex.watch_order_book(market.market_id).next(timeout=30)


def test_threads_that_watch_markets_for_the_first_time_at_once_know_them_all(
    path: Path,
) -> None:
    with stage("polymarket") as at:
        names = recorded("blocking", by_markets, at, path)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(10):
            with (
                exchange("replay", path=path) as ex,
                ThreadPoolExecutor(4) as threads,
            ):
                list(threads.map(ex.watch_order_book, names * 2))
    finally:
        sys.setswitchinterval(before)
