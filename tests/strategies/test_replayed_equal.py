"""Of equal orders that are on their way at once, each is the same over the recording."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import GuardPolicy, Order, OrderBook, exchange
from unified_exchanges.recording import Rest, read
from unified_exchanges.simulator.faults import Fault
from unified_exchanges.strategies import Desk, Failure, Strategy

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage
from .test_replayed import replayed
from .test_replayed_trouble import live, quoted


class Equal(Strategy):
    """Places the same order again and again; cancels the second once all rest."""

    def __init__(
        self,
        name: str,
        spans: tuple[int, ...] = (20, 120),
        *,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self.markets = [name]
        self.spans = spans
        self.may_go_on = may_go_on
        self.keys: list[str] = []
        self.ids: dict[int, str] = {}
        self.ended: list[int] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        spans, self.spans = self.spans, ()
        for number, span in enumerate(spans):
            desk.timer(str(number), timedelta(milliseconds=span))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            desk.stop()
        elif self.keys and not self.may_go_on():
            desk.timer(name, timedelta(milliseconds=10))
        else:
            self.place(desk)

    def place(self, desk: Desk) -> None:
        market = desk.market(self.markets[0])
        terms = (market.outcomes[0].label, "buy", market.grid.lowest, 10)
        self.keys.append(desk.place(market.market_id, *terms))

    def on_order(self, desk: Desk, order: Order) -> None:
        number = self.keys.index(order.client_order_id or "")
        self.ids.setdefault(number, order.order_id)
        assert self.ids[number] == order.order_id
        if not order.is_open:
            self.ended.append(number)
            desk.timer("enough", timedelta(milliseconds=300))
        elif len(self.ids) == 2 and order.is_open and not self.ended:
            desk.cancel(self.keys[1])


def posts(path: Path) -> list[Rest]:
    return [x for x in read(path) if isinstance(x, Rest) and x.method == "POST"]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_equal_orders_that_were_answered_in_another_order_keep_their_ids(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "equal.jsonl"
    with stage(venue) as at:
        name = quoted(at)
        late = Fault("delay", method="POST", path="/orders?$", seconds=0.5)
        at.server.faults.add(late)
        real = Equal(name, may_go_on=lambda: bool(at.server.faults.struck))
        report = live(flavour, real, at, path)
    first, second = posts(path)
    assert first.began > second.began
    assert report.failures == ()
    for other in FLAVOURS:
        again = Equal(name)
        told = replayed(other, again, path)
        assert told.failures == ()
        assert again.ids == real.ids
        assert again.ended == real.ended
        assert [x.order_id for x in told.left_orders] == [
            x.order_id for x in report.left_orders
        ]
        assert told.cash == report.cash


class Refused(Equal):
    """Has room for one order: the second is refused, the third placed after a cancel."""

    def __init__(self, name: str) -> None:
        super().__init__(name, (20,))
        self.refused: list[tuple[int, type[Exception]]] = []

    def on_order(self, desk: Desk, order: Order) -> None:
        number = self.keys.index(order.client_order_id or "")
        if number not in self.ids:
            self.ids[number] = order.order_id
            if number == 0:
                self.place(desk)
            else:
                desk.timer("enough", timedelta(milliseconds=300))
        elif not order.is_open and len(self.keys) == 2:
            self.place(desk)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        number = self.keys.index(failure.command.key)
        self.refused.append((number, type(failure.error)))
        if number == 1:
            desk.cancel(self.keys[0])


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_an_order_that_a_guard_refuses_takes_nothing_from_the_next_one(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "refused.jsonl"
    with stage(venue) as at:
        name = quoted(at)
        with exchange(at.venue, **at.account) as ex:
            low = ex.fetch_market(name).grid.lowest
        guards: dict[str, Any] = {"guards": GuardPolicy(max_market_exposure=15 * low)}
        real = Refused(name)
        report = live(flavour, real, at, path, **guards)
    assert sorted(real.ids) == [0, 2]
    for other in FLAVOURS:
        again = Refused(name)
        told = replayed(other, again, path, **guards)
        assert again.refused == real.refused
        assert again.ids == real.ids
        assert told.cash == report.cash
