"""Up to when the reads of our account show what happened.

Reads lag behind acknowledged writes (360 ms recorded on demo, 2026-06-11), and
``/exchange/user_data_timestamp`` tells by how much: what it has not passed yet, an empty
listing does not prove (docs.kalshi.com, 2026-10).
"""

from __future__ import annotations

from datetime import UTC, datetime

from ...errors import ExchangeNotAvailable, UnifiedExchangesError
from ...flow import Behind, Flow
from . import parse
from .connection import KalshiConnection

__all__ = ["Freshness"]

_PATIENCE = (0.0, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds before each question whether reads have caught up."""


class Freshness(KalshiConnection):
    """Waits until reads have caught up."""

    def venue_now(self) -> datetime:
        """The venue's time, as well as its answers tell it: no earlier than they were."""
        now = datetime.fromtimestamp(self.clock.now() + self.offset.seconds, UTC)
        return max(now, self.memory.latest or now)

    def until_fresh(
        self, since: datetime, *, urgent: bool = False
    ) -> Flow[UnifiedExchangesError | None]:
        """Wait until reads show what happened up to then; why they may not, else None."""
        call = self.read(
            "/exchange/user_data_timestamp",
            about="how fresh reads of the account are",
            urgent=urgent,
        )
        shown, now = since, self.venue_now()
        for wait in _PATIENCE:
            if wait and (yield Behind(wait, (now - shown).total_seconds())):
                return None
            try:
                response = yield from self.send(call)
                shown = parse.fresh_until(response.body)
            except UnifiedExchangesError as error:
                error.add("; so orders of the last seconds may not be shown yet")
                return error
            if shown >= since:
                return None
        message = (
            f"reads of the account show what happened up to {shown:%H:%M:%S.%f} only, "
            f"not up to {since:%H:%M:%S.%f} UTC: later orders may not be shown yet"
        )
        return ExchangeNotAvailable(message, venue=self.id, request=call.name)
