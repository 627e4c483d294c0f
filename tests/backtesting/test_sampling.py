"""How often a backtest looks at its equity where nobody says how often."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import Desk, OrderBook, Side
from unified_exchanges.backtesting import Report, backtest, sweep
from unified_exchanges.paper import Delays, PaperEvent
from unified_exchanges.strategies import Failure, Strategy

from ..paper.scene import SECOND, START, book, contract, trade

MILLISECOND = 1_000_000
CONTRACT = contract()


class Trading(Strategy):
    """Buys and sells in turn at every so many books, and wakes up in between."""

    every = 5

    def __init__(self) -> None:
        self.seen = 0

    def on_book(self, desk: Desk, told: OrderBook) -> None:
        self.seen += 1
        if self.seen % self.every == 0:
            side = "sell" if desk.held("RAIN", "yes") else "buy"
            price = "0.01" if side == "sell" else "0.99"
            desk.place("RAIN", "yes", side, price, 2, time_in_force="ioc")
            desk.timer("later", timedelta(milliseconds=7 * self.seen))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        pass


def events(gaps: list[int]) -> list[tuple[int, PaperEvent]]:
    found: list[tuple[int, PaperEvent]] = []
    moment = START
    for number, gap in enumerate(gaps):
        moment += gap
        bid = 30 + number * 7 % 40
        found.append((moment, book(f"50@0.{bid}", f"50@0.{bid + 3}")))
    return found


def told(told: list[tuple[int, PaperEvent]], sample: timedelta | None = None) -> Report:
    delays = Delays(order=3 * MILLISECOND, event=1 * MILLISECOND)
    return backtest(Trading(), told, contracts=[CONTRACT], sample=sample, delays=delays)


STEPS = st.sampled_from(
    [0, 1, *(n * MILLISECOND for n in (1, 5, 10, 100, 1_000, 9_000, 600_000))]
)


@given(st.lists(STEPS, min_size=1, max_size=60))
def test_the_report_is_that_of_a_run_which_was_told_the_sample(gaps: list[int]) -> None:
    data = events(gaps)
    chosen = told(data)
    step = timedelta(microseconds=chosen.assumptions.sample // 1_000)
    assert told(data, step).to_json() == chosen.to_json()


@pytest.mark.parametrize("gap", [1, 10, 400])
def test_many_points_are_thinned_again_and_again(gap: int) -> None:
    data = events([gap * MILLISECOND] * 12_000)
    chosen = told(data)
    step = timedelta(microseconds=chosen.assumptions.sample // 1_000)
    assert told(data, step).to_json() == chosen.to_json()


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(1, 10), (10, 10), (11, 20), (99, 160), (3_600, 5_120)],
)
def test_a_thousand_samples_cover_the_events(seconds: int, milliseconds: int) -> None:
    count = 2_000
    report = told(events([seconds * SECOND // count] * count))
    assert report.assumptions.sample == milliseconds * MILLISECOND
    traded = len(report.fills)
    assert len(report.equity_curve) - traded <= 1_002
    assert len(report.equity_curve) >= min(500, seconds * 100)


def test_runs_of_a_sweep_look_equally_often() -> None:
    data = events([30 * MILLISECOND] * 3_000)
    swept = sweep(Trading, {"every": [2, 50]}, data, contracts=[CONTRACT], workers=1)
    reports = [row.report for row in swept.rows]
    assert all(reports)
    assert len({x.assumptions.sample for x in reports if x}) == 1


def test_what_is_told_is_kept_to() -> None:
    report = told(events([10 * MILLISECOND] * 2_000), timedelta(milliseconds=2))
    assert report.assumptions.sample == 2 * MILLISECOND
    assert len(report.equity_curve) >= 1_999
    assert Decimal(0) < report.turnover


def test_a_month_is_looked_at_every_minute_and_more_often() -> None:
    report = told(events([60 * SECOND] * 3_000))
    assert report.assumptions.sample == 40_960 * MILLISECOND
    assert len(report.equity_curve) >= 3_000


def test_a_trade_is_looked_at_once_all_that_came_with_it_is_told() -> None:
    """A market order that empties a level comes as the level's end, a trade, and a new book."""

    class Resting(Strategy):
        def on_book(self, desk: Desk, told: OrderBook) -> None:
            if not desk.decisions:
                desk.place("RAIN", "yes", "buy", "0.41", 20, post_only=True)

    at_once = START + SECOND
    given: list[tuple[int, PaperEvent]] = [
        (START, book("100@0.40", "100@0.42")),
        (at_once, book("", "100@0.42")),
        (at_once, trade("0.41", "20", Side.SELL, moment=at_once)),
        (at_once, book("100@0.40", "100@0.42")),
        (at_once + SECOND, book("100@0.40", "100@0.42")),
    ]
    report = backtest(Resting(), given, contracts=[CONTRACT], cash=1_000)
    [fill] = report.fills
    cost = Decimal(20) * (Decimal("0.41") - Decimal("0.40")) + fill.fee
    assert report.max_drawdown == cost
    equities = {point.equity for point in report.equity_curve}
    assert equities == {Decimal(1_000), 1_000 - cost}
