"""An order among others who joined before it and are told after it: never more, or sooner.

The true queue is first in, first out, with our bid in it.  Its books and its trades are told
with a lag each: what has happened before our order arrived, and is told later, counts.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate
from typing import TypeAlias

import attrs
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from unified_exchanges import SELL, Fill, OrderBook, Trade
from unified_exchanges.backtesting import backtest
from unified_exchanges.paper import Delays, PaperEngine, PaperEvent, at
from unified_exchanges.strategies import Desk, Strategy

from .scene import START, book, contract, engine, trade

MS = 1_000_000
PRICE = "0.50"

Step: TypeAlias = tuple[int, str, int, int]
"""Milliseconds later, ``join``, ``leave`` or ``sell``, who of those there, how many."""
Course: TypeAlias = list[tuple[int, int]]
"""When, in milliseconds, and how many filled."""


Told: TypeAlias = list[tuple[int, PaperEvent]]


def shown(ms: int, size: int, asks: str = "5@0.60") -> OrderBook:
    told = book(f"{size}@{PRICE} 5@0.40" if size else "5@0.40", asks)
    return attrs.evolve(told, timestamp=at(START + ms * MS))


def sold(ms: int, size: int, number: int = 0) -> Trade:
    told = trade(PRICE, str(size), SELL, moment=START + ms * MS)
    return attrs.evolve(told, trade_id=f"{ms}-{number}")


@attrs.define
class Queue:
    """Who waits at the price, as it is told without us, and as it would be with us."""

    told: list[list[int]] = attrs.field(factory=list)
    real: list[list[int]] = attrs.field(factory=list)
    """Each with a number, 0 for ours, and how many are left."""

    @property
    def size(self) -> int:
        return sum(x[1] for x in self.told)

    def join(self, number: int, size: int) -> None:
        for queue in (self.told, self.real):
            queue.append([number, size])

    def leave(self, which: int) -> None:
        if self.told:
            gone = self.told[which % len(self.told)][0]
            self.told = [x for x in self.told if x[0] != gone]
            self.real = [x for x in self.real if x[0] != gone]

    def sell(self, size: int) -> tuple[list[int], int]:
        """What single trades are told, and how many of ours were sold to."""
        wanted = min(size, self.size)
        told = [n for _, n in _met(self.told, wanted)]
        return told, sum(n for who, n in _met(self.real, wanted) if not who)


def _met(queue: list[list[int]], size: int) -> list[tuple[int, int]]:
    met = []
    while size and queue:
        first = queue[0]
        traded = min(size, first[1])
        met.append((first[0], traded))
        first[1] -= traded
        size -= traded
        if not first[1]:
            queue.pop(0)
    return met


@attrs.define
class World:
    """What is told, by when it happened, and what would have filled of ours."""

    books: list[tuple[int, OrderBook]] = attrs.field(factory=list)
    trades: list[tuple[int, Trade]] = attrs.field(factory=list)
    fills: Course = attrs.field(factory=list)

    @classmethod
    def of(cls, steps: list[Step], arrives: int, size: int) -> World:
        made, queue, ms, has_come = cls(), Queue(), 0, False
        made.books.append((0, shown(0, 0)))
        for number, (later, verb, which, many) in enumerate(steps, 1):
            ms += later
            if not has_come and ms > arrives:
                has_come = True
                queue.real.append([0, size])
            if verb == "join":
                queue.join(number, many)
            elif verb == "leave":
                queue.leave(which)
            else:
                traded, filled = queue.sell(many)
                made.trades += [(ms, sold(ms, n, i)) for i, n in enumerate(traded)]
                made.fills += [(ms, filled)] if filled else []
            made.books.append((ms, shown(ms, queue.size)))
        return made

    def told(self, lags: tuple[int, int], *, trades_first: bool) -> Told:
        books: Told = [(ms + lags[0], event) for ms, event in self.books]
        trades: Told = [(ms + lags[1], event) for ms, event in self.trades]
        late = [*trades, *books] if trades_first else [*books, *trades]
        return sorted(late, key=lambda x: x[0])


def filled(events: Told, arrives: int, size: int) -> Course:
    """What fills of a bid that arrives half a millisecond after a millisecond."""
    made: PaperEngine = engine(cash="100000")
    moment = START + arrives * MS + MS // 2
    is_sent = False
    course: Course = []
    for ms, event in events:
        if not is_sent and ms > arrives:
            made.place(moment, "RAIN", "yes", "buy", PRICE, size)
            made.advance(moment)
            is_sent = True
        made.receive(START + ms * MS, event)
        found = [x for _, x in made.notices() if isinstance(x, Fill)]
        course += [(ms, int(x.size)) for x in found]
    return course


def by(course: Course, ms: int) -> int:
    return sum(size for when, size in course if when <= ms)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 3, 20, 60]),
        st.sampled_from(["join", "join", "sell", "sell", "leave"]),
        st.integers(0, 5),
        st.integers(1, 7),
    ),
    min_size=1,
    max_size=14,
)
# Ten join before ours and are told after it, and then somebody sells five.
TOLD_LATE: list[Step] = [
    *[(0, "join", 0, 2), (40, "join", 0, 10), (60, "sell", 0, 5)],
    (100, "sell", 0, 7),
]
# The trade is told before the book tells who had joined before it.
TRADE_FIRST: list[Step] = [(0, "join", 0, 2), (70, "join", 0, 10), (10, "sell", 0, 5)]


@pytest.mark.parametrize("lags", [(0, 0), (0, 50), (50, 0), (50, 50), (7, 90)], ids=str)
@given(STEPS, st.integers(0, 120), st.integers(1, 8), st.booleans())
@example(TOLD_LATE, 75, 5, True)
@example(TRADE_FIRST, 75, 5, True)
@settings(max_examples=250, deadline=None)
def test_an_order_never_gets_more_or_sooner_than_it_would_have_got(
    lags: tuple[int, int],
    steps: list[Step],
    arrives: int,
    size: int,
    trades_first: bool,
) -> None:
    true = World.of(steps, arrives, size)
    course = filled(true.told(lags, trades_first=trades_first), arrives, size)
    for ms, _ in course:
        assert by(course, ms) <= by(true.fills, ms)


NOBODY_LEAVES = STEPS.map(lambda steps: [x for x in steps if x[1] != "leave"])


@pytest.mark.parametrize("lags", [(0, 0), (0, 50), (50, 0), (50, 50)], ids=str)
@given(NOBODY_LEAVES, st.integers(51, 120), st.integers(1, 8))
@example(TOLD_LATE, 75, 5)
@settings(max_examples=150, deadline=None)
def test_where_nobody_leaves_it_gets_all_that_it_would_have_got(
    lags: tuple[int, int], steps: list[Step], arrives: int, size: int
) -> None:
    # It knows a book, one of a later time comes in the end, no time is told twice, and
    # nothing happens in the millisecond of its arrival, of which nobody knows on which side.
    apart: list[Step] = [(ms or 1, verb, who, many) for ms, verb, who, many in steps]
    assume(arrives not in accumulate(ms for ms, *_ in apart))
    world = World.of([*apart, (200, "join", 0, 1)], arrives, size)
    course = filled(world.told(lags, trades_first=False), arrives, size)
    assert sum(n for _, n in course) == sum(n for _, n in world.fills)


class Bids(Strategy):
    """Bids some milliseconds after it begins."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_start(self, desk: Desk) -> None:
        desk.timer("bid", timedelta(milliseconds=self.after))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.place("RAIN", "yes", "buy", PRICE, 5)


