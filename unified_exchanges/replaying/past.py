"""How a connection of a recording stood at one of its lines, read from its beginning."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from ..recording.decoder import Decoded, RecordingDecoder
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
        for _ in _decoded(decoder, each, connection):
            pass


def _decoded(decoder: RecordingDecoder, line: Line, connection: int) -> list[Decoded]:
    if isinstance(line, Rest):
        if line.status == _OK:
            decoder.answered(line.path, line.body.data)
    elif isinstance(line, Withheld):
        if line.lost_on == connection:
            return list(decoder.missed(connection, "a message was withheld"))
    elif isinstance(line, Frame | Opened | Closed) and line.connection == connection:
        if isinstance(line, Frame):
            return list(decoder.told(connection, line.direction, line.body.data))
        if isinstance(line, Closed):
            return list(decoder.closed(connection, line.reason))
        decoder.opened(connection, line.url)
    return []
