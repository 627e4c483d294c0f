"""Tables back to events: books whole again, everything in the order of its receipt."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from operator import gt, itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import quote

import attrs
import pyarrow as pa  # type: ignore[import-untyped]

from ..errors import BadRequest
from ..models import (
    Gap,
    MarketChange,
    MarketStatus,
    OrderBook,
    Side,
    Subject,
    Trade,
)
from ..models.quotes import POLLED as AS_POLLED
from ..models.unread import unread
from ..paper import OwnTake, PaperEvent
from ..recording import DamagedRecording
from ..recording.foresight import foreseen
from ..recording.line_clock import Setbacks
from .catalog import SEVERAL, Recorded, recorded_in
from .cells import microseconds, millionths, whole, words
from .files import batches_of
from .grids import text_grid
from .manifest import AGAIN, Written, check_there, manifest_of, parts_of
from .rows import POLLED
from .shelf import TableBook

__all__ = ["check_market", "tables"]


class _Polled(NamedTuple):
    """A book that was read over REST."""

    book: OrderBook


Found: TypeAlias = tuple[tuple[int, int], int, int, PaperEvent | _Polled]
"""The line of the recording with the part of it, when it came by the wall clock, what is
added to that, and what it told."""

_BookRow: TypeAlias = tuple[Any, ...]
"""The cells of `_CELLS`."""

_WHOLE: Final = frozenset(("snapshot", POLLED))
"""Events of rows that tell a book from its beginning."""
_TOLD: Final = ("books", "trades", "takes", "changes", "gaps")
_NANOSECONDS: Final = frozenset(("received_at", "earliest", "latest"))
_PARTS: Final = 1 << 31
"""More than a line has: a line and a part of it are one number, in their order."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def tables(
    path: Path,
    recorded: Recorded,
    market_id: str | None = None,
    setbacks: Setbacks | None = None,
    poll: Callable[[OrderBook], None] | None = None,
) -> Iterator[tuple[int, PaperEvent]]:
    """Read the events that `convert` wrote of a recording, with the time of each.

    That is when it was received by the clock of a backtest, which never goes back.

    Books, trades, changes of markets and gaps, in the order in which they stood in the
    recording: what a backtest of the recording is told.  In memory there are some thousand
    rows of each market, and few files are open, however many there are; ``poll`` is called
    before each book that was read over REST.  With a ``market_id`` only the files of that
    market are read, and what concerns several.  Of tables that are not read the files have
    to be there.

    Raises `BadRequest` where the tables have not the columns that `convert` writes now,
    `DamagedRecording` where they are not those that it wrote, or not in their order, and
    `OSError` where the machine does not let them be read.
    """
    readers: dict[str, Callable[[_Market], Iterator[Found]]] = dict(
        zip(_TOLD, (_books, _trades, _takes, _changes, _gaps), strict=True)
    )
    manifest = manifest_of(path, recorded)
    names = None if market_id is None else {_name(market_id), _name(SEVERAL)}
    for table in manifest.files.keys() - readers.keys():
        check_there(path, recorded, manifest, table, names)
    streams = [
        read(_Market(folder, parts))
        for table, read in readers.items()
        for folder, parts in parts_of(path, recorded, manifest, table, names).items()
    ]
    told = _in_order(streams, setbacks or Setbacks(), poll)
    # Of who had no account nothing is to come sooner.
    yield from foreseen(told) if manifest.has_takes else told


def _in_order(
    streams: list[Iterator[Found]],
    setbacks: Setbacks,
    poll: Callable[[OrderBook], None] | None,
) -> Iterator[tuple[int, PaperEvent]]:
    for _, received_at, offset, event in heapq.merge(*streams, key=itemgetter(0)):
        moment = received_at + offset
        if offset:
            setbacks.see(moment, offset)
        if type(event) is _Polled:
            if poll is not None:
                poll(event.book)
            yield moment, event.book
        else:
            yield moment, event  # type: ignore[misc]  # mypy does not see it narrowed


def check_market(path: Path, market_id: str) -> None:
    """Raise `BadRequest` where nothing is told of a market, by none of the recordings."""
    manifests = (manifest_of(path, recorded) for recorded in recorded_in(path))
    if not any(market_id in manifest.markets(*_TOLD) for manifest in manifests):
        raise BadRequest(
            f"{path} has no tables of books or trades of {market_id}: `convert` makes them"
        )


def _name(market_id: str) -> str:
    return f"market={quote(market_id, safe='')}"


@attrs.frozen
class _Market:
    """The folder of a market in a table, and its files with what was written to each."""

    folder: Path
    parts: list[tuple[Path, Written]]

    @property
    def venue(self) -> str:
        return self.folder.parent.name.removeprefix("venue=")


def _rows(market: _Market) -> Iterator[dict[str, Any]]:
    """The rows of a market, day after day, as they were written."""
    for batch in _batches(market):
        yield from _plain(batch)


def _batches(market: _Market) -> Iterator[Any]:
    last = 0
    for part, written in market.parts:
        for batch in batches_of(part, written):
            last = _check_order(part, batch, last)
            yield batch


