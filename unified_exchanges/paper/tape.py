"""Which trades of a market were told before, by its stream or by reading."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from ..models import Trade
from .orders import at, nanoseconds

__all__ = ["Tape"]

_MOST: Final = 20_000
"""Ids of trades that are remembered of one market."""
_LATE: Final = timedelta(seconds=60)
"""How much later than another a trade may come that happened before it."""


@attrs.define(eq=False)
class Tape:
    """Lets each trade through once; moments are nanoseconds since 1970.

    A stream and a listing may name the same trade differently.  So what one has told up to
    a moment is not taken from the other up to then: rather a trade is missed, which fills
    less, than counted twice.
    """

    begun: int
    streamed: int = 0
    read: int = 0
    _seen: dict[str, None] = attrs.field(factory=dict)

    def from_stream(self, trade: Trade) -> bool:
        """Whether a trade that the stream tells is news."""
        moment = nanoseconds(trade.created_at)
        self.streamed = max(self.streamed, moment)
        return moment > self.read and self._is_new(trade)

    def from_listing(self, trades: Iterable[Trade]) -> list[Trade]:
        """Those of a listing, which has the newest first, that are news: oldest first."""
        # First, as of those of one moment nothing else tells which was first.
        fresh = [
            trade
            for trade in reversed([*trades])
            if nanoseconds(trade.created_at) > self.streamed and self._is_new(trade)
        ]
        fresh.sort(key=lambda trade: trade.created_at)
        if fresh:
            self.read = max(self.read, nanoseconds(fresh[-1].created_at))
        return fresh

    @property
    def since(self) -> datetime:
        """From when on trades are to be listed."""
        return max(
            at(max(self.read, self.streamed)) - _LATE, at(self.begun)
        ).astimezone(UTC)

    def _is_new(self, trade: Trade) -> bool:
        if trade.trade_id in self._seen:
            return False
        self._seen[trade.trade_id] = None
        if len(self._seen) > _MOST:
            del self._seen[next(iter(self._seen))]
        return True
