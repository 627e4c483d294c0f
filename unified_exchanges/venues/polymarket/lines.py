"""Lines of a recording that tell of changes of books: nearly all are such."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from ...recording.one_pass import FrameLine, reader_of
from .parse.reading import EARLIEST, LATEST
from .stream.frames import Change

__all__ = ["is_change", "read_changes"]

_TYPE: Final = b'"event_type":"price_change"'
_LAST: Final = _TYPE + b"}}}\n"
_FROM: Final = 60
_TO: Final = 260
"""Where in a line its type is looked for, if it is not the last of it."""


class PlainChanges(msgspec.Struct, gc=False):
    """`frames.PriceChange` as it is sent: one, with its moment as a text."""

    market: str
    price_changes: list[Change]
    timestamp: str
    event_type: Literal["price_change"]


_read: Final = reader_of(PlainChanges)


def is_change(line: bytes) -> bool:
    """Whether a line looks like one."""
    # The venue sends the type last (seen 2026-08), its documentation has it first.
    return line.endswith(_LAST) or line.find(_TYPE, _FROM, _TO) >= 0


def read_changes(line: bytes) -> tuple[int, int, int, list[Change], int] | None:
    """When it was received by both clocks, on which connection, the changes and their moment.

    The moment is in Unix milliseconds.  None where a line does not look like one, which takes
    less time than to fail to read it; raises ValueError for another that does.
    """
    if not is_change(line):
        return None
    told = _read(line)
    if type(told) is FrameLine:
        said: PlainChanges = told.body.json
        text = said.timestamp
        if text.isdigit() and text.isascii():
            moment = int(text)
            if EARLIEST <= moment < LATEST:
                return told.at, told.mono, told.connection, said.price_changes, moment
    raise ValueError
