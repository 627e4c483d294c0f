"""Tables back to events: books whole again, everything in the order of its receipt."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ..errors import BadRequest
from ..models import (
    Gap,
    Level,
    MarketChange,
    MarketStatus,
    OrderBook,
    Side,
    Subject,
    Trade,
)
from ..paper import PaperEvent, at
from .grids import text_grid

__all__ = ["tables"]

Found: TypeAlias = tuple[tuple[int, int], int, PaperEvent]
"""The line of the recording with the part of it, when it came, and what it told."""

_ROWS: Final = 16_384


def tables(
    path: Path, market_id: str | None = None
) -> Iterator[tuple[int, PaperEvent]]:
    """Read the events of tables that `convert` wrote, with the nanoseconds of receipt.

    Books, trades, changes of markets and gaps, in the order in which they stood in the
    recording: what a backtest of the recording is told.  In memory there are the rows of
    one group of each market.  With a ``market_id`` only the files of that market are read,
    and what concerns several.  Tables of before there were changes and gaps tell neither
    changes, nor which markets lost something together.  Raises `BadRequest` where there
    are no tables.
    """
    readers: dict[str, Callable[[Path], Iterator[Found]]] = {
        "books": _books,
        "trades": _trades,
        "changes": _changes,
        "gaps": _gaps,
    }
    if not (path / "gaps").is_dir():
        readers["books"] = _books_with_gaps
    streams = [
        read(folder)
        for table, read in readers.items()
        for folder in sorted(path.glob(f"{table}/venue=*/market=*"))
        if market_id is None or folder.name in _names(market_id)
    ]
    if not streams:
        of = "" if market_id is None else f" of {market_id}"
        raise BadRequest(
            f"{path} has no tables of books or trades{of}: `convert` makes them"
        )
    latest = 0
    for _, moment, event in heapq.merge(*streams, key=itemgetter(0)):
        latest = max(latest, moment)
        yield latest, event


def _names(market_id: str) -> tuple[str, str]:
    return f"market={quote(market_id, safe='')}", f"market={quote('*', safe='')}"


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    """The rows of a market, day after day, as they were written."""
    for day in sorted(folder.glob("day=*")):
        parts = sorted(day.glob("part-*.parquet"), key=_number)
        for part in parts:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(batch_size=_ROWS):
                    yield from _plain(batch)


def _number(part: Path) -> int:
    return int(part.stem.removeprefix("part-"))


def _plain(batch: Any) -> Iterator[dict[str, Any]]:
    names = batch.schema.names
    columns = [
        # Nanoseconds have no place in a datetime.
        (column.cast(pa.int64()) if name == "received_at" else column).to_pylist()
        for name, column in zip(names, batch.columns, strict=True)
    ]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _place(row: dict[str, Any]) -> tuple[int, int]:
    # Tables of before had no parts: what a line told of a book was one.
    return row["line"], row.get("part", 0)


def _venue(folder: Path) -> str:
    return folder.parent.name.removeprefix("venue=")


def _trades(folder: Path) -> Iterator[Found]:
    venue = _venue(folder)
    for row in _rows(folder):
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
            # Tables of before had none.
            transaction=row.get("transaction"),
        )
        yield _place(row), row["received_at"], trade


_Sides: TypeAlias = dict[str, dict[Decimal, Level]]


def _changes(folder: Path) -> Iterator[Found]:
    venue = _venue(folder)
    for row in _rows(folder):
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
        yield _place(row), row["received_at"], change


def _gaps(folder: Path) -> Iterator[Found]:
    for row in _rows(folder):
        subject = row["subject"]
        gap = Gap(
            subject=None if subject is None else Subject(subject),
            market_ids=tuple(row["market_ids"]),
            outcome=row["outcome"],
            reason=row["reason"],
            at=row["at"],
        )
        yield _place(row), row["received_at"], gap


def _books(folder: Path) -> Iterator[Found]:
    for found in _books_with_gaps(folder):
        if not isinstance(found[2], Gap):
            yield found


def _books_with_gaps(folder: Path) -> Iterator[Found]:
    venue = _venue(folder)
    shown: dict[str, _Sides] = {}
    for (place, outcome), group in groupby(_rows(folder), _of_one_book):
        row, rows = _first(group)
        if row["event"] == "stale":
            shown.pop(outcome, None)
            yield place, row["received_at"], _gap(row)
            continue
        if row["event"] == "snapshot":
            shown[outcome] = {"bid": {}, "ask": {}}
        sides = shown[outcome]
        for each in rows:
            _change(sides, each)
        book = OrderBook(
            venue=venue,
            market_id=row["market_id"],
            outcome=outcome,
            bids=tuple(
                level for _, level in sorted(sides["bid"].items(), reverse=True)
            ),
            asks=tuple(level for _, level in sorted(sides["ask"].items())),
            sequence=row["sequence"],
            timestamp=row["timestamp"],
            grid=text_grid(row.get("grid")),
        )
        yield place, row["received_at"], book


def _of_one_book(row: dict[str, Any]) -> tuple[tuple[int, int], str]:
    return _place(row), row["outcome"]


def _first(
    group: Iterable[dict[str, Any]],
) -> tuple[dict[str, Any], Iterable[dict[str, Any]]]:
    rows = iter(group)
    row = next(rows)
    return row, chain([row], rows)


def _change(sides: _Sides, row: dict[str, Any]) -> None:
    side, price, size = row["side"], row["price"], row["size"]
    if side is None:
        return  # a book that is empty, or as it was
    if size:
        sides[side][price] = Level(price, size)
    else:
        sides[side].pop(price, None)


def _gap(row: dict[str, Any]) -> Gap:
    return Gap(
        subject=Subject.ORDER_BOOK,
        market_ids=(row["market_id"],),
        outcome=row["outcome"],
        reason="the recording says that a change may have been missed",
        at=at(row["received_at"]),
    )
