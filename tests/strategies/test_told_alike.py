"""One strategy that decides by fills and states, told the same in every kind of run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    BUY,
    Fill,
    Market,
    Order,
    OrderBook,
    async_exchange,
    exchange,
)
from unified_exchanges.backtesting import backtest, sweep
from unified_exchanges.paper import Contract
from unified_exchanges.recording import Recorder
from unified_exchanges.simulator.faults import Fault, StreamFault, StreamPlan
from unified_exchanges.simulator.orders import Owner, Ticket
from unified_exchanges.strategies import (
    Desk,
    Failure,
    RunReport,
    Strategy,
    async_contract_of,
    async_run,
    contract_of,
    run,
)

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage

MORE = {"whole": -10, "part": 20, "rest": 20}
"""What is bought, by what it is more than is offered at the best price."""


def market_of(at: Stage) -> Market:
    with exchange(at.venue, **at.account) as ex:
        return next(
            m
            for m in ex.fetch_markets()
            if m.bid and m.ask and Decimal("0.3") < m.bid < Decimal("0.7")
        )


class Deciding(Strategy):
    """Buys, cancels what is told to be open, and sells what it holds of what has ended.

    What it is told is in ``said``; of fills in a row the sum, as several makers at one price
    are one size in a book.
    """

    def __init__(self, name: str, how: str) -> None:
        self.markets = [name]
        self.how = how
        self.said: list[Any] = []
        self.bid = Decimal(0)
        self.before = Decimal(0)

    def held(self, desk: Desk) -> Decimal:
        name = self.markets[0]
        label = desk.market(name).outcomes[0].label
        return desk.held(name, label) - self.before

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if desk.decisions:
            return
        self.before = self.held(desk)
        assert book.ask is not None
        assert book.bid is not None
        self.bid = book.bid.price
        # Polymarket takes whole cents at once.
        size = book.ask.size // 10 * 10 + MORE[self.how]
        tif = "gtc" if self.how == "rest" else "ioc"
        name = book.market_id
        desk.place(name, book.outcome, "buy", book.ask.price, size, time_in_force=tif)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        size = fill.size.normalize()
        if self.said and self.said[-1][:2] == ("fill", fill.side):
            size += self.said.pop()[2]
        elif fill.side is BUY:
            # By a fill as well: far from the market, and canceled as it rests.
            low = desk.market(fill.market_id).grid.lowest
            desk.place(fill.market_id, fill.outcome, "buy", low, 10)
        held = self.held(desk).normalize()
        self.said.append(("fill", fill.side, size, held))

    def on_order(self, desk: Desk, order: Order) -> None:
        held, filled = self.held(desk).normalize(), order.filled.normalize()
        told = (order.side, order.status, filled, held, len(desk.open_orders))
        self.said.append(told)
        if order.is_open:
            assert order.client_order_id is not None
            desk.cancel(order.client_order_id)
        elif order.side is BUY and order.filled:
            terms = (order.market_id, order.outcome, "sell", self.bid, 5)
            desk.place(*terms, time_in_force="ioc")
        elif order.side is not BUY:
            # A beat, so that all that was told is recorded.
            desk.timer("enough", timedelta(milliseconds=400))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()


def performed(flavour: str, strategy: Strategy, name: str, **how: Any) -> RunReport:
    if flavour == "blocking":
        with exchange(name, **how) as ex:
            return run(strategy, ex, seconds=30)

    async def go() -> RunReport:
        async with async_exchange(name, **how) as ex:
            return await async_run(strategy, ex, seconds=30)

    return asyncio.run(go())


def live(
    flavour: str, strategy: Strategy, at: Stage, path: Path
) -> tuple[RunReport, Contract]:
    """A run that is recorded, with its market, of which `contract_of` reads all."""
    [name] = strategy.markets
    if flavour == "blocking":
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            contract = contract_of(ex, name)
            return run(strategy, ex, seconds=30), contract

    async def go() -> RunReport:
        async with async_exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            await async_contract_of(ex, name)
            return await async_run(strategy, ex, seconds=30)

    with exchange(at.venue, **at.account) as other:
        contract = contract_of(other, name)
    return asyncio.run(go()), contract


def apart(said: list[Any]) -> tuple[list[Any], list[Any]]:
    """Of the order that rests and of the others, whose turns may fall between."""
    far = [x for x in said if x[0] == BUY and not x[2]]
    return [x[:3] for x in far], [x[:4] for x in said if x not in far]


@pytest.mark.parametrize("how", MORE)
@pytest.mark.parametrize("venue", VENUES)
def test_who_decides_by_fills_and_states_decides_the_same_in_every_kind_of_run(
    venue: str, how: str, tmp_path: Path
) -> None:
    said: dict[str, Any] = {}
    decided: dict[str, int] = {}

    def take(kind: str, strategy: Deciding, report: Any) -> None:
        said[kind] = apart(strategy.said)
        decided[kind] = len(report.decisions)

    for flavour in FLAVOURS:
        path = tmp_path / f"{flavour}.jsonl"
        with stage(venue, enforce_limits=False) as at:
            name = market_of(at).market_id
            strategy = Deciding(name, how)
            report, contract = live(flavour, strategy, at, path)
            take(f"{flavour} live", strategy, report)
            assert sum(x.size for x in report.fills) == sum(
                x[2] for x in strategy.said if x[0] == "fill"
            )
        for other in FLAVOURS:
            strategy = Deciding(name, how)
            again = performed(other, strategy, "replay", path=path)
            take(f"{flavour} live, {other} replay", strategy, again)
            assert (again.cash, again.positions) == (report.cash, report.positions)
            assert again.notes == report.notes or venue == "polymarket"
            strategy = Deciding(name, how)
            paper = {"source": "replay", "path": path}
            take(
                f"{flavour} live, {other} paper over it",
                strategy,
                performed(other, strategy, "paper", **paper),
            )
        strategy = Deciding(name, how)
        tested = backtest(strategy, path, contracts=[contract])
        take(f"{flavour} live, backtest", strategy, tested)
        with stage(venue, enforce_limits=False) as at:
            strategy = Deciding(name, how)
            on_paper = performed(flavour, strategy, "paper", source=venue, **at.account)
            take(f"{flavour} paper over live", strategy, on_paper)
    grid = {"name": [name], "how": [how]}
    swept = sweep(Deciding, grid, path, contracts=[contract], workers=1)
    assert [x.report.decisions for x in swept.rows] == [tested.decisions]
    far, others = said["blocking live"]
    assert len(far) == 2
    assert others[0][0] == "fill"
    assert said == dict.fromkeys(said, (far, others))
    assert decided == dict.fromkeys(decided, decided["blocking live"])


# -- the end ---------------------------------------------------------------------------


class Leaving(Strategy):
    """Bids behind all others, stops once that rests, and is hit between that and its cancel."""

    def __init__(self, name: str, hit: Any) -> None:
        self.markets = [name]
        self.hit = hit
        self.said: list[Any] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            assert book.bid is not None
            desk.place(book.market_id, book.outcome, "buy", book.bid.price, 10)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.said.append(order)
        desk.stop()

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.said.append(fill)

    def on_stop(self, desk: Desk) -> None:
        self.hit()


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param, enforce_limits=False) as opened:
        yield opened


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("size", [4, 10])
def test_what_fills_while_it_is_canceled_is_in_the_report(
    at: Stage, flavour: str, size: int, tmp_path: Path
) -> None:
    name = market_of(at).market_id
    engine = at.simulated.engine

    def hit() -> None:
        with at.server.lock:
            engine.open_account("taker")
            shard = engine.market(name).shard
            engine.deposit(Owner("taker"), Decimal(100_000), shard=shard)
            best = engine.best(name, "bid")
            engine.place(
                Ticket(
                    market_id=name,
                    owner=Owner("taker"),
                    side="ask",
                    price=best.price,
                    size=best.size - 10 + size,
                    time_in_force="ioc",
                )
            )

    path = tmp_path / "left.jsonl"
    leaving = Leaving(name, hit)
    report, _ = live(flavour, leaving, at, path)
    assert [type(x) for x in leaving.said] == [Order]
    [order] = report.left_orders
    assert order.filled == size
    assert sum(x.size for x in report.fills) == size
    with exchange(at.venue, **at.account) as ex:
        assert report.cash == ex.fetch_balance().available
        [held] = [x for x in ex.fetch_positions() if x.market_id == name]
        [reported] = report.positions
        assert reported.size == held.size
    assert not [x for x in report.notes if "cash and positions go by" in x.text]
    for other in FLAVOURS:
        again = performed(other, Leaving(name, lambda: None), "replay", path=path)
        assert [x.filled for x in again.left_orders] == [size]
        assert (again.cash, again.positions) == (report.cash, report.positions)
        assert [x.size for x in again.fills] == [x.size for x in report.fills]


class Stopping(Strategy):
    """Takes, and stops by the end of its order."""

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.said: list[Any] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            assert book.ask is not None
            terms = (book.market_id, book.outcome, "buy", book.ask.price, 20)
            desk.place(*terms, time_in_force="ioc")

    def on_order(self, desk: Desk, order: Order) -> None:
        self.said.append((order.status, order.filled))
        desk.stop()

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.said.append(fill.size)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        raise failure.error


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_fill_that_no_stream_tells_is_read(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    frame = "fill" if venue == "kalshi" else "trade"
    plan = StreamPlan([StreamFault("drop", frame=frame, nth=n) for n in (1, 2, 3, 4)])
    with stage(venue, plan, enforce_limits=False) as at:
        strategy = Stopping(market_of(at).market_id)
        report = performed(flavour, strategy, venue, **at.account)
        with exchange(venue, **at.account) as ex:
            assert report.cash == ex.fetch_balance().available
    assert sum(strategy.said[:-1]) == 20
    assert strategy.said[-1] == ("closed", 20)
    assert sum(x.size for x in report.fills) == 20
    assert not [x for x in report.notes if "cash and positions go by" in x.text]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_fill_that_cannot_be_read_either_is_said_and_hides_no_order(
    venue: str, flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    frame, path = (
        ("fill", "/portfolio/fills") if venue == "kalshi" else ("trade", "/data/trades")
    )
    plan = StreamPlan([StreamFault("drop", frame=frame, nth=n) for n in (1, 2, 3, 4)])

    class Blind(Stopping):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if not desk.decisions:
                fault = Fault("drop", method="GET", path=path, count=None)
                at.server.faults.add(fault)
            super().on_book(desk, book)

    with stage(venue, plan, enforce_limits=False) as at:
        strategy = Blind(market_of(at).market_id)
        with exchange(venue, **at.account) as ex:
            before = ex.fetch_balance().available
        report = performed(flavour, strategy, venue, **at.account)
    assert strategy.said == [("closed", 20)]
    assert (report.fills, report.positions, report.cash) == ((), (), before)
    [note] = report.notes
    assert "20 filled, and fills of 0 were told" in note.text
    assert note.text in [x.message for x in caplog.records if x.levelname == "WARNING"]


class Reversed(Stopping):
    """Waits until what it took is taken back."""

    def on_order(self, desk: Desk, order: Order) -> None:
        held = desk.held(order.market_id, order.outcome)
        self.said.append((order.status, order.filled, order.failed, held))
        if order.failed:
            # A beat, so that all that was told is recorded.
            desk.timer("enough", timedelta(milliseconds=300))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_fails_to_settle_is_taken_back_before_the_state_that_says_so(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "reversed.jsonl"
    with stage("polymarket", enforce_limits=False) as at:
        at.simulated.settler.fail(retrying=False)
        strategy = Reversed(market_of(at).market_id)
        report, _ = live(flavour, strategy, at, path)
        with exchange(at.venue, **at.account) as ex:
            assert report.cash == ex.fetch_balance().available
    states = ("closed", 20, 0, 20), ("closed", 20, 20, 0)
    assert strategy.said == [20, states[0], -20, states[1]]
    assert report.positions == ()
    for other in FLAVOURS:
        again = Reversed(strategy.markets[0])
        replayed = performed(other, again, "replay", path=path)
        assert again.said == strategy.said
        assert (replayed.cash, replayed.positions) == (report.cash, ())
