"""Which of several exchanges has a market of a strategy: live, on paper, over a recording."""

from __future__ import annotations

import asyncio
import runpy
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    BadRequest,
    Fill,
    Order,
    OrderBook,
    async_exchange,
    backtest,
    exchange,
)
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import (
    Desk,
    Strategy,
    async_run,
    contract_of,
    run,
)

from ..flavours import FLAVOURS
from ..guards import ROOT
from ..recording.sessions import Stage, stage


class Buyer(Strategy):
    """Buys once in each of its markets."""

    def __init__(self, *markets: str) -> None:
        self.markets = markets
        self.bought: dict[str, str] = {}
        self.filled: set[str] = set()
        self.held: set[str] = set()

    def on_start(self, desk: Desk) -> None:
        self.held = {x.market_id for x in desk.positions()}

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if book.market_id not in self.bought and book.ask:
            terms = (book.market_id, book.outcome, "buy", book.ask.price, 10)
            self.bought[book.market_id] = desk.place(*terms, time_in_force="ioc")

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.filled.add(fill.market_id)
        if len(self.filled) == len(self.markets):
            desk.stop()


def perform(flavour: str, buyer: Buyer, *given: dict[str, Any]) -> list[set[str]]:
    """Run it on exchanges, each made of what is given; in which markets each has orders."""
    if flavour == "blocking":
        with ExitStack() as stack:
            made = [stack.enter_context(exchange(**how)) for how in given]
            run(buyer, *made, seconds=20)
            return [ordered(buyer, x.fetch_orders(limit=20)) for x in made]

    async def go() -> list[set[str]]:
        async with AsyncExitStack() as stack:
            made = [
                await stack.enter_async_context(async_exchange(**how)) for how in given
            ]
            await async_run(buyer, *made, seconds=20)
            return [ordered(buyer, await x.fetch_orders(limit=20)) for x in made]

    return asyncio.run(go())


def ordered(buyer: Buyer, orders: list[Order]) -> set[str]:
    mine = buyer.bought.values()
    return {x.market_id for x in orders if x.client_order_id in mine}


@pytest.fixture(scope="module")
def kalshi() -> Iterator[Stage]:
    with stage("kalshi") as opened:
        yield opened


@pytest.fixture(scope="module")
def polymarket() -> Iterator[Stage]:
    with stage("polymarket") as opened:
        yield opened


def live(at: Stage) -> dict[str, Any]:
    return {"id": at.venue, **at.account}


def paper(at: Stage) -> dict[str, Any]:
    return {"id": "paper", "source": at.venue, **at.account}


def names(at: Stage, count: int = 1) -> list[str]:
    with exchange(at.venue, **at.account) as ex:
        quoted = (m.market_id for m in ex.fetch_markets() if m.bid and m.ask)
        return [next(quoted) for _ in range(count)]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_two_papers_are_told_apart_by_the_venues_that_they_are_over(
    flavour: str, kalshi: Stage, polymarket: Stage
) -> None:
    [one], [two] = names(kalshi), names(polymarket)
    buyer = Buyer(f"kalshi:{one}", f"polymarket:{two}")
    both = perform(flavour, buyer, paper(kalshi), paper(polymarket))
    assert both == [{one}, {two}]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("word", ["kalshi", "paper"])
def test_one_paper_takes_the_name_of_its_venue_and_its_own(
    word: str, flavour: str, kalshi: Stage
) -> None:
    [one] = names(kalshi)
    assert perform(flavour, Buyer(f"{word}:{one}"), paper(kalshi)) == [{one}]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_name_that_may_mean_two_is_refused_before_anything_runs(
    flavour: str, kalshi: Stage, polymarket: Stage
) -> None:
    [one] = names(kalshi)
    both = paper(kalshi), paper(polymarket)
    with pytest.raises(BadRequest, match=f"say which, as in 'kalshi:{one}'"):
        perform(flavour, Buyer(f"paper:{one}"), *both)
    with pytest.raises(BadRequest, match=f"say which, as in 'kalshi:{one}'"):
        perform(flavour, Buyer(one), *both)
    for pair in ((paper(kalshi),) * 2, (live(kalshi),) * 2):
        for name in (f"{pair[0]['id']}:{one}", f"kalshi:{one}", one):
            buyer = Buyer(name)
            with pytest.raises(BadRequest, match="no name tells them apart"):
                perform(flavour, buyer, *pair)
            assert buyer.bought == {}


