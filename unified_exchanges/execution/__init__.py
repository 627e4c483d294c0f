"""Helpers that every strategy needs, over any venue: sizes, bounded orders, exits, hedges.

What decides is pure or sans-I/O.  What acts has two faces: `hedge` and `run_exit` for an
`Exchange`, `async_hedge` and `async_run_exit` for an `AsyncExchange`.
"""

from .aio import async_hedge, async_hedge_report, async_run_exit
from .blocking import hedge, hedge_report, run_exit
from .crossing import Crossing, marketable_limit
from .exit_record import ExitRecord, ExitState
from .exits import ExitPlan, Trigger
from .legs import HedgeLeg, against, require_plain
from .report import HedgeReport, LegReport, LegState, OnFailure
from .sizing import contracts_for

__all__ = [
    "Crossing",
    "ExitPlan",
    "ExitRecord",
    "ExitState",
    "HedgeLeg",
    "HedgeReport",
    "LegReport",
    "LegState",
    "OnFailure",
    "Trigger",
    "against",
    "async_hedge",
    "async_hedge_report",
    "async_run_exit",
    "contracts_for",
    "hedge",
    "hedge_report",
    "marketable_limit",
    "require_plain",
    "run_exit",
]
