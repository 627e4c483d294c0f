"""What others do at the source while something of ours is on its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from unified_exchanges import exchange
from unified_exchanges.clock import VirtualClock
from unified_exchanges.testing.scripted import ScriptedTransport

__all__ = ["GROUNDS", "BusyKalshi", "BusyPolymarket", "other"]

Act = Callable[[], object]


class PlannedClock(VirtualClock):
    """A virtual clock by which things happen when it comes to their time."""

    def __init__(self) -> None:
        super().__init__()
        self._plans: list[tuple[float, Act]] = []

    def plan(self, seconds: float, act: Act) -> None:
        """Let something happen so many seconds from now."""
        self._plans.append((self.monotonic() + seconds, act))

    def advance(self, seconds: float) -> None:
        """Let time pass, and what is planned happen."""
        end = self.monotonic() + seconds
        while due := [x for x in self._plans if x[0] <= end]:
            first = min(due, key=lambda x: x[0])
            self._plans.remove(first)
            super().advance(max(first[0] - self.monotonic(), 0.0))
            first[1]()
        super().advance(max(end - self.monotonic(), 0.0))


class BusyKalshi(KalshiPaper):
    """Paper over a Kalshi at which others have plans."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = PlannedClock()


class BusyPolymarket(PolymarketPaper):
    """Paper over a Polymarket at which others have plans."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = PlannedClock()


GROUNDS = [BusyKalshi, BusyPolymarket]


def other(ground: Any) -> Any:
    """An exchange with which another account trades at the source."""
    return exchange(
        ground.source,
        clock=ground.clock,
        transport=ScriptedTransport(ground.venue, clock=ground.clock),
        **ground.account(),
    )
