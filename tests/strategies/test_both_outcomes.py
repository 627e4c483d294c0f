"""Trades of either outcome are told of the first, in every kind of run, on both venues."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import attrs
import pytest

from unified_exchanges import (
    Desk,
    Market,
    Order,
    OrderBook,
    RunReport,
    Side,
    Strategy,
    Trade,
    async_exchange,
    async_run,
    backtest,
    exchange,
    run,
    sweep,
)
from unified_exchanges.backtesting import recorded
from unified_exchanges.models import BUY, SELL
from unified_exchanges.money import complement
from unified_exchanges.paper import Contract
from unified_exchanges.recording import Recorder
from unified_exchanges.research import convert
from unified_exchanges.strategies import contract_of

from ..recording.sessions import VENUES, Stage, stage

FLAVOURS = ("blocking", "async")
SIZE = Decimal(20)

Traded: TypeAlias = dict[tuple[str, Decimal, Side | None], Decimal]
"""Contracts by outcome, price and side of who took."""


class Noting(Strategy):
    """Adds up what it is told was traded."""

    subjects = ("order_book", "trades")
    awaited: ClassVar[Decimal | None] = None

    def __init__(self) -> None:
        self.traded: Traded = Counter()  # type: ignore[assignment]  # of Decimals
        self.books: set[str] = set()
        self.has_begun = threading.Event()

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.books.add(book.outcome)
        self.has_begun.set()

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        desk.log(f"{trade.outcome} {trade.price} {trade.taker_side} {trade.size}")
        self.traded[trade.outcome, trade.price, trade.taker_side] += trade.size
        if self.awaited is not None and sum(self.traded.values()) >= self.awaited:
            desk.stop()


@attrs.frozen(kw_only=True)
class Scene:
    """A market in which one buys the second outcome, the first, and the second again."""

    at: Stage
    market: Market
    asks: tuple[tuple[str, Decimal], ...]

    @property
    def traded(self) -> Traded:
        """What that is of the first outcome: who buys the other at p sells it at 1 - p."""
        first = self.market.outcomes[0].label
        found: Traded = {}
        for outcome, ask in self.asks:
            price, side = (ask, BUY) if outcome == first else (complement(ask), SELL)
            found[first, price, side] = found.get((first, price, side), 0) + SIZE
        return found

    def act(self, has_begun: threading.Event) -> None:
        """Trade, once the strategy is told something."""
        has_begun.wait(20)
        with exchange(self.at.venue, **self.at.account) as other:
            for outcome, ask in self.asks:
                other.create_order(self.market.market_id, outcome, "buy", ask, SIZE)


def scene(at: Stage) -> Scene:
    with exchange(at.venue, **at.account) as ex:
        for market in ex.fetch_markets(limit=100):
            lowest = market.grid.lowest
            if market.legs or not market.bid or not market.ask or market.bid <= lowest:
                continue
            book = ex.fetch_order_book(market.market_id)
            if book.bids[0].size > 3 * SIZE and book.asks[0].size > 3 * SIZE:
                first, second = (x.label for x in market.outcomes)
                no = complement(book.bids[0].price)
                asks = (second, no), (first, book.asks[0].price), (second, no)
                return Scene(at=at, market=market, asks=asks)
    raise AssertionError("no market is deep enough")


@pytest.fixture(params=VENUES)
def here(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with stage(request.param) as at:
        yield scene(at)


def live(here: Scene, flavour: str, path: Path | None, **paper: Any) -> Noting:
    """Run it while somebody trades; recorded, if a path is given."""
    strategy: Any = Noting()
    strategy.markets = [here.market.market_id]
    strategy.awaited = 3 * SIZE
    name, account = paper.pop("name", here.at.venue), {**here.at.account, **paper}
    other = threading.Thread(target=here.act, args=[strategy.has_begun])
    other.start()
    if flavour == "blocking":
        with exchange(name, **account) as ex, recording(ex, path):
            contract_of(ex, here.market.market_id)
            run(strategy, ex, seconds=20)
    else:

        async def go() -> None:
            async with async_exchange(name, **account) as ex:
                with recording(ex, path):
                    await async_run(strategy, ex, seconds=20)

        asyncio.run(go())
    other.join()
    return strategy  # type: ignore[no-any-return]


def recording(ex: Any, path: Path | None) -> Any:
    return nullcontext() if path is None else Recorder(ex, path)


def of_first(here: Scene, strategy: Noting) -> None:
    assert strategy.traded == here.traded
    assert strategy.books == {here.market.outcomes[0].label}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_live(here: Scene, flavour: str) -> None:
    of_first(here, live(here, flavour, None))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_on_paper(here: Scene, flavour: str) -> None:
    of_first(here, live(here, flavour, None, name="paper", source=here.at.venue))


@attrs.frozen(kw_only=True)
class Tape:
    """A run with such trades, and the recording of it."""

    here: Scene
    path: Path
    contract: Contract


@pytest.fixture(scope="module", params=VENUES)
def tape(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tape:
    path = tmp_path_factory.mktemp("tapes") / "run.jsonl"
    with stage(request.param) as at:
        here = scene(at)
        live(here, "blocking", path)
        with exchange(at.venue, **at.account) as ex:
            contract = contract_of(ex, here.market.market_id)
    return Tape(here=here, path=path, contract=contract)


def strategy_of(tape: Tape) -> Noting:
    made = Noting()
    made.markets = [tape.contract.market_id]
    return made


def told_by(reports: Iterable[Any]) -> list[list[str]]:
    return [[note.text for note in report.notes] for report in reports]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("how", [{}, {"source": "replay"}], ids=["own", "paper"])
def test_over_a_recording(tape: Tape, flavour: str, how: dict[str, str]) -> None:
    noting, name = strategy_of(tape), "paper" if how else "replay"
    if flavour == "blocking":
        with exchange(name, path=tape.path, **how) as ex:
            run(noting, ex)
    else:

        async def go() -> None:
            async with async_exchange(name, path=tape.path, **how) as ex:
                await async_run(noting, ex)

        asyncio.run(go())
    of_first(tape.here, noting)


def test_in_a_backtest_of_a_recording_of_its_tables_and_of_its_events(
    tape: Tape, tmp_path: Path
) -> None:
    convert(tape.path, tmp_path / "tables")
    for data in (tape.path, tmp_path / "tables", list(recorded(tape.path))):
        noting = strategy_of(tape)
        backtest(noting, data, contracts=[tape.contract])
        of_first(tape.here, noting)


def test_in_a_sweep(tape: Tape) -> None:
    class Swept(Noting):
        number = 0
        markets = (tape.contract.market_id,)

    grid = {"number": [0, 1, 2]}
    swept = sweep(Swept, grid, tape.path, contracts=[tape.contract], workers=1)
    alone = backtest(strategy_of(tape), tape.path, contracts=[tape.contract])
    assert {x.split()[0] for x in told_by([alone])[0]} == {
        tape.here.market.outcomes[0].label
    }
    assert told_by(row.report for row in swept.rows) == told_by([alone] * 3)


def test_an_outcome_that_bears_its_id_is_the_same_outcome(tape: Tape) -> None:
    """As in a recording that does not tell which token is which outcome."""
    ids = {x.label: x.outcome_id for x in tape.contract.market.outcomes}
    events = [
        (moment, attrs.evolve(event, outcome=ids.get(event.outcome, event.outcome)))
        if isinstance(event, Trade)
        else (moment, event)
        for moment, event in recorded(tape.path)
    ]
    noting = strategy_of(tape)
    backtest(noting, events, contracts=[tape.contract])
    of_first(tape.here, noting)


class Second(Strategy):
    """Rests in the second outcome, and leaves that to the end of the run."""

    def __init__(self) -> None:
        self.told: list[Order] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            market = desk.market(book.market_id)
            second = market.outcomes[1].label
            desk.place(market.market_id, second, "buy", market.grid.lowest, 10)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append(order)
        desk.stop()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_orders_that_are_left_are_of_the_outcome_that_was_asked_for(
    here: Scene, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "left.jsonl"
    for kind in ("live", "replay", "paper"):
        strategy: Any = Second()
        strategy.markets = [here.market.market_id]
        if kind == "live":
            venue, options = here.at.venue, dict(here.at.account)
        else:
            source = {"source": "replay", "cash": 100} if kind == "paper" else {}
            venue, options = kind, {"path": path, **source}
        report = ran(
            strategy, venue, options, flavour, path if kind == "live" else None
        )
        [told], [left] = strategy.told, report.left_orders
        assert (left.outcome, left.side, left.price) == (
            told.outcome,
            told.side,
            told.price,
        ), kind
        assert told.outcome == here.market.outcomes[1].label


def ran(
    strategy: Any, venue: str, options: dict[str, Any], flavour: str, path: Path | None
) -> RunReport:
    if flavour == "blocking":
        with (
            exchange(venue, **options) as ex,
            nullcontext() if path is None else Recorder(ex, path),
        ):
            return run(strategy, ex, seconds=20)

    async def go() -> RunReport:
        async with async_exchange(venue, **options) as ex:
            with nullcontext() if path is None else Recorder(ex, path):
                return await async_run(strategy, ex, seconds=20)

    return asyncio.run(go())
