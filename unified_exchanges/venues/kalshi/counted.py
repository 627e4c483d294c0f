"""A subscription in a recording: its numbers, its books, and what is missed by a hole in it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from ...models import Gap, Subject
from ...recording.redaction import REDACTED
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
    doubted: dict[str, Book] = attrs.field(factory=dict)
    """Books of before a message that is missing, until a number says whether it was one."""
    asked: dict[str, None] = attrs.field(factory=dict)
    """Markets of which it keeps a book, or will once that comes; or tells the trades."""
    is_of_all: bool = False
    """Whether it tells of all markets, whichever they are."""
    is_open: bool = False
    """Whether it tells of more markets than were ``asked``, as a command is not recorded."""
    has_hidden: bool = False
    """Whether it was told that something of a market is missing whose name is redacted."""
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

    def doubt(self) -> None:
        """A message is missing, which may have been one of these: believe no book."""
        self.doubted |= self.books
        self.books.clear()

    def believed(self) -> dict[str, Book]:
        """What was doubted without reason, as the next number has come."""
        found, self.doubted = self.doubted, {}
        self.books |= found
        return found

    def keep(self, market_id: str, book: Book) -> None:
        """Begin a book."""
        self.books[market_id] = book
        self.doubted.pop(market_id, None)
        self.asked[market_id] = None

    def drop(self, market_id: str) -> bool:
        """A market is told no more; whether its book was known."""
        self.asked.pop(market_id, None)
        self.doubted.pop(market_id, None)
        return self.books.pop(market_id, None) is not None

    def lose(self) -> tuple[str, ...]:
        """Believe none of its books; gives their markets."""
        self.books.clear()
        self.doubted.clear()
        return tuple(self.asked)

    def is_of(self, channel: str) -> bool:
        """Whether it is one of this channel."""
        return self.channel is not None and self.channel.name == channel

    def may_be_of(self, *channels: str) -> bool:
        """Whether it is one of these, or one of which nothing said yet what it is.

        The latter has no book: the first would say it.
        """
        return self.channel is None or self.channel.name in channels

    def tells(self, market_id: str) -> bool:
        """Whether it tells of a market, from then on or by a book."""
        return self.is_of_all or market_id in self.asked

    def gap(self, market_id: str | None, reason: str, now: datetime) -> Gap | None:
        """What is missed by one message, of a market if that is known, as live."""
        channel = self.channel
        if channel is None or channel.subject in (None, Subject.TICKER):
            # The next quote replaces the one that is missing.
            return None
        names: tuple[str, ...] = (market_id,) if market_id else ()
        if market_id is not None and REDACTED in market_id:
            # It is none of those that are named; whoever asks for it is told once.
            names = names if self.has_hidden else ()
            self.has_hidden = True
        elif channel.name == BOOKS:
            if market_id is None:
                names = self.lose()
                if not (names or self.is_open):
                    return None
                names = () if self.is_open else names
            elif market_id in self.asked or self.is_open:
                self.books.pop(market_id, None)
                self.doubted.pop(market_id, None)
            else:
                return None
        return Gap(subject=channel.subject, market_ids=names, reason=reason, at=now)
