"""A subscription in a recording: its numbers, its books, and what is missed by a hole in it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from ...models import Gap, Subject
from ...streams.pictures import PicturedBook
from .stream.channels import BOOKS, CHANNELS, Channel

__all__ = ["Book", "Counted", "channel_telling"]

_TELLING: Final = {kind: x for x in CHANNELS.values() for kind in x.types}
"""The channel of each kind of message; those that share one miss the same by a hole."""


def channel_telling(kind: str) -> Channel | None:
    """The channel that tells messages of a kind, None if none is known to."""
    return _TELLING.get(kind)


class Book(PicturedBook):
    """With when it changed last, in Unix milliseconds, as the venue told it."""

    __slots__ = ("moment",)

    def __init__(self) -> None:
        super().__init__()
        self.moment: int | None = None


@attrs.define(slots=True, eq=False)
class Counted:
    """A subscription: the number that came last, and the books that it keeps.

    ``channel`` is None until a message says which, ``is_whole`` whether all of it is in the
    recording, so that its numbers begin with one.
    """

    is_whole: bool = False
    channel: Channel | None = None
    last: int = 0
    books: dict[str, Book] = attrs.field(factory=dict)
    asked: dict[str, None] = attrs.field(factory=dict)
    """Markets of which it keeps a book, or will once that comes."""
    left: set[str] = attrs.field(factory=set)
    """Markets that it tells no more, though a snapshot of one may still come."""

    def hole(self, seq: int) -> str:
        """Count a message; gives why others are missing before it, if they are."""
        last, self.last = self.last, seq
        if seq == last + 1 or not (last or self.is_whole):
            return ""
        if self.channel is None or not self.channel.is_sequenced:
            return ""
        return f"message {seq} of {self.channel.name} came where {last + 1} was due"

    def keep(self, market_id: str, book: Book) -> None:
        """Begin a book."""
        self.books[market_id] = book
        self.asked[market_id] = None

    def drop(self, market_id: str) -> bool:
        """A market is told no more; whether its book was known."""
        self.asked.pop(market_id, None)
        return self.books.pop(market_id, None) is not None

    def lose(self) -> tuple[str, ...]:
        """Believe none of its books; gives their markets."""
        self.books.clear()
        return tuple(self.asked)

    def gap(self, market_id: str | None, reason: str, now: datetime) -> Gap | None:
        """What is missed by one message, of a market if that is known, as live."""
        channel = self.channel
        if channel is None or channel.subject in (None, Subject.TICKER):
            # The next quote replaces the one that is missing.
            return None
        names: tuple[str, ...] = (market_id,) if market_id else ()
        if channel.name == BOOKS:
            if market_id is None:
                names = self.lose()
            elif market_id in self.asked:
                self.books.pop(market_id, None)
            else:
                return None
            if not names:
                return None
        return Gap(subject=channel.subject, market_ids=names, reason=reason, at=now)
