"""Trading on paper: real market data, orders in an exact engine of our own.

>>> from unified_exchanges.paper import PaperEngine
>>> engine = PaperEngine([], cash="1000")
>>> engine.cash
Decimal('1000')
"""

from .contract import FREE, Contract, Delays
from .engine import Notice, PaperEngine, PaperEvent, RefusedChange
from .orders import at, nanoseconds
from .own import OwnTake

__all__ = [
    "FREE",
    "Contract",
    "Delays",
    "Notice",
    "OwnTake",
    "PaperEngine",
    "PaperEvent",
    "RefusedChange",
    "at",
    "nanoseconds",
]
