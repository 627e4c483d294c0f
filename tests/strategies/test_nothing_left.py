"""A cancel or a change of an order that is over goes nowhere, in every kind of run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import Order, OrderBook
from unified_exchanges.backtesting import backtest
from unified_exchanges.paper import Delays
from unified_exchanges.strategies import Amend, Desk, Failure, Strategy

from ..flavours import FLAVOURS
from ..paper.scene import SECOND, START, book, contract
from ..recording.sessions import VENUES, stage
from .test_told_alike import live, market_of, performed

KINDS = ("local", "guard", "post_only", "ioc", "canceled", "filled")
"""How an order comes to its end: refused here, by a guard or by the venue, or as told."""


class Insisting(Strategy):
    """Places one order of each kind, and asks for a change and a cancel of each.

    So it does at once, or when it was told that all have ended; what it is told of each is
    in ``said``.
    """

    def __init__(self, name: str, *, is_late: bool, kinds: tuple[str, ...]) -> None:
        self.markets = [name]
        self.is_late = is_late
        self.kinds = kinds
        self.keys: dict[str, str] = {}
        self.said: dict[str, list[str]] = {kind: [] for kind in kinds}
        self.has_waited = False

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.keys:
            return
        bid, ask = book.bid, book.ask
        assert bid is not None
        assert ask is not None
        low = desk.market(book.market_id).grid.lowest
        asked: dict[str, tuple[Any, Any, dict[str, Any]]] = {
            "local": (bid.price, "0.001", {}),
            "guard": (bid.price, 4_000_000, {}),
            "post_only": (ask.price, 10, {"post_only": True}),
            "ioc": (low, 2_000, {"time_in_force": "ioc"}),
            "canceled": (low, 2_000, {}),
            "filled": (ask.price, 10, {"time_in_force": "ioc"}),
        }
        for kind in self.kinds:
            price, size, terms = asked[kind]
            key = desk.place(book.market_id, book.outcome, "buy", price, size, **terms)
            self.keys[kind] = key
            if not self.is_late:
                if kind == "canceled":
                    desk.cancel(key)
                self.insist(desk, key)

    def insist(self, desk: Desk, key: str) -> None:
        desk.amend(key, size=9)
        desk.cancel(key)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "late":
            if self.is_late:
                for key in self.keys.values():
                    self.insist(desk, key)
            # So that something is recorded after it.
            market = desk.market(self.markets[0])
            label, low = market.outcomes[0].label, market.grid.lowest
            desk.place(market.market_id, label, "buy", low, 1_000)
            desk.timer("enough", timedelta(milliseconds=400))
        elif name == "enough":
            desk.stop()

    def on_order(self, desk: Desk, order: Order) -> None:
        assert order.client_order_id is not None
        kind = self.say(desk, order.client_order_id, order.status)
        if kind == "canceled" and self.is_late and order.is_open:
            desk.cancel(order.client_order_id)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        command = type(failure.command).__name__
        key, what = failure.command.key, type(failure.error).__name__
        self.say(desk, key, f"{command}: {what}")

    def say(self, desk: Desk, key: str, what: str) -> str | None:
        kind = next((kind for kind, own in self.keys.items() if own == key), None)
        if kind is not None:
            self.said[kind].append(what)
            # However long a machine takes for it.
            ended = [bool(x) and x[-1] != "open" for x in self.said.values()]
            if all(ended) and not self.has_waited:
                self.has_waited = True
                desk.timer("late", timedelta(milliseconds=300))
        return kind


SAID = {
    "local": ["Place: InvalidSize"],
    "guard": ["Place: GuardTripped"],
    "post_only": ["Place: OrderRejected"],
    "ioc": ["canceled"],
    "canceled": ["open", "canceled"],
    "filled": ["closed"],
}


@pytest.mark.parametrize("is_late", [True, False])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_is_asked_of_an_order_that_is_over_is_told_by_nobody(
    venue: str, flavour: str, is_late: bool, tmp_path: Path
) -> None:
    # Live a change that waits for the answer to its order meets one that has filled, if the
    # answer comes before the fills: that is told.
    kinds = KINDS if is_late else KINDS[:-1]
    path = tmp_path / "tape.jsonl"
    ran: dict[str, Insisting] = {}

    def insisting(kind: str, name: str) -> Insisting:
        ran[kind] = Insisting(name, is_late=is_late, kinds=kinds)
        return ran[kind]

    with stage(venue, enforce_limits=False) as at:
        name = market_of(at).market_id
        _, made = live(flavour, insisting("live", name), at, path)
    over = {"source": "replay", "path": path, "cash": 1_000}
    performed(flavour, insisting("paper over it", name), "paper", **over)
    backtest(insisting("backtest", name), path, contracts=[made], cash=1_000)
    told = {kind: SAID[kind] for kind in kinds}
    said = {name: strategy.said for name, strategy in ran.items()}
    assert said == dict.fromkeys(ran, told)


class Late(Strategy):
    """Takes what there is, and asks for a change of it when a timer rings."""

    def __init__(self, after: timedelta) -> None:
        self.after = after
        self.key = ""
        self.said: list[Any] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not self.key:
            self.key = desk.place(book.market_id, book.outcome, "buy", "0.50", 5)
            desk.timer("change", self.after)

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.amend(self.key, size=7)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.said.append(order.status)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        assert isinstance(failure.command, Amend)
        self.said.append(type(failure.error).__name__)


@pytest.mark.parametrize(
    ("milliseconds", "said"), [(150, ["closed", "InvalidOrder"]), (250, ["closed"])]
)
def test_a_change_is_refused_that_leaves_before_the_end_is_told(
    milliseconds: int, said: list[str]
) -> None:
    strategy = Late(timedelta(milliseconds=milliseconds))
    ticks = [(START + n * SECOND, book("9@0.40", "9@0.50")) for n in range(3)]
    delays = Delays(order=SECOND // 10, event=SECOND // 10)
    backtest(strategy, ticks, contracts=[contract()], delays=delays)
    assert strategy.said == said
