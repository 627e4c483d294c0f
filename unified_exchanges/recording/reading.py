"""Reading a recording again, line by line."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from os import PathLike
from typing import IO

import msgspec

from .format import FORMAT, DamagedRecording, Dated, End, Header, Line, Torn
from .opening import decompressing, is_cassette, open_recording, version_of

__all__ = ["Texts", "read", "texts_of"]

_log = logging.getLogger(__name__)

_TAPE = (
    "{} is a cassette, which holds answers and no stream: replay it with "
    'exchange("replay", path=…), give it to backtest, or make a recording, with '
    "Recorder or unified-exchanges record"
)
_HOW = "; one is made with Recorder, or unified-exchanges record"

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
    return _lines(path)


class Texts:
    """The lines of a recording as they stand in it, for who knows what most of them tell.

    It iterates over those after the ``header``, with their numbers; the last may be torn.
    """

    def __init__(self, texts: Iterable[bytes], name: str) -> None:
        self._name = name
        self._numbered = enumerate(texts, 1)
        for number, text in self._numbered:
            header = self.line(number, text)
            assert isinstance(header, Header)
            self.header = header
            return
        raise DamagedRecording(f"{name} is empty: nothing was recorded{_HOW}")

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self._numbered

    def line(self, number: int, text: bytes) -> Line:
        """Read the line at hand."""
        if not text.endswith(b"\n"):
            return _torn(number, text, self._name)
        line = _read(text, number, self._name)
        if isinstance(line, End):
            for after, _ in self._numbered:
                raise DamagedRecording(
                    f"{self._name}: line {after} comes after the end, which is the last line "
                    "of a recording: restore it from a copy, or cut off what was appended; "
                    "recordings are read together as a list of paths"
                )
        return line


@contextmanager
def texts_of(path: str | PathLike[str]) -> Generator[Texts]:
    """Open a recording for whoever reads by itself what comes most; else as `read`."""
    name = str(path)
    with open_recording(path) as file:
        is_plain = isinstance(file, BufferedReader)
        yield Texts(file if is_plain else _whole(file, name), name)


def _lines(path: str | PathLike[str]) -> Iterator[Line]:
    with texts_of(path) as texts:
        yield texts.header
        for number, text in texts:
            yield texts.line(number, text)


def _torn(number: int, text: bytes, name: str) -> Torn:
    """What stands for the beginning of a line, with which a file ends."""
    if number > 1:
        _log.warning("%s ends within line %d: left out", name, number)
        return Torn(len(text))
    if is_cassette(name):
        raise DamagedRecording(_TAPE.format(name))
    raise DamagedRecording(f"{name} is not a recording: no line is whole{_HOW}")


def _read(text: bytes, number: int, name: str) -> Dated:
    try:
        # What is embedded is not looked at yet, and nobody writes what is no text.
        text.decode()
        line: Dated = _decode(text)
    except (UnicodeDecodeError, msgspec.MsgspecError) as error:
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
