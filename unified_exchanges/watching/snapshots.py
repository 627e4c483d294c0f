"""Reading books over REST that do not come over the stream.

A venue may send a book late, or not at all; whoever waits for it gets what REST says, from
which the changes on the stream go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeAlias

from ..models import OrderBook
from ..venue import Venue
from .job import Job

__all__ = ["Snapshots"]

_log = logging.getLogger(__name__)

Key: TypeAlias = tuple[str, str | None]
"""A market and an outcome."""

_MOST: Final = 4
"""Books that are read at once."""


class Snapshots:
    """The books that are wanted over REST; each is asked for once at a time.

    ``load`` takes what was read.  A read that fails is not tried again here: the stream
    asks anew as long as the book is missing.
    """

    def __init__(self, venue: Venue, *, load: Callable[[OrderBook], None]) -> None:
        self._venue = venue
        self._load = load
        self._wanted: dict[Key, None] = {}
        self._running: set[Key] = set()

    def want(self, market_id: str, outcome: str | None) -> None:
        """A book is missing."""
        self._wanted[market_id, outcome] = None

    def jobs(self) -> list[Job[OrderBook]]:
        """The reads that are due."""
        found = []
        for key in list(self._wanted):
            if len(self._running) >= _MOST:
                break
            if key not in self._running:
                del self._wanted[key]
                found.append(self._read(key))
        return found

    def _read(self, key: Key) -> Job[OrderBook]:
        self._running.add(key)
        market_id, outcome = key

        def done(book: OrderBook) -> None:
            self._running.discard(key)
            self._load(book)

        def failed(error: Exception) -> None:
            self._running.discard(key)
            _log.info("the book of %s could not be read: %s", market_id, error)

        return Job(
            self._venue.fetch_order_book(market_id, outcome=outcome), done, failed
        )
