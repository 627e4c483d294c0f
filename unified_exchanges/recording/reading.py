"""Reading a recording again, line by line."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from io import BufferedReader
from os import PathLike
from typing import IO, TypeVar

import msgspec

from .format import FORMAT, DamagedRecording, Dated, End, Header, Line, Torn
from .opening import decompressing, is_cassette, open_recording, version_of

__all__ = ["read", "read_shortened"]

_log = logging.getLogger(__name__)

_TAPE = (
    "{} is a cassette, which holds answers and no stream: replay it with "
    'exchange("replay", path=…), give it to backtest, or make a recording, with '
    "Recorder or unified-exchanges record"
)
_HOW = "; one is made with Recorder, or unified-exchanges record"

_T = TypeVar("_T")
_decode = msgspec.json.Decoder(Dated).decode


def read(path: str | PathLike[str]) -> Iterator[Line]:
    """Read a recording line by line, in bounded memory, compressed or not.

    The first is always a `Header`.  A file that ends within a line, since who wrote it was
    killed, ends with a `Torn`, and the log says so.  One without an `End` was never closed.

    Raises `DamagedRecording` where a line in the middle cannot be read, the version is a
    later one, or compressed data break off: no recorder leaves such, since it compresses
    what it has closed and puts it in place when it is whole.  And `OSError`.

    >>> list(read("none.jsonl"))
    Traceback (most recent call last):
    FileNotFoundError: ...
    """
    return _lines(path, None)


def read_shortened(
    path: str | PathLike[str],
    begin: Callable[[Header], Callable[[bytes], _T | None]],
) -> Iterator[Line | _T]:
    """Read a recording as `read` does, and what comes most in another way.

    ``begin`` is called with the header and gives a shortcut, which is called with each whole
    line after that: what it makes of a line stands in its place.  A line of which it makes
    None is read as ever.
    """
    return _lines(path, begin)


def _lines(
    path: str | PathLike[str],
    begin: Callable[[Header], Callable[[bytes], _T | None]] | None,
) -> Iterator[Line | _T]:
    name = str(path)
    number = 0
    shortcut: Callable[[bytes], _T | None] | None = None
    is_ended = False
    with open_recording(path) as file:
        for text in file if isinstance(file, BufferedReader) else _whole(file, name):
            number += 1
            if is_ended:
                raise DamagedRecording(
                    f"{name}: line {number} comes after the end, which is the last line of a "
                    "recording: restore it from a copy, or cut off what was appended; "
                    "recordings are read together as a list of paths"
                )
            if not text.endswith(b"\n"):
                if number > 1:
                    _log.warning("%s ends within line %d: left out", name, number)
                    yield Torn(len(text))
                    return
                if is_cassette(name):
                    raise DamagedRecording(_TAPE.format(name))
                raise DamagedRecording(
                    f"{name} is not a recording: no line is whole{_HOW}"
                )
            if shortcut is not None and (short := shortcut(text)) is not None:
                yield short
                continue
            line = _read(text, number, name)
            if begin is not None and isinstance(line, Header):
                shortcut = begin(line)
            is_ended = isinstance(line, End)
            yield line
    if not number:
        raise DamagedRecording(f"{name} is empty: nothing was recorded{_HOW}")


def _read(text: bytes, number: int, name: str) -> Dated:
    try:
        line: Dated = _decode(text)
    except msgspec.MsgspecError as error:
        raise DamagedRecording(_damage(name, number, text, error)) from error
    if (number == 1) is not isinstance(line, Header):
        raise DamagedRecording(f"{name}: line {number} should be the header, alone")
    if isinstance(line, Header) and line.format > FORMAT:
        raise DamagedRecording(_later(name, line.format))
    return line


def _whole(file: IO[bytes], name: str) -> Iterator[bytes]:
    """Every line of compressed data."""
    with decompressing(name):
        yield from file


def _damage(name: str, number: int, text: bytes, error: Exception) -> str:
    if number == 1:
        later = version_of(text)
        if later > FORMAT:
            return _later(name, later)
        if is_cassette(name):
            return _TAPE.format(name)
        return f"{name} is not a recording: its first line is no header ({error}){_HOW}"
    return f"{name}: line {number} cannot be read ({error}); restore it from a copy"


def _later(name: str, version: int) -> str:
    return (
        f"{name} has version {version} of the format, and this library reads up to "
        f"{FORMAT}: use a later version of unified-exchanges"
    )
