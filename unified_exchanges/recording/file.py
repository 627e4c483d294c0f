"""The file of a recording: begun anew, appended to, and compressed when it is closed."""

from __future__ import annotations

import gzip
import logging
import os
import shutil
from pathlib import Path
from typing import IO

from ..errors import BadRequest

__all__ = ["RecordingFile"]

_log = logging.getLogger(__name__)

_CHUNK = 1024 * 1024


class RecordingFile:
    """A file that did not exist, readable by its owner alone: it tells what was traded."""

    def __init__(self, path: Path, *, compress: bool) -> None:
        self.lines = self.size = 0
        self._path = path
        self._compress = compress
        exists = path.is_file()
        if exists and path.stat().st_size:
            raise BadRequest(
                f"{path} exists and is not written over: choose another path, or move it"
            )
        try:
            self._file = _private(path, os.O_APPEND)
        except OSError as error:
            failure = str(error)
        else:
            return
        raise BadRequest(
            f"cannot record there: {failure}; choose a path in a folder that is there and "
            "may be written to"
        )

    def write(self, line: bytes) -> None:
        """Append a line."""
        self._file.write(line)
        self.size += len(line)
        self.lines += 1

    def flush(self) -> None:
        """Hand to the system what was written: it survives the end of this process."""
        self._file.flush()

    def close(self, *, is_whole: bool) -> None:
        """Close, and compress what is whole."""
        try:
            self._file.close()
        except OSError:
            # What could not be written would be tried again when it is collected.
            if is_whole:
                raise
            return
        if is_whole and self._compress and self._path.is_file():
            self._squeeze()

    def _squeeze(self) -> None:
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            with (
                self._path.open("rb") as plain,
                _private(part, os.O_EXCL) as raw,
                gzip.GzipFile("", "wb", 6, raw) as packed,
            ):
                shutil.copyfileobj(plain, packed, _CHUNK)
            part.replace(self._path)
        except OSError as error:
            part.unlink(missing_ok=True)
            _log.warning("%s stays uncompressed: %s", self._path, error)


def _private(path: Path, how: int) -> IO[bytes]:
    """Open a file for writing that, if it is new, its owner alone can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "wb")
