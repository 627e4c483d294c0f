"""The files of tables, read a batch at a time; of however many, few are open.

Each market has files of its own, and all markets are read at once: so many files as there are
markets may not be open.  One that has no more rows than a batch is closed before these are
looked at.  Of the others, a certain number stay open from batch to batch, and further ones
are opened for each.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ..errors import BadRequest
from .manifest import Written, check_bytes, damaged, is_of_machine
from .parquet import SCHEMAS

__all__ = ["batches_of"]

_ROWS: Final = 16_384
"""Those of a batch, at most."""
_SEATS: Final = deque(range(128))
"""Who takes one may have a file open while its rows are looked at; some machines let a
process have 256 files.  Any thread takes and gives back, and whoever collects garbage: no lock
would be taken twice by the same one."""
_TOO_MANY: Final = (
    "{}: it is not damaged, but this process has too many files open beside it: close some, "
    "or let it have more, as by `ulimit -n 4096`"
)


def batches_of(part: Path, written: Written) -> Iterator[Any]:
    """What a file holds.

    Raises `DamagedRecording` where that is not what was written, and `OSError` where it
    cannot be read for what is no fault of its.
    """
    folder = part.parents[3].name
    try:
        yield from _batches(part, folder, written)
    except (pa.ArrowException, OSError, ValueError) as error:
        if not isinstance(error, OSError) or not is_of_machine(error):
            raise damaged(part, folder, str(error)) from error
        why = os.strerror(error.errno or 0)
        if error.errno in (errno.EMFILE, errno.ENFILE):
            why = _TOO_MANY.format(why)
        raise OSError(error.errno, why, str(part)) from error


def _batches(part: Path, folder: str, written: Written) -> Iterator[Any]:
    identity = _identity(part)
    with pq.ParquetFile(part) as file:
        _check_columns(part, file.schema_arrow.names)
        # What was changed within a page may be read as something else.
        check_bytes(part, folder, written)
        if (rows := file.metadata.num_rows) != written.rows:
            raise damaged(part, folder, f"{rows} rows, of {written.rows} written")
        batches = file.iter_batches(batch_size=_ROWS)
        first = next(batches, None)
        if first is not None and len(first) < rows:
            with _seat() as has_seat:
                if has_seat:
                    yield first
                    yield from batches
                    return
    if first is None:
        return
    yield first
    read = len(first)
    while read < rows:
        with pq.ParquetFile(part) as file:
            if _identity(part) != identity:
                raise damaged(part, folder, "it was changed while it was read")
            found = _some(file, read)
        yield from found
        read += sum(map(len, found))


@contextmanager
def _seat() -> Generator[bool, None, None]:
    """Take one, if one is free, and give it back."""
    try:
        seat = _SEATS.pop()
    except IndexError:
        seat = None
    try:
        yield seat is not None
    finally:
        if seat is not None:
            _SEATS.append(seat)


def _identity(part: Path) -> tuple[int, ...]:
    """What a file has that was checked, and no other has in its place."""
    told = part.stat()
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns


def _some(file: Any, read: int) -> list[Any]:
    """The rows after as many as were read: about a batch of them, of few groups."""
    skipped, held = read, 0
    groups: list[int] = []
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if not groups and rows <= skipped:
            skipped -= rows
            continue
        groups.append(group)
        held += rows
        if held - skipped >= _ROWS:
            break
    found: list[Any] = []
    for batch in file.iter_batches(batch_size=_ROWS, row_groups=groups):
        if skipped < len(batch):
            found.append(batch.slice(skipped))
        skipped = max(0, skipped - len(batch))
        if sum(map(len, found)) >= _ROWS:
            break
    return found


def _check_columns(part: Path, names: list[str]) -> None:
    table = part.parents[4].name
    if missing := [x for x in SCHEMAS[table].names if x not in names]:
        raise BadRequest(
            f"{part} has no column {', '.join(missing)}: `convert` of another version made "
            "it; convert the recording again"
        )
