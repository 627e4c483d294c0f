"""`convert`: recordings read by the parsers of their venues, and written as Parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ..errors import BadRequest
from ..recording import Header, Torn, read
from ..recording.line_clock import LineClock
from ..recording.overheard import Overheard, hear
from ..registry import folder
from .catalog import Recorded, placing
from .rows import Rows

if TYPE_CHECKING:
    from .parquet import Tables

__all__ = ["Converted", "convert"]


@attrs.frozen(kw_only=True, slots=True)
class Converted:
    """How many rows each table got; ``is_torn``: a recording broke off within a line."""

    books: int
    trades: int
    tickers: int
    orders: int
    changes: int
    gaps: int
    is_torn: bool


def convert(
    recordings: str | PathLike[str] | Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    add: bool = False,
) -> Converted:
    """Write what the streams of recordings told as Parquet below a folder.

    There is a folder for each table, ``books``, ``trades``, ``tickers``, ``orders``,
    ``changes`` (of markets: status, grid, settlement) and ``gaps``, and in it the files of
    each recording, venue, market and day (in UTC, by the time that never goes back), as
    ``recording=001-day.jsonl/venue=…/market=…/day=…``.  Prices and sizes are decimals,
    exactly as they were told: one that has more places than its column is an error.  Every
    row says in ``received_at`` when it came, in ``line`` of which line of its recording it
    is, and in ``part`` which of the things that the line told: sort by these two.  Memory is
    bounded, whatever the length.  A backtest is told the same by the tables as by the
    recordings, one after another in the order in which they were given.

    ``out`` is a new folder; with ``add`` it may have tables, and gets those of further
    recordings.  All recordings are written, or, if anything is raised, none.

    Raises `BadRequest` where ``out`` has something already, or a recording of that name,
    `DamagedRecording`, `OSError`, and ImportError without pyarrow.
    """
    paths = _paths(recordings)
    _check(paths)
    counts: Counter[str] = Counter()
    is_torn = False
    with placing(Path(out), [x.name for x in paths], add=add) as (stage, found):
        for path, recorded in zip(paths, found, strict=True):
            is_torn |= _convert(path, recorded, stage, counts)
    return Converted(
        books=counts["books"],
        trades=counts["trades"],
        tickers=counts["tickers"],
        orders=counts["orders"],
        changes=counts["changes"],
        gaps=counts["gaps"],
        is_torn=is_torn,
    )


def _paths(recordings: object) -> list[Path]:
    if isinstance(recordings, str | PathLike):
        return [Path(recordings)]
    if (
        not isinstance(recordings, Sequence)
        or not recordings
        or not all(isinstance(x, str | PathLike) for x in recordings)
    ):
        raise BadRequest(
            f"{recordings!r} is neither the path of a recording nor a list of such paths"
        )
    return [Path(x) for x in recordings]


def _check(paths: Sequence[Path]) -> None:
    """Read how each begins: that one is none is said now, and not after an hour."""
    for path in paths:
        if not path.exists():
            raise BadRequest(f"there is no {path}: give the path of a recording")
        if path.is_dir():
            raise BadRequest(f"{path} is a folder: tables are made of a recording")
        next(read(path))


def _convert(path: Path, recorded: Recorded, out: Path, counts: Counter[str]) -> bool:
    """Write the tables of one; gives whether it broke off within a line."""
    lines = read(path)
    head = next(lines)
    assert isinstance(head, Header)
    clock = LineClock(head.at, head.mono)
    overheard: Overheard = folder(head.venue, "overheard").OVERHEARD(clock)
    is_torn = False
    with _tables(out, head.venue, recorded.folder) as tables:
        rows = Rows()
        for number, line in enumerate(lines, 2):
            if isinstance(line, Torn):
                is_torn = True
                continue
            # As a backtest of the recording itself has it.
            clock.read(line.at, line.mono)
            for part, event in enumerate(hear(overheard, line)):
                for table, row in rows.of(event, line.at, clock.moment, number, part):
                    tables.add(table, row)
    counts.update(tables.counts)
    return is_torn


def _tables(path: Path, venue: str, recording: str) -> Tables:
    try:
        from .parquet import Tables  # noqa: PLC0415 - pyarrow is an extra
    except ImportError:
        reason = "tables need pyarrow: pip install 'unified-exchanges[research]'"
    else:
        return Tables(path, venue, recording)
    raise ImportError(reason)
