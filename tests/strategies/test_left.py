"""Runs over recordings whose client left markets, or ran again, while it was recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import Gap, Order, OrderBook, async_exchange, exchange
from unified_exchanges.backtesting import backtest, recorded
from unified_exchanges.models import Subject
from unified_exchanges.recording import Recorder
from unified_exchanges.recording.decoder import LEFT
from unified_exchanges.strategies import (
    Desk,
    RunReport,
    Strategy,
    async_contract_of,
    async_run,
    contract_of,
    run,
)

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from ..replaying import streaming

_LEAVING = {"kalshi": b'"delete_markets"', "polymarket": b'"unsubscribe"'}
_MOST = 500
"""Orders after which a market should have been left long ago."""


# -- markets that are left -------------------------------------------------------------


@attrs.define
class Leaving:
    """Follow two markets, leave the first, and maybe follow it again, while both move."""

    path: Path
    comes_back: bool
    names: list[str] = attrs.field(factory=list)
    contracts: list[Any] = attrs.field(factory=list)
    kept: list[Any] = attrs.field(factory=list)
    """Watches: one that nobody has any more is left."""

    def __call__(self, ex: Any) -> Generator[Any, Any, list[Any]]:
        is_async = hasattr(ex, "aclose")
        found = yield ex.fetch_markets()
        markets = [m for m in found if m.bid and m.ask and m.bid > m.grid.lowest][:2]
        self.names = [market.market_id for market in markets]
        for name in self.names:
            read = async_contract_of if is_async else contract_of
            self.contracts.append((yield read(ex, name)))
        one, other = [ex.watch_order_book(name) for name in self.names]
        self.kept.append(other)
        for books in (one, other):
            yield books.next(timeout=10)
        yield one.aclose() if is_async else one.close()
        leaving = _LEAVING[ex.id]
        for size in range(10, _MOST):
            yield from self._move(ex, markets[1], other, size)
            if leaving in self.path.read_bytes():
                break
        for size in (20, 30):
            yield from self._move(ex, markets[1], other, size)
        if self.comes_back:
            again = ex.watch_order_book(self.names[0])
            self.kept.append(again)
            yield again.next(timeout=10)
            for size in (40, 50):
                yield from self._move(ex, markets[0], again, size)
        return []

    def _move(self, ex: Any, market: Any, books: Any, size: int) -> Any:
        terms = market.market_id, market.outcomes[0].label, "buy", market.grid.lowest
        order = yield ex.create_order(*terms, size)
        yield books.next(timeout=10)
        yield ex.cancel_order(order.order_id)


def left(venue: str, flavour: str, path: Path, *, comes_back: bool = False) -> Leaving:
    script = Leaving(path, comes_back)
    with stage(venue) as at:
        streaming.recorded(flavour, script, at, path)
    return script


def on_replay(flavour: str, strategy: Strategy, kind: str, **how: Any) -> RunReport:
    if flavour == "blocking":
        with exchange(kind, **how) as ex:
            return run(strategy, ex)

    async def go() -> RunReport:
        async with async_exchange(kind, **how) as ex:
            return await async_run(strategy, ex)

    return asyncio.run(go())


class Late(Strategy):
    """Buys what one market offered before it was left, when the other moves after that."""

    def __init__(self, names: list[str]) -> None:
        self.markets = names
        self.gaps: list[tuple[tuple[str, ...], Subject | None, str]] = []
        self.ask: Any = None

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        self.gaps.append((gap.market_ids, gap.subject, gap.reason))

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        one, other = self.markets
        if book.market_id == one and not self.gaps:
            self.ask = book.ask.price if book.ask else None
        if book.market_id == other and self.gaps and not desk.decisions:
            outcome = desk.market(one).outcomes[0].label
            desk.place(one, outcome, "buy", self.ask, 10)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_nothing_fills_on_paper_in_a_market_that_was_left(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "left.jsonl"
    script = left(venue, flavour, path)
    strategies = [Late(script.names) for _ in range(3)]
    reports: list[Any] = [
        on_replay(x, strategy, "paper", source="replay", path=path)
        for x, strategy in zip(FLAVOURS, strategies, strict=False)
    ]
    tested = backtest(strategies[-1], path, contracts=script.contracts)
    for strategy, report in zip(strategies, [*reports, tested], strict=True):
        assert strategy.gaps == [(tuple(script.names[:1]), Subject.ORDER_BOOK, LEFT)]
        assert len(report.decisions) == 1
    assert tested.fills == ()
    assert [report.fills for report in reports] == [(), ()]


def told(ex: Any, names: list[str]) -> Generator[Any, Any, list[Any]]:
    yield ex.fetch_markets()
    books = ex.watch_order_book(names, policy="every", events=True)
    return (yield streaming.drained(books))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_market_that_is_followed_again_ends_its_gap(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "back.jsonl"
    script = left(venue, flavour, path, comes_back=True)
    one = script.names[0]
    heard = [x for _, x in recorded(path)]
    for other in FLAVOURS:
        seen = streaming.replayed(other, lambda ex: told(ex, script.names), path)
        for events in (seen, heard):
            mine = [
                x
                for x in events
                if isinstance(x, Gap) or (x.market_id == one and x.venue == venue)
            ]
            is_gap = [isinstance(x, Gap) for x in mine]
            # The book as it was, and later as it is, with its changes.
            assert is_gap[:2] == [False, True]
            assert is_gap.count(True) == 1
            assert len(mine) > 4
            assert mine[1].market_ids == (one,)


# -- a run after another ---------------------------------------------------------------


class Once(Strategy):
    """Places one order at the first book, also of the next run, and ends live with it."""

    def __init__(self, name: str, *, ends: bool) -> None:
        self.markets = [name]
        self.ends = ends
        self.is_placed = False
        self.told: list[str] = []

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        self.is_placed = False

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not self.is_placed:
            self.is_placed = True
            market = desk.market(book.market_id)
            outcome, price = market.outcomes[0].label, market.grid.lowest
            desk.place(book.market_id, outcome, "buy", price, 10)

    def on_order(self, desk: Desk, order: Order) -> None:
        if order.status.value == "open":
            self.told.append(order.order_id)
            if self.ends:
                desk.stop()


_GOODBYES = {"kalshi": 3, "polymarket": 1}
"""Messages by which a run leaves: on Kalshi one for its orders, its fills and its books."""


def all_left(at: Stage, path: Path, runs: int) -> bool:
    """Whether so many runs have left what they followed, by their recording.

    The stream does that in its own time: whoever follows the same before then goes on with
    what is followed, without a gap.
    """
    return path.read_bytes().count(b'"unsubscribe"') >= runs * _GOODBYES[at.venue]


def twice(
    flavour: str, at: Stage, path: Path, *, stays: bool = False
) -> tuple[str, list[str]]:
    """Three runs, each after the stream has left what the one before it followed.

    If somebody ``stays``, who watches the book all the time, it does not leave that.
    """
    with exchange(at.venue, **at.account) as ex:
        name = next(
            m.market_id
            for m in ex.fetch_markets()
            if m.bid and m.ask and m.bid > m.grid.lowest
        )
    runs = [Once(name, ends=True) for _ in range(3)]
    if flavour == "blocking":
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            watch = ex.watch_order_book(name) if stays else None
            for number, strategy in enumerate(runs, 1):
                run(strategy, ex, seconds=20)
                while not (stays or all_left(at, path, number)):
                    time.sleep(0.01)
            del watch
    else:

        async def go() -> None:
            made = async_exchange(at.venue, **at.account)
            async with made as ex, Recorder(ex, path):
                watch = ex.watch_order_book(name) if stays else None
                for number, strategy in enumerate(runs, 1):
                    await async_run(strategy, ex, seconds=20)
                    while not (stays or all_left(at, path, number)):  # noqa: ASYNC110 - untold
                        await asyncio.sleep(0.01)
                del watch

        asyncio.run(go())
    return name, [order_id for strategy in runs for order_id in strategy.told]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_runs_after_one_another_are_one_over_their_recording(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "runs.jsonl"
    with stage(venue) as at:
        name, orders = twice(flavour, at, path)
    assert len(orders) == 3
    for other in FLAVOURS:
        strategy = Once(name, ends=False)
        report = on_replay(other, strategy, "replay", path=path)
        assert strategy.told == orders
        assert len(report.decisions) == 3
        assert report.failures == ()


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_book_that_is_watched_from_run_to_run_has_no_gap(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "runs.jsonl"
    with stage(venue) as at:
        name, orders = twice(flavour, at, path, stays=True)
    assert len(orders) == 3
    for other in FLAVOURS:
        strategy = Once(name, ends=False)
        report = on_replay(other, strategy, "replay", path=path)
        assert len(report.decisions) == 1
