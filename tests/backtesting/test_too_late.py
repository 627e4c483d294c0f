"""Changes and cancels of orders whose end was told: as live, nothing is left to change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from unified_exchanges import Order, OrderBook, exchange
from unified_exchanges.backtesting import backtest
from unified_exchanges.models import Subject
from unified_exchanges.paper import Delays
from unified_exchanges.strategies import Desk, Failure, Strategy, run

from ..paper.scene import SECOND, START, book, contract
from ..recording.sessions import stage

_BEAT = timedelta(milliseconds=150)
MS = 1_000_000
BOOKS = [(START + n * SECOND // 20, book("40@0.40", "40@0.50")) for n in range(40)]


class Late(Strategy):
    """Places one order, and changes and cancels it once it is over."""

    subjects = (Subject.ORDER_BOOK,)

    def __init__(self, name: str, kind: str) -> None:
        self.markets = [name]
        self.kind = kind
        self.key = ""
        self.told: list[tuple[str, ...]] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.key or book.bid is None or book.ask is None:
            return
        lowest = desk.market(book.market_id).grid.lowest
        price, size, how = {
            "canceled": (lowest, "5", {}),
            "unfilled": (lowest, "5", {"time_in_force": "ioc"}),
            "filled": (book.ask.price, "1", {"time_in_force": "ioc"}),
            "rejected": (book.ask.price, "5", {"post_only": True}),
            "refused": (lowest, "0.0001", {}),
            "refused at once": (lowest, "0.0001", {}),
        }[self.kind]
        terms: Any = how
        self.key = desk.place(book.market_id, book.outcome, "buy", price, size, **terms)
        if self.kind == "refused at once":
            self.change(desk)
        desk.timer("cancel" if self.kind == "canceled" else "late", _BEAT)

    def change(self, desk: Desk) -> None:
        desk.amend(self.key, size=7)
        desk.cancel(self.key)
        desk.cancel(self.key)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "end":
            desk.stop()
        elif name == "late":
            self.change(desk)
            desk.timer("end", _BEAT)
        else:
            desk.cancel(self.key)
            desk.timer("late", _BEAT)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append((order.status,))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        kinds = type(failure.command), type(failure.error)
        self.told.append(tuple(x.__name__ for x in kinds))


def played(kind: str, delays: Delays | None = None) -> list[tuple[str, ...]]:
    market = attrs.evolve(contract().market, venue="kalshi")
    strategy = Late("RAIN", kind)
    given = attrs.evolve(contract(), market=market)
    backtest(strategy, BOOKS, contracts=[given], cash=1_000, delays=delays)
    return strategy.told


@pytest.mark.parametrize(
    "kind",
    ["canceled", "unfilled", "filled", "rejected", "refused", "refused at once"],
)
def test_what_comes_after_the_end_of_an_order_was_told_is_told_as_live(
    kind: str,
) -> None:
    with stage("kalshi") as at, exchange(at.venue, **at.account) as ex:
        market = next(
            x for x in ex.fetch_markets(limit=100) if x.bid and x.ask and not x.legs
        )
        strategy = Late(market.market_id, kind)
        run(strategy, ex, seconds=30)
    assert strategy.told
    assert played(kind) == strategy.told
    assert played(kind, Delays(order=MS, event=3 * MS)) == strategy.told


def test_a_change_that_is_on_its_way_when_its_order_ends_is_refused() -> None:
    class Blind(Late):
        def on_order(self, desk: Desk, order: Order) -> None:
            super().on_order(desk, order)
            if order.is_open:
                desk.cancel(self.key)
                self.change(desk)

    market = attrs.evolve(contract().market, venue="kalshi")
    strategy = Blind("RAIN", "canceled")
    given = attrs.evolve(contract(), market=market)
    backtest(strategy, BOOKS, contracts=[given], cash=1_000)
    assert strategy.told == [("open",), ("canceled",), ("Amend", "InvalidOrder")]
