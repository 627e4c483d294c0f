"""What a venue makes of a recording: models, by the parsers that read its live stream."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Protocol, TypeAlias

from ..clock import Clock
from ..models import Gap, MarketChange, Order, OrderBook, Ticker, Trade
from ..paper import OwnTake
from ..tap import Direction
from .format import Closed, Frame, Opened, Rest, Withheld
from .opening import open_recording
from .outline import spoilt_outline
from .polled import Unread

__all__ = [
    "LEFT",
    "WITHHELD",
    "Decoded",
    "RecordingDecoder",
    "decode",
    "decoder_of",
    "outline_in",
]

_OK = 200

LEFT: Final = "whoever was recorded follows it no more"
"""Why there is a gap where a market was left, and the recording goes on."""

WITHHELD: Final = "a message was withheld when it was recorded"
_REDACTED: Final = "a message cannot be read without what was redacted"

Decoded: TypeAlias = OrderBook | Trade | Ticker | Order | OwnTake | MarketChange | Gap
"""A whole book after each of its changes, what was told besides, or that a book may have
missed a change."""


class RecordingDecoder(Protocol):
    """Decodes connections that were recorded; ``DECODER`` of a venue's folder.

    It is made with a clock that shows the time of the line at hand, and is given the lines
    in their order.  ``has_books`` says that one of them is of a stream of books.
    ``spoilt`` counts the messages that could not be read for what was redacted in them, and
    ``withheld`` the lines that are not in the recording.  ``outline`` is the venue's, see
    `Description`.  ``has_account`` says that the fills of an account were followed.
    """

    spoilt: int
    withheld: int
    has_account: bool
    outline: ClassVar[tuple[str, ...]]

    def __init__(self, clock: Clock, *, has_books: bool = False) -> None: ...

    @staticmethod
    def is_of_books(line: bytes) -> bool:
        """Whether a line as it is in the file is one by which a stream of books is followed."""
        ...

    def answered(self, path: str, body: bytes) -> None:
        """A request was answered: it may name outcomes."""
        ...

    def polled(self, answer: Rest) -> Iterable[Decoded]:
        """A request was answered, as before; gives what it tells that no stream does.

        Books, trades, and what became of markets, by the rules of `Polled`.
        """
        ...

    @property
    def missing(self) -> list[Unread]:
        """What of answers about trades and markets could not be read so far; it grows."""
        ...

    def opened(self, connection: int, url: str) -> None:
        """A WebSocket was opened."""
        ...

    def told(
        self, connection: int, direction: Direction, frame: bytes
    ) -> Iterable[Decoded]:
        """A message came or went."""
        ...

    def unread(self, connection: int) -> int:
        """How many messages could not be read so far, of a connection or of more."""
        ...

    def missed(self, connection: int, reason: str, outline: bytes) -> Iterable[Decoded]:
        """A message that came is not in the recording, of which there is this outline.

        Gives what may be missed by that; without an outline it may have been any message.
        """
        ...

    def unsaid(self, connection: int, reason: str, outline: bytes) -> Iterable[Decoded]:
        """A message that went out is not in the recording, of which there is this outline.

        What it asked for is known by what is told; gives what may be told no more.
        """
        ...

    def closed(self, connection: int, reason: str) -> Iterable[Decoded]:
        """A WebSocket has ended, or what follows on it was not recorded."""
        ...

    def shortcut(self, line: bytes) -> tuple[int, int, tuple[OrderBook, ...]] | None:
        """Decode a whole line as it is in the file, where nothing about it is unusual.

        Gives its ``at`` and ``mono``, and the books that `told` would have told; tickers are
        left out.  Of any other line it gives None, and has not taken it in.
        """
        ...

    def is_change(self, line: bytes) -> bool:
        """Whether a line as it is in the file looks like a change of a book.

        Nearly all do.  It is not read: who only wants to know what is told of passes over.
        """
        ...


def decoder_of(
    kind: type[RecordingDecoder], path: Path, clock: Clock
) -> RecordingDecoder:
    """The decoder of a recording, which is looked through for a stream of books.

    That is among its first lines, or it is a recording without one, of which there is little.
    """
    has_books = False
    # What is damaged is told to who reads it.
    with (
        open_recording(path, is_aside=True) as file,
        suppress(EOFError, OSError, zlib.error),
    ):
        has_books = any(map(kind.is_of_books, file))
    return kind(clock, has_books=has_books)


def outline_in(line: object, paths: Sequence[str]) -> tuple[int, bytes] | None:
    """Of a line whose message nobody can read, its connection and the outline of that.

    ``paths`` are what outlines are of.  None of a line that can be read, whatever was
    redacted in it.
    """
    if isinstance(line, Withheld):
        return (line.lost_on, bytes(line.outline)) if line.lost_on else None
    if isinstance(line, Frame) and line.body.redacted and line.direction == "in":
        outline = spoilt_outline(line.body.data, paths)
        return None if outline is None else (line.connection, outline)
    return None


def _redacted(decoder: RecordingDecoder, line: Frame) -> Iterator[Decoded]:
    """Decode a message out of which something was taken: without that it may be of no use."""
    if (found := outline_in(line, decoder.outline)) is not None:
        decoder.spoilt += 1
        yield from decoder.missed(line.connection, _REDACTED, found[1])
        return
    number, is_told = line.connection, False
    before = decoder.unread(number)
    for event in decoder.told(number, line.direction, line.body.data):
        is_told = is_told or isinstance(event, Gap)
        yield event
    if is_told or decoder.unread(number) != before:
        decoder.spoilt += 1


def _withheld(decoder: RecordingDecoder, line: Withheld) -> Iterable[Decoded]:
    decoder.withheld += 1
    if line.lost_on:
        return decoder.missed(line.lost_on, WITHHELD, bytes(line.outline))
    if line.sent_on:
        return decoder.unsaid(line.sent_on, WITHHELD, bytes(line.outline))
    return ()


def decode(decoder: RecordingDecoder, line: object) -> Iterable[Decoded]:
    """Decode one line of a recording; gives what that tells."""
    if isinstance(line, Frame):
        if line.body.redacted and line.direction == "in":
            return _redacted(decoder, line)
        return decoder.told(line.connection, line.direction, line.body.data)
    if isinstance(line, Rest):
        if line.status == _OK:
            return decoder.polled(line)
    elif isinstance(line, Opened):
        decoder.opened(line.connection, line.url)
    elif isinstance(line, Withheld):
        return _withheld(decoder, line)
    elif isinstance(line, Closed):
        return decoder.closed(line.connection, line.reason)
    return ()
