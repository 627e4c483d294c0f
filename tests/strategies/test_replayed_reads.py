"""What only a read told after the stream was reset, of orders that are decided after it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from unified_exchanges import Order, OrderBook
from unified_exchanges.simulator.faults import StreamFault, StreamPlan
from unified_exchanges.strategies import Desk, Strategy

from ..backtesting.test_making import filled
from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage
from .test_replayed import replayed
from .test_replayed_trouble import live, quoted

FRAMES: Final = {"kalshi": "fill", "polymarket": "trade"}
SIZES: Final = (10, 20)


class Takes(Strategy):
    """Takes twice, the second before the connection that broke by the first is back."""

    def __init__(self, name: str, late: int = 0) -> None:
        self.markets = [name]
        self.late = late
        self.price: Decimal | None = None
        self.ended: list[tuple[str, Decimal]] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.price is not None or book.ask is None:
            return
        self.price = book.ask.price
        for number, after in enumerate((100, 130)):
            desk.timer(str(number), timedelta(milliseconds=after + self.late))
        desk.timer("enough", timedelta(seconds=2))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            desk.stop()
            return
        assert self.price is not None
        market = desk.market(self.markets[0])
        terms = (market.outcomes[0].label, "buy", self.price, SIZES[int(name)])
        desk.place(market.market_id, *terms, time_in_force="ioc")

    def on_order(self, desk: Desk, order: Order) -> None:
        if not order.is_open:
            self.ended.append((order.order_id, order.filled))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_fills_that_only_a_read_told_are_those_of_orders_that_are_decided_after_it(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "reset.jsonl"
    with stage(venue, StreamPlan([StreamFault("reset", frame=FRAMES[venue])])) as at:
        real = Takes(quoted(at))
        before = live(flavour, real, at, path)
        assert at.server.stream_faults.struck
    assert [x.size for x in before.fills] == [*SIZES]
    assert before.failures == before.notes == ()
    for other in FLAVOURS:
        for late in (0, 700, 1400):
            again = Takes(real.markets[0], late)
            report = replayed(other, again, path)
            assert filled(report.fills) == filled(before.fills)
            assert sorted(again.ended) == sorted(real.ended)
            assert report.cash == before.cash
            assert report.positions == before.positions
            assert report.failures == report.notes == ()
