"""Backtests of recordings and of their tables: the same events, the same report."""

from __future__ import annotations

import re
import runpy
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import BadRequest, Gap, Level, OrderBook, Trade, exchange
from unified_exchanges.backtesting import Report, backtest, recorded
from unified_exchanges.money import text
from unified_exchanges.paper import FREE, Contract, Delays
from unified_exchanges.recording import Recorder
from unified_exchanges.research import convert
from unified_exchanges.strategies import Desk, Strategy, contract_of

from ..paper import scene
from ..recording.sessions import VENUES, in_force, stage
from ..research.test_conversion import DELTA, SNAPSHOT, journal

EXAMPLES = Path(__file__).parents[2] / "examples"


@attrs.frozen(kw_only=True)
class Session:
    """What was seen live, and where it is."""

    contract: Contract
    last: OrderBook
    trade: Trade
    path: Path
    tables: Path


@pytest.fixture(scope="module", params=VENUES)
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Session:
    folder = tmp_path_factory.mktemp(request.param)
    path, tables = folder / "session.jsonl", folder / "tables"
    with (
        stage(request.param) as at,
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
    ):
        market = next(
            m for m in ex.fetch_markets() if m.bid and m.ask and m.bid > m.grid.lowest
        )
        name, outcome = market.market_id, market.outcomes[0].label
        contract = contract_of(ex, name)
        books, trades = ex.watch_order_book(name), ex.watch_trades(name)
        in_force(ex)
        book = books.next(timeout=10)
        assert market.ask is not None
        ex.create_order(name, outcome, "buy", market.grid.lowest, 10)
        ex.create_order(name, outcome, "buy", market.ask, 5)
        trade = trades.next(timeout=10)
        whole = ex.fetch_order_book(name)
        while (book.bids, book.asks) != (whole.bids, whole.asks):
            book = books.next(timeout=10)
    convert(path, tables)
    return Session(contract=contract, last=book, trade=trade, path=path, tables=tables)


class Watching(Strategy):
    """Buys at each ask, and keeps what it was told."""

    subjects = ("order_book", "trades")

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.told.append(book)
        if book.ask is not None:
            desk.place(
                book.market_id, self.first(desk, book), "buy", book.ask.price, 10
            )

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        self.told.append(trade)

    def first(self, desk: Desk, book: OrderBook) -> str:
        return desk.market(book.market_id).outcomes[0].label


def backtested(session: Session, data: Any) -> tuple[Watching, Report]:
    watching = Watching()
    return watching, backtest(watching, data, contracts=[session.contract])


def test_a_recording_tells_what_was_seen_live(session: Session) -> None:
    watching, _ = backtested(session, session.path)
    books = [x for x in watching.told if isinstance(x, OrderBook)]
    assert (books[-1].bids, books[-1].asks) == (session.last.bids, session.last.asks)
    [trade] = [x for x in watching.told if isinstance(x, Trade)]
    assert (trade.trade_id, trade.price, trade.size, trade.created_at) == (
        session.trade.trade_id,
        session.trade.price,
        session.trade.size,
        session.trade.created_at,
    )


def test_tables_give_the_report_of_their_recording_byte_by_byte(
    session: Session,
) -> None:
    _, of_recording = backtested(session, session.path)
    _, of_tables = backtested(session, session.tables)
    assert of_recording.fills
    assert of_recording.to_json() == of_tables.to_json()


def test_a_shipped_strategy_gives_the_same_report_but_for_zeros_in_its_own_lines(
    session: Session,
) -> None:
    """Numbers that it writes down by itself have the places of what they were read from."""
    reports = []
    for data in (session.path, session.tables):
        maker = runpy.run_path(str(EXAMPLES / "spread_maker.py"))["SpreadMaker"]()
        maker.markets = [session.contract.market_id]
        report = backtest(maker, data, contracts=[session.contract])
        notes = tuple(attrs.evolve(x, text=shortened(x.text)) for x in report.notes)
        reports.append(attrs.evolve(report, notes=notes))
    of_recording, of_tables = reports
    assert of_recording.decisions
    assert of_recording.to_json() == of_tables.to_json()


def shortened(line: str) -> str:
    """A line whose numbers end without zeros."""
    return re.sub(r"\d+\.\d+", lambda found: text(Decimal(found[0])), line)


