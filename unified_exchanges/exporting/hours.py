"""When a market trades: by what is told of it, and by the clock where its venue keeps hours."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ..models import Market, MarketChange, MarketStatus
from ..paper import nanoseconds
from ..registry import exchanges, folder

__all__ = ["Hours"]

_SHUT: Final = frozenset(
    (
        MarketStatus.UNOPENED,
        MarketStatus.PAUSED,
        MarketStatus.CLOSED,
        MarketStatus.SETTLED,
    )
)
"""Nothing trades then, whatever was displayed last."""


class Hours:
    """Those of one market, as paper has them, from the first thing that is told of it on.

    ``due`` is when the clock opens or closes it next, in nanoseconds; None if it does not.
    """

    def __init__(self, market: Market) -> None:
        self.due: int | None = None
        self._keeps = market.venue in exchanges and _keeps_hours(market.venue)
        self._opens = _moment_of(market.opens_at)
        self._closes = _moment_of(market.closes_at)
        self._status: MarketStatus | None = None
        self._moment = 0
        self._plan()

    def look_up(self, moment: int) -> None:
        """Let it be so late."""
        self._moment = moment
        if self.due is not None and self.due <= moment:
            self._plan()

    def _plan(self) -> None:
        turns = (self._opens, self._closes) if self._keeps else ()
        coming = [x for x in turns if x is not None and x > self._moment]
        self.due = min(coming, default=None)

    def change(self, change: MarketChange) -> None:
        """Take what was told of it now."""
        if change.closes_at is not None:
            self._closes = _moment_of(change.closes_at)
        if change.status not in (None, MarketStatus.UNKNOWN):
            self._status = change.status
            if change.status is MarketStatus.OPEN and self._is_past(self._closes):
                # It trades though its close has passed: when it closes is not known.
                self._closes = None
        self._plan()

    @property
    def is_shut(self) -> bool:
        """Whether nothing trades in it now."""
        status = self._status
        if self._keeps:
            if status is MarketStatus.UNOPENED and self._is_past(self._opens):
                status = MarketStatus.OPEN
            if status in (None, MarketStatus.OPEN) and self._is_past(self._closes):
                return True
        return status in _SHUT

    def _is_past(self, turn: int | None) -> bool:
        return turn is not None and turn <= self._moment


def _moment_of(time: datetime | None) -> int | None:
    return None if time is None else nanoseconds(time)


def _keeps_hours(venue: str) -> bool:
    return bool(folder(venue, "description").FACTS.hours == "kept")
