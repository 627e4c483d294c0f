"""How a report of a run is printed."""

from __future__ import annotations

from decimal import Decimal

from unified_exchanges.paper import at
from unified_exchanges.strategies import Cancel, RunReport

from ..paper.scene import START


def test_a_report_of_a_run_is_a_line_of_figures() -> None:
    report = RunReport(
        started_at=at(START),
        ended_at=at(START + 90_000_000_000),
        events=1_234,
        decisions=tuple(Cancel(at=START, key=f"order-{n}") for n in range(40)),
        fills=(),
        failures=(),
        orders=(),
        unsent=(Cancel(at=START, key="order-1"),),
        notes=(),
        cash=Decimal("99.50"),
        positions=(),
    )
    assert repr(report) == (
        "RunReport(started_at=2026-11-20T18:40:00Z, ended_at=2026-11-20T18:41:30Z, "
        "events=1234, decisions=40, fills=0, failures=0, orders=0, unsent=1, notes=0, "
        "cash=99.5, positions=0)"
    )
