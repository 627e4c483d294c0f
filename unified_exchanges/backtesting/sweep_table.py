"""A sweep as a notebook shows it: a row for each run, its parameters and its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ..models.html import cell, shown
from .figures import dollars, percent, ratio, share

if TYPE_CHECKING:
    from .sweep_report import SweepReport, SweepRow

__all__ = ["table"]

_MOST: Final = 50


def table(swept: SweepReport) -> str:
    """Its runs in the order of the grid, the first of them where they are many."""
    rows = swept.rows
    parameters = list(dict.fromkeys(name for row in rows for name in row.parameters))
    has_data = any(row.data for row in rows)
    head = ["Run", *(["Data"] if has_data else []), *map(shown, parameters)]
    head += [*_FIGURES, *(["Failure"] if swept.failed else [])]
    lines = []
    for row in rows[:_MOST]:
        cells = [f"{row.number:,}", *([shown(row.data)] if has_data else [])]
        cells += [
            cell(row.parameters[name]) if name in row.parameters else ""
            for name in parameters
        ]
        cells += ["" if row.failure else told(row) for told in _FIGURES.values()]
        if swept.failed:
            cells.append(shown(_why(row)))
        lines.append(f"<tr>{''.join(f'<td>{each}</td>' for each in cells)}</tr>")
    left = len(rows) - len(lines)
    if left:
        lines.append(
            f'<tr><td colspan="{len(head)}">… {left:,} more: `to_frame()` has all, '
            "`ranked()` the best first</td></tr>"
        )
    titles = "".join(f"<th>{each}</th>" for each in head)
    caption = shown(f"Sweep of {swept.strategy}") + _counted(swept)
    return (
        f"<table><caption>{caption}</caption><thead><tr>{titles}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def _counted(swept: SweepReport) -> str:
    told = f": {len(swept.rows):,} runs"
    if swept.failed:
        told += f", of which {len(swept.failed):,} failed"
    return told + (f"; {swept.left:,} were not made" if swept.left else "")


def _why(row: SweepRow) -> str:
    failure = row.failure
    return "" if failure is None else f"{failure.error}: {failure.message}"


def _dollars(amount: Decimal | None) -> str:
    return "–" if amount is None else dollars(amount)


def _drawdown(row: SweepRow) -> str:
    told = _dollars(row.max_drawdown)
    part = row.max_drawdown_ratio
    return told if part is None else f"{told} ({percent(part)})"


_FIGURES: Final[Mapping[str, Callable[[SweepRow], str]]] = {
    "P&amp;L": lambda row: _dollars(row.pnl),
    "Fees": lambda row: _dollars(row.fees),
    "Drawdown": _drawdown,
    "Turnover": lambda row: _dollars(row.turnover),
    "Orders": lambda row: f"{row.order_count or 0:,}",
    "Fills": lambda row: f"{row.fills or 0:,}",
    "Refused": lambda row: f"{row.refused or 0:,}",
    "Filled": lambda row: share(row.fill_ratio),
    "Brier": lambda row: ratio(row.brier),
}
"""What is told of a run that did not fail, by its heading."""