@pytest.mark.parametrize("count", [1, 2])
def test_a_report_says_over_which_data_it_is_and_not_where_that_lies(
    session: Session, count: int
) -> None:
    paths = [session.path, session.tables][:count]
    report = backtest(Strategy(), paths, contracts=[session.contract])
    data = report.assumptions.data
    # Of tables it is the recording that they are of.
    assert [x.name for x in data] == [session.path.name] * count
    for source in data:
        assert source.began_at == report.started_at
        assert source.ended_at == report.ended_at
    assert str(session.path.parent) not in report.to_json()


def test_tables_tell_the_books_of_their_recording(tmp_path: Path) -> None:
    gone, back = DELTA % (2, "-10.00"), DELTA % (3, "3.00")
    path = journal(tmp_path / "r", SNAPSHOT % 1, gone, back, DELTA % (5, "1.00"))
    convert(path, tmp_path / "tables")
    told = []
    for data in (path, tmp_path / "tables"):
        watching = Watching()
        backtest(watching, data, contracts=[kalshi_contract("M")])
        told.append([(x.bids, x.asks) for x in watching.told])
    assert told[0] == told[1]
    assert [bids for bids, _ in told[0]] == [
        (Level(Decimal("0.40"), Decimal(10)),),
        (),
        (Level(Decimal("0.40"), Decimal(3)),),
    ]


def kalshi_contract(name: str) -> Contract:
    market = attrs.evolve(scene.market(name), venue="kalshi")
    return Contract(market=market, fees=FREE, nets=True)


def test_recordings_are_read_together(session: Session) -> None:
    alone, once = backtested(session, session.path)
    both, twice = backtested(session, [session.path, str(session.tables)])
    assert both.told == alone.told
    assert twice.repeated == once.events > 0
    assert len(twice.assumptions.data) == 2
    assumed = once.assumptions
    assert attrs.evolve(twice, repeated=0, assumptions=assumed) == once


def test_moments_of_a_recording_never_go_back(session: Session) -> None:
    moments = [moment for moment, _ in recorded(session.path)]
    assert moments == sorted(moments)
    assert len(moments) > 2


def test_a_folder_without_tables_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no tables"):
        backtest(Strategy(), tmp_path, contracts=[])


def test_prices_of_tables_are_exact(session: Session) -> None:
    watching, _ = backtested(session, session.tables)
    prices = [
        x.price for b in watching.told if isinstance(b, OrderBook) for x in b.bids
    ]
    assert prices
    assert all(isinstance(price, Decimal) for price in prices)


class Keeping(Strategy):
    """Keeps every book and looks at none."""

    def __init__(self) -> None:
        self.kept: list[OrderBook] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.kept.append(book)


@pytest.mark.parametrize("event", [0, 20])
def test_a_book_that_a_strategy_keeps_does_not_change_under_it(
    tmp_path: Path, event: int
) -> None:
    deltas = [
        DELTA % (n, f"{1 + n}.00" if n % 2 else f"-{n}.00") for n in range(2, 150)
    ]
    path = journal(tmp_path / "r", SNAPSHOT % 1, *deltas)
    # Read at once, before the next line is.
    shown = [x.bids for _, x in recorded(path) if isinstance(x, OrderBook)]
    strategy, delays = Keeping(), Delays(event=event)
    backtest(strategy, path, contracts=[scene.contract("M")], delays=delays)
    kept = [book.bids for book in strategy.kept]
    assert len(kept) > 100
    assert len(set(kept)) > 10
    assert shown[: len(kept)] == kept


class Looking(Strategy):
    """Reads each book, and keeps none."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        assert book.bids is not None


def test_memory_of_a_backtest_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    most = []
    for count in (1_000, 1_000, 10_000):
        deltas = (DELTA % (n, "-1.00" if n % 2 else "1.00") for n in range(2, count))
        path = journal(tmp_path / f"{count}", SNAPSHOT % 1, *deltas)
        tracemalloc.start()
        try:
            told = backtest(Looking(), path, contracts=[kalshi_contract("M")])
            most.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert told.events >= count - 1
    # The first is for what is made once; to keep as little as a tuple of each shows.
    _, few, many = most
    assert many - few < 100_000


def test_a_side_that_is_none_is_a_gap_and_not_a_change(tmp_path: Path) -> None:
    odd = (DELTA % (2, "1.00")).replace('"side":"yes"', '"side":"maybe"')
    path = journal(tmp_path / "r", SNAPSHOT % 1, odd, DELTA % (3, "1.00"))
    book, gap, end = [event for _, event in recorded(path)]
    assert isinstance(book, OrderBook)
    assert isinstance(gap, Gap)
    assert "neither yes nor no" in gap.reason
    # That the connection has ended is told as well, as live.
    assert isinstance(end, Gap)
    assert (end.market_ids, end.reason) == (("M",), "reset")
