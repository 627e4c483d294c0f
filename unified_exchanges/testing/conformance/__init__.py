"""The test classes that every venue runs, and any adapter of yours may run too.

A venue's tests subclass each of them and give one fixture::

    class TestOrders(conformance.Orders):
        @pytest.fixture
        def ground(self) -> conformance.Ground:
            return KalshiGround()

`Catalogue`, `Orders` and `Portfolio` are what a venue does when nothing goes wrong.  What
makes an adapter trusted is the rest, one class for each kind of trouble: `LostAnswers` and
`Commands` for orders, `Guards` for caps, `Listings` for pages, `Pace` for limits and
clocks, `Secrecy` for keys, `Streams` and `Wire` for sockets, `Halts` and `HaltsLive` for
the kill switch, `Settling` for trades that may fail after they matched.  Trouble of another
kind gets a module of its own beside them.  The number in a test's name is that of the fault.

Every test runs in both flavours: in memory, on a virtual clock, except for those of
`Streams`, `Wire`, `Settling` and `HaltsLive`, which are on a real socket of this machine.
Tests of what the venue has not are skipped, by ``describe()``: methods and features that
``has`` does not have, times in force and periods that are not listed; the complements of
outcomes unless ``outcome_books`` is ``"one"``; numbers of books unless ``book_checks`` is
``"numbers"``; creates sent again unless ``idempotent_create`` says that they may be.  So a
false description is found out or leaves its tests skipped: look at ``pytest -rs``.  So are
those for which its `Ground` names nothing.  Needs the extra ``testing``, which brings pytest.
"""

from importlib.util import find_spec

from ...wording import installed_by

if find_spec("pytest") is None:
    raise ModuleNotFoundError(
        "unified_exchanges.testing.conformance needs pytest, which is not installed: "
        f"{installed_by('testing')}",
        name="pytest",
    )

from .catalogue import Catalogue
from .commands import Commands
from .crashes import Crashes
from .ground import Ground, Trader, Trouble
from .guarding import Guards
from .halts import Halts, HaltsLive
from .listings import Listings
from .live import LiveTrader, Stage, Watched
from .needs import Need, needs
from .orders import Orders
from .pace import Pace
from .portfolio import Portfolio
from .rehearsal import DryRuns
from .secrecy import Secrecy
from .settling import Settling
from .streams import Streams
from .trouble import LostAnswers
from .wire import Wire

__all__ = [
    "Catalogue",
    "Commands",
    "Crashes",
    "DryRuns",
    "Ground",
    "Guards",
    "Halts",
    "HaltsLive",
    "Listings",
    "LiveTrader",
    "LostAnswers",
    "Need",
    "Orders",
    "Pace",
    "Portfolio",
    "Secrecy",
    "Settling",
    "Stage",
    "Streams",
    "Trader",
    "Trouble",
    "Watched",
    "Wire",
    "needs",
]
