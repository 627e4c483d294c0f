"""Whether a market trades: by what was told of it, and by the clock where hours are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ..description import Description
from ..models import Market, MarketChange, MarketStatus
from ..paper import nanoseconds
from ..registry import exchanges, folder

__all__ = ["Hours"]

_HIDDEN: Final = frozenset(
    (
        MarketStatus.UNOPENED,
        MarketStatus.PAUSED,
        MarketStatus.CLOSED,
        MarketStatus.SETTLED,
    )
)
"""Nothing trades then, whatever was displayed last."""
_DONE: Final = (MarketStatus.CLOSED, MarketStatus.SETTLED)
_UNKNOWN: Final = -1
"""A moment that nobody told."""


class Hours:
    """Those of one market, as a backtest has them: nobody tells that the clock did it."""

    def __init__(self, market: Market) -> None:
        self._are_kept = _are_kept(market.venue)
        self._opens = self._read(market.opens_at)
        # When a market did close that has ended, maybe early, is known once it is told.
        has_ended = market.status in _DONE
        self._closes = _UNKNOWN if has_ended else self._read(market.closes_at)
        self._status: MarketStatus | None = None

    def take(self, moment: int, change: MarketChange) -> None:
        """Take what is told of the market."""
        if change.closes_at is not None:
            self._closes = self._read(change.closes_at)
        if change.status in (None, MarketStatus.UNKNOWN):
            return
        self._status = change.status
        if change.status is MarketStatus.OPEN and self._closes <= moment:
            # It trades though its close has passed: when it closes is not known.
            self._closes = _UNKNOWN

    def turns(self, after: int, by: int) -> list[int]:
        """When the clock may open or close it, later than one moment and by another."""
        return sorted(x for x in (self._opens, self._closes) if after < x <= by)

    def hides(self, moment: int) -> bool:
        """Whether nothing trades then."""
        status = self._status
        if status is MarketStatus.UNOPENED and _UNKNOWN < self._opens <= moment:
            status = MarketStatus.OPEN
        if status in (None, MarketStatus.OPEN):
            return _UNKNOWN < self._closes <= moment
        return status in _HIDDEN

    def _read(self, time: datetime | None) -> int:
        return nanoseconds(time) if self._are_kept and time else _UNKNOWN


def _are_kept(venue: str) -> bool:
    """Whether a venue opens and closes its markets by the clock."""
    if venue not in exchanges:
        return False
    facts: Description = folder(venue, "description").FACTS
    return facts.hours == "kept"
