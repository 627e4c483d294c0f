"""`convert`: a recording read by the parsers of its venue, and written as Parquet."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ..errors import BadRequest
from ..recording import Header, Torn, read
from ..recording.overheard import LineClock, Overheard, hear
from ..registry import folder
from .rows import Rows

if TYPE_CHECKING:
    from .parquet import Tables

__all__ = ["Converted", "convert"]


@attrs.frozen(kw_only=True, slots=True)
class Converted:
    """How many rows each table got; ``is_torn``: the recording broke off within a line."""

    books: int
    trades: int
    tickers: int
    orders: int
    changes: int
    gaps: int
    is_torn: bool


def convert(path: str | PathLike[str], out: str | PathLike[str]) -> Converted:
    """Write what the streams of a recording told as Parquet below a new folder.

    There is a folder for each table, ``books``, ``trades``, ``tickers``, ``orders``,
    ``changes`` (of markets: status, grid, settlement) and ``gaps``, and in it the files of
    each venue, market and day (of receipt, in UTC), as ``venue=…/market=…/day=…``.  Prices
    and sizes are decimals, exactly as they were told: one that has more places than its
    column is an error.  Every row says in ``received_at`` when it came, in ``line`` of which
    line of the recording it is, and in ``part`` which of the things that the line told: sort
    by these two.  Memory is bounded, whatever the length.  A backtest is told the same by
    the tables as by the recording.

    Raises `BadRequest` where ``out`` is there already, `DamagedRecording` and ImportError
    without pyarrow.
    """
    folder_path = Path(out)
    if folder_path.exists() and any(folder_path.iterdir()):
        raise BadRequest(f"{out} is not empty, and is not written over: choose another")
    lines = read(path)
    head = next(lines)
    assert isinstance(head, Header)
    clock = LineClock(head.at)
    overheard: Overheard = folder(head.venue, "overheard").OVERHEARD(clock)
    with _tables(folder_path, head.venue) as tables:
        rows = Rows()
        is_torn = False
        for number, line in enumerate(lines, 2):
            if isinstance(line, Torn):
                is_torn = True
                continue
            # As a backtest of the recording itself has it.
            clock.moment = max(clock.moment, line.at)
            for part, event in enumerate(hear(overheard, line)):
                for table, row in rows.of(event, line.at, number, part):
                    tables.add(table, row)
    counts = tables.counts
    return Converted(
        books=counts["books"],
        trades=counts["trades"],
        tickers=counts["tickers"],
        orders=counts["orders"],
        changes=counts["changes"],
        gaps=counts["gaps"],
        is_torn=is_torn,
    )


def _tables(path: Path, venue: str) -> Tables:
    try:
        from .parquet import Tables  # noqa: PLC0415 - pyarrow is an extra
    except ImportError:
        reason = "tables need pyarrow: pip install 'unified-exchanges[research]'"
    else:
        return Tables(path, venue)
    raise ImportError(reason)