def _check_order(part: Path, batch: Any, last: int) -> int:
    """Refuse rows that came before those that were read; gives the place of the last."""
    lines, parts = (batch.column(x).to_pylist() for x in ("line", "part"))
    places: list[int] = [last]
    places += [line * _PARTS + n for line, n in zip(lines, parts, strict=True)]
    if any(map(gt, places, places[1:])):
        raise DamagedRecording(
            f"{part} tells what came before what was read before it; "
            f"{AGAIN.format(part.parents[3].name)}"
        )
    return places[-1]


def _plain(batch: Any) -> Iterator[dict[str, Any]]:
    names = batch.schema.names
    columns = [
        # Nanoseconds have no place in a datetime.
        (column.cast(pa.int64()) if name in _NANOSECONDS else column).to_pylist()
        for name, column in zip(names, batch.columns, strict=True)
    ]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _place(row: dict[str, Any]) -> tuple[tuple[int, int], int, int]:
    return (row["line"], row["part"]), row["received_at"], row["clock_offset"]


def _trades(market: _Market) -> Iterator[Found]:
    venue = market.venue
    for row in _rows(market):
        taker = row["taker_side"]
        trade = Trade(
            venue=venue,
            trade_id=row["trade_id"],
            market_id=row["market_id"],
            outcome=row["outcome"],
            price=row["price"],
            size=row["size"],
            taker_side=None if taker is None else Side(taker),
            created_at=row["created_at"],
            is_block=row["is_block"],
            transaction=row["transaction"],
        )
        yield *_place(row), trade


def _takes(market: _Market) -> Iterator[Found]:
    for row in _rows(market):
        own = OwnTake(
            take_id=row["take_id"],
            market_id=row["market_id"],
            outcome=row["outcome"],
            side=Side(row["side"]),
            price=row["price"],
            size=row["size"],
            earliest=row["earliest"],
            latest=row["latest"],
            trade_id=row["trade_id"],
            transaction=row["transaction"],
        )
        yield *_place(row), own


def _changes(market: _Market) -> Iterator[Found]:
    venue = market.venue
    for row in _rows(market):
        status = row["status"]
        change = MarketChange(
            venue=venue,
            market_id=row["market_id"],
            change=row["change"],
            status=None if status is None else MarketStatus(status),
            closes_at=row["closes_at"],
            result=row["result"],
            value=row["value"],
            grid=text_grid(row["grid"]),
            timestamp=row["timestamp"],
        )
        yield *_place(row), change


def _gaps(market: _Market) -> Iterator[Found]:
    for row in _rows(market):
        subject = row["subject"]
        gap = Gap(
            subject=None if subject is None else Subject(subject),
            market_ids=tuple(row["market_ids"]),
            outcome=row["outcome"],
            reason=row["reason"],
            at=row["at"],
        )
        yield *_place(row), gap


def _books(market: _Market) -> Iterator[Found]:
    venue = market.venue
    books: dict[str, TableBook] = {}
    last: _BookRow | None = None
    for row in _book_rows(market):
        line, part, _, _, _, outcome, event, side, price, size, *_ = row
        if last is not None and (
            line != last[0] or part != last[1] or outcome != last[5]
        ):
            yield from _book_after(venue, books, last)
            last = None
        if last is None:
            last = row
            if event in _WHOLE:
                books[outcome] = TableBook()
            elif event == "stale":
                books.pop(outcome, None)
        try:
            if side == "bid":
                books[outcome].set_bid(price, size)
            elif side == "ask":
                books[outcome].set_ask(price, size)
        except KeyError:
            raise DamagedRecording(
                f"{market.folder} tells in line {line} a change of a book that did not begin: "
                f"a day is missing or elsewhere; {AGAIN.format(market.folder.parents[1].name)}"
            ) from None
        # Else a book that is empty, or as it was.
    if last is not None:  # a file may have no rows
        yield from _book_after(venue, books, last)


def _book_after(
    venue: str, books: dict[str, TableBook], row: _BookRow
) -> Iterator[Found]:
    line, part, received_at, offset, market_id, outcome, event = row[:7]
    sequence, moment, grid = row[10:]
    if event == "stale":
        return  # the gap stands in its own table
    book = books[outcome]
    told = unread(
        venue,
        market_id,
        outcome,
        book.bid_picture,
        book.ask_picture,
        sequence,
        moment,
        text_grid(grid),
    )
    yield (
        (line, part),
        received_at,
        offset,
        _Polled(attrs.evolve(told, freshness=AS_POLLED)) if event == POLLED else told,
    )


def _book_rows(market: _Market) -> Iterator[_BookRow]:
    for batch in _batches(market):
        cells = [read(batch.column(name)) for name, read in _CELLS]
        yield from zip(*cells, strict=True)


def _moments(column: Any) -> list[int | datetime | None]:
    """Milliseconds where they are whole: whoever asks for the time gets it of them."""
    return [
        None
        if x is None
        else x // 1_000
        if not x % 1_000
        else _EPOCH + timedelta(microseconds=x)
        for x in microseconds(column)
    ]


_CELLS: Final[tuple[tuple[str, Callable[[Any], list[Any]]], ...]] = (
    ("line", whole),
    ("part", whole),
    ("received_at", whole),
    ("clock_offset", whole),
    ("market_id", words),
    ("outcome", words),
    ("event", words),
    ("side", words),
    ("price", millionths),
    ("size", millionths),
    ("sequence", whole),
    ("timestamp", _moments),
    ("grid", words),
)
"""The columns of a row of a book, and how they are read."""