@pytest.mark.parametrize("delay", [0, 15])
def test_in_a_backtest_who_joined_before_and_is_told_late_is_ahead(delay: int) -> None:
    told: Told = [(50, shown(0, 2)), (90, shown(40, 12))]
    told += [(150, sold(100, 5)), (151, shown(100, 7))]
    events = [(START + ms * MS, event) for ms, event in told]
    report = backtest(
        Bids(25 - delay),
        events,
        contracts=[contract()],
        cash=1000,
        delays=Delays(order=delay * MS),
    )
    assert not report.fills


def begun(arrives: int = 75) -> PaperEngine:
    made = engine()
    made.receive(START, shown(0, 2))
    moment = START + arrives * MS
    made.place(moment, "RAIN", "yes", "buy", PRICE, 5)
    made.advance(moment)
    return made


def test_a_trade_waits_until_a_later_book_tells_where_the_order_stood() -> None:
    made = begun()
    made.receive(START + 80 * MS, sold(80, 5))
    assert not made.order("paper-1").filled
    made.receive(START + 90 * MS, shown(40, 2))
    assert not made.order("paper-1").filled
    made.receive(START + 130 * MS, shown(80, 0))
    assert made.order("paper-1").filled == 3
    made.receive(START + 140 * MS, sold(139, 1))
    assert made.order("paper-1").filled == 4


@pytest.mark.parametrize("after", [-1_000, 0, 1, 500, 999, 1_000, 500_000])
def test_a_trade_next_to_an_arrival_counts_once_before_or_after_it(after: int) -> None:
    # Two stood there, and exactly these two were taken: whenever ours came, it gets nothing.
    made = engine()
    moment = START + 200 * MS + after
    made.receive(min(moment, START + 200 * MS), shown(0, 0))
    made.place(moment, "RAIN", "yes", "buy", PRICE, 3)
    made.advance(moment)
    made.receive(START + 215 * MS, sold(200, 2))
    made.receive(START + 340 * MS, shown(140, 2))
    made.receive(START + 405 * MS, shown(200, 0))
    made.receive(START + 500 * MS, shown(400, 0))
    assert not made.order("paper-1").filled


def test_an_offer_from_before_the_order_that_is_told_after_it_fills_nothing() -> None:
    made = begun()
    made.receive(START + 90 * MS, shown(40, 2, "3@0.50"))
    assert not made.order("paper-1").filled
    made.receive(START + 130 * MS, shown(80, 0, "3@0.50"))
    assert made.order("paper-1").filled == 3


def test_whose_clock_is_behind_takes_as_much_longer_for_what_was_before() -> None:
    made = engine()
    made.receive(START, sold(30, 1))  # told 30 ms before it happened
    made.receive(START + 10 * MS, shown(0, 2))
    made.place(START + 75 * MS, "RAIN", "yes", "buy", PRICE, 5)
    made.advance(START + 75 * MS)
    made.receive(START + 80 * MS, shown(100, 12))
    assert made.find("paper-1").ahead == 12
    made.receive(START + 90 * MS, shown(110, 20))
    assert made.find("paper-1").ahead == 12


def test_without_times_it_stands_behind_what_is_shown_when_it_arrives() -> None:
    made = engine()
    made.receive(START, book(f"2@{PRICE}", "5@0.60"))
    made.place(START + 75 * MS, "RAIN", "yes", "buy", PRICE, 5)
    made.receive(START + 80 * MS, book(f"12@{PRICE}", "5@0.60"))
    made.receive(START + 90 * MS, sold(85, 5))
    assert made.order("paper-1").filled == 3
