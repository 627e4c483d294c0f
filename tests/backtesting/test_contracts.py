"""Markets and fees that a backtest reads out of what it runs over."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from unified_exchanges import (
    BadRequest,
    Desk,
    OrderBook,
    Strategy,
    async_exchange,
    backtest,
    exchange,
    sweep,
)
from unified_exchanges.backtesting import contracts_in
from unified_exchanges.paper import FREE, Contract
from unified_exchanges.recording import Recorder
from unified_exchanges.research import convert
from unified_exchanges.strategies import async_contract_of, contract_of
from unified_exchanges.testing import cassette

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage


@attrs.frozen
class Session:
    path: Path
    tables: Path
    contracts: list[Contract]

    @property
    def names(self) -> list[str]:
        return sorted(x.market_id for x in self.contracts)


def recorded(at: Stage, path: Path) -> list[Contract]:
    with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
        found = [m for m in ex.fetch_markets() if m.bid and m.ask and not m.legs][:2]
        contracts = [contract_of(ex, market.market_id) for market in found]
        for market in found:
            ex.watch_order_book(market.market_id).next(timeout=10)
    return contracts


async def recorded_async(at: Stage, path: Path) -> list[Contract]:
    async with async_exchange(at.venue, **at.account) as ex:
        with Recorder(ex, path):
            listed = await ex.fetch_markets()
            found = [m for m in listed if m.bid and m.ask and not m.legs][:2]
            names = [market.market_id for market in found]
            contracts = [await async_contract_of(ex, name) for name in names]
            for name in names:
                await ex.watch_order_book(name).next(timeout=10)
            return contracts


@pytest.fixture(
    scope="module", params=[(x, y) for x in VENUES for y in FLAVOURS], ids=str
)
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Session:
    venue, flavour = request.param
    folder = tmp_path_factory.mktemp("contracts")
    path, tables = folder / "session.jsonl", folder / "tables"
    with stage(venue) as at:
        if flavour == "blocking":
            contracts = recorded(at, path)
        else:
            contracts = asyncio.run(recorded_async(at, path))
    convert(path, tables)
    return Session(path, tables, contracts)


class Buyer(Strategy):
    """Takes once in each of its markets."""

    size: ClassVar[int] = 10

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        assert book.ask is not None
        if book.market_id in {x.market_id for x in desk.decisions}:
            return
        terms: Any = (book.market_id, book.outcome, "buy", book.ask.price, self.size)
        desk.place(*terms, time_in_force="ioc")


def test_they_are_those_that_were_read_when_it_was_recorded(session: Session) -> None:
    wanted = {x.market_id: x.market for x in session.contracts}
    for data in (session.path, str(session.tables), [session.path, session.tables]):
        found = contracts_in(data)
        assert [x.market_id for x in found] == session.names
        assert {x.market_id: x.market for x in found} == wanted
    [one] = contracts_in(session.path, session.names[:1], fees=False)
    assert (one.market_id, one.fees) == (session.names[0], FREE)


def test_a_backtest_and_a_sweep_read_them_themselves(session: Session) -> None:
    given = backtest(Buyer(), session.path, contracts=session.contracts)
    assert given.fills
    assert given.fees > 0
    for data in (session.path, session.tables):
        told = backtest(Buyer(), data)
        assert (told.fills, told.cash, told.fees) == (
            given.fills,
            given.cash,
            given.fees,
        )
    [row] = sweep(Buyer, {"size": [10]}, session.path, workers=1).rows
    assert (row.pnl, row.fees) == (given.pnl, given.fees)


def test_of_a_strategy_that_names_markets_they_are_these(session: Session) -> None:
    buyer = Buyer()
    buyer.markets = session.names[:1]
    told = backtest(buyer, session.path)
    assert [x.market_id for x in told.markets] == session.names[:1]


def test_a_desk_names_the_markets_of_its_run(session: Session) -> None:
    class Names(Strategy):
        def on_start(self, desk: Desk) -> None:
            desk.log(" ".join(sorted(desk.markets)))

    strategy = Names()
    assert backtest(strategy, session.path).notes[0].text == " ".join(session.names)
    strategy.markets = session.names[1:]
    given = backtest(strategy, session.path, contracts=session.contracts)
    assert given.notes[0].text == session.names[1]


def test_what_is_not_there_is_told_by_the_arguments_that_help(
    session: Session, tmp_path: Path
) -> None:
    with pytest.raises(
        BadRequest, match=r"no recording has the market 'RAIN', but .*: m"
    ):
        contracts_in(session.path, ["RAIN"])
    buyer = Buyer()
    buyer.markets = ["RAIN"]
    with pytest.raises(
        BadRequest, match=r"contracts=contracts_in\(data, markets_from=…"
    ):
        backtest(buyer, session.path)
    with pytest.raises(BadRequest, match=r"^data=.*: give the path of a recording"):
        contracts_in([(1, "book")])  # type: ignore[list-item]
    with pytest.raises(BadRequest, match="there is no"):
        contracts_in(tmp_path / "none.jsonl")
    with pytest.raises(BadRequest, match=r"contracts=None: .* events in memory"):
        backtest(Buyer(), iter([]))
    with pytest.raises(BadRequest, match="a backtest is no exchange but a function"):
        exchange("backtest")


def test_of_a_cassette_of_several_venues_they_are_of_each(tmp_path: Path) -> None:
    path = tmp_path / "both.yaml"
    contracts: list[Contract] = []
    with ExitStack() as stack:
        ats = [stack.enter_context(stage(venue)) for venue in VENUES]
        tape = stack.enter_context(cassette(path, "record"))
        for at in ats:
            with exchange(at.venue, clock=tape.clock, **at.account) as ex:
                name = next(m for m in ex.fetch_markets() if m.ask).market_id
                contracts.append(contract_of(ex, name))
                ex.fetch_order_book(name)
    names = sorted(x.market_id for x in contracts)
    assert sorted(x.market_id for x in contracts_in(path)) == names
    for each in contracts:
        name = f"{each.market.venue}:{each.market_id}"
        [found] = contracts_in(path, [name], markets_from=path)
        assert (found.market, found.fees) == (each.market, each.fees)
    report = backtest(Buyer(), path)
    assert sorted(x.market_id for x in report.fills) == names
