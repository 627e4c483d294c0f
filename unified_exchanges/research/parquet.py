"""Rows to Parquet: a file for each recording, venue, market and day, in bounded memory."""

from __future__ import annotations

from collections import Counter, OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import quote

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from .catalog import SEVERAL
from .rows import Row

__all__ = ["SCHEMAS", "Tables"]

_PRICE: Final = pa.decimal128(18, 6)
_SIZE: Final = pa.decimal128(24, 6)
_AT: Final = pa.timestamp("ns", tz="UTC")
_TIME: Final = pa.timestamp("us", tz="UTC")
_WORD: Final = pa.string()

_BASE: Final = {
    "received_at": _AT,
    "clock_offset": pa.int64(),
    "line": pa.int64(),
    "part": pa.int32(),
    "market_id": _WORD,
    "outcome": _WORD,
}
SCHEMAS: Final = {
    "books": pa.schema(
        {
            **_BASE,
            "event": _WORD,
            "side": _WORD,
            "price": _PRICE,
            "size": _SIZE,
            "sequence": pa.int64(),
            "timestamp": _TIME,
            "grid": _WORD,
        }
    ),
    "trades": pa.schema(
        {
            **_BASE,
            "trade_id": _WORD,
            "price": _PRICE,
            "size": _SIZE,
            "taker_side": _WORD,
            "is_block": pa.bool_(),
            "transaction": _WORD,
            "created_at": _TIME,
        }
    ),
    "tickers": pa.schema(
        {
            **_BASE,
            "bid": _PRICE,
            "ask": _PRICE,
            "bid_size": _SIZE,
            "ask_size": _SIZE,
            "last_price": _PRICE,
            "volume": _SIZE,
            "open_interest": _SIZE,
            "timestamp": _TIME,
        }
    ),
    "orders": pa.schema(
        {
            **_BASE,
            "order_id": _WORD,
            "client_order_id": _WORD,
            "side": _WORD,
            "price": _PRICE,
            "size": _SIZE,
            "filled": _SIZE,
            "remaining": _SIZE,
            "status": _WORD,
            "created_at": _TIME,
            "updated_at": _TIME,
        }
    ),
    "takes": pa.schema(
        {
            **_BASE,
            "take_id": _WORD,
            "trade_id": _WORD,
            "transaction": _WORD,
            "side": _WORD,
            "price": _PRICE,
            "size": _SIZE,
            "earliest": _AT,
            "latest": _AT,
        }
    ),
    "changes": pa.schema(
        {
            **_BASE,
            "change": _WORD,
            "status": _WORD,
            "closes_at": _TIME,
            "result": _WORD,
            "value": _PRICE,
            "grid": _WORD,
            "timestamp": _TIME,
        }
    ),
    "gaps": pa.schema(
        {
            **_BASE,
            "subject": _WORD,
            "market_ids": pa.list_(_WORD),
            "reason": _WORD,
            "at": _TIME,
        }
    ),
}
"""The columns of each table; prices are dollars, sizes contracts."""

_MOST_ROWS: Final = 100_000
"""Rows that wait in memory, of all files together."""
_MOST_FILES: Final = 64
"""Files that are open; of more, each gets a further part."""
_DAY: Final = 86_400 * 10**9

_Place: TypeAlias = tuple[str, str, int]
"""A table, a market, and days since 1970."""


class Tables:
    """The files of a recording below a folder; they are whole once this is closed.

    ``recording`` is the name of its folder in each table, as `Recorded.folder` has it, and
    ``began`` when it begins: a table of which nothing is told has one file without rows, of
    that day, so that there are files to read.
    """

    def __init__(self, path: Path, venue: str, recording: str, began: int) -> None:
        self.counts: Counter[str] = Counter()
        self.files: dict[str, Counter[str]] = {table: Counter() for table in SCHEMAS}
        self._path = path
        self._venue = venue
        self._recording = recording
        self._began = began
        self._waiting: dict[_Place, list[Row]] = {}
        self._held = 0
        self._open: OrderedDict[_Place, Any] = OrderedDict()
        self._names: dict[_Place, str] = {}
        self._parts: Counter[_Place] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._flush()
                for table in SCHEMAS:
                    if not self.counts[table]:
                        self._writer((table, SEVERAL, self._began // _DAY))
        finally:
            for writer in self._open.values():
                writer.close()

    @property
    def markets(self) -> set[str]:
        """Those of which anything was told."""
        places = self._parts.keys() | self._waiting.keys()
        return {market_id for _, market_id, _ in places} - {SEVERAL}

    def add(self, table: str, row: Row) -> None:
        """Append a row."""
        received_at, offset = row["received_at"], row["clock_offset"]
        assert isinstance(received_at, int)
        assert isinstance(offset, int)
        # By the time that never goes back: days are read one after another.
        day = (received_at + offset) // _DAY
        market_id = row["market_id"]
        place = table, SEVERAL if market_id is None else str(market_id), day
        self._waiting.setdefault(place, []).append(row)
        self.counts[table] += 1
        self._held += 1
        if self._held >= _MOST_ROWS:
            self._flush()

    def _flush(self) -> None:
        for place, rows in self._waiting.items():
            schema = SCHEMAS[place[0]]
            # Exact or an error: nothing is rounded to the places of a column.
            self._writer(place).write_table(pa.Table.from_pylist(rows, schema=schema))
            self.files[place[0]][self._names[place]] += len(rows)
        self._waiting.clear()
        self._held = 0

    def _writer(self, place: _Place) -> Any:
        writer = self._open.pop(place, None)
        if writer is None:
            if len(self._open) >= _MOST_FILES:
                self._open.popitem(last=False)[1].close()
            writer = pq.ParquetWriter(
                self._file(place), SCHEMAS[place[0]], compression="zstd"
            )
        self._open[place] = writer
        return writer

    def _file(self, place: _Place) -> Path:
        table, market_id, day = place
        date = datetime.fromtimestamp(day * 86_400, UTC).date()
        name = (
            f"venue={self._venue}/market={quote(market_id, safe='')}/day={date}/"
            f"part-{self._parts[place]}.parquet"
        )
        self._parts[place] += 1
        self._names[place] = name
        self.files[table][name] = 0
        file = self._path / table / self._recording / name
        file.parent.mkdir(parents=True, exist_ok=True)
        return file
