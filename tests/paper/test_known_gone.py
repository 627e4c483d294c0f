"""Trades and books that are told in any order: what is known to be gone is not taken."""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unified_exchanges import BUY, SELL, Fill
from unified_exchanges.paper import PaperEngine, PaperEvent, at

from .scene import SECOND, START, book, engine, trade

MS = 1_000_000
PRICES = (60, 61, 62)
NOW = START + SECOND

Asks: TypeAlias = dict[int, int]
Step: TypeAlias = tuple[int, str, int, int]
"""Milliseconds later, ``add``, ``cut`` or ``take``, in which place, how many."""


@attrs.frozen
class Book:
    ms: int
    asks: Asks
    is_torn: bool = False

    def event(self) -> PaperEvent:
        asks = " ".join(f"{n}@0.{price}" for price, n in self.asks.items() if n)
        told = book("1@0.63" if self.is_torn else "1@0.50", asks)
        return attrs.evolve(told, timestamp=at(START + self.ms * MS))


@attrs.frozen
class Taken:
    ms: int
    price: int
    size: int

    def event(self) -> PaperEvent:
        return trade(
            f"0.{self.price}", str(self.size), BUY, moment=START + self.ms * MS
        )


@attrs.define
class Truth:
    """A side of a book as it really was, and what is told of it."""

    books: list[Book] = attrs.field(factory=list)
    trades: list[Taken] = attrs.field(factory=list)
    added: Counter[int] = attrs.field(factory=Counter)

    @classmethod
    def of(cls, steps: list[Step]) -> Truth:
        made, ms, asks = cls(), 0, dict.fromkeys(PRICES, 0)
        made.books.append(Book(0, dict(asks)))
        for later, verb, place, size in steps:
            ms += later
            price, left = PRICES[place], size
            if verb in {"add", "tear"}:
                asks[price] += size
                made.added[price] += size
            elif verb == "cut":
                asks[price] -= min(size, asks[price])
            for p in PRICES if verb == "take" else ():
                traded = min(left, asks[p])
                if traded:
                    asks[p] -= traded
                    left -= traded
                    made.trades.append(Taken(ms, p, traded))
            torn = verb == "tear" and any(asks.values())
            made.books.append(Book(ms, dict(asks), is_torn=torn))
        return made


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 2, 5]),
        st.sampled_from(["add", "add", "take", "take", "cut", "tear"]),
        st.integers(0, 2),
        st.integers(1, 6),
    ),
    min_size=1,
    max_size=10,
)
TURNS = st.lists(st.booleans(), max_size=24)
"""Whether a trade is told next, or a book."""


def told_so(truth: Truth, turns: list[bool]) -> list[Book | Taken]:
    """Each stream keeps its order, and may be as late as it likes."""
    books, trades = iter(truth.books), iter(truth.trades)
    told: list[Book | Taken] = []
    for is_trade in turns:
        found = next(trades, None) if is_trade else next(books, None)
        if found is not None:
            told.append(found)
    return told


def left_of(told: list[Book | Taken]) -> Asks:
    """What the newest book shows, without what later trades took of it for sure."""
    books = [x for x in told if isinstance(x, Book)]
    if not books or books[-1].is_torn:
        return dict.fromkeys(PRICES, 0)
    left, newest = dict(books[-1].asks), books[-1].ms
    for x in told:
        if isinstance(x, Taken) and x.ms > newest:
            for price in PRICES:
                if price < x.price:
                    left[price] = 0
            left[x.price] = max(0, left[x.price] - x.size)
    return left


def takes(told: list[Book | Taken], *, rests: bool) -> Asks:
    """What an order finds that would take everything."""
    made: PaperEngine = engine(cash="100000")
    if rests:
        made.place(NOW, "RAIN", "yes", "buy", "0.01", 1)
    for x in told:
        made.receive(NOW, x.event())
    made.place(NOW, "RAIN", "yes", "buy", "0.62", 999, time_in_force="ioc")
    made.advance(NOW)
    found = dict.fromkeys(PRICES, 0)
    for _, notice in made.notices():
        if isinstance(notice, Fill):
            found[int(notice.price * 100)] += int(notice.size)
    return found


T, B = True, False
# The offer that a trade took comes only after it, in a book that is older.
NOT_SHOWN_YET: list[Step] = [(0, "add", 2, 5), (3, "add", 1, 5), (1, "take", 1, 5)]
SHOWN_SMALLER: list[Step] = [(0, "add", 1, 1), (3, "add", 1, 4), (1, "take", 1, 5)]
AT_ONCE: list[Step] = [(0, "add", 2, 5), (3, "add", 1, 5), (0, "take", 1, 5)]


@given(STEPS, TURNS, st.booleans())
@example(NOT_SHOWN_YET, [B, B, T, B], False)
@example(SHOWN_SMALLER, [B, B, T, B], False)
@example(AT_ONCE, [B, B, T, B], False)
@example(NOT_SHOWN_YET, [T, B, B, B], False)
@settings(max_examples=400, deadline=None)
def test_what_is_known_to_be_gone_is_not_taken(
    steps: list[Step], turns: list[bool], rests: bool
) -> None:
    truth = Truth.of(steps)
    told = told_so(truth, turns)
    found, left = takes(told, rests=rests), left_of(told)
    books = [x for x in told if isinstance(x, Book)]
    first = books[0].ms if books else 0
    traded = Counter[int]()
    begun = False
    for x in told:
        begun = begun or isinstance(x, Book)
        # The first book is believed, unless it is older for sure.
        if isinstance(x, Taken) and (begun or x.ms > first):
            traded[x.price] += x.size
    for price in PRICES:
        assert found[price] <= left[price]
        assert found[price] + traded[price] <= truth.added[price]
    if books and not any(x.ms == books[-1].ms for x in told if isinstance(x, Taken)):
        # Nothing is open, so that nothing is assumed: all the rest is there.
        assert found == left


def test_who_joins_stands_behind_what_single_trades_have_left() -> None:
    made = engine()
    made.receive(START, Book(0, {}).event())
    for ms, size in ((1, 60), (3, 10)):
        made.receive(NOW, trade("0.50", str(size), SELL, moment=START + ms * MS))
    bids = attrs.evolve(book("40@0.50"), timestamp=at(START + 2 * MS))
    made.receive(NOW, bids)
    key = made.place(NOW, "RAIN", "yes", "buy", "0.50", 5)
    made.advance(NOW)
    # The first is in what is shown, the second is not.
    assert made.find(key).ahead == 30
