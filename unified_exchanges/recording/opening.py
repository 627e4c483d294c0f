"""Opening the file of a recording: its compression, and whether it is a cassette."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from io import BufferedReader
from os import PathLike
from pathlib import Path
from typing import IO, cast

import msgspec

from .format import DamagedRecording
from .position import note_opened

__all__ = ["decompressing", "is_cassette", "open_recording", "version_of"]

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_CASSETTE = re.compile(
    rb"""\A (?!\{) .{0,4096}? ^ (?:\xef\xbb\xbf)? ["']? interactions ["']? :""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_JSON = (b"{", b"\xef\xbb\xbf{")
_INTERACTIONS = re.compile(rb'"interactions"\s*:')
"""The only key of a cassette in JSON that tells it; it may come after others, long ones."""
_BESIDE = 64
_ASIDE = (b"#", b"%", b"---")
"""What lines begin with that may come before."""
_BEGIN = 4096
_CHUNK = 1024 * 1024


def open_recording(path: str | PathLike[str], *, is_aside: bool = False) -> IO[bytes]:
    """Open a recording for its bytes; gzip and zstd are known by how they begin.

    ``is_aside``: somebody else reads it, and how far this has come says nothing of that.
    """
    file = Path(path).open("rb")  # noqa: SIM115 - handed on
    if not is_aside:
        note_opened(file)
    begin = file.peek(4)[:4]
    if begin.startswith(_GZIP):
        return cast("IO[bytes]", _Gzip(file))
    if begin == _ZSTD:
        try:
            return cast("IO[bytes]", import_module("compression.zstd").open(file))
        except ImportError:
            file.close()
        raise DamagedRecording(
            f"{path} is compressed with zstd, which Python reads from 3.14 on: write it "
            "out with zstd -d first"
        )
    return file


class _Gzip(gzip.GzipFile):
    """Closes the file beneath as well."""

    def __init__(self, file: BufferedReader) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._beneath = file

    def close(self) -> None:
        super().close()
        self._beneath.close()


def is_cassette(path: str | PathLike[str]) -> bool:
    """Whether a file is one of vcrpy's, in YAML or JSON, by how it begins.

    Raises `DamagedRecording` where compression breaks off before that can be said.
    """
    with open_recording(path) as file, decompressing(str(path)):
        for line in file:
            if line.strip() and not line.startswith(_ASIDE):
                if not line.lstrip().startswith(_JSON):
                    return _CASSETTE.search(line + file.read(_BEGIN)) is not None
                # A recording has a version, and a cassette has no kind.
                return not version_of(line) and _has_interactions(line, file)
    return False


def _has_interactions(begin: bytes, file: IO[bytes]) -> bool:
    seen = begin
    while not _INTERACTIONS.search(seen):
        more = file.read(_CHUNK)
        if not more:
            return False
        seen = seen[-_BESIDE:] + more
    return True


def version_of(text: bytes) -> int:
    """The version that a header says, 0 of what is none."""
    try:
        return msgspec.json.decode(text, type=_Versioned).format
    except msgspec.MsgspecError:
        return 0


class _Versioned(msgspec.Struct):
    format: int


@contextmanager
def decompressing(name: str) -> Generator[None, None, None]:
    """Say what is wrong with compressed data in words of what to do."""
    try:
        yield
    except EOFError as error:
        raise DamagedRecording(
            f"{name} is a part of a compressed file, which was copied or stored in part: "
            "restore it from a copy; for what is left of it, write it out with gzip -dc or "
            "zstd -dc first"
        ) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise DamagedRecording(
            f"{name} is damaged within its compression ({error}); restore it from a copy"
        ) from error
