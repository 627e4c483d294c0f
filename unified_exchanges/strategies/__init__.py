"""Strategies: written once, run on any exchange of either flavour, or over recorded data.

>>> from unified_exchanges.strategies import Strategy
>>> class Idle(Strategy):
...     markets = ("RAIN",)
>>> Idle().markets
('RAIN',)
"""

from .aio import async_contract_of, async_run
from .blocking import contract_of, run
from .commands import Amend, Cancel, Command, Failure, Note, Place
from .decisions import Decision
from .desk import Desk
from .forecasts import CalibrationBin
from .report import RunProgress, RunReport, RunTable, RunTotals
from .strategy import Strategy

__all__ = [
    "Amend",
    "CalibrationBin",
    "Cancel",
    "Command",
    "Decision",
    "Desk",
    "Failure",
    "Note",
    "Place",
    "RunProgress",
    "RunReport",
    "RunTable",
    "RunTotals",
    "Strategy",
    "async_contract_of",
    "async_run",
    "contract_of",
    "run",
]
