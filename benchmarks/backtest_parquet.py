"""A backtest of a trivial strategy over the Parquet files of a recording.

The floor reads the same rows with pyarrow, batch by batch as the backtest does, into what
Python can compare and compute with, and does with each, in the order of the recording, the
least that tells a strategy of the best ask: a level is set, and looked at.  Of a column
arrow makes one object after another there, which takes most of it.  The backtest reads them
by their bytes, so that this floor is not the least that there is.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import repeat
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from backtest import (
    CHEAP,
    LINES,
    NAMES,
    Trivial,
    contract,
    of_kalshi,
    of_polymarket,
)
from stream_polymarket import MARKET, NO, YES
from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges.backtesting import backtest
from unified_exchanges.paper import Contract
from unified_exchanges.research import convert

FLOOR: Final = "pyarrow reads, and one loop"
OURS: Final = "backtest"
ROWS: Final = 16_384
NEEDED: Final = ("line", "received_at", "outcome", "side", "price", "size")
NOTHING: Final = Decimal(1)


def rows(folder: Path) -> Iterator[tuple[Any, ...]]:
    for part in sorted(folder.glob("day=*/part-*.parquet")):
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(batch_size=ROWS, columns=NEEDED):
                columns = (batch.column(name) for name in NEEDED)
                lists = (
                    (x.cast(pa.int64()) if n == 1 else x).to_pylist()
                    for n, x in enumerate(columns)
                )
                yield from zip(*lists, repeat(folder.name), strict=False)


def inline(tables: Path) -> int:
    streams = [rows(x) for x in sorted(tables.glob("books/*/venue=*/market=*"))]
    books: dict[tuple[str, str], dict[Decimal, Decimal]] = {}
    last = seen = found = 0
    for _, moment, outcome, side, price, size, market in heapq.merge(
        *streams, key=itemgetter(0)
    ):
        last = max(last, moment)
        found += 1
        levels = books.setdefault((market, outcome), {})
        if side == "ask":
            if size:
                levels[price] = size
            else:
                levels.pop(price, None)
        if min(levels, default=NOTHING) < CHEAP:
            seen += 1
    return found


def held(of: str, path: Path, named: list[Contract], rounds: int, limit: float) -> Goal:
    tables = path.with_suffix("")
    convert(path, tables)
    assert inline(tables) >= LINES
    assert backtest(Trivial(), tables, contracts=named).events >= LINES
    variants: dict[str, Callable[[], object]] = {
        FLOOR: lambda: inline(tables),
        OURS: lambda: backtest(Trivial(), tables, contracts=named),
    }
    times = interleave(variants, rounds, clock=process_time)
    report(f"over Parquet of {of}", times, FLOOR, per=LINES, unit="line")
    return Goal(f"over Parquet of {of}", ratio(times, OURS, FLOOR), limit)


def main() -> None:
    options = arguments(__doc__)
    with TemporaryDirectory() as folder:
        path = of_kalshi(Path(folder) / "kalshi.jsonl")
        goals = [held("Kalshi", path, [*map(contract, NAMES)], options.rounds, 1.6)]
        path = of_polymarket(Path(folder) / "polymarket.jsonl", YES, NO)
        named = [contract(MARKET, YES, NO, venue="polymarket")]
        goals.append(held("Polymarket", path, named, options.rounds, 1.6))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
