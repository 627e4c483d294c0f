"""Who chases what others trade: a backtest offers nothing that a told trade has taken.

The trades are those of a simulated venue, with the times that it gives them and its books.
Which of both is received first is not left to chance here.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

from unified_exchanges import GuardPolicy, OrderBook, Trade, exchange
from unified_exchanges.backtesting import backtest, recorded
from unified_exchanges.money import total
from unified_exchanges.paper import Contract, Delays, PaperEvent, nanoseconds
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import Desk, Strategy, contract_of, run

from ..recording.sessions import VENUES, stage

MILLISECOND = 1_000_000
Told = list[tuple[int, PaperEvent]]


class Eater(Strategy):
    """Takes half of the best offers, and then all of the next, again and again."""

    subjects = ("order_book", "trades")

    def __init__(self, market_id: str) -> None:
        self.markets = [market_id]
        self.turns = 0

    def on_start(self, desk: Desk) -> None:
        desk.timer("next", timedelta(milliseconds=300))

    def on_timer(self, desk: Desk, name: str) -> None:
        [market_id] = self.markets
        book, market = desk.book(market_id), desk.market(market_id)
        if self.turns == 4:
            desk.stop()
            return
        if book is not None and book.ask is not None:
            self.turns += 1
            price, size = book.ask.price, book.ask.size
            lot = market.immediate_lot(price)
            lots = size / 2 // lot if self.turns % 2 else size // lot
            wanted = (lots + 1) * lot
            desk.place(
                market_id, book.outcome, "buy", price, wanted, time_in_force="ioc"
            )
        desk.timer(name, timedelta(milliseconds=300))


class Chaser(Strategy):
    """Buys whatever is still there at the price of a trade, as soon as it is told."""

    subjects = ("order_book", "trades")

    def __init__(self) -> None:
        self.chased: dict[str, Trade] = {}

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        if trade.taker_side == "buy":
            lot = desk.market(trade.market_id).immediate_lot(trade.price)
            key = desk.place(
                trade.market_id,
                trade.outcome,
                "buy",
                trade.price,
                lot * 100_000,
                time_in_force="ioc",
            )
            self.chased[key] = trade


@attrs.frozen
class Tape:
    contract: Contract
    events: Told


@pytest.fixture(scope="module", params=VENUES)
def tape(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tape:
    path: Path = tmp_path_factory.mktemp("chased") / "session.jsonl"
    with stage(request.param) as at, exchange(at.venue, **at.account) as ex:
        name = next(x.market_id for x in ex.fetch_markets() if x.bid and x.ask)
        with Recorder(ex, path):
            contract = contract_of(ex, name)
            run(Eater(name), ex, seconds=30)
    first = contract.first
    told = [x for x in recorded(path) if getattr(x[1], "outcome", first) == first]
    assert sum(isinstance(x, Trade) for _, x in told) >= 4
    return Tape(contract, told)


def received(told: Told, *, later: type) -> Told:
    """The same as by a line without delay, but for one kind that takes two milliseconds."""
    timed = [
        (x.created_at if isinstance(x, Trade) else x.timestamp, x)
        for _, x in told
        if isinstance(x, Trade | OrderBook)
    ]
    moments = [(nanoseconds(time), x) for time, x in timed if time is not None]
    delayed = [(m + 2 * MILLISECOND * isinstance(x, later), x) for m, x in moments]
    return sorted(delayed, key=lambda pair: pair[0])


def left(told: Told, trade: Trade) -> Decimal:
    """What a trade left at its price, by the first book of its time or later."""
    books = (
        x
        for _, x in told
        if isinstance(x, OrderBook) and x.timestamp and x.timestamp >= trade.created_at
    )
    found = next(books, None)
    levels = () if found is None else found.asks
    return next((x.size for x in levels if x.price == trade.price), Decimal(0))


@pytest.mark.parametrize("delay", [0, MILLISECOND])
@pytest.mark.parametrize("later", [OrderBook, Trade])
def test_fault_p14_nothing_fills_that_a_told_trade_has_taken(
    tape: Tape, later: type, delay: int
) -> None:
    told = received(tape.events, later=later)
    chaser = Chaser()
    report = backtest(
        chaser,
        told,
        contracts=[tape.contract],
        cash=1_000_000,
        delays=Delays(order=delay),
        guards=GuardPolicy(
            max_order_cost=None, max_market_exposure=None, max_exposure=None
        ),
    )
    assert len(chaser.chased) >= 4
    for number, (key, trade) in enumerate(chaser.chased.items()):
        got = total(x.size for x in report.fills if x.client_order_id == key)
        assert got <= left(told, trade)
        if number == 0 and later is OrderBook:
            # Half of the level was left, and nobody else wants it.
            assert got == left(told, trade) > 0
