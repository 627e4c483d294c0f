"""A strategy decides a little later over its recording than live, as a timer may ring then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from unified_exchanges import Order, OrderBook
from unified_exchanges.recording import Rest, read
from unified_exchanges.strategies import Desk, Strategy

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage
from .test_replayed import replayed
from .test_replayed_trouble import live, quoted

_MS = 1_000_000
"""Nanoseconds."""


class Twice(Strategy):
    """Places the same order at these moments, by default half a second apart."""

    def __init__(self, name: str, moments: Iterable[int] = ()) -> None:
        self.markets = [name]
        self.moments = [*moments]
        self.is_begun = False
        self.heard: dict[str, tuple[str, int]] = {}
        """Of each order the venue's id, and when it was told first."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.is_begun:
            return
        self.is_begun = True
        self.moments = self.moments or [desk.moment + x * _MS for x in (20, 520)]
        for number, moment in enumerate(self.moments):
            span = timedelta(microseconds=(moment - desk.moment) // 1_000)
            desk.timer(str(number), span)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            desk.stop()
            return
        market = desk.market(self.markets[0])
        terms = (market.outcomes[0].label, "buy", market.grid.lowest, 10)
        desk.place(market.market_id, *terms)

    def on_order(self, desk: Desk, order: Order) -> None:
        key = order.client_order_id or ""
        if key not in self.heard:
            self.heard[key] = order.order_id, desk.moment
            if len(self.heard) == 2:
                desk.timer("enough", timedelta(milliseconds=300))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_an_order_that_is_decided_late_is_answered_as_it_was_and_not_as_the_next(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "twice.jsonl"
    with stage(venue) as at:
        real = Twice(quoted(at))
        live(flavour, real, at, path)
    sent = [x.began for x in read(path) if isinstance(x, Rest) and x.method == "POST"]
    late = [began + 10 * _MS for began in sent]
    assert len(late) == len(real.heard) == 2
    for other in FLAVOURS:
        again = Twice(real.markets[0], late)
        report = replayed(other, again, path)
        assert report.failures == ()
        told = list(again.heard.values())
        assert [x for x, _ in told] == [x for x, _ in real.heard.values()]
        assert all(x - y < 200 * _MS for (_, x), y in zip(told, late, strict=True))
