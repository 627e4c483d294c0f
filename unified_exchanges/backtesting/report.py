"""What a backtest came to: exact numbers, as models, JSON and a page."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, overload

import attrs

from ..models import Fill, Holding, Settlement
from ..models.json_text import encode_json
from ..models.record import Flat, in_figures
from ..strategies import CalibrationBin, Command, Failure, Note
from .assumptions import Assumptions
from .tables import Table, rows

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl

    from ..research import Backend

__all__ = ["BacktestProgress", "EquityPoint", "MarketReport", "Report"]


@attrs.frozen(kw_only=True, slots=True)
class BacktestProgress:
    """How far a backtest has come: events read, and the moment that it is at."""

    events: int
    moment: int
    fills: int


@attrs.frozen(kw_only=True, slots=True)
class EquityPoint(Flat):
    """Dollars at a moment.

    ``equity`` is ``cash`` and what is held at the best bids: what has no bid is worth
    nothing, and while a book is not known its last bid counts.  Once it was told what a
    market pays, that counts, also where it is paid later.  ``exposure`` is what the open
    positions cost.
    """

    at: datetime
    equity: Decimal
    cash: Decimal
    exposure: Decimal


@attrs.frozen(kw_only=True, slots=True)
class MarketReport(Flat):
    """One market: ``pnl`` is ``realized`` and ``unrealized`` less ``fees``, in dollars.

    The ``pnl`` of all markets together is that of the backtest, to the last digit.
    ``turnover`` is price times size of its trades, as they were ordered: ten YES sold at 0.10
    are one dollar, also where that buys NO at 0.90.  ``value`` is what a contract of the
    first outcome pays, None until that was told; ``is_settled`` is whether it was paid.
    ``title`` begins with what sets it apart within its event.  ``held`` is what is still
    held.
    """

    venue: str
    market_id: str
    title: str
    fills: int
    contracts: Decimal
    turnover: Decimal
    fees: Decimal
    realized: Decimal
    unrealized: Decimal
    pnl: Decimal
    value: Decimal | None
    is_settled: bool
    held: tuple[Holding, ...]


@attrs.frozen(kw_only=True, slots=True, repr=False)
class Report(Flat):
    """What a backtest came to; the same inputs give the same report, byte by byte.

    Dollars and contracts.  ``equity_curve`` has a point at the first event, after every fill
    and settlement, at every full ``sample`` in which anything was told, and at
    the end.  One after a fill is how it stood when all was done that happened in that
    nanosecond, one of a full ``sample`` how it stood before what happens at its moment; of
    several in a microsecond there is the last.  The next four are of these points
    alone.  ``max_drawdown`` is the deepest fall of equity below its highest before, which
    begins as ``starting_cash``, and ``max_drawdown_ratio`` the largest such fall as a part
    of that height.  ``peak_exposure`` is the highest exposure, ``average_exposure`` each
    for as long as until the next point.

    ``order_count`` is how many orders the venue took, ``fill_ratio`` the contracts filled of
    those ordered by them; None without any.  ``brier`` is of the forecasts whose markets were
    settled, also where the strategy was not told so before the end.
    ``ignored`` events were of other markets, or told the same book of the other outcome.
    ``repeated`` is what overlapping recordings told again, and is not among ``events``.
    """

    strategy: str
    started_at: datetime | None
    ended_at: datetime | None
    events: int
    ignored: int
    repeated: int
    starting_cash: Decimal
    cash: Decimal
    equity: Decimal
    pnl: Decimal
    fees: Decimal
    max_drawdown: Decimal
    max_drawdown_ratio: Decimal
    peak_exposure: Decimal
    average_exposure: Decimal
    turnover: Decimal
    order_count: int
    fill_ratio: Decimal | None
    forecasts: int
    brier: Decimal | None
    calibration: tuple[CalibrationBin, ...]
    markets: tuple[MarketReport, ...]
    equity_curve: tuple[EquityPoint, ...]
    fills: tuple[Fill, ...]
    settlements: tuple[Settlement, ...]
    decisions: tuple[Command, ...]
    failures: tuple[Failure, ...]
    notes: tuple[Note, ...]
    assumptions: Assumptions

    def __repr__(self) -> str:
        told = {
            "strategy": self.strategy,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "events": self.events,
            "markets": len(self.markets),
            "order_count": self.order_count,
            "fills": len(self.fills),
            "pnl": self.pnl,
            "fees": self.fees,
            "max_drawdown": self.max_drawdown,
            "equity": self.equity,
        }
        return in_figures("Report", told)

    @overload
    def to_frame(
        self, table: Table, backend: Literal["pandas"] = ...
    ) -> pd.DataFrame: ...
    @overload
    def to_frame(self, table: Table, backend: Literal["polars"]) -> pl.DataFrame: ...
    @overload
    def to_frame(  # what pyarrow makes has no types
        self, table: Table, backend: Literal["pyarrow"]
    ) -> Any: ...
    def to_frame(self, table: Table, backend: Backend = "pandas") -> Any:
        """Make a table of one of its lists: exact, with all columns also if it is empty.

        ``table`` is the name of the field: ``equity_curve``, ``markets``, ``fills``,
        ``settlements``, ``decisions``, ``failures``, ``calibration`` or ``notes``; see
        `research.to_frame`.  Of a decision, ``command`` says which it was.

        Raises `BadRequest` for another name, ImportError without the library.
        """
        from ..research import to_frame  # noqa: PLC0415 - an extra, for notebooks

        found, kind = rows(self, table)
        return to_frame(found, backend, kind=kind)

    def to_json(self) -> str:
        """Write all of it as JSON: numbers as text with all their digits, times in UTC."""
        return encode_json(self.to_dict(), indent=1)

    def to_html(self) -> str:
        """Write it as one page that needs nothing else, neither files nor a network."""
        from .page import page  # noqa: PLC0415 - few backtests are looked at

        return page(self)

    def _repr_html_(self) -> str:
        from .page import summary  # noqa: PLC0415 - as above

        return summary(self)
