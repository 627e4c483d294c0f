"""A run on two papers, which both call their first order ``paper-1``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges import Desk, Fill, Order, Strategy, async_exchange, exchange
from unified_exchanges.strategies import RunReport, async_run, run

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage

Told = list[tuple[str, Decimal]]


class Taking(Strategy):
    """Takes each size at the ask, of each venue its own; ``told`` is by venue."""

    def __init__(self, sizes: dict[str, list[int]], names: dict[str, str]) -> None:
        self.markets = [f"{venue}:{name}" for venue, name in names.items()]
        self.sizes, self.names = sizes, names
        self.fills: Told = []
        self.orders: Told = []

    def on_start(self, desk: Desk) -> None:
        desk.timer("take", timedelta(milliseconds=500))

    def on_timer(self, desk: Desk, name: str) -> None:
        for pair in zip(*self.sizes.values(), strict=True):
            for venue, size in zip(self.sizes, pair, strict=True):
                book = desk.book(self.names[venue])
                assert book is not None
                assert book.ask is not None
                desk.place(
                    book.market_id,
                    book.outcome,
                    "buy",
                    book.ask.price,
                    size,
                    time_in_force="ioc",
                )

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.fills.append((fill.venue, fill.size))

    def on_order(self, desk: Desk, order: Order) -> None:
        if not order.is_open:
            self.orders.append((order.venue, order.filled))
        if len(self.orders) == sum(len(x) for x in self.sizes.values()):
            desk.stop()


SIZES = {"kalshi": [10, 20, 30], "polymarket": [40, 50, 60]}
ALL = sorted((venue, Decimal(x)) for venue, sizes in SIZES.items() for x in sizes)


def cash_of(balances: Iterable[Any]) -> Decimal:
    return sum((x.available for x in balances), Decimal(0))


def taken(
    flavour: str, ways: dict[str, dict[str, Any]], names: dict[str, str]
) -> tuple[Taking, RunReport, Decimal]:
    strategy = Taking(SIZES, names)
    if flavour == "blocking":
        with ExitStack() as held:
            papers = [
                held.enter_context(exchange("paper", source=venue, cash=500, **way))
                for venue, way in ways.items()
            ]
            report = run(strategy, *papers, seconds=30)
            return strategy, report, cash_of(x.fetch_balance() for x in papers)

    async def go() -> tuple[RunReport, Decimal]:
        papers = [
            async_exchange("paper", source=venue, cash=500, **way)
            for venue, way in ways.items()
        ]
        async with papers[0], papers[1]:
            report = await async_run(strategy, *papers, seconds=30)
            return report, cash_of([await x.fetch_balance() for x in papers])

    return strategy, *asyncio.run(go())


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_fills_on_one_of_two_papers_is_told_of_its_own_order(flavour: str) -> None:
    with ExitStack() as held:
        ways, names = {}, {}
        for venue in VENUES:
            at = held.enter_context(stage(venue))
            ways[venue] = at.account
            with exchange(venue, **at.account) as ex:
                found = ex.fetch_markets()
                # Deep enough for all of them.
                names[venue] = next(
                    x.market_id
                    for x in found
                    if x.bid
                    and x.ask
                    and ex.fetch_order_book(x.market_id).asks[0].size >= 150
                )
        strategy, report, cash = taken(flavour, ways, names)
    assert sorted(strategy.fills) == sorted(strategy.orders) == ALL
    assert report.cash == cash
    assert {x.market_id: x.size for x in report.positions} == {
        names[venue]: sum(sizes) for venue, sizes in SIZES.items()
    }
    assert report.notes == ()
