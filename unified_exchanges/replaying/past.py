"""How a connection of a recording stood at one of its lines, read from its beginning."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from ..recording.decoder import RecordingDecoder, decode
from ..recording.format import Closed, Frame, Line, Opened, Rest, Withheld
from ..recording.reading import read

__all__ = ["read_past"]

_OK = 200


def read_past(
    file: Path, decoder: RecordingDecoder, connection: int, line: int
) -> None:
    """Let somebody hear one connection up to a line, which is left out.

    It costs time in proportion to that, and memory of what is heard.
    """
    for each in islice(read(file), 1, line - 1):
        if isinstance(each, Rest):
            if each.status == _OK:
                decoder.answered(each.path, each.body.data)
        elif _connection_of(each) == connection:
            for _ in decode(decoder, each):
                pass


def _connection_of(line: Line) -> int:
    """Which connection a line is of, 0 if it is of none."""
    if isinstance(line, Frame | Opened | Closed):
        return line.connection
    return line.lost_on or line.sent_on if isinstance(line, Withheld) else 0
