"""A message that is missing or cannot be read: live, over its recording, and in a backtest.

All are told the same of it, and on paper as in a backtest the same fills after it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from unified_exchanges import Gap, OrderBook, Trade, exchange
from unified_exchanges.backtesting import backtest
from unified_exchanges.models import Subject
from unified_exchanges.recording import Recorder
from unified_exchanges.simulator.faults import StreamFault, StreamPlan
from unified_exchanges.strategies import Desk, Strategy, contract_of, run

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_gaps import EVERYTHING, names_of
from .test_left import on_replay

FRAMES: Final = {
    "kalshi": {
        Subject.ORDER_BOOK: ("orderbook_delta", "msg.delta_fp"),
        Subject.TRADES: ("trade", "msg.yes_price_dollars"),
        Subject.MARKET_STATUS: ("market_lifecycle_v2", "msg.market_ticker"),
    },
    "polymarket": {
        Subject.ORDER_BOOK: ("price_change", "timestamp"),
        Subject.TRADES: ("last_trade_price", "size"),
        Subject.MARKET_STATUS: ("tick_size_change", "new_tick_size"),
    },
}
"""What tells of a subject, and a field without which it cannot be read."""
TURNS: Final = 24


class Looking(Strategy):
    """Writes gaps down; whoever stirs the market does so while it runs."""

    subjects = EVERYTHING

    def __init__(self, names: list[str], stir: Callable[[int], None] | None) -> None:
        self.markets = names
        self.stir = stir
        self.turn = 0
        self.gaps: list[Any] = []

    def on_start(self, desk: Desk) -> None:
        desk.timer("next", timedelta(milliseconds=500))

    def on_timer(self, desk: Desk, name: str) -> None:
        if self.stir is None:
            return
        self.turn += 1
        if self.turn > TURNS:
            desk.stop()
            return
        self.stir(self.turn)
        desk.timer("next", timedelta(milliseconds=60))

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        # One that is of all may name none in a backtest.
        names = sorted(gap.market_ids or self.markets)
        known = [desk.book(x) is not None for x in names]
        self.gaps.append((gap.subject, names, known, gap.reason))


class Taking(Looking):
    """Takes a contract of each market at every trade and gap."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names, None)

    def on_book(self, desk: Desk, book: OrderBook) -> None: ...

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        for name in self.markets:
            book = desk.book(name)
            if book is not None and book.ask is not None:
                terms = (name, book.outcome, "buy", book.ask.price, 10)
                desk.place(*terms, time_in_force="ioc")

    def on_gap(self, desk: Desk, gap: Gap) -> None:
        super().on_gap(desk, gap)
        self.on_trade(desk, None)  # type: ignore[arg-type]


@attrs.define
class Stirring:
    """Moves books, trades, and changes what a market is, of the first market."""

    at: Stage
    ex: Any
    name: str

    def __call__(self, turn: int) -> None:
        ex, name = self.ex, self.name
        book = ex.fetch_order_book(name)
        if turn % 4 == 3:
            # The venue tells others meanwhile, which would come before what is older.
            with self.at.server.lock:
                self._change(turn)
            return
        if turn % 2 and book.ask is not None:
            size = max(Decimal(5), Decimal(2) // book.ask.price)
            terms = (name, book.outcome, "buy", book.ask.price, size)
            ex.create_order(*terms, time_in_force="ioc")
        elif book.bid is not None:
            order = ex.create_order(name, book.outcome, "buy", book.bid.price, 20)
            ex.cancel_order(order.order_id)

    def _change(self, turn: int) -> None:
        """So that what it is gets told, and it trades on with its book."""
        if self.at.venue == "kalshi":
            engine = self.at.simulated.engine
            for _ in range(2):
                engine.change_close(self.name, engine.market(self.name).close_us)
            return
        tick = Decimal("0.001") if turn % 8 == 3 else Decimal("0.01")
        venue = self.at.simulated
        venue.change_tick(venue.catalog.markets[self.name], tick)


def faults(venue: str, subject: Subject, how: str) -> StreamPlan:
    frame, field = FRAMES[venue][subject]
    more: dict[str, Any] = {"frame": frame, "nth": 3}
    if how == "alter":
        more |= {"field": field, "value": ["x"]}
    return StreamPlan([StreamFault(how, keep=40, **more)])  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["drop", "alter", "truncate"])
@pytest.mark.parametrize(
    "subject", [Subject.ORDER_BOOK, Subject.TRADES, Subject.MARKET_STATUS]
)
@pytest.mark.parametrize("venue", VENUES)
def test_everybody_is_told_the_same_of_it(
    venue: str, subject: Subject, how: str, tmp_path: Path
) -> None:
    path = tmp_path / "missed.jsonl"
    with stage(venue, faults(venue, subject, how)) as at:
        names = names_of(at)
        with (
            exchange(venue, **at.account) as other,
            exchange(venue, **at.account) as ex,
            Recorder(ex, path),
        ):
            contracts = [contract_of(ex, x) for x in names]
            live = Looking(names, Stirring(at, other, names[0]))
            run(live, ex, seconds=30)
    told = [live.gaps]
    for flavour in FLAVOURS:
        looking = Looking(names, None)
        on_replay(flavour, looking, "replay", path=path)
        told.append(looking.gaps)
    tested = Looking(names, None)
    backtest(tested, path, contracts=contracts)
    assert [*told, tested.gaps] == [live.gaps] * 4
    if how != "drop" or venue == "kalshi":
        expected = [None if how == "truncate" else subject]
        # The number of what was cut is missing as well, once the next one comes.
        is_numbered = venue == "kalshi" and how == "truncate"
        assert [x[0] for x in live.gaps] == expected + [subject] * is_numbered

    takings = [Taking(names) for _ in range(3)]
    ran = [
        on_replay(x, taking, "paper", source="replay", path=path, cash=1000)
        for x, taking in zip(FLAVOURS, takings, strict=False)
    ]
    report = backtest(takings[2], path, contracts=contracts, cash=1000)
    assert [x.gaps for x in takings] == [live.gaps] * 3
    fills = [(x.market_id, x.price, x.size) for x in report.fills]
    assert len(fills) > 2
    for each in ran:
        assert [(x.market_id, x.price, x.size) for x in each.fills] == fills
        assert each.cash == report.cash
