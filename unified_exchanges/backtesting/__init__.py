"""Backtests: a strategy over what was recorded, exact, and the same every time.

>>> from unified_exchanges.backtesting import backtest
>>> from unified_exchanges.strategies import Strategy
>>> backtest(Strategy(), iter([]), contracts=[], cash="100").equity
Decimal('100')
"""

from .assumptions import Assumptions, FeesAssumed, GuardAssumed, Source
from .contracts import contracts_in
from .merging import Events, Merged, merged
from .report import BacktestProgress, EquityPoint, MarketReport, Report
from .running import backtest
from .sources import Data, recorded
from .sweep_report import SweepFailure, SweepProgress, SweepReport, SweepRow
from .sweeping import Grid, sweep
from .tables import Table

__all__ = [
    "Assumptions",
    "BacktestProgress",
    "Data",
    "EquityPoint",
    "Events",
    "FeesAssumed",
    "Grid",
    "GuardAssumed",
    "MarketReport",
    "Merged",
    "Report",
    "Source",
    "SweepFailure",
    "SweepProgress",
    "SweepReport",
    "SweepRow",
    "Table",
    "backtest",
    "contracts_in",
    "merged",
    "recorded",
    "sweep",
]
