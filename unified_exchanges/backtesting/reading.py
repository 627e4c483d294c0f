"""Data as it is read, in blocks, and what is known by then of where it came from."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import islice
from typing import Final, TypeAlias

import attrs

from ..paper import PaperEvent
from ..recording.line_clock import Setbacks
from .feed import Feed
from .merging import Merged
from .sources import Data, feeds_of

__all__ = ["Block", "Provenance", "Reading"]

Block: TypeAlias = "list[tuple[int, PaperEvent]]"

_BLOCK: Final = 2_048
"""Events in memory at a time, of data that several runs share.

With more of them the garbage collector takes longer than is won by changing runs less often.
"""

_PER_FEED: Final = 9
"""What a mark says of each feed."""

_Mark: TypeAlias = "tuple[int | None, ...]"
"""What was repeated so far; and of each feed, when it began and ended, its setbacks,
whether it has no end, how many books were polled, whether it has dates only, and how many
messages were spoilt, and how many lines withheld.

One flat tuple for each event: the garbage collector has no business with these.
"""


@attrs.frozen
class Provenance:
    """Where the events came from that were read so far, and how many were repeated."""

    feeds: Sequence[Feed]
    repeated: int


class Reading:
    """One read of data.

    >>> reading = Reading([])
    >>> [*reading.blocks()], reading.provenance().repeated
    ([[]], 0)
    """

    def __init__(self, data: Data) -> None:
        self.events, self._feeds = feeds_of(data)
        self._marks: list[_Mark] = []
        self._before = 0
        """Events that were read before the block at hand."""

    def blocks(self) -> Generator[Block]:
        """Its events, some thousand at a time; at least one block, be it empty.

        What reading raises is raised after the events that were read before.
        """
        events = iter(self.events)
        is_first = True
        while True:
            self._before += len(self._marks)
            self._marks = []
            block: Block = []
            try:
                for told in islice(events, _BLOCK):
                    block.append(told)
                    self._marks.append(self._mark())
            except Exception:
                if block:
                    yield block
                raise
            if not block and not is_first:
                return
            is_first = False
            yield block

    def provenance(self, count: int = 0) -> Provenance:
        """Of all that was read; or of the events up to the one so numbered, in this block.

        The report of who stops there tells of nothing that was read for others.
        """
        mark = self._marks[count - self._before - 1] if count else self._mark()
        repeated, *rest = mark
        each = (rest[n::_PER_FEED] for n in range(_PER_FEED))
        feeds = [
            Feed(
                feed.name,
                began,
                ended,
                Setbacks(feed.setbacks.found[:count]),
                bool(lost),
                polled or 0,
                bool(dated),
                feed.missing[:unread],
                spoilt or 0,
                withheld or 0,
                feed.until,
            )
            for (
                feed,
                began,
                ended,
                count,
                lost,
                polled,
                dated,
                unread,
                spoilt,
                withheld,
            ) in zip(self._feeds, *each, strict=True)
        ]
        return Provenance(feeds, repeated or 0)

    def _mark(self) -> _Mark:
        events = self.events
        mark: list[int | None] = [events.repeated if isinstance(events, Merged) else 0]
        for feed in self._feeds:
            setbacks = len(feed.setbacks.found)
            mark += (
                feed.began,
                feed.ended,
                setbacks,
                feed.is_unended,
                feed.polled,
                feed.is_dated,
                len(feed.missing),
                feed.spoilt,
                feed.withheld,
            )
        return tuple(mark)
