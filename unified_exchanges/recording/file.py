"""The file of a recording: begun anew, appended to, and compressed when it is closed."""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..errors import BadRequest

if sys.platform != "win32":
    import fcntl

__all__ = ["RecordingFile", "check_path"]

_log = logging.getLogger(__name__)

_CHUNK = 1024 * 1024
_AT_ONCE = 64 * 1024
"""Bytes that are handed to the system at the latest, however much more there is to write."""
_CUT = (
    "{} was made shorter while it was recorded, such as by a rotation of logs: what it held is "
    "not in it any more, and what came later cannot be read alone; leave a recording alone "
    "until it is ended, and record anew"
)


def check_path(path: Path, named: str = "path=") -> None:
    """Raise `BadRequest` for what is there and no file: a folder, a pipe, - for stdout.

    It is looked at and not opened: to open a pipe would wait for whoever reads it.
    """
    if str(path) == "-" or (path.exists() and not path.is_file()):
        raise BadRequest(
            f"{named} {path} is no file: name a new one, such as day.jsonl"
        )


class RecordingFile:
    """A file that did not exist, readable by its owner alone: it tells what was traded.

    ``lines`` and ``size`` are of what the system has got, ``written`` of what it was to get.
    """

    def __init__(self, path: Path, *, compress: bool) -> None:
        self.lines = self.size = self.written = 0
        self._end = 0
        # How many lines there are, and bytes, at the end of each that may not be in it yet.
        self._waiting: list[tuple[int, int]] = []
        self._name = path
        # The folder of this process may become another one, and a link may be set anew: what
        # is compressed takes the place of the file, not that of a link to it.
        self._path = Path(os.path.realpath(path))
        self._compress = compress
        self._is_closed = self._is_short = False
        self._lost: str | None = None
        self._is_new = not self._path.exists()
        try:
            self._file = _begun(self._path)
        except FileExistsError:
            raise BadRequest(
                f"{path} exists and is not written over: choose another path, or move it"
            ) from None
        except OSError as error:
            failure = str(error)
        else:
            self._mine = os.fstat(self._file.fileno())
            return
        raise BadRequest(
            f"cannot record there: {failure}; choose a path in a folder that is there and "
            "may be written to"
        )

    @property
    def has_begun(self) -> bool:
        """Whether there is anything in it: of a disk that is full, not even a first line."""
        return self.lines > 0

    @property
    def lost(self) -> str | None:
        """What became of a file that is not whole at its path; None while it is."""
        found = self._looked_for()
        # To compress it puts another one there.
        return self._lost if self._is_closed else found

    def write(self, line: bytes) -> None:
        """Append a line."""
        self.written += 1
        self._end += len(line)
        self._waiting.append((self.written, self._end))
        try:
            self._file.write(line)
        except OSError:
            self._take_stock()
            raise
        if self._end - self.size >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Hand to the system what was written: it survives the end of this process."""
        lines, end = self.written, self._end
        try:
            self._file.flush()
        except OSError:
            self._take_stock()
            raise
        if self._is_short:
            # Of a line that is larger than the buffer, and failed, nothing was left there.
            self._take_stock()
            return
        self.lines, self.size = lines, end
        self._waiting.clear()

    def close(self, *, is_whole: bool) -> None:
        """Close, and compress what is whole and in its place.

        Whoever was interrupted at that calls it again: what is left to do is done.
        """
        if not self._is_closed:
            with suppress(OSError):
                self.flush()  # what cannot be written, closing says
            self._lost = self._looked_for()
            self._is_closed = True
        try:
            self._file.close()
        except OSError:
            # What could not be written would be tried again when it is collected.
            if is_whole:
                raise
        if self._lost or self._looked_for():
            return  # not there any more, or compressed already
        if not self.has_begun:
            self._take_back()
        elif is_whole and self._compress:
            self._squeeze()

    def _take_stock(self) -> None:
        """Count what is in a file that could not take all of it."""
        self._is_short = True
        size = os.fstat(self._file.fileno()).st_size
        whole = [lines for lines, end in self._waiting if end <= size]
        self.lines, self.size = max([self.lines, *whole]), size

    def _take_back(self) -> None:
        """Leave no piece of a first line, for which the next try would be refused."""
        with suppress(OSError):
            os.truncate(self._path, 0)
            if self._is_new:
                self._path.unlink()

    def _looked_for(self) -> str | None:
        # Before the size: meanwhile more may be written.
        size = self.size
        with suppress(OSError):
            found = self._path.stat()
            if os.path.samestat(self._mine, found):
                return _CUT.format(self._name) if found.st_size < size else None
        # It may be closed meanwhile: then this is not asked for any more.
        with suppress(OSError, ValueError):
            if not os.fstat(self._file.fileno()).st_nlink:
                return (
                    f"{self._name} was deleted while it was recorded, and what was recorded "
                    "with it; end a recording before you delete or replace it, and record anew"
                )
        return (
            f"{self._name} was moved away while it was recorded: what was recorded is where it "
            "was moved to, uncompressed; end a recording before you move it"
        )

    def _squeeze(self) -> None:
        # A name by this very file: that of another is not written over, nor removed.
        name = f"{self._path.name}.{self._mine.st_dev:x}-{self._mine.st_ino:x}.part"
        part = self._path.with_name(name)
        try:
            with (
                self._path.open("rb") as plain,
                _private(part, os.O_EXCL) as raw,
                gzip.GzipFile("", "wb", 6, raw) as packed,
            ):
                shutil.copyfileobj(plain, packed, _CHUNK)
            part.replace(self._path)
        except BaseException as error:
            with suppress(OSError):  # such as of a name that is too long
                part.unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise  # such as Ctrl-C
            _log.warning("%s stays uncompressed: %s", self._path, error)


def _begun(path: Path) -> IO[bytes]:
    """Open a file in which nothing is and nobody else records."""
    if path.is_file() and path.stat().st_size:
        raise FileExistsError(path)
    file = _private(path, os.O_APPEND)
    if _is_taken(file):
        file.close()
        raise FileExistsError(path)
    return file


def _is_taken(file: IO[bytes]) -> bool:
    """Of two who began at once one has it: that it was empty a moment ago says nothing."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass  # a file system without locks
    return bool(os.fstat(file.fileno()).st_size)


def _private(path: Path, how: int) -> IO[bytes]:
    """Open a file for writing that, if it is new, its owner alone can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "wb")
