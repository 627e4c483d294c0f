"""Which book an exit goes by: the stream's, or, while no stream tells it, one that is read."""

from __future__ import annotations

import logging
from typing import Final

from ..errors import UnifiedExchangesError
from ..flow import Flow
from ..models import OrderBook
from ..venue import Venue
from ..venue.deadline import within
from .exits import ExitPlan

__all__ = ["READ", "Lookout"]

_log = logging.getLogger(__name__)

READ: Final = 2.0
"""Seconds between two reads of a book that no stream tells, from when one begins."""
_LONGEST: Final = 3.0
"""Seconds that a read may take: the stream may be back meanwhile."""
_FIRST: Final = 30.0
"""Seconds after which it is told again that there is no stream; then ever more."""


class Lookout:
    """The book of one exit; whoever waits for the stream says what came, and what did not."""

    def __init__(self, plan: ExitPlan) -> None:
        self._plan = plan
        self._book: OrderBook | None = None
        self._read_at: float | None = None
        self._blind_since: float | None = None
        self._told_at = 0.0
        self._trouble: UnifiedExchangesError | None = None

    def heard(self, book: OrderBook) -> None:
        """The stream has told a book."""
        self._book = book
        if self._blind_since is not None:
            _log.warning("exit %r: the stream tells its book again", self._plan.name)
        self._blind_since = self._read_at = self._trouble = None

    @property
    def live(self) -> OrderBook | None:
        """The book in hand, if that is the market's: nothing newer came, nothing was lost."""
        book = self._book
        return None if book is None or book.stale else book

    def read_book(self, venue: Venue) -> Flow[OrderBook | None]:
        """Read the book that no stream tells; None if it is too early, or failed for now."""
        now = venue.clock.monotonic()
        if self._read_at is not None and now - self._read_at < READ:
            return None
        self._read_at = now
        plan = self._plan
        # All of it: the best bid may be our own.
        reading = venue.fetch_order_book(plan.market_id, outcome=plan.outcome)
        book = None
        try:
            book = yield from within(reading, venue.clock, now + _LONGEST)
        except UnifiedExchangesError as error:
            if not error.retryable:
                raise
            self._tell(now, error)
        else:
            self._tell(now, None)
        return book

    def _tell(self, now: float, trouble: UnifiedExchangesError | None) -> None:
        """Log how it looks: when that has changed, and ever more rarely if it has not."""
        is_other = (trouble is None) is not (self._trouble is None)
        self._trouble = trouble
        since = self._blind_since
        if since is None:
            since = self._blind_since = now
        elif not is_other and now - self._told_at < max(_FIRST, self._told_at - since):
            return
        self._told_at = now
        what = f"it is read over REST every {READ:g} s instead"
        if trouble is not None:
            what = (
                f"and it could not be read over REST ({trouble}): that is tried every "
                f"{READ:g} s, and it sells nothing until then"
            )
        _log.warning(
            "exit %r: no stream tells the book of %s%s; %s",
            self._plan.name,
            self._plan.market_id,
            f" for {now - since:.0f} s" if now > since else "",
            what,
        )
