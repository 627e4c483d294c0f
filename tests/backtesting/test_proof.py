"""The same strategy, live on a simulated venue while it is recorded, and then backtested."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import Fill, Order, OrderBook, Trade, async_exchange, exchange
from unified_exchanges.backtesting import backtest
from unified_exchanges.paper import Contract
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import (
    Command,
    Desk,
    Place,
    Strategy,
    async_contract_of,
    async_run,
    contract_of,
    run,
    waiting,
)

from ..recording.sessions import VENUES, Stage, stage

Facts = dict[str, list[tuple[Any, ...]]]


class Rounds(Strategy):
    """In each market: takes two levels, sells half of it back, rests a bid, cancels it."""

    def __init__(self, markets: list[str]) -> None:
        self.markets = markets
        self.begun: set[str] = set()
        self.sold: set[str] = set()
        self.over: set[str] = set()
        self.resting: dict[str, str] = {}

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if book.market_id in self.begun:
            return
        self.begun.add(book.market_id)
        market, deepest = desk.market(book.market_id), book.asks[1].price
        lot = market.immediate_lot(deepest)
        wanted = book.asks[0].size + book.asks[1].size / 2
        first = market.outcomes[0].label
        size = wanted // lot * lot
        desk.place(book.market_id, first, "buy", deepest, size, time_in_force="ioc")

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        [bought] = [
            x
            for x in desk.decisions
            if isinstance(x, Place)
            and x.market_id == fill.market_id
            and x.side == "buy"
        ][:1]
        name, outcome = fill.market_id, fill.outcome
        held = desk.held(name, outcome)
        if name in self.sold or held < bought.size:
            return
        self.sold.add(name)
        book = desk.book(name)
        assert book is not None
        assert book.bid is not None
        half = (held / 2) // 1
        desk.place(name, outcome, "sell", book.bid.price, half, time_in_force="ioc")
        lowest = desk.market(name).grid.lowest
        key = desk.place(name, outcome, "buy", lowest, 10, post_only=True)
        self.resting[key] = name

    def on_order(self, desk: Desk, order: Order) -> None:
        name = self.resting.get(order.client_order_id or "")
        if name is None:
            return
        if order.is_open:
            desk.cancel(order.client_order_id or "")
            return
        self.over.add(name)


class Stopping(Rounds):
    """Live nobody says when the data end: a beat after all is done."""

    def on_order(self, desk: Desk, order: Order) -> None:
        super().on_order(desk, order)
        if len(self.over) == len(self.markets):
            desk.timer("enough", timedelta(seconds=1))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()


def live(flavour: str, at: Stage, path: Path) -> tuple[Any, list[Contract], list[str]]:
    if flavour == "blocking":
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            names = _deep(ex.fetch_markets(), ex.fetch_order_book)
            contracts = [contract_of(ex, name) for name in names]
            return run(Stopping(names), ex, seconds=60), contracts, names
    return asyncio.run(_live(at, path))


async def _live(at: Stage, path: Path) -> tuple[Any, list[Contract], list[str]]:
    async with async_exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        markets = await ex.fetch_markets()
        books = {
            m.market_id: await ex.fetch_order_book(m.market_id) for m in markets[:30]
        }
        names = _deep(markets[:30], books.__getitem__)
        contracts = [await async_contract_of(ex, name) for name in names]
        return await async_run(Stopping(names), ex, seconds=60), contracts, names


def _deep(markets: Any, book_of: Any) -> list[str]:
    """Three markets that have something to take on both sides."""
    found: list[str] = []
    for market in markets:
        if market.bid and market.ask and market.bid > market.grid.lowest:
            book = book_of(market.market_id)
            if len(book.asks) > 2 and book.bids and book.bids[0].size > 200:
                found.append(market.market_id)
        if len(found) == 3:
            break
    return found


def decided(decisions: tuple[Command, ...]) -> Facts:
    """What was decided in each market, without when and under which key."""
    place_of = {x.key: x for x in decisions if isinstance(x, Place)}
    facts: Facts = defaultdict(list)
    for x in decisions:
        place = place_of[x.key]
        what = (type(x).__name__, place.outcome, place.side, place.price, place.size)
        facts[place.market_id].append((*what, place.time_in_force, place.post_only))
    return facts


def filled(fills: tuple[Fill, ...]) -> Facts:
    facts: Facts = defaultdict(list)
    for x in fills:
        facts[x.market_id].append(
            (x.outcome, x.side, x.price, x.size, x.fee, x.liquidity)
        )
    return facts


@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("venue", VENUES)
def test_live_and_backtest_decide_and_fill_the_same_to_the_last_digit(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    with stage(venue) as at:
        real, contracts, names = live(flavour, at, path)
    assert len(names) == 3
    cash = real.cash - sum(fill.proceeds - fill.fee for fill in real.fills)
    tested = backtest(Rounds(names), path, contracts=contracts, cash=cash)
    assert decided(tested.decisions) == decided(real.decisions)
    assert [len(x) for x in decided(real.decisions).values()] == [4, 4, 4]
    assert min(len(x) for x in filled(real.fills).values()) >= 3
    assert filled(tested.fills) == filled(real.fills)
    assert tested.cash == real.cash
    assert tested.failures == real.failures == ()


class Attentive(Strategy):
    """Takes from a book, and bids by whether a trade or a book tells it first of that."""

    subjects = ("order_book", "trades")

    def __init__(self, markets: list[str]) -> None:
        self.markets = markets
        self.told: list[tuple[Any, ...]] = []
        self.traded = False
        self.taken = 0

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        self.traded = True
        self.told.append((trade.price, trade.size))

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.told.append((book.bids, book.asks))
        outcome = book.outcome
        if self.taken % 2:
            lowest = desk.market(book.market_id).grid.lowest
            desk.place(
                book.market_id, outcome, "buy", lowest, 70 if self.traded else 30
            )
            self.taken += 1
        elif self.taken < 12:
            self.taken += 1
            self.traded = False
            deepest = book.asks[0]
            size = min(deepest.size, Decimal(20))
            desk.place(
                book.market_id, outcome, "buy", deepest.price, size, time_in_force="ioc"
            )


@pytest.mark.parametrize("flavour", ["blocking", "async"])
@pytest.mark.parametrize("venue", VENUES)
def test_live_and_backtest_tell_trades_and_books_in_the_order_in_which_they_came(
    venue: str, flavour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine every strategy is slow for a moment.
    monkeypatch.setattr(waiting, "PATIENCE", 60.0)
    path = tmp_path / "session.jsonl"
    with stage(venue) as at:
        real, strategy, contracts = attentive(flavour, at, path)
    cash = real.cash - sum(fill.proceeds - fill.fee for fill in real.fills)
    again = Attentive(strategy.markets)
    tested = backtest(again, path, contracts=contracts, cash=cash)
    assert len(strategy.told) > 12
    assert again.told[: len(strategy.told)] == strategy.told
    assert decided(tested.decisions) == decided(real.decisions)
    sizes = {x.size for x in real.decisions if isinstance(x, Place) and x.size > 20}
    assert sizes


def attentive(
    flavour: str, at: Stage, path: Path
) -> tuple[Any, Attentive, list[Contract]]:
    if flavour == "async":
        return asyncio.run(_attentive(at, path))
    with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        [name, *_] = _deep(ex.fetch_markets(), ex.fetch_order_book)
        contracts, strategy = [contract_of(ex, name)], Attentive([name])
        return run(strategy, ex, seconds=3), strategy, contracts


async def _attentive(at: Stage, path: Path) -> tuple[Any, Attentive, list[Contract]]:
    async with async_exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        markets = (await ex.fetch_markets())[:30]
        books = {m.market_id: await ex.fetch_order_book(m.market_id) for m in markets}
        [name, *_] = _deep(markets, books.__getitem__)
        contracts = [await async_contract_of(ex, name)]
        strategy = Attentive([name])
        return await async_run(strategy, ex, seconds=3), strategy, contracts
