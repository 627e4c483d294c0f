"""Lines of a recording that tell of one change of a book: nearly all are such."""

from __future__ import annotations

from typing import Final

from ...recording.one_pass import FrameLine, reader_of
from .stream.frames import Delta, Snapshot

__all__ = ["DELTA", "read_delta"]

DELTA: Final = b'"orderbook_delta"'
"""Stands in each of them; to look for it takes less time than to fail to read another."""

# Of two kinds, so that the tag has to be there, as among all kinds of frames.
_read: Final = reader_of(Delta | Snapshot)


def read_delta(line: bytes) -> FrameLine[Delta]:
    """The line, where it is one; else ValueError."""
    told = _read(line)
    if type(told) is FrameLine and type(told.body.json) is Delta:
        return told
    raise ValueError
