"""An order that rests while trading is paused: at the venue, on paper and in a backtest."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.paper_exchange.ground import KalshiPaper
from unified_exchanges import Order, OrderBook, OrderStatus, exchange
from unified_exchanges.backtesting import backtest
from unified_exchanges.models import Subject
from unified_exchanges.recording import Recorder
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
    assert not tested.trades
    assert not tested.failures
