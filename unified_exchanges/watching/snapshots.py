"""Reading books over REST that do not come over the stream.

A venue may send a book late, or not at all; whoever waits for it gets what REST says, from
which the changes on the stream go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final, TypeAlias

from ..flow import Flow
from ..models import OrderBook
from ..venue import Venue
from .job import Job

__all__ = ["Snapshots"]

_log = logging.getLogger(__name__)

Key: TypeAlias = tuple[str, str | None]
"""A market and an outcome."""

_MOST: Final = 4
"""Reads that run at once."""
_TOGETHER: Final = 500
"""Books that are asked for in one read."""


class Snapshots:
    """The books that are wanted over REST; each is asked for once at a time.

    Those of one outcome of many markets are read together, so that many that are missing
    are a few requests.  ``load`` takes what was read.  A read that fails is not tried again
    here: the stream asks anew as long as the book is missing.  What was read together with
    others is read alone then, as it may be the trouble of them all.
    """

    def __init__(self, venue: Venue, *, load: Callable[[OrderBook], None]) -> None:
        self._venue = venue
        self._load = load
        self._wanted: dict[Key, None] = {}
        self._running: set[Key] = set()
        self._reads = 0
        self._alone: set[Key] = set()
        """Books whose last read failed together with others."""

    def want(self, market_id: str, outcome: str | None) -> None:
        """A book is missing."""
        self._wanted[market_id, outcome] = None

    def jobs(self) -> list[Job[dict[str, OrderBook]]]:
        """The reads that are due."""
        found = []
        while self._reads < _MOST:
            keys = self._next()
            if not keys:
                break
            found.append(self._read(keys))
        return found

    def _next(self) -> list[Key]:
        """The first book that is due, and those that can be read with it."""
        due = [key for key in self._wanted if key not in self._running]
        if not due or due[0] in self._alone:
            return due[:1]
        outcome = due[0][1]
        alike = [x for x in due if x[1] == outcome and x not in self._alone]
        return alike[:_TOGETHER]

    def _read(self, keys: list[Key]) -> Job[dict[str, OrderBook]]:
        self._reads += 1
        self._running.update(keys)
        for key in keys:
            del self._wanted[key]
        names, outcome = [market_id for market_id, _ in keys], keys[0][1]

        def done(books: dict[str, OrderBook]) -> None:
            self._ended(keys)
            self._alone.difference_update(keys)
            for book in books.values():
                self._load(book)

        def failed(error: Exception) -> None:
            self._ended(keys)
            if len(keys) > 1:
                self._alone.update(keys)
            else:
                self._alone.difference_update(keys)
            what = names[0] if len(keys) == 1 else f"{len(keys)} markets"
            _log.info("the book of %s could not be read: %s", what, error)

        return Job(self._flow_of(names, outcome), done, failed)

    def _ended(self, keys: list[Key]) -> None:
        self._reads -= 1
        self._running.difference_update(keys)

    def _flow_of(
        self, names: list[str], outcome: str | None
    ) -> Flow[dict[str, OrderBook]]:
        if len(names) > 1:
            return self._venue.fetch_order_books(names, outcome=outcome)
        return self._only_book(names[0], outcome)

    def _only_book(self, name: str, outcome: str | None) -> Flow[dict[str, OrderBook]]:
        book = yield from self._venue.fetch_order_book(name, outcome=outcome)
        return {name: book}
