"""The tables of a report, as models of one kind each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ..errors import BadRequest
from ..models import Fill, Settlement
from ..strategies import CalibrationBin, Failure, Note
from ..strategies.decisions import Decision, decision_of

if TYPE_CHECKING:
    from .report import Report

__all__ = ["Table", "rows"]

Table: TypeAlias = Literal[
    "calibration",
    "decisions",
    "equity_curve",
    "failures",
    "fills",
    "markets",
    "notes",
    "settlements",
]
"""The fields of a report that are tables."""


def rows(report: Report, table: str) -> tuple[Sequence[object], type]:
    """The rows of a table and their kind; `BadRequest` where there is no such table."""
    from .report import EquityPoint, MarketReport  # noqa: PLC0415 - it imports this

    kinds: dict[str, type] = {
        **_KINDS,
        "equity_curve": EquityPoint,
        "markets": MarketReport,
    }
    if table not in kinds:
        names = ", ".join(sorted(kinds))
        raise BadRequest(f"a report has no table {table!r}; it has: {names}")
    if table == "decisions":
        return [decision_of(each) for each in report.decisions], Decision
    return getattr(report, table), kinds[table]


_KINDS: Final[dict[str, type]] = {
    "calibration": CalibrationBin,
    "decisions": Decision,
    "failures": Failure,
    "fills": Fill,
    "notes": Note,
    "settlements": Settlement,
}
