"""Changes of many orders at once, whose reads are equal, over their recording."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from unified_exchanges import Order, OrderBook
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.strategies import Desk, Strategy

from ..flavours import FLAVOURS
from ..recording.sessions import stage
from .test_replayed import replayed
from .test_replayed_trouble import live, quoted

BURSTS: Final = 2
ORDERS: Final = 7
"""Those of a burst."""
LATE: Final = (0, 300, 900)
"""Milliseconds by which the bursts are decided later than live."""


class Repricing(Strategy):
    """Places orders at once, and reprices each as soon as it rests.

    It ends ``until`` nanoseconds after its beginning, by default once all of that is told
    and could have been told as late as in any of the replays.
    """

    def __init__(self, name: str, late: int = 0, until: int | None = None) -> None:
        self.markets = [name]
        self.late = late
        self.until = until
        self.began = 0
        self.low = Decimal(0)
        self.changed: set[str] = set()
        self.last: dict[str, tuple[Decimal, bool]] = {}
        """Of each order of the venue, what was told last: its price, and whether it rests."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.began:
            return
        self.began = desk.moment
        self.low = desk.market(book.market_id).grid.lowest
        for number in range(BURSTS):
            after = 100 + 400 * number + self.late
            desk.timer(str(number), timedelta(milliseconds=after))
        if self.until is not None:
            desk.timer("enough", timedelta(microseconds=self.until // 1_000))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            self.until = desk.moment - self.began
            desk.stop()
            return
        label = desk.market(self.markets[0]).outcomes[0].label
        for number in range(ORDERS):
            # None says the same as another.
            size = 10 * (int(name) + 1) + number
            desk.place(self.markets[0], label, "buy", self.low, size)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.last[order.order_id] = order.price, order.is_open
        key = order.client_order_id or ""
        if order.is_open and key not in self.changed:
            self.changed.add(key)
            desk.amend(key, price=7 * self.low)
        prices = [price for price, _ in self.last.values()]
        if self.until is None and prices.count(7 * self.low) == BURSTS * ORDERS:
            desk.timer("enough", timedelta(milliseconds=LATE[-1] + 300))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_changes_that_read_at_once_are_each_made_by_their_own_reads(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "burst.jsonl"
    with stage("kalshi") as at:
        reads = "/portfolio/orders|user_data_timestamp"
        lag = Fault("lag", method="GET", path=reads, seconds=0.36, count=1000)
        at.server.faults.add(lag)
        real = Repricing(quoted(at))
        before = live(flavour, real, at, path)
    assert before.failures == ()
    assert [*real.last.values()] == [(7 * real.low, True)] * BURSTS * ORDERS
    for other in FLAVOURS:
        for late in LATE:
            again = Repricing(real.markets[0], late, real.until)
            report = replayed(other, again, path)
            assert report.failures == ()
            # The reads of the end are told after it.
            assert again.last == real.last
