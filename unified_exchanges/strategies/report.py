"""What a run on exchanges says of itself: while it goes on, and at its end."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, overload

import attrs

from ..errors import BadRequest
from ..models import Fill, Order, Position
from ..models.record import Flat, in_figures
from .commands import Command, Failure, Note
from .decisions import Decision, decision_of

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]

    from ..research import Backend

__all__ = ["RunProgress", "RunReport", "RunTable", "RunTotals"]

RunTable: TypeAlias = Literal[
    "decisions", "failures", "fills", "left_orders", "notes", "positions", "unsent"
]
"""The fields of a report of a run that are tables."""


@attrs.frozen(kw_only=True, slots=True)
class RunProgress:
    """How a run does: events told, orders asked for, fills, failures, what is open now."""

    moment: int
    events: int
    orders: int
    fills: int
    failures: int
    open_orders: int


@attrs.frozen(kw_only=True, slots=True)
class RunTotals(Flat):
    """How many there were of each, also of those that the report does not keep."""

    decisions: int
    fills: int
    failures: int
    notes: int


@attrs.frozen(kw_only=True, slots=True, repr=False)
class RunReport(Flat):
    """What a run on exchanges came to.

    ``ended_at`` is when it ended, told something then or not: over a recording by its time.
    ``decisions``, ``fills``, ``failures`` and ``notes`` are the last ones, as many as
    ``run`` was told to keep; ``totals`` counts all that there were.  ``left_orders`` are
    how those ended that were open when it stopped.  ``unsent`` were decided, but not sent any
    more since it ended.
    """

    started_at: datetime
    ended_at: datetime
    events: int
    totals: RunTotals
    decisions: tuple[Command, ...]
    fills: tuple[Fill, ...]
    failures: tuple[Failure, ...]
    left_orders: tuple[Order, ...]
    unsent: tuple[Command, ...]
    notes: tuple[Note, ...]
    cash: Decimal
    positions: tuple[Position, ...]

    def __repr__(self) -> str:
        told = {
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "events": self.events,
            "decisions": self.totals.decisions,
            "fills": self.totals.fills,
            "failures": self.totals.failures,
            "left_orders": len(self.left_orders),
            "unsent": len(self.unsent),
            "notes": self.totals.notes,
            "cash": self.cash,
            "positions": len(self.positions),
        }
        return in_figures("RunReport", told)

    @overload
    def to_frame(
        self, table: RunTable, backend: Literal["pandas"] = ...
    ) -> pd.DataFrame: ...
    @overload
    def to_frame(self, table: RunTable, backend: Literal["polars"]) -> pl.DataFrame: ...
    @overload
    def to_frame(  # pyright: ignore[reportUnknownParameterType] - pyarrow has no types
        self, table: RunTable, backend: Literal["pyarrow"]
    ) -> pa.Table: ...
    def to_frame(self, table: RunTable, backend: Backend = "pandas") -> Any:
        """Make a table of one of its lists, as the report of a backtest does.

        ``table`` is the name of the field: ``decisions``, ``unsent``, ``fills``,
        ``failures``, ``left_orders``, ``positions`` or ``notes``; see `research.to_frame`.
        Of a decision, ``command`` says which it was.

        Raises `BadRequest` for another name, ImportError without the library.
        """
        from ..research import to_frame  # noqa: PLC0415 - an extra, for notebooks

        if table not in _KINDS:
            names = ", ".join(sorted(_KINDS))
            raise BadRequest(
                f"a report of a run has no table {table!r}; it has: {names}"
            )
        kind, found = _KINDS[table], getattr(self, table)
        if kind is Decision:
            found = [decision_of(each) for each in found]
        return to_frame(found, backend, kind=kind)


_KINDS: Final[dict[str, type]] = {
    "decisions": Decision,
    "failures": Failure,
    "fills": Fill,
    "left_orders": Order,
    "notes": Note,
    "positions": Position,
    "unsent": Decision,
}
