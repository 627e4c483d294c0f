"""Lines of a recording that are read together with the message in them.

`Frame` leaves the message in a line to whoever wants it, who has to look through its bytes
once more.  Who expects messages of one kind reads them here with the line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

import msgspec

__all__ = ["FrameLine", "reader_of"]

T = TypeVar("T")


class _Body(msgspec.Struct, Generic[T], gc=False):
    """A `Body` whose ``data`` are its ``json``, and those a message of a kind."""

    json: T
    text: str = ""
    base64: Literal[""] = ""
    redacted: bool = False


class FrameLine(msgspec.Struct, Generic[T], gc=False, tag_field="kind", tag="frame"):
    """A `Frame` that came from the venue, with what it said."""

    at: int
    mono: int
    connection: int
    direction: Literal["in"]
    body: _Body[T]


class _Other(msgspec.Struct, tag_field="kind", tag="end"):
    """Another line: with two kinds the tag has to be there."""


def reader_of(message: Any) -> Callable[[bytes], object]:
    """What reads lines with messages of a type that `msgspec` decodes.

    It gives a `FrameLine`, or something else for the end of a recording, and raises
    ValueError for any other line.
    """
    return msgspec.json.Decoder(FrameLine[message] | _Other).decode
