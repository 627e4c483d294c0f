"""`convert`: recordings read by the parsers of their venues, and written as Parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from ..errors import BadRequest
from ..recording import End, Header, Line, Rest, Torn, read
from ..recording.decoder import RecordingDecoder, decode, decoder_of
from ..recording.line_clock import LineClock
from ..recording.places import Place, check_places, is_there, place_of
from ..registry import folder
from ..wording import installed_by
from .catalog import Recorded, placing
from .manifest import TERMS, places_of, write_manifest
from .rows import Rows
from .terms import Terms

if TYPE_CHECKING:
    from .parquet import Tables

__all__ = ["ConversionProgress", "Converted", "convert"]

_OFTEN: Final = 5_000
"""Lines between two words on progress."""


@attrs.frozen(kw_only=True, slots=True)
class Converted:
    """How many rows each table got.

    ``is_torn``: a recording broke off within a line, since whoever recorded was killed.
    ``unended`` names those that were not closed either, and whose last line is whole.
    ``spoilt`` counts, by the recording that has any, messages that could not be read for what
    was redacted in them, and ``withheld`` lines that are not in it: there is a row of
    ``gaps`` for each that may have told of a book, a trade or an order.
    """

    books: int
    trades: int
    tickers: int
    orders: int
    takes: int
    changes: int
    gaps: int
    unended: tuple[str, ...]
    is_torn: bool
    spoilt: Mapping[str, int]
    withheld: Mapping[str, int]


@attrs.frozen(kw_only=True, slots=True)
class ConversionProgress:
    """How far a conversion is: a recording, lines of it, and the moment of the last one.

    ``moment`` is in nanoseconds since 1970.
    """

    recording: str
    lines: int
    moment: int


def convert(
    recordings: str | PathLike[str] | Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    add: bool = False,
    progress: Callable[[ConversionProgress], None] | None = None,
) -> Converted:
    """Write what recordings tell of markets as Parquet below a folder.

    That is what their streams told; and what was read over REST of books, trades and the
    ends of markets, where no stream told it.

    There is a folder for each table, ``books``, ``trades``, ``tickers``, ``orders``,
    ``takes`` (what an account took by what it was told), ``changes`` (of markets: status,
    grid, settlement) and ``gaps``, and in it the files of
    each recording, venue, market and day (in UTC, by the time that never goes back), as
    ``recording=001-day.jsonl/venue=…/market=…/day=…``.  Prices and sizes are decimals,
    exactly as they were told: one that has more places than its column is an error.  Every
    row says in ``received_at`` when it came, in ``line`` of which line of its recording it
    is, and in ``part`` which of the things that the line told: sort by these two.  A backtest
    is told the same by the tables as by the recordings, one after another in the order in
    which they were given.

    A table of which a recording tells nothing has a file without rows.  What the recording
    tells of its markets and their fees is kept beside, in ``terms``, as a small recording.
    For that the answers to requests are in memory, as in a replay: of a recording that polls
    it grows with their number.  For what streams told it does not, whatever the length.

    ``out`` is a new folder; with ``add`` it may have tables, and gets those of further
    recordings.  All recordings are written, or, if anything is raised, none.  ``progress``
    is called every few thousand lines.

    Raises `BadRequest` where ``out`` has something already, or a recording of that name,
    `DamagedRecording`, `OSError`, and ImportError without pyarrow.

    >>> def by_day(monday: str, tuesday: str) -> None:
    ...     print(convert([monday], "tables/").books, "changes of books")
    ...     convert([tuesday], "tables/", add=True)
    """
    paths = _paths(recordings)
    places = _check(paths)
    counts: Counter[str] = Counter()
    unended: list[str] = []
    spoilt: dict[str, int] = {}
    withheld: dict[str, int] = {}
    is_torn = False
    with placing(Path(out), [x.name for x in paths], add=add) as (stage, found):
        check_places([*(places_of(Path(out)) if found[0].number > 1 else ()), *places])
        for path, recorded in zip(paths, found, strict=True):
            last, decoder = _convert(path, recorded, stage, counts, progress)
            if decoder.spoilt:
                spoilt[recorded.name] = decoder.spoilt
            if decoder.withheld:
                withheld[recorded.name] = decoder.withheld
            if isinstance(last, Torn):
                is_torn = True
            elif not isinstance(last, End):
                unended.append(recorded.name)
    return Converted(
        books=counts["books"],
        trades=counts["trades"],
        tickers=counts["tickers"],
        orders=counts["orders"],
        takes=counts["takes"],
        changes=counts["changes"],
        gaps=counts["gaps"],
        unended=tuple(unended),
        is_torn=is_torn,
        spoilt=spoilt,
        withheld=withheld,
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


def _check(paths: Sequence[Path]) -> list[Place]:
    """Read how each begins: that one is none is said now, and not after an hour."""
    for path in paths:
        if not is_there(path):
            raise BadRequest(f"there is no {path}: give the path of a recording")
        if path.is_dir():
            raise BadRequest(f"{path} is a folder: tables are made of a recording")
    places = [place_of(path) for path in paths]
    check_places(places)
    return places


def _convert(
    path: Path,
    recorded: Recorded,
    out: Path,
    counts: Counter[str],
    progress: Callable[[ConversionProgress], None] | None,
) -> tuple[Line, RecordingDecoder]:
    """Write the tables of one; gives its last line, and who has read it."""
    lines = read(path)
    head = next(lines)
    assert isinstance(head, Header)
    clock = LineClock(head.at, head.mono)
    kind: type[RecordingDecoder] = folder(head.venue, "decoder").DECODER
    decoder = decoder_of(kind, path, clock)
    line: Line = head
    with (
        _tables(out, head.venue, recorded.folder, head.at) as tables,
        closing(Terms(out, recorded, head)) as terms,
    ):
        rows = Rows()
        for number, line in enumerate(lines, 2):
            if isinstance(line, Torn):
                continue
            # As a backtest of the recording itself has it.
            clock.read(line.at, line.mono)
            terms.note(line, clock.offset)
            if progress is not None and not number % _OFTEN:
                progress(
                    ConversionProgress(
                        recording=recorded.name, lines=number, moment=clock.moment
                    )
                )
            is_polled = isinstance(line, Rest)
            for part, event in enumerate(decode(decoder, line)):
                for table, row in rows.of(
                    event, line.at, clock.moment, number, part, is_polled=is_polled
                ):
                    tables.add(table, row)
        told = terms.keep(tables.markets)
    files = {**tables.files, TERMS: told}
    write_manifest(
        out,
        recorded,
        head,
        files,
        until=clock.moment,
        is_ended=isinstance(line, End),
        missing=decoder.missing,
        spoilt=decoder.spoilt,
        withheld=decoder.withheld,
    )
    counts.update(tables.counts)
    return line, decoder


def _tables(path: Path, venue: str, recording: str, began: int) -> Tables:
    try:
        from .parquet import Tables  # noqa: PLC0415 - pyarrow is an extra
    except ImportError:
        reason = f"tables need pyarrow: {installed_by('research')}"
    else:
        return Tables(path, venue, recording, began)
    raise ImportError(reason)
