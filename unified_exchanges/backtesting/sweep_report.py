"""What a sweep came to: a row for each run, in the order of its grid."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import attrs

from ..errors import BadRequest
from ..models.record import Flat, Json
from .report import Report

__all__ = ["SweepFailure", "SweepProgress", "SweepReport", "SweepRow", "row_of"]


@attrs.frozen(kw_only=True, slots=True)
class SweepProgress:
    """How far a sweep has come: runs done of all, and how many of them failed."""

    done: int
    total: int
    failed: int


@attrs.frozen(kw_only=True, slots=True)
class SweepFailure(Flat):
    """Why a run has no figures: the class of the error, its words, and where it was."""

    error: str
    message: str
    trace: str = attrs.field(default="", repr=False, eq=False)

    def to_dict(self) -> dict[str, Json]:
        """The error and its message; ``trace`` has paths of the machine that it ran on."""
        return {"error": self.error, "message": self.message}


@attrs.frozen(kw_only=True, slots=True)
class SweepRow(Flat):
    """One run: its parameters, and the figures of its `Report`, in the same units.

    ``data`` is the name of what it ran over, empty where it has none.  ``fills`` are the
    trades, ``refused`` the commands that failed.  A run that raised has a ``failure``,
    and None for every figure.  ``report`` is the whole of it, unless the sweep was told
    to keep none; it is not part of `to_dict`.
    """

    number: int
    data: str
    parameters: Mapping[str, Any]
    pnl: Decimal | None = None
    equity: Decimal | None = None
    fees: Decimal | None = None
    max_drawdown: Decimal | None = None
    max_drawdown_ratio: Decimal | None = None
    peak_exposure: Decimal | None = None
    turnover: Decimal | None = None
    orders: int | None = None
    fills: int | None = None
    refused: int | None = None
    fill_ratio: Decimal | None = None
    brier: Decimal | None = None
    failure: SweepFailure | None = None
    report: Report | None = attrs.field(default=None, repr=False, eq=False)

    def to_dict(self) -> dict[str, Json]:
        """All but the whole report."""
        told = Flat.to_dict(self)
        del told["report"]
        return told


@attrs.frozen(kw_only=True, slots=True)
class SweepReport(Flat):
    """The runs in the order of the grid; the same inputs give the same, on any engine.

    ``left`` runs were not made, as the sweep was to stop at the first that failed.
    """

    strategy: str
    rows: tuple[SweepRow, ...]
    left: int = 0

    @property
    def failed(self) -> tuple[SweepRow, ...]:
        """The runs that raised."""
        return tuple(row for row in self.rows if row.failure is not None)

    def best(
        self,
        key: str | Callable[[SweepRow], Decimal | int | None] = "pnl",
        *,
        lowest: bool = False,
    ) -> SweepRow:
        """The run with the highest figure (or the lowest); of equals, the first.

        ``key`` is a figure by name, or a function of a row.  Runs that failed, and those
        whose figure is None, take no part.  Raises `BadRequest` where none is left.

        >>> rows = [SweepRow(number=n, data="", parameters={}, orders=n) for n in (1, 2)]
        >>> SweepReport(strategy="Maker", rows=tuple(rows)).best("orders").number
        2
        """
        ranked = self.ranked(key, lowest=lowest)
        if not ranked:
            raise BadRequest(f"no run of {len(self.rows)} has a figure for {key!r}")
        return ranked[0]

    def ranked(
        self,
        key: str | Callable[[SweepRow], Decimal | int | None] = "pnl",
        *,
        lowest: bool = False,
    ) -> list[SweepRow]:
        """The runs that have the figure, the best first; see `best`."""
        figure = key if callable(key) else _figure(key)
        found = [
            (value, row)
            for row in self.rows
            if row.failure is None and (value := figure(row)) is not None
        ]
        found.sort(key=lambda pair: pair[0], reverse=not lowest)
        return [row for _, row in found]

    def to_json(self) -> str:
        """Write the rows as JSON: figures as text with all their digits, no reports."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False)


def _figure(key: str) -> Callable[[SweepRow], Decimal | int | None]:
    if key not in _FIGURES:
        raise BadRequest(
            f"there is no figure {key!r}; there are: {', '.join(_FIGURES)}"
        )

    def figure(row: SweepRow) -> Decimal | int | None:
        found: Decimal | int | None = getattr(row, key)
        return found

    return figure


_SAME = (
    "pnl",
    "equity",
    "fees",
    "max_drawdown",
    "max_drawdown_ratio",
    "peak_exposure",
    "turnover",
    "orders",
    "fill_ratio",
    "brier",
)
_FIGURES = (*_SAME, "fills", "refused")


def row_of(
    number: int,
    data: str,
    parameters: Mapping[str, Any],
    result: Report | SweepFailure,
) -> SweepRow:
    """The row of a run, with the figures of its report."""
    if isinstance(result, SweepFailure):
        return SweepRow(number=number, data=data, parameters=parameters, failure=result)
    return SweepRow(
        number=number,
        data=data,
        parameters=parameters,
        fills=len(result.trades),
        refused=len(result.failures),
        report=result,
        **{name: getattr(result, name) for name in _SAME},
    )
