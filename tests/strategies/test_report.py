"""How a report of a run is printed, counted and made a table."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, get_type_hints

import pytest

from unified_exchanges import (
    BadRequest,
    Desk,
    Failure,
    OrderBook,
    Strategy,
    exchange,
    run,
)
from unified_exchanges.backtesting import Report
from unified_exchanges.paper import at
from unified_exchanges.strategies import Cancel, RunReport, RunTotals

from ..paper.scene import START
from ..recording.sessions import stage
from .test_replayed_trouble import quoted


class Talker(Strategy):
    """Places, cancels and logs more than is kept."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        market = desk.market(book.market_id)
        label = market.outcomes[0].label
        low = market.grid.lowest
        for _ in range(3):
            desk.log("asked")
            desk.cancel(desk.place(market.market_id, label, "buy", low, 10))
            desk.place(market.market_id, label, "buy", low, Decimal("1e9"))
        desk.timer("enough", timedelta(seconds=1))
        self.on_book = nothing  # type: ignore[method-assign]

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        pass

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.stop()


def nothing(desk: Desk, book: OrderBook) -> None:
    pass


def test_a_report_counts_also_what_it_does_not_keep_and_makes_tables() -> None:
    with stage("kalshi") as place, exchange(place.venue, **place.account) as ex:
        strategy = Talker()
        strategy.markets = [quoted(place)]
        shown: list[int] = []
        report = run(
            strategy,
            ex,
            seconds=20,
            keep=2,
            progress=lambda x: shown.append(x.failures),
        )
    assert (len(report.decisions), len(report.failures), len(report.notes)) == (2, 2, 2)
    totals = report.totals
    assert (totals.decisions, totals.fills, totals.failures, totals.notes) == (
        9,
        0,
        3,
        3,
    )
    assert shown[-1] == 3
    frame = report.to_frame("decisions")
    assert list(frame["command"]) == [
        type(x).__name__.lower() for x in report.decisions
    ]
    assert len(report.to_frame("failures")) == 2
    assert list(report.to_frame("fills").columns)
    names: Any = "trades"
    with pytest.raises(BadRequest, match="a report of a run has no table 'trades'; it"):
        report.to_frame(names)


def test_what_both_reports_have_is_called_and_kept_alike() -> None:
    tested, ran = get_type_hints(Report), get_type_hints(RunReport)
    # A backtest of no events has no span.
    both = (tested.keys() & ran.keys()) - {"started_at", "ended_at"}
    assert {"decisions", "failures", "fills", "notes"} <= both
    assert {x: tested[x] for x in both} == {x: ran[x] for x in both}


def test_a_report_of_a_run_is_a_line_of_figures() -> None:
    report = RunReport(
        started_at=at(START),
        ended_at=at(START + 90_000_000_000),
        events=1_234,
        totals=RunTotals(decisions=250_000, fills=3, failures=2, notes=1),
        decisions=tuple(Cancel(at=START, key=f"order-{n}") for n in range(40)),
        fills=(),
        failures=(),
        left_orders=(),
        unsent=(Cancel(at=START, key="order-1"),),
        notes=(),
        cash=Decimal("99.50"),
        positions=(),
    )
    assert repr(report) == (
        "RunReport(started_at=2026-11-20T18:40:00Z, ended_at=2026-11-20T18:41:30Z, "
        "events=1234, decisions=250000, fills=3, failures=2, left_orders=0, unsent=1, notes=1, "
        "cash=99.5, positions=0)"
    )
