"""What is known of a place that events come from, by what was told of it so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from ..models import OrderBook
from ..paper import PaperEvent
from ..recording.line_clock import Setbacks, setback_told
from ..recording.polled import Unread

__all__ = ["SPOILT", "UNENDED", "WITHHELD", "Feed", "ReadAhead"]


UNENDED: Final = (
    "the recording {} has no end: whoever recorded it was killed, or it is a part of it; "
    "what was told later is missing"
)

SPOILT: Final = (
    "in the recording {}, {} messages cannot be read without what was redacted in them; there "
    "is a gap at each but for quotes: was a text of never= in prices, sizes or ids?"
)

WITHHELD: Final = (
    "in the recording {}, {} lines were withheld, since they may have held a secret; what "
    "they told is missing: `where` of the lines withheld names the fields"
)

DATED: Final = (
    "the cassette {} was recorded without tape.clock: its times are the dates of the "
    "answers by the venue, in whole seconds, so that each may have come a moment later"
)


@attrs.define
class Feed:
    """One of the places that events come from; the moments are of what was read of it.

    ``is_unended``: all of it was read, and it is of a recording that was not closed; ``spoilt``
    counts then the messages that could not be read for what was redacted in them, and
    ``withheld`` the lines that are not in it.
    ``until`` is how far the recording goes, which is silent after its last event, once it was
    read.
    ``polled`` counts the books that were read over REST, and ``is_dated`` says that the
    answers of a cassette have no time but their dates.  ``missing`` are answers that could
    not be read.
    """

    name: str | None
    began: int | None = None
    ended: int | None = None
    setbacks: Setbacks = attrs.field(factory=Setbacks)
    is_unended: bool = False
    polled: int = 0
    is_dated: bool = False
    missing: list[Unread] = attrs.field(factory=list)
    spoilt: int = 0
    withheld: int = 0
    until: int | None = None

    def poll(self, book: OrderBook) -> None:  # noqa: ARG002 - who reads ahead waits for it
        """Count a book that was read over REST."""
        self.polled += 1

    def notes(self) -> Iterator[tuple[int, str]]:
        """What is to be known of it, and from when on."""
        for moment, offset in self.setbacks.found:
            yield moment, setback_told(self.name, offset)
        for first in self.missing:
            if first.asked:
                count = sum(x.about == first.about for x in self.missing)
                yield first.moment, first.told(self.name, count)
        # Also of one that told nothing.
        ended = self.until if self.ended is None else self.ended
        if self.is_unended and ended is not None:
            yield ended, UNENDED.format(self.name)
        if self.spoilt and ended is not None:
            yield ended, SPOILT.format(self.name, self.spoilt)
        if self.withheld and ended is not None:
            yield ended, WITHHELD.format(self.name, self.withheld)
        if self.is_dated and self.began is not None:
            yield self.began, DATED.format(self.name)


@attrs.define
class ReadAhead(Feed):
    """What is known of it by what was read, of which not all was told yet.

    A report is of what was told alone, whatever was read by then.
    """

    _books: deque[OrderBook] = attrs.field(factory=deque)
    """Those that were polled, and are not told yet."""

    def poll(self, book: OrderBook) -> None:
        """Wait for a book that was read over REST."""
        self._books.append(book)

    def told(
        self, events: Iterable[tuple[int, PaperEvent]], feed: Feed
    ) -> Iterator[tuple[int, PaperEvent]]:
        """The same events; ``feed`` knows with each what is known by then."""
        books, found, missing = self._books, self.setbacks.found, self.missing
        seen, unread = 0, len(feed.missing)
        for moment, event in events:
            if books and event is books[0]:
                feed.poll(books.popleft())
            while seen < len(found) and found[seen][0] <= moment:
                feed.setbacks.see(*found[seen])
                seen += 1
            while unread < len(missing) and missing[unread].moment <= moment:
                feed.missing.append(missing[unread])
                unread += 1
            yield moment, event
        feed.missing += missing[unread:]
