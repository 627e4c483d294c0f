"""A strategy decides a little later over its recording than live, as a timer may ring then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import Fill, GuardPolicy, Order, OrderBook, exchange
from unified_exchanges.money import total
from unified_exchanges.recording import Rest, Unanswered, read
from unified_exchanges.simulator.faults import Fault, FaultKind
from unified_exchanges.strategies import Desk, Strategy

from ..backtesting.test_making import filled
from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage
from .test_replayed import replayed
from .test_replayed_trouble import live, quoted

_MS = 1_000_000
"""Nanoseconds."""


class Twice(Strategy):
    """Places the same order at these moments, by default half a second apart."""

    count = 2

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
            if len(self.heard) == self.count:
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


class AtOnce(Twice):
    """Places three equal orders at the second of two moments, and one at the first."""

    count = 4

    def on_timer(self, desk: Desk, name: str) -> None:
        for _ in range(3 if name == "1" else 1):
            super().on_timer(desk, name)

    @property
    def ids(self) -> dict[int, str]:
        """The venue's, by which order of the run it is."""
        return {
            int(key.rpartition("-")[2]): order_id
            for key, (order_id, _) in self.heard.items()
        }


@pytest.mark.parametrize("venue", VENUES)
def test_equal_orders_that_were_sent_at_once_and_are_decided_late_are_answered_in_their_order(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "at_once.jsonl"
    with stage(venue) as at:
        real = AtOnce(quoted(at))
        live("blocking", real, at, path)
    # Threads may have sent those at once in another order than they were decided.
    posts = [x for x in read(path) if isinstance(x, Rest) and x.method == "POST"]
    posts.sort(key=lambda x: x.began)
    late = [posts[place].began + 10 * _MS for place in (0, -1)]
    assert posts[-1].began - posts[1].began < 50 * _MS
    known = real.ids.values()
    sent = [next(x for x in known if x.encode() in y.body.data) for y in posts]
    assert sorted(sent) == sorted(known)
    for flavour in FLAVOURS:
        again = AtOnce(real.markets[0], late)
        report = replayed(flavour, again, path)
        assert report.failures == ()
        assert [again.ids[number] for number in (1, 2, 3, 4)] == sent


class Taker(Twice):
    """Buys at the best offer, with room for that once, when the account was read."""

    def __init__(
        self, name: str, moments: Iterable[int] = (), *, of: Any = None
    ) -> None:
        super().__init__(name, moments)
        self.exchange = of
        self.bought = Decimal(0)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "1":
            return
        ex = self.exchange
        if name == "enough":
            desk.stop()
        elif ex is not None and ex.stream_health().state != "live":
            # A read tells what was bought before, or not.
            desk.timer(name, timedelta(milliseconds=10))
        else:
            book = desk.book(self.markets[0])
            assert book is not None
            assert book.ask is not None
            desk.place(book.market_id, book.outcome, "buy", book.ask.price, 10)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.bought += fill.size
        if self.bought == 10:
            desk.timer("enough", timedelta(milliseconds=300))


@pytest.mark.parametrize("trouble", [None, "drop", "truncate"])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_was_told_of_an_order_before_it_is_decided_is_told_after_it(
    venue: str, flavour: str, trouble: FaultKind | None, tmp_path: Path
) -> None:
    path = tmp_path / "taken.jsonl"
    with stage(venue) as at:
        if trouble is not None:
            at.server.faults.add(Fault(trouble, method="POST", path="/orders?$"))
        name = quoted(at)
        with exchange(at.venue, **at.account) as ex:
            ask = ex.fetch_order_book(name).ask
        assert ask is not None
        guards = GuardPolicy(max_market_exposure=15 * ask.price)
        real = live(flavour, lambda ex: Taker(name, of=ex), at, path, guards=guards)
    lines = (x for x in read(path) if isinstance(x, Rest | Unanswered))
    sent = next(x for x in lines if x.method == "POST")
    for other in FLAVOURS:
        # All of it was told by then.
        again = replayed(other, Taker(name, [sent.at + 100 * _MS]), path, guards=guards)
        assert again.failures == real.failures == ()
        assert filled(again.fills) == filled(real.fills)
        # But for its price at the end, which is that of a later moment.
        held = [[x.marked_at(None) for x in y.positions] for y in (again, real)]
        assert held[0] == held[1]
        assert again.cash == real.cash


class TakesTwice(Twice):
    """Takes ten and twenty, a fifth of a second apart."""

    def __init__(self, name: str, moments: Iterable[int] = ()) -> None:
        super().__init__(name, moments)
        self.bought = Decimal(0)

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.moments = self.moments or [desk.moment + x * _MS for x in (20, 220)]
        super().on_book(desk, book)

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            desk.stop()
            return
        book = desk.book(self.markets[0])
        assert book is not None
        assert book.ask is not None
        size = 20 if name == "1" else 10
        desk.place(book.market_id, book.outcome, "buy", book.ask.price, size)

    def on_order(self, desk: Desk, order: Order) -> None:
        pass

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.bought += fill.size
        if self.bought == 30:
            desk.timer("enough", timedelta(milliseconds=300))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_of_two_orders_whose_answers_were_lost_each_has_its_own_fills(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "lost.jsonl"
    with stage(venue) as at:
        at.server.faults.add(Fault("drop", method="POST", path="/orders?$", count=2))
        real = live(flavour, TakesTwice(quoted(at)), at, path)
    assert total(x.size for x in real.fills) == 30
    late = [x.at + 300 * _MS for x in real.decisions]
    for other in FLAVOURS:
        again = replayed(other, TakesTwice(real.decisions[0].market_id, late), path)
        assert again.failures == real.failures
        assert filled(again.fills) == filled(real.fills)
        assert again.cash == real.cash


class Repricer(Strategy):
    """Bids, and changes the price of that, or its size, so many milliseconds afterwards."""

    def __init__(
        self, name: str, changes: Iterable[tuple[int, str, int]], end: int
    ) -> None:
        self.markets = [name]
        self.changes = [*changes]
        self.end = end
        self.key = ""
        self.told: list[tuple[Any, ...]] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if self.key:
            return
        market = desk.market(self.markets[0])
        terms = (market.outcomes[0].label, "buy", market.grid.lowest, 20)
        self.key = desk.place(market.market_id, *terms)
        for number, (after, _, _) in enumerate(self.changes):
            desk.timer(str(number), timedelta(milliseconds=after))
        desk.timer("enough", timedelta(milliseconds=self.end))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "enough":
            desk.stop()
            return
        _, what, much = self.changes[int(name)]
        if what == "price":
            lowest = desk.market(self.markets[0]).grid.lowest
            desk.amend(self.key, price=much * lowest)
        else:
            desk.amend(self.key, size=much)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append((order.order_id, order.status, order.price, order.size))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    "changes",
    [
        [(300, "price", 2)],
        [(300, "price", 2), (900, "price", 3)],
        [(300, "price", 2), (900, "size", 15)],
        # As far apart as two questions whether the reads are fresh.
        [(300, "price", 2), (500, "price", 3), (700, "size", 15)],
    ],
    ids=["once", "twice", "then-size", "by-a-beat"],
)
def test_a_change_that_is_decided_late_is_made_as_it_was(
    changes: list[tuple[int, str, int]], flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "changed.jsonl"
    with stage("kalshi") as at:
        real = Repricer(quoted(at), changes, 1400)
        before = live(flavour, real, at, path)
    assert before.failures == ()
    for other in FLAVOURS:
        for late in (20, 60, 400):
            for count in {1, len(changes)}:
                moved = [(x + late, what, much) for x, what, much in changes[:count]]
                if any(x < moved[0][0] for x, _, _ in changes[count:]):
                    continue  # the next change of the order would come first
                again = Repricer(real.markets[0], moved + changes[count:], 1400)
                report = replayed(other, again, path)
                assert report.failures == ()
                assert set(again.told) >= set(real.told)
                # Later than the next was made, the stream has told of that before.
                assert again.told[-1] == real.told[-1]
                assert len(again.told) == len(real.told) or late == 400
                assert report.cash == before.cash


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_change_that_had_to_wait_for_fresh_reads_waits_for_no_others_when_it_is_late(
    flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "lagging.jsonl"
    changes = [(300, "price", 2), (500, "size", 15), (2000, "price", 3)]
    with stage("kalshi") as at:
        reads = "/portfolio/orders|user_data_timestamp"
        lag = Fault("lag", method="GET", path=reads, seconds=0.36, count=1000)
        at.server.faults.add(lag)
        real = Repricer(quoted(at), changes, 4500)
        before = live(flavour, real, at, path)
    assert before.failures == ()
    for other in FLAVOURS:
        for late in (0, 20, 400, 1100):
            moved = [(x + late, what, much) for x, what, much in changes]
            again = Repricer(real.markets[0], moved, 4500)
            report = replayed(other, again, path)
            assert report.failures == ()
            assert set(again.told) >= set(real.told)
            assert again.told[-1] == real.told[-1]
