"""What a backtest measures: what is held, when a book is lost, and after the end."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import Gap, MarketStatus, OrderBook
from unified_exchanges.backtesting import backtest
from unified_exchanges.money import ZERO, total
from unified_exchanges.paper import at
from unified_exchanges.strategies import Desk, Strategy

from ..paper.scene import SECOND, START, book, change, contract
from .test_loop import CONTRACTS, QUIET, D, Once, Restless, Told, randomly, when


def gap(seconds: int, *market_ids: str) -> Told:
    lost = Gap(subject=None, market_ids=market_ids, reason="lost", at=at(when(seconds)))
    return when(seconds), lost


@pytest.mark.parametrize("names", [(), ("RAIN",), ("RAIN", "HAIL")])
def test_in_a_gap_the_last_bid_before_it_counts(names: tuple[str, ...]) -> None:
    events: list[Told] = [
        (when(0), QUIET),
        (when(1), QUIET),
        (when(5), book("100@0.10", "100@0.15")),
        gap(6, *names),
        gap(30, *names),
    ]
    report = backtest(Once(time_in_force="ioc"), events, contracts=[contract()])
    # Ten at 0.50 and a cent of fee each, of which each is worth 0.10.
    assert report.equity == D("9995.90")
    assert report.markets[0].unrealized == -4
    assert report.pnl == report.markets[0].pnl


def test_after_a_gap_the_newest_bid_counts() -> None:
    events: list[Told] = [
        (when(0), QUIET),
        (when(1), QUIET),
        gap(6),
        (when(7), book("", "100@0.15")),
    ]
    report = backtest(Once(time_in_force="ioc"), events, contracts=[contract()])
    assert report.equity == D("9994.90")


@given(st.integers(0, 10_000), st.integers(1, 80))
def test_equity_is_cash_and_what_is_held_at_the_last_bids(seed: int, n: int) -> None:
    events = randomly(random.Random(seed), 80)[:n]
    report = backtest(Restless(seed), events, contracts=CONTRACTS, cash="500")
    books = {x.market_id: x for _, x in events if isinstance(x, OrderBook)}
    worth = report.cash
    for market in report.markets:
        for held in market.held:
            last = books[market.market_id]
            last = last if held.outcome == "yes" else last.complement("no")
            worth += held.size * (last.bid.price if last.bid else ZERO)
    assert report.equity == worth
    assert report.equity_curve[-1].equity == worth


@pytest.mark.parametrize(("outcome", "worth"), [("yes", D("0.75")), ("no", D("0.25"))])
def test_what_is_determined_counts_at_what_it_pays_before_it_is_paid(
    outcome: str, worth: Decimal
) -> None:
    class Holder(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if not desk.decisions:
                desk.place("RAIN", outcome, "buy", "0.60", 10, time_in_force="ioc")

    events: list[Told] = [
        (when(0), QUIET),
        (when(1), QUIET),
        (when(2), change(MarketStatus.CLOSED, "0.75")),
        (when(3), book()),
    ]
    report = backtest(Holder(), events, contracts=[contract()])
    assert report.settlements == ()
    assert report.equity == report.cash + 10 * worth
    [market] = report.markets
    assert (market.value, market.is_settled) == (D("0.75"), False)
    assert market.pnl == report.pnl
    assert "0.75 (not settled)" in report.to_html()
    events.append((when(4), change(MarketStatus.SETTLED)))
    paid = backtest(Holder(), events, contracts=[contract()])
    assert paid.pnl == report.pnl
    assert (paid.markets[0].value, paid.markets[0].is_settled) == (D("0.75"), True)
    assert "not settled" not in paid.to_html()


def test_a_value_that_is_corrected_before_it_is_paid_is_paid_as_corrected() -> None:
    events: list[Told] = [
        (when(0), QUIET),
        (when(2), change(MarketStatus.CLOSED, "1")),
        (when(3), change(MarketStatus.CLOSED, "0")),
        (when(4), change(MarketStatus.SETTLED)),
    ]
    report = backtest(Once(), events, contracts=[contract()])
    assert [x.payout for x in report.settlements] == [0]
    assert report.markets[0].value == 0
    assert report.notes == ()


# As a venue writes it, and as a table has it.
@pytest.mark.parametrize(("paid", "written"), [("1", "0"), ("1.0000", "0.000000")])
def test_what_was_paid_stands_and_that_another_value_was_told_is_noted(
    paid: str, written: str
) -> None:
    events: list[Told] = [
        (when(0), QUIET),
        (when(2), change(MarketStatus.SETTLED, paid)),
        (when(3), change(MarketStatus.SETTLED, "1")),
        (when(4), change(MarketStatus.SETTLED, written)),
    ]
    report = backtest(Once(), events, contracts=[contract()])
    assert [x.payout for x in report.settlements] == [10]
    assert report.markets[0].value == 1
    [note] = report.notes
    assert note.text == (
        "RAIN was settled at 1 and is told to be worth 0: what was paid stands"
    )


OPEN, PAUSED = MarketStatus.OPEN, MarketStatus.PAUSED


class Sure(Strategy):
    """Holds something, and is sure of it; writes down what its market is by then."""

    def __init__(self) -> None:
        self.seen: list[MarketStatus] = []

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            desk.place("RAIN", "yes", "buy", "0.50", 10)
            desk.forecast("RAIN", "yes", "0.9")

    def on_status(self, desk: Desk, change: object) -> None:
        self.seen.append(desk.market("RAIN").status)


@pytest.mark.parametrize("status", [OPEN, PAUSED, MarketStatus.UNKNOWN])
@pytest.mark.parametrize("early", [None, "0"])
def test_a_market_that_is_settled_stays_so(
    early: str | None, status: MarketStatus
) -> None:
    sure = Sure()
    sure.subjects = ("order_book", "market_status")
    events: list[Told] = [
        (when(0), QUIET),
        (when(2), change(MarketStatus.SETTLED, early)),
        (when(3), change(status)),
        (when(4), change(None, "0")),
        (when(5), change(None, "1")),
    ]
    report = backtest(sure, events, contracts=[contract()])
    assert set(sure.seen) == {MarketStatus.SETTLED}
    # It is judged by what was paid, not by what was told later.
    assert [x.payout for x in report.settlements] == [0]
    assert report.brier == D("0.81")
    told = (
        f"RAIN is settled and is told to be {status}: it stays settled, and what was "
    )
    notes = [f"{told}paid stands"] * (status is not MarketStatus.UNKNOWN)
    notes.append(
        "RAIN was settled at 0 and is told to be worth 1: what was paid stands"
    )
    assert [x.text for x in report.notes] == notes


@pytest.mark.parametrize("status", [None, MarketStatus.SETTLED])
def test_a_value_that_is_told_after_the_end_is_paid_then(
    status: MarketStatus | None,
) -> None:
    events: list[Told] = [
        (when(0), QUIET),
        (when(2), change(MarketStatus.SETTLED)),
        (when(3), change(status, "1")),
    ]
    report = backtest(Once(), events, contracts=[contract()])
    assert [(x.payout, x.settled_at) for x in report.settlements] == [(10, at(when(3)))]


@pytest.mark.parametrize(
    ("outcome", "side", "price", "turnover"),
    [
        ("yes", "sell", "0.40", "4"),
        ("yes", "buy", "0.50", "5"),
        ("no", "buy", "0.60", "6"),
        ("no", "sell", "0.50", "5"),
    ],
)
def test_turnover_is_price_times_size_as_it_was_ordered(
    outcome: str, side: str, price: str, turnover: str
) -> None:
    class Trader(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if not desk.decisions:
                desk.place("RAIN", outcome, side, price, 10, time_in_force="ioc")

    report = backtest(
        Trader(), [(when(0), QUIET), (when(1), QUIET)], contracts=[contract()]
    )
    assert report.turnover == report.markets[0].turnover == D(turnover)


def calls(run: Callable[[], Any]) -> int:
    """Calls that it makes: as many on any machine."""
    count = 0

    def count_it(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(count_it)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def test_a_fill_costs_as_much_with_many_markets_as_with_few() -> None:
    class Buyer(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.place(book.market_id, "yes", "buy", "0.50", 1, time_in_force="ioc")

    def each(count: int) -> float:
        names = [f"M{n}" for n in range(count)]
        contracts = [contract(name) for name in names]
        events = [
            (START + n * SECOND // 10, attrs.evolve(QUIET, market_id=name))
            for n, name in enumerate(names * 2)
        ]
        fills = len(events)
        return calls(lambda: backtest(Buyer(), events, contracts=contracts)) / fills

    assert each(200) < 1.2 * each(20)


def test_open_orders_cost_as_much_after_many_orders_as_after_few() -> None:
    class Looker(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            desk.place("RAIN", "yes", "buy", "0.50", 1, time_in_force="ioc")
            for _ in range(10):
                assert desk.open_orders == []

    def each(count: int) -> float:
        events = [(START + n, QUIET) for n in range(count)]
        run = lambda: backtest(Looker(), events, contracts=[contract()])  # noqa: E731
        return calls(run) / count

    assert each(400) < 1.2 * each(40)


def test_open_orders_are_told_oldest_first_and_as_they_are() -> None:
    seen: list[list[tuple[str, Decimal]]] = []

    class Resting(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            step = len(seen)
            open_orders = desk.open_orders
            seen.append([(str(x.client_order_id), x.size) for x in open_orders])
            if not step:
                self.keys = [
                    desk.place("RAIN", "yes", "buy", price, 10)
                    for price in ("0.30", "0.31", "0.32")
                ]
            elif step == 1:
                desk.amend(self.keys[0], size=5)
            elif step == 2:
                desk.cancel(self.keys[1])

    backtest(Resting(), [(when(n), QUIET) for n in range(4)], contracts=[contract()])
    assert seen[1] == [("order-1", 10), ("order-2", 10), ("order-3", 10)]
    assert seen[2] == [("order-1", 5), ("order-2", 10), ("order-3", 10)]
    assert seen[3] == [("order-1", 5), ("order-3", 10)]


CROSSED = book("100@0.90", "100@0.40")


class Waiting(Once):
    """Buys at the first book, and asks for nothing else."""

    subjects = ("order_book",)


@pytest.mark.parametrize("outcome", ["yes", "no"])
@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize("is_lost", [False, True])
def test_while_a_book_is_crossed_the_last_bid_that_was_known_counts(
    outcome: str, after: int, *, is_lost: bool
) -> None:
    class Holder(Strategy):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            if not desk.decisions:
                desk.place("RAIN", outcome, "buy", "0.60", 10, time_in_force="ioc")

    events: list[Told] = [
        (when(0), QUIET),
        (when(1), book("100@0.10", "100@0.15")),
        *((when(2 + n), book("100@0.30", "100@0.45")) for n in range(3)),
        *((when(60 + n), CROSSED) for n in range(after)),
        *([gap(70)] if is_lost else []),
    ]
    report = backtest(Holder(), events, contracts=[contract()])
    [held] = report.markets[0].held
    worth = D("0.30") if outcome == "yes" else D("0.55")
    assert report.equity == report.cash + held.size * worth
    assert report.equity_curve[-1].equity == report.equity
    assert report.pnl == report.markets[0].pnl
    # Once a book can be believed again, that counts.
    events.append((when(80), book("100@0.20", "100@0.25")))
    worth = D("0.20") if outcome == "yes" else D("0.75")
    after_it = backtest(Holder(), events, contracts=[contract()])
    assert after_it.equity == report.cash + held.size * worth


def test_what_is_held_since_before_a_crossed_book_is_not_worth_what_it_says() -> None:
    # It is the first of which a point tells, of a market that nothing was ordered in since.
    events: list[Told] = [
        (when(0), QUIET),
        (when(1), QUIET),
        (when(2), CROSSED),
        (when(3), book("100@0.90", "100@0.90")),
    ]
    report = backtest(Waiting(time_in_force="ioc"), events, contracts=[contract()])
    assert report.equity == report.cash + 4


def test_the_desk_has_no_mark_while_a_book_is_crossed() -> None:
    marks: list[Decimal | None] = []

    class Marking(Once):
        def on_book(self, desk: Desk, book: OrderBook) -> None:
            super().on_book(desk, book)
            marks.extend(x.mark_price for x in desk.positions())

    events: list[Told] = [
        (when(0), QUIET),
        (when(1), QUIET),
        (when(2), QUIET),
        (when(3), CROSSED),
        (when(4), book("100@0.40", "100@0.40")),
        (when(5), book("100@0.39", "100@0.40")),
    ]
    backtest(Marking(time_in_force="ioc"), events, contracts=[contract()])
    assert marks == [D("0.40"), D("0.40"), None, None, D("0.39")]


@pytest.mark.parametrize("is_crossed", [False, True])
def test_what_is_lost_of_the_other_outcome_leaves_the_newest_bid(
    *, is_crossed: bool
) -> None:
    other = attrs.evolve(CROSSED, outcome="no")
    lost = attrs.evolve(gap(70)[1], outcome="no")
    events: list[Told] = [
        (when(0), QUIET),
        (when(1), QUIET),
        (when(60), QUIET),
        (when(65), book("100@0.30", "100@0.45")),
        (when(70), other if is_crossed else lost),
    ]
    report = backtest(Once(time_in_force="ioc"), events, contracts=[contract()])
    assert report.equity == report.cash + 3
    assert report.pnl == report.markets[0].pnl


@given(st.integers(0, 10_000), st.integers(1, 80), st.sampled_from([0, 1, 700, SECOND]))
def test_drawdown_and_exposure_are_those_of_the_curve(
    seed: int, n: int, step: int
) -> None:
    # Also where several events share a nanosecond, or a microsecond.
    told = randomly(random.Random(seed), 80)[:n]
    events = [(START + step * k, event) for k, (_, event) in enumerate(told)]
    report = backtest(Restless(seed), events, contracts=CONTRACTS, cash="500")
    points = report.equity_curve
    times = [x.at for x in points]
    assert times == sorted(set(times))
    heights = [
        max(D(500), *(x.equity for x in points[:k])) for k in range(1, len(points) + 1)
    ]
    falls = [(h - x.equity, h) for h, x in zip(heights, points, strict=True)]
    assert report.max_drawdown == max(fall for fall, _ in falls)
    steepest = max(Fraction(fall) / Fraction(height) for fall, height in falls)
    assert abs(Fraction(report.max_drawdown_ratio) - steepest) < Fraction(1, 10**20)
    assert report.peak_exposure == max(x.exposure for x in points)
    spans = [(b.at - a.at) / timedelta(microseconds=1) for a, b in pairwise(points)]
    whole = sum(map(Fraction, spans))
    area = sum(
        Fraction(x.exposure) * Fraction(span)
        for x, span in zip(points[:-1], spans, strict=True)
    )
    average = area / whole if whole else Fraction(points[-1].exposure)
    assert abs(Fraction(report.average_exposure) - average) < Fraction(1, 10**20)
    assert points[-1].exposure == total(
        held.cost for market in report.markets for held in market.held
    )


def test_what_is_between_two_fills_of_one_instant_is_no_drawdown() -> None:
    class Resting(Strategy):
        def on_start(self, desk: Desk) -> None:
            for price in ("0.50", "0.45"):
                desk.place("RAIN", "yes", "buy", price, 100)

    low = book("100@0.10", "100@0.50")
    events: list[Told] = [
        (when(0), book("100@0.48", "100@0.60")),
        (when(1), book("100@0.48", "100@0.60")),
        (when(2), low),
        (when(2), book("100@0.43", "100@0.45")),
    ]
    report = backtest(Resting(), events, contracts=[contract()])
    assert len(report.fills) == 2
    equities = [x.equity for x in report.equity_curve]
    assert report.max_drawdown == D(10_000) - min(equities) == 10_000 - report.equity
