"""The memory of a backtest does not grow with the recording.

Each length runs in a process of its own, whose most memory is told when it has ended.  What
does grow is what the report is made of, whatever the events: a point of the curve a minute,
and decisions, orders and fills where a strategy acts.  This one only looks.

``--week`` makes the longer one ten million events, spread over a week: some minutes, and
3 GB of disk until it has ended.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from backtest import DELTA, NAMES, SNAPSHOT, START, STEP, Trivial, contract

from unified_exchanges.backtesting import backtest
from unified_exchanges.recording import Body, Frame, Header, Opened
from unified_exchanges.recording.format import encode

LENGTHS: Final = (100_000, 1_000_000)
WEEK: Final = (1_000_000, 10_000_000)
WEEK_STEP: Final = 7 * 24 * 3600 * 10**9 // WEEK[-1]
MOST: Final = 1.1
"""Times the memory of the shorter that the longer may take."""


def written(path: Path, count: int, step: int) -> None:
    """Twenty books with ten levels a side, and their changes."""
    head = Header(
        format=1,
        venue="kalshi",
        environment="production",
        library="0",
        rest="https://kalshi.test",
        at=START,
        mono=0,
    )
    bids = ",".join(f'["0.{n:02}","10.00"]' for n in range(30, 40))
    asks = ",".join(f'["0.{n:02}","10.00"]' for n in range(42, 52))
    with path.open("wb") as file:
        file.write(encode(head))
        file.write(encode(Opened(START, 0, 1, "wss://kalshi.test")))
        names = cycle(NAMES)
        for n, name in enumerate(islice(names, count), 1):
            if n <= len(NAMES):
                text = SNAPSHOT.format(n, name, bids, asks)
            else:
                price, change = 30 + n // 40 % 10, (1, -1)[n // 20 % 2]
                text = DELTA.format(n, name, price, change)
            file.write(
                encode(
                    Frame(
                        at=START + n * step,
                        mono=n * step,
                        connection=1,
                        direction="in",
                        body=Body.of(text),
                    )
                )
            )


def measure(path: Path) -> None:
    """Run one; print its events, the most memory in kilobytes, and seconds of CPU."""
    began = time.process_time()
    report = backtest(Trivial(), path, contracts=map(contract, NAMES))
    taken = time.process_time() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(report.events, most, f"{taken:.1f}", len(report.equity_curve))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, help="of others: once tells all here")
    parser.add_argument(
        "--no-gate", action="store_true", help="report, but do not fail"
    )
    parser.add_argument("--week", action="store_true", help="ten million events")
    given = parser.parse_args()
    if given.measure:
        measure(given.measure)
        return
    most = []
    lengths, step = (WEEK, WEEK_STEP) if given.week else (LENGTHS, STEP)
    for count in lengths:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "session.jsonl"
            written(path, count, step)
            size = path.stat().st_size
            run = [sys.executable, __file__, "--measure", str(path)]
            told = subprocess.run(run, check=True, capture_output=True, text=True)
        events, kilobytes, seconds, points = told.stdout.split()
        assert int(events) == count
        most.append(int(kilobytes))
        print(
            f"{count:>10,} events, {size / 1e6:.0f} MB, {points} points of the curve: "
            f"{most[-1] / 1024:.1f} MB at most, {seconds} s of CPU, "
            f"{float(seconds) / count * 1e6:.2f} µs an event",
            flush=True,
        )
    grown = most[-1] / most[0]
    print(f"  ×{grown:.3f}, at most ×{MOST}")
    if grown > MOST and not given.no_gate:
        sys.exit(1)


if __name__ == "__main__":
    main()
