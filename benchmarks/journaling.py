"""`create_order` with a journal in a file, beside a signed POST and one insert on the disk.

An order is written twice: durably before it leaves, and how it ended, which no disk is
waited for.  Wall time, since waiting for the disk is what the file costs; so the server's
share counts on both sides, and CPU time is shown beside it, without a goal.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import requests
from canned import canned
from orders import LIMITS, MARKET, PATH, SENT, SETTINGS, known_market, signed
from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges import exchange

COUNT: Final = 100
FLOOR: Final = "requests POST + signature + insert"
BARE: Final = "the same without the insert"
OURS: Final = "create_order, journal in a file"
MEMORY: Final = "create_order, journal in memory"
_ROW: Final = ("2b8394e0-515e-4b89-b624-f34067756855", *["0.5500"] * 15)


def opened(path: Path) -> sqlite3.Connection:
    """A table like that of the journal, of which each insert is forced to the disk."""
    made = sqlite3.connect(path, isolation_level=None)
    made.execute("PRAGMA journal_mode=WAL")
    made.execute("PRAGMA synchronous=FULL")
    columns = ", ".join(f"c{n} TEXT" for n in range(16))
    made.execute(f"CREATE TABLE rows (id INTEGER PRIMARY KEY, {columns})")
    return made


def timed(
    url: str, folder: Path, rounds: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each way of placing, by a clock."""
    session = requests.Session()
    headers = signed()
    table = opened(folder / f"{clock.__name__}.rows")
    kept = exchange(
        "kalshi",
        environment=url,
        limits=LIMITS,
        journal=folder / f"{clock.__name__}.db",
        **SETTINGS,
    )
    plain = exchange("kalshi", environment=url, limits=LIMITS, **SETTINGS)
    for made in (kept, plain):
        made.venue.memory.learn_markets([known_market()], 0.0)  # type: ignore[attr-defined]
    insert = f"INSERT INTO rows VALUES (NULL, {', '.join('?' * 16)})"  # noqa: S608

    def floor(*, writes: bool) -> None:
        for _ in range(COUNT):
            if writes:
                table.execute(insert, _ROW)
            response = session.post(url + PATH, data=SENT, headers=headers())
            assert response.status_code == 201

    def ours(made: object) -> None:
        for _ in range(COUNT):
            order = made.create_order(MARKET, "yes", "buy", "0.55", 10)  # type: ignore[attr-defined]
            assert order.remaining == Decimal(10)

    variants: dict[str, Callable[[], object]] = {
        FLOOR: lambda: floor(writes=True),
        BARE: lambda: floor(writes=False),
        OURS: lambda: ours(kept),
        MEMORY: lambda: ours(plain),
    }
    try:
        return interleave(variants, rounds, clock=clock)
    finally:
        kept.close()
        plain.close()
        session.close()
        table.close()


def main() -> None:
    options = arguments(__doc__)
    with canned() as url, TemporaryDirectory(dir=Path.cwd()) as name:
        # Beside this file: what is in memory has no disk to wait for.
        wall = timed(url, Path(name), options.rounds, time.perf_counter)
        report("create with a journal, wall time", wall, FLOOR, per=COUNT, unit="order")
        cpu = timed(url, Path(name), options.rounds, time.process_time)
        report("create with a journal, CPU time", cpu, FLOOR, per=COUNT, unit="order")
    goal = Goal("create_order with a journal", ratio(wall, OURS, FLOOR), 1.15)
    verdict([goal], gate=not options.no_gate)


if __name__ == "__main__":
    main()
