"""The test classes that every venue runs, and any adapter of yours may run too.

A venue's tests subclass each of them and give one fixture::

    class TestTrading(conformance.Trading):
        @pytest.fixture
        def ground(self) -> conformance.Ground:
            return KalshiGround()

Every test runs in both flavours, in memory, on a virtual clock.  Needs pytest.
"""

from .catalogue import Catalogue
from .ground import Ground, Trader, Trouble
from .orders import Orders
from .portfolio import Portfolio
from .trouble import LostAnswers

__all__ = [
    "Catalogue",
    "Ground",
    "LostAnswers",
    "Orders",
    "Portfolio",
    "Trader",
    "Trouble",
]
