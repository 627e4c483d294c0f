"""An exit's market, and the patience with what fails for now."""

from __future__ import annotations

import logging
from typing import Final

from ..errors import MarketClosed, UnifiedExchangesError
from ..flow import Flow
from ..models import Market, MarketStatus
from ..venue import Venue
from ..venue.deadline import within
from .exits import ExitPlan
from .keeping import Keeping
from .patience import Patience, Rarely

__all__ = ["Minding"]

_ENDED: Final = (MarketStatus.CLOSED, MarketStatus.SETTLED)
_LONGEST: Final = 3.0
"""Seconds that reading the market may take."""

_log = logging.getLogger(__name__)


class Minding(Keeping):
    """Waits for what fails for now, and notices what will never trade again."""

    def __init__(self, plan: ExitPlan) -> None:
        super().__init__(plan)
        self._market: Market | None = None
        self._patience = Patience()
        self._rarely = Rarely()
        self._unread = Rarely()
        self.is_urgent = False
        """Whether its order should be out and is not: a quiet book must not hold it."""

    # -- waiting --------------------------------------------------------------------

    def _wait(
        self, venue: Venue, why: object, what: str, at_least: float | None = None
    ) -> None:
        """Try again later, ever more rarely, and say so, ever more rarely."""
        now = venue.clock.monotonic()
        self._patience.failed(now, at_least or 0.0)
        self.is_urgent = True
        if self._rarely.is_due(why, now):
            _log.warning("exit %r goes on: %s", self.record.plan.name, what)

    def _wait_out(self, venue: Venue, error: UnifiedExchangesError) -> None:
        at_least = getattr(error, "retry_after", None)
        self._wait(venue, type(error), str(error), at_least)

    # -- the market -----------------------------------------------------------------

    def _read_market(self, venue: Venue) -> Flow[None]:
        """Read the market again; `MarketClosed` if it has ended, which ends the exit.

        That it cannot be read for now is no end.
        """
        plan, now = self.record.plan, venue.clock.monotonic()
        reading = venue.fetch_market(plan.market_id)
        try:
            market = yield from within(reading, venue.clock, now + _LONGEST)
        except UnifiedExchangesError as error:
            if not error.retryable:
                raise
            self._wait_to_read(venue, error)
            return
        self._unread.over()
        self._market = market
        self._require_going(market)

    def _wait_to_read(self, venue: Venue, error: UnifiedExchangesError) -> None:
        if self._unread.is_due("market", venue.clock.monotonic()):
            name = self.record.plan.name
            _log.warning("exit %r goes on without reading its market: %s", name, error)

    def _require_going(self, market: Market) -> None:
        """Refuse a market that has ended: it will never trade again."""
        if market.status not in _ENDED:
            return
        message = (
            f"exit {self.record.plan.name!r} ends: {market.market_id} is {market.status} "
            f"({market.venue_status}) and trades no more. It has sold nothing; what is "
            "held is paid out"
        )
        raise MarketClosed(message, venue=market.venue)
