"""When markets close by the clock in which orders rest."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final

from .orders import nanoseconds
from .pit import Pit

__all__ = ["NEVER", "Hours"]

NEVER: Final = 1 << 63
"""A moment that does not come."""


class Hours:
    """Closings of markets that keep hours, and of which somebody wants to know."""

    def __init__(self) -> None:
        self.due = NEVER
        """When the next market closes, in nanoseconds since 1970."""
        self._closings: list[tuple[int, str]] = []
        self._noted: set[tuple[int, str]] = set()

    def note(self, pit: Pit, moment: int) -> None:
        """Mind the close of a market as it is planned now, which is this moment.

        One that is told for a time that has passed comes at once: a venue that closes a market
        now tells whole seconds.
        """
        closes = pit.contract.market.closes_at
        if not pit.contract.keeps_hours or closes is None:
            return
        closing = max(moment, nanoseconds(closes)), pit.contract.market_id
        if closing not in self._noted:
            self._noted.add(closing)
            heapq.heappush(self._closings, closing)
            self.due = self._closings[0][0]

    def closed(self, moment: int) -> Iterator[str]:
        """The markets whose close was noted for a time up to now; it may have moved."""
        while self.due <= moment:
            closing = heapq.heappop(self._closings)
            self._noted.discard(closing)
            self.due = self._closings[0][0] if self._closings else NEVER
            yield closing[1]
