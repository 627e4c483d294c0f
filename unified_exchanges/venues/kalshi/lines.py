"""Lines of a recording that tell of one change of a book, read in one pass.

Nearly all lines of a recording are such.  `Frame` leaves the message in a line to whoever
wants it, who has to look through its bytes once more; here it is read with the line.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from .stream.frames import Delta, Snapshot

__all__ = ["DELTA", "DeltaLine", "read_delta"]

DELTA: Final = b'"orderbook_delta"'
"""Stands in each of them; to look for it takes less time than to fail to read another."""


class _Body(msgspec.Struct, gc=False):
    """A `recording.Body` whose ``data`` are its ``json``, and those a change of a book."""

    # Of two kinds, so that the tag has to be there, as among all kinds of frames.
    json: Delta | Snapshot
    text: str = ""
    base64: Literal[""] = ""
    redacted: bool = False


class DeltaLine(msgspec.Struct, gc=False, tag_field="kind", tag="frame"):
    """A `recording.Frame` that came from the venue, with what it said."""

    at: int
    mono: int
    connection: int
    direction: Literal["in"]
    body: _Body


class _Other(msgspec.Struct, tag_field="kind", tag="end"):
    """Another line: with two kinds the tag has to be there here, too."""


_read: Final = msgspec.json.Decoder(DeltaLine | _Other).decode


def read_delta(line: bytes) -> tuple[int, int, Delta]:
    """When it was received, on which connection, and the change; else ValueError."""
    told = _read(line)
    if type(told) is DeltaLine and type(told.body.json) is Delta:
        return told.at, told.connection, told.body.json
    raise ValueError
