"""An order that rests while trading is paused: at the venue, on paper and in a backtest."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from msgspec.structs import replace

from tests.paper_exchange.ground import KalshiPaper
from unified_exchanges import (
    MarketChange,
    MarketStatus,
    Order,
    OrderBook,
    OrderStatus,
    exchange,
)
from unified_exchanges.backtesting import backtest
from unified_exchanges.models import Subject
from unified_exchanges.paper import Delays
from unified_exchanges.recording import Frame, Recorder, Torn, read
from unified_exchanges.recording.format import encode
from unified_exchanges.strategies import Desk, Strategy, contract_of

from .test_over_recording import FLAVOURS, _busy, played

CANCELED, OPEN = OrderStatus.CANCELED, OrderStatus.OPEN


class Once(Strategy):
    """Rests one bid at a price when it sees the market, and one more once that is over."""

    subjects = (Subject.ORDER_BOOK, Subject.MARKET_STATUS)

    def __init__(self, name: str) -> None:
        self.markets = [name]
        self.said: list[tuple[Any, ...]] = []
        self.reasons: list[str] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.said.append((desk.moment, book.bids, book.asks))
        if not desk.decisions:
            self._rest(desk)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.said.append((desk.moment, order.status, order.filled))
        if order.status is CANCELED:
            self.reasons.append(order.raw_json.decode())
            self._rest(desk)

    def _rest(self, desk: Desk) -> None:
        market = desk.market(self.markets[0])
        first = market.outcomes[0].label
        desk.place(market.market_id, first, "buy", market.grid.lowest, 10)


def ended(ex: Any, order: Order) -> OrderStatus:
    """What becomes of an order, which may be told a moment later."""
    until = time.monotonic() + 10
    while (now := ex.fetch_order(order.order_id)).is_open:
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    return OrderStatus(now.status)


def rest(ex: Any, name: str) -> Order:
    market = ex.fetch_market(name)
    first = market.outcomes[0].label
    order: Order = ex.create_order(name, first, "buy", market.grid.lowest, 10)
    return order


@attrs.frozen
class Session:
    """A recorded pause of Kalshi, and what became of the order live and on paper."""

    path: Path
    name: str
    paused: list[OrderStatus]
    became: list[OrderStatus]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    path = tmp_path_factory.mktemp("pause") / "kalshi.jsonl"
    ground = KalshiPaper()
    with ground.served() as server, ExitStack() as stack:
        account = {**ground.account(), "environment": server.url + ground.path}
        with exchange("kalshi", **account) as looking:
            [name] = _busy(looking)[:1]
        real = stack.enter_context(exchange("kalshi", **account))
        stack.enter_context(Recorder(real, path))
        contract_of(real, name)
        paper = stack.enter_context(exchange("paper", source="kalshi", **account))
        books = [ex.watch_order_book(name) for ex in (real, paper)]
        lives = [ex.watch_market_status(name) for ex in (real, paper)]
        for watch in books:
            watch.next(timeout=10)
        orders = [(ex, rest(ex, name)) for ex in (real, paper)]
        with server.lock:
            ground.kalshi.engine.deactivate(name)
        for life in lives:
            life.next(timeout=10)
        paused = [OrderStatus(ex.fetch_order(x.order_id).status) for ex, x in orders]
        with server.lock:
            ground.kalshi.engine.activate(name)
        for life in lives:
            life.next(timeout=10)
        became = [ended(ex, order) for ex, order in orders]
        rest(real, name)
        books[0].next(timeout=10)
    return Session(path, name, paused, became)


def test_live_and_on_paper_it_is_canceled_when_trading_resumes(
    session: Session,
) -> None:
    assert session.paused == [OPEN, OPEN]
    assert session.became == [CANCELED, CANCELED]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_so_it_is_where_no_stream_tells_and_the_market_is_only_read(
    flavour: str,
) -> None:
    ground = KalshiPaper()
    paper = ground.trader(flavour)
    [name] = _busy(paper)[:1]
    order = rest(paper, name)
    became = []
    for act in (ground.kalshi.engine.deactivate, ground.kalshi.engine.activate):
        act(name)
        # A market in which an order rests is read once a minute.
        ground.clock.advance(61)
        became.append(paper.fetch_order(order.order_id).status)
    assert became == [OPEN, CANCELED]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_so_it_is_in_a_backtest_and_on_paper_over_the_recording(
    flavour: str, session: Session
) -> None:
    path, name = session.path, session.name
    mine, theirs = Once(name), Once(name)
    with exchange("replay", path=path) as ex:
        contracts = [contract_of(ex, name)]
    tested = backtest(theirs, path, contracts=contracts, cash=500)
    played(flavour, mine, path, cash=500)
    assert len(theirs.reasons) == 1
    assert "resumed trading after a pause" in theirs.reasons[0]
    assert mine.said == theirs.said
    assert not tested.fills
    assert not tested.failures


class Looks(Strategy):
    """Writes down what the desk knows of the book, whenever it is told anything."""

    def __init__(self, name: str, *subjects: Subject) -> None:
        self.markets = [name]
        self.subjects = subjects
        self.said: list[tuple[Any, ...]] = []

    def look(self, desk: Desk, what: str) -> None:
        [name] = self.markets
        book, status = desk.book(name), desk.market(name).status
        levels = None if book is None else (book.bids, book.asks)
        self.said.append((desk.moment, what, status, levels))

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not self.said:
            desk.timer("later", timedelta(milliseconds=1))
        self.look(desk, "book")

    def on_status(self, desk: Desk, change: MarketChange) -> None:
        self.look(desk, str(change.status))

    def on_timer(self, desk: Desk, name: str) -> None:
        self.look(desk, name)
        desk.timer("later", timedelta(milliseconds=1))


def at_once(path: Path, out: Path) -> Path:
    """The same pause, where it is told to be over before anything else is."""
    lines: list[Any] = [x for x in read(path) if not isinstance(x, Torn)]
    [over] = [x for x in lines if _tells(x, b'"activated"')]
    lines.remove(over)
    [place] = [n for n, x in enumerate(lines) if _tells(x, b'"deactivated"')]
    begun = lines[place]
    lines.insert(place + 1, replace(over, at=begun.at, mono=begun.mono))
    out.write_bytes(b"".join(map(encode, lines)))
    return out


def _tells(line: Any, word: bytes) -> bool:
    return isinstance(line, Frame) and word in line.body.data


SLOW = Delays(event=2_000_000)


@pytest.mark.parametrize("delays", [Delays(), SLOW], ids=str)
@pytest.mark.parametrize("subjects", [("order_book", "market_status"), ("order_book",)])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_desk_loses_the_book_from_before_once_it_is_told_that_trading_resumes(
    flavour: str,
    subjects: tuple[str, ...],
    delays: Delays,
    session: Session,
    tmp_path: Path,
) -> None:
    path, name = at_once(session.path, tmp_path / "resumed.jsonl"), session.name
    followed = [Subject(x) for x in subjects]
    mine, theirs = Looks(name, *followed), Looks(name, *followed)
    with exchange("replay", path=path) as ex:
        contracts = [contract_of(ex, name)]
    backtest(theirs, path, contracts=contracts, cash=500, delays=delays)
    played(flavour, mine, path, cash=500, delays=delays)
    assert len(theirs.said) > 10
    assert mine.said[: len(theirs.said)] == theirs.said
    told = [x[2:] for x in theirs.said]
    assert (MarketStatus.OPEN, None) in told
    if "market_status" in subjects:
        [paused] = [x for x in theirs.said if x[1] == "paused"]
        assert paused[-1] is not None
