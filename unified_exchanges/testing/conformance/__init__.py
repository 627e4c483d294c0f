"""The test classes that every venue runs, and any adapter of yours may run too.

A venue's tests subclass each of them and give one fixture::

    class TestOrders(conformance.Orders):
        @pytest.fixture
        def ground(self) -> conformance.Ground:
            return KalshiGround()

Every test runs in both flavours, in memory, on a virtual clock.  Tests of what the venue
has not are skipped, by ``describe()`` alone: methods and features that ``has`` does not
have, times in force and periods that are not listed; the complements of outcomes unless
``outcome_books`` is ``"one"``; creates sent again unless ``idempotent_create`` says that
they may be.  So a false description is found out or leaves its tests skipped: look at
``pytest -rs``.  Needs pytest.
"""

from .catalogue import Catalogue
from .crashes import Crashes
from .ground import Ground, Trader, Trouble
from .needs import Need, needs
from .orders import Orders
from .portfolio import Portfolio
from .rehearsal import DryRuns
from .trouble import LostAnswers

__all__ = [
    "Catalogue",
    "Crashes",
    "DryRuns",
    "Ground",
    "LostAnswers",
    "Need",
    "Orders",
    "Portfolio",
    "Trader",
    "Trouble",
    "needs",
]