def test_two_that_no_name_tells_apart_matter_only_where_they_are_meant(
    kalshi: Stage, polymarket: Stage
) -> None:
    [two] = names(polymarket)
    given = paper(kalshi), paper(kalshi), paper(polymarket)
    found = perform("blocking", Buyer(f"polymarket:{two}"), *given)
    assert found == [set(), set(), {two}]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_its_own_id_means_an_exchange_before_the_venue_of_a_paper(
    flavour: str, kalshi: Stage
) -> None:
    one, two = names(kalshi, 2)
    buyer = Buyer(f"kalshi:{one}", f"paper:{two}")
    # Whichever comes first.
    assert perform(flavour, buyer, paper(kalshi), live(kalshi)) == [{two}, {one}]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_one_market_is_not_run_on_two_exchanges(flavour: str, kalshi: Stage) -> None:
    [one] = names(kalshi)
    buyer = Buyer(f"kalshi:{one}", f"paper:{one}")
    with pytest.raises(BadRequest, match="is named on two exchanges"):
        perform(flavour, buyer, live(kalshi), paper(kalshi))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_another_exchange_holds_of_a_market_is_not_of_the_run(
    flavour: str, kalshi: Stage
) -> None:
    [one] = names(kalshi)
    with exchange(**live(kalshi)) as ex:
        market = ex.fetch_market(one)
        terms = (one, market.outcomes[0].label, "buy", market.ask, 10)
        ex.create_order(*terms, time_in_force="ioc")
        assert any(x.size for x in ex.fetch_positions(market_id=one))
    buyer = Buyer(f"paper:{one}")
    perform(flavour, buyer, live(kalshi), paper(kalshi))
    assert buyer.held == set()


def test_the_complement_watcher_takes_one_list_on_two_papers_and_in_a_backtest(
    kalshi: Stage, polymarket: Stage, tmp_path: Path
) -> None:
    path = ROOT / "examples" / "complement_watcher.py"
    kind: Any = runpy.run_path(str(path), run_name=path.stem)["ComplementWatcher"]
    [one], [two] = names(kalshi), names(polymarket)

    class Watcher(kind):  # type: ignore[misc]
        markets = (f"kalshi:{one}", f"polymarket:{two}")

        def on_book(self, desk: Desk, book: OrderBook) -> None:
            super().on_book(desk, book)
            if self.gains:
                desk.stop()

    data = [tmp_path / "kalshi.jsonl", tmp_path / "polymarket.jsonl"]
    with (
        exchange(**live(kalshi)) as here,
        exchange(**live(polymarket)) as there,
        Recorder(here, data[0]),
        Recorder(there, data[1]),
    ):
        contracts = [contract_of(here, one), contract_of(there, two)]
        watches = [here.watch_order_book(one), there.watch_order_book(two)]
        for watch in watches:
            watch.next(timeout=10)
        # A recording that has ended knows its books no more: the other one is told of while
        # the first goes on, whichever told its first book later.
        for ex, contract, watch in reversed(
            [*zip((here, there), contracts, watches, strict=True)]
        ):
            market = contract.market
            terms = market.market_id, contract.first, "buy", market.grid.lowest
            order = ex.create_order(*terms, 10)
            watch.next(timeout=10)
            ex.cancel_order(order.order_id)
    watcher = Watcher()
    with exchange(**paper(kalshi)) as here, exchange(**paper(polymarket)) as there:
        run(watcher, here, there, seconds=20)
    assert watcher.gains
    tested = Watcher()
    backtest(tested, data, contracts=contracts)
    assert tested.gains
