"""What a venue is on its side of a recorded connection; ``counterpart`` of its folder says it.

The program that replays may ask in another order, later, or for less than the one that was
recorded.  What comes is given to it as it was recorded; what it asks for is held against
what was asked for then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Final, Protocol

from ..models import Subject
from ..recording.format import Body
from ..streams.protocol import StreamEvent
from ..tap import Direction
from ..venue import Venue

__all__ = ["UNKNOWN_BOOK", "Contents", "Counterpart", "Move", "Past", "some_of"]

UNKNOWN_BOOK: Final = (
    "the book of %s is not known at this moment of the recording: it begins with the next "
    "whole one that was recorded, if there is one"
)

_NAMED: Final = 5
"""How many of many are named."""

Past = Callable[[], Any]
"""Reads the recording once more up to now, and gives the venue's `RecordingDecoder` of it."""


def some_of(names: Sequence[str]) -> str:
    """The first of many, and how many more there are.

    >>> some_of(["A", "B"]), some_of("ABCDEFGH")
    ('A, B', 'A, B, C, D, E and 3 more')
    """
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


Move = Callable[[Any], Iterable[StreamEvent]]
"""Has a stream of the venue know what the client that was recorded left, or took up again."""


class Contents(Protocol):
    """What the streams of a recording were asked for; filled once, in order.

    ``CONTENTS`` of the module is its class.
    """

    def told(
        self, connection: int, direction: Direction, frame: bytes, line: int
    ) -> None:
        """A message came or went, in that line of the recording."""
        ...

    def unsaid(self, connection: int, outline: bytes, line: int) -> None:
        """A message that went out, in that line, is missing but for this outline."""
        ...

    def answered(self, path: str, body: Body) -> None:
        """A request was answered well."""
        ...

    def unnamed(
        self, venue: Venue, subject: Subject, market_ids: Sequence[str]
    ) -> Sequence[str]:
        """Let a venue know markets as the recording lists them: those that it does not.

        Only those of which nothing can be told without that.
        """
        ...

    def missing(
        self,
        venue: Venue,
        subject: Subject,
        market_ids: Sequence[str] | None,
        outcome: str | None,
    ) -> Sequence[str]:
        """What of a wish was asked for on no connection, in words.

        ``venue`` is the one that replays, and knows names.
        """
        ...

    def described(self) -> str:
        """What there is, in words."""
        ...

    def counterpart(self, connection: int) -> Counterpart:
        """The venue on a connection that is opened now."""
        ...


class Counterpart(Protocol):
    """The venue on one connection, from its beginning on.

    ``outline`` is the venue's, see `Description`.  ``moves`` are to be made after what was
    recorded last; whoever makes them clears it.
    """

    outline: ClassVar[tuple[str, ...]]
    moves: list[Move]

    def recorded(self, direction: Direction, frame: bytes) -> bytes | None:
        """A message that was recorded: what of it the program is told, if anything."""
        ...

    def missed(self, outline: bytes) -> Iterable[bytes] | None:
        """What is told, as if it was recorded, instead of a message that is missing.

        The program finds by that what it misses.  None where only a new connection says so.
        """
        ...

    def unsaid(self, outline: bytes) -> bool:
        """A message that went out is missing, of which there is this outline.

        Whether it may have ended what is told, and nothing else says so.
        """
        ...

    def asked(self, text: str, line: int, past: Past) -> Iterable[bytes]:
        """The program sends a message, before that line: what is answered at once."""
        ...
