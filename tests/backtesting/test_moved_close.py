"""A close that is moved cancels what rests when it comes, before all that is told later."""

from __future__ import annotations

import attrs
import pytest

from unified_exchanges import MarketChange, Order, OrderBook, Trade
from unified_exchanges.backtesting import backtest
from unified_exchanges.models import Subject
from unified_exchanges.paper import Delays, at
from unified_exchanges.strategies import Desk, Strategy

from ..paper.scene import SECOND, START, book, change, contract, trade

MS = 1_000_000
MOVED = START + SECOND
TOLD = MOVED + 671_000
"""When the market tells of something next."""


class Resting(Strategy):
    """Bids once, and writes down what it is told, and when."""

    subjects = (Subject.ORDER_BOOK, Subject.TRADES, Subject.MARKET_STATUS)

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def note(self, desk: Desk, what: str) -> None:
        self.told.append((desk.moment - MOVED, what))

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        desk.place("RAIN", "yes", "buy", "0.30", 10)

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        self.note(desk, "trade")

    def on_status(self, desk: Desk, change: MarketChange) -> None:
        self.note(desk, "moved")

    def on_order(self, desk: Desk, order: Order) -> None:
        if not order.is_open:
            self.note(desk, order.status)


@pytest.mark.parametrize("event", [0, MS])
@pytest.mark.parametrize("to", [MOVED - 600 * SECOND, MOVED, MOVED + 100_000])
def test_what_rests_is_told_to_have_ended_before_what_comes_later(
    event: int, to: int
) -> None:
    market = attrs.evolve(contract().market, closes_at=at(START + 900 * SECOND))
    given = attrs.evolve(contract(), market=market, keeps_hours=True)
    moved = attrs.evolve(change(), closes_at=at(to))
    resting = Resting()
    backtest(
        resting,
        [
            (START, book("10@0.40", "10@0.50")),
            (MOVED, moved),
            (TOLD, trade("0.50", "1", moment=TOLD)),
            (TOLD + 10 * SECOND, trade("0.50", "1", moment=TOLD)),
        ],
        contracts=[given],
        delays=Delays(order=MS, event=event),
        cash=100,
    )
    closed = max(to, MOVED) - MOVED
    assert resting.told[:3] == [
        (event, "moved"),
        (closed + event, "canceled"),
        (TOLD - MOVED + event, "trade"),
    ]
