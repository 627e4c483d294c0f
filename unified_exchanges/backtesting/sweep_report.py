"""What a sweep came to: a row for each run, in the order of its grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, overload

import attrs

from ..errors import BadRequest
from ..models.json_text import encode_json
from ..models.record import Flat, Json
from ..money import text
from ..strategies import Note
from .report import Report

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl

    from ..research import Backend

__all__ = ["SweepFailure", "SweepProgress", "SweepReport", "SweepRow", "row_of"]


@attrs.frozen(kw_only=True, slots=True)
class SweepProgress:
    """How far a sweep has come: runs done of all, and how many of them failed.

    Before the first run on Dask, ``waiting_for`` is the address of the scheduler that does
    not answer at once and is waited for, for ``patience`` at most.
    """

    done: int
    total: int
    failed: int
    waiting_for: str | None = None
    patience: timedelta | None = None


@attrs.frozen(kw_only=True, slots=True)
class SweepFailure(Flat):
    """Why a run has no figures: the class of the error, its words, and where it was."""

    error: str
    message: str
    trace: str = attrs.field(
        default="", repr=False, eq=False, metadata={"table": "none"}
    )

    def to_dict(self) -> dict[str, Json]:
        """The error and its message; ``trace`` has paths of the machine that it ran on."""
        return {"error": self.error, "message": self.message}


@attrs.frozen(kw_only=True, slots=True, repr=False)
class SweepRow(Flat):
    """One run: its parameters, and the figures of its `Report`, in the same units.

    ``data`` is the name of what it ran over, empty where it has none.  ``fills`` and
    ``refused`` count the ``fills`` and the ``failures`` of its report.  A run that raised has
    a ``failure``, and None for every figure.  ``notes`` are those of its report that concern
    the data.  ``report`` is the whole of it, unless the sweep was told to keep none; it is not
    part of `to_dict`.
    """

    number: int
    data: str
    parameters: Mapping[str, Any] = attrs.field(metadata={"table": "columns"})
    pnl: Decimal | None = None
    equity: Decimal | None = None
    fees: Decimal | None = None
    max_drawdown: Decimal | None = None
    max_drawdown_ratio: Decimal | None = None
    peak_exposure: Decimal | None = None
    turnover: Decimal | None = None
    order_count: int | None = None
    fills: int | None = None
    refused: int | None = None
    fill_ratio: Decimal | None = None
    brier: Decimal | None = None
    notes: tuple[Note, ...] = attrs.field(default=(), metadata={"table": "none"})
    failure: SweepFailure | None = attrs.field(
        default=None, metadata={"table": "columns"}
    )
    report: Report | None = attrs.field(
        default=None, eq=False, metadata={"table": "none"}
    )

    def _items(self) -> Iterator[tuple[str, object]]:
        """All but the whole report."""
        return (pair for pair in super()._items() if pair[0] != "report")

    def __repr__(self) -> str:
        told: dict[str, object] = {"parameters": dict(self.parameters)}
        if self.data:
            told = {"data": repr(self.data), **told}
        if self.failure is None:
            told |= {name: _told(getattr(self, name)) for name in _FIRST}
        else:
            told["failure"] = self.failure
        figures = ", ".join(f"{name}={value}" for name, value in told.items())
        return f"SweepRow(number={self.number}, {figures})"


@attrs.frozen(kw_only=True, slots=True, repr=False)
class SweepReport(Flat):
    """The runs in the order of the grid; the same inputs give the same, on any engine.

    ``left`` runs were not made, as the sweep was to stop at the first that failed.
    """

    strategy: str
    rows: tuple[SweepRow, ...] = attrs.field(metadata={"table": "rows"})
    left: int = 0

    def __repr__(self) -> str:
        figures = f"runs={len(self.rows)}, failed={len(self.failed)}, left={self.left}"
        return f"SweepReport(strategy={self.strategy!r}, {figures})"

    @property
    def failed(self) -> tuple[SweepRow, ...]:
        """The runs that raised."""
        return tuple(row for row in self.rows if row.failure is not None)

    def best(
        self,
        key: str | Callable[[SweepRow], Decimal | int | None] = "pnl",
        *,
        lowest: bool | None = None,
    ) -> SweepRow:
        """The run with the best figure; of equals, the first.

        ``key`` is a figure by name, or a function of a row.  The highest is the best, of
        fees, drawdowns, exposure, the Brier score and what was refused the lowest; ``lowest``
        says it otherwise.  Runs that failed, and those
        whose figure is None, take no part.  Raises `BadRequest` where none is left.

        >>> rows = [SweepRow(number=n, data="", parameters={}, order_count=n) for n in (1, 2)]
        >>> SweepReport(strategy="Maker", rows=tuple(rows)).best("order_count").number
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
        lowest: bool | None = None,
    ) -> list[SweepRow]:
        """The runs that have the figure, the best first; see `best`."""
        figure = key if callable(key) else _figure(key)
        found = [
            (value, row)
            for row in self.rows
            if row.failure is None and (value := figure(row)) is not None
        ]
        if lowest is None:
            lowest = key in _LOWEST
        found.sort(key=lambda pair: pair[0], reverse=not lowest)
        return [row for _, row in found]

    @overload
    def to_frame(self, backend: Literal["pandas"] = ...) -> pd.DataFrame: ...
    @overload
    def to_frame(self, backend: Literal["polars"]) -> pl.DataFrame: ...
    @overload
    def to_frame(  # what pyarrow makes has no types
        self, backend: Literal["pyarrow"]
    ) -> Any: ...
    def to_frame(self, backend: Backend = "pandas") -> Any:
        """Make a table of the runs: a column for each parameter and each figure, exact.

        A parameter that is called as one of the figures is ``parameter_`` and its name.
        Why a run failed is in ``failure_error`` and ``failure_message``.  See
        `research.to_frame`.  Raises ImportError without the library.
        """
        from ..research import to_frame  # noqa: PLC0415 - an extra, for notebooks

        return to_frame(self, backend)

    def _repr_html_(self) -> str:
        from .sweep_table import table  # noqa: PLC0415 - only notebooks need it

        return table(self)

    def to_json(self) -> str:
        """Write the rows as JSON: figures as text with all their digits, no reports."""
        return encode_json(self.to_dict(), indent=1)


def _figure(key: str) -> Callable[[SweepRow], Decimal | int | None]:
    if key not in _FIGURES:
        raise BadRequest(
            f"there is no figure {key!r}; there are: {', '.join(_FIGURES)}"
        )

    def figure(row: SweepRow) -> Decimal | int | None:
        found: Decimal | int | None = getattr(row, key)
        return found

    return figure


def _told(value: Decimal | int | None) -> str:
    return text(value) if isinstance(value, Decimal) else str(value)


_FIRST = ("pnl", "fees", "max_drawdown", "order_count", "fills")
"""What one looks at first."""
_SAME = (
    "pnl",
    "equity",
    "fees",
    "max_drawdown",
    "max_drawdown_ratio",
    "peak_exposure",
    "turnover",
    "order_count",
    "fill_ratio",
    "brier",
)
_FIGURES = (*_SAME, "fills", "refused")
_LOWEST = frozenset(
    ("fees", "max_drawdown", "max_drawdown_ratio", "peak_exposure", "brier", "refused")
)
"""Those of which less is better."""


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
        fills=len(result.fills),
        refused=len(result.failures),
        notes=tuple(note for note in result.notes if note.is_of_data),
        report=result,
        **{name: getattr(result, name) for name in _SAME},
    )
