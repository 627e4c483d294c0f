"""The memory of a backtest does not grow with the recording.

Each length runs in a process of its own, whose most memory is told when it has ended.  What
does grow is what the report is made of, whatever the events: a point of the curve a minute,
and decisions, orders and fills where a strategy acts.  This one only looks.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from backtest import DELTA, NAMES, SNAPSHOT, START, STEP, Trivial, contract

from unified_exchanges.backtesting import backtest
from unified_exchanges.recording import Body, Frame, Header, Opened
from unified_exchanges.recording.format import encode

LENGTHS: Final = (100_000, 1_000_000)
MOST: Final = 1.1
"""Times the memory of the shorter that the longer may take."""


def written(path: Path, count: int) -> None:
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
                        at=START + n * STEP,
                        mono=n * STEP,
                        connection=1,
                        direction="in",
                        body=Body.of(text),
                    )
                )
            )


def measure(path: Path) -> None:
    """Run one, and print its events and the most memory in kilobytes."""
    report = backtest(Trivial(), path, contracts=map(contract, NAMES))
    print(report.events, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, help="of others: once tells all here")
    parser.add_argument(
        "--no-gate", action="store_true", help="report, but do not fail"
    )
    given = parser.parse_args()
    if given.measure:
        measure(given.measure)
        return
    most = []
    for count in LENGTHS:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "session.jsonl"
            written(path, count)
            size = path.stat().st_size
            run = [sys.executable, __file__, "--measure", str(path)]
            told = subprocess.run(run, check=True, capture_output=True, text=True)
        events, kilobytes = map(int, told.stdout.split())
        assert events == count
        most.append(kilobytes)
        print(f"{count:>10,} events, {size / 1e6:.0f} MB: {kilobytes / 1024:.1f} MB")
    grown = most[-1] / most[0]
    print(f"  ×{grown:.3f}, at most ×{MOST}")
    if grown > MOST and not given.no_gate:
        sys.exit(1)


if __name__ == "__main__":
    main()
