"""What a run and a backtest came to, as it is printed: log, failures and figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ..backtesting import Report
from ..money import ZERO, text
from ..strategies import Failure, Note, RunReport
from .words import counted, flattened

__all__ = ["dollars", "of_backtest", "of_run"]

_LINES: Final = 100
"""Lines of a log that are printed; a strategy may write one for each event."""
_REASONS: Final = 8
"""Reasons of failures that are printed."""


def of_run(report: RunReport) -> Iterator[RenderableType]:
    """What a run came to; its log and failures were told as they came."""
    yield _table(
        {
            "events": f"{report.events:,}",
            "decisions": f"{report.totals.decisions:,}",
            "fills": f"{report.totals.fills:,}",
            "failures": f"{report.totals.failures:,}",
            "open when it stopped": f"{len(report.left_orders):,}",
            "cash": dollars(report.cash),
        }
    )


def of_backtest(report: Report) -> Iterator[RenderableType]:
    """What a backtest came to."""
    ratio, brier = report.fill_ratio, report.brier
    yield from _told(report.notes, report.failures)
    yield _table(
        {
            "events": f"{report.events:,}",
            "P&L": dollars(report.pnl),
            "equity": dollars(report.equity),
            "fees": dollars(report.fees),
            "deepest drawdown": dollars(report.max_drawdown),
            "highest exposure": dollars(report.peak_exposure),
            "turnover": dollars(report.turnover),
            "orders": f"{report.order_count:,}",
            "fills": f"{len(report.fills):,}",
            "filled": "–" if ratio is None else f"{ratio:.2%}",
            "failures": f"{len(report.failures):,}",
            "Brier score": "–" if brier is None else f"{brier:.4f}",
        }
    )


def dollars(amount: Decimal) -> str:
    """An amount as it is shown."""
    sign = "-" if amount < ZERO else ""
    return f"{sign}${Decimal(text(amount.copy_abs(), 2)):,f}"


def _told(notes: Sequence[Note], failures: Sequence[Failure]) -> Iterator[Text]:
    """The end of the log, then what is to be known of the data, and why orders failed."""
    lines = [str(note) for note in notes if not note.is_of_data]
    left = len(lines) - _LINES
    if left > 0:
        yield Text(f"… {counted(left, 'line')} of the log before; --json has all")
    for line in (*lines[-_LINES:], *(x.text for x in notes if x.is_of_data)):
        yield Text(flattened(line))
    yield from _reasons(failures)


def _reasons(failures: Sequence[Failure]) -> Iterator[Text]:
    reasons = Counter((type(x.error).__name__, str(x.error)) for x in failures)
    for (kind, words), count in reasons.most_common(_REASONS):
        yield Text(f"{count:,} × {kind}: {flattened(words)}")
    left = sum(count for _, count in reasons.most_common()[_REASONS:])
    if left:
        told = f"{counted(left, 'failure')} of {counted(len(reasons) - _REASONS, 'reason')}"
        yield Text(f"… {told} more; --json has all")


def _table(rows: dict[str, str]) -> Table:
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in rows.items():
        table.add_row(name, value)
    return table
