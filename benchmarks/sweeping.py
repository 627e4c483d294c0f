"""A sweep on two processes, next to one of its runs times half their number.

The floor is what a machine of two cores could do at best: one run, timed in this process,
times 32 for a sweep of 64.  Starting the processes counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from backtest import NAMES, Trivial, contract, written
from timing import Goal, Seconds, arguments, interleave, ratio, report, verdict

from unified_exchanges.backtesting import backtest, sweep

RUNS: Final = 64
CORES: Final = 2
MOST_ROUNDS: Final = 3
COPIES: Final = 2
"""Times that each run reads the recording, for a run to be worth a process."""
FLOOR: Final = "one run × half their number"
OURS: Final = "sweep"


def once(path: Path, runs: int) -> Seconds:
    start = time.perf_counter()
    backtest(Trivial(), [path] * COPIES, contracts=map(contract, NAMES))
    return Seconds((time.perf_counter() - start) * runs / CORES)


def swept(path: Path, runs: int) -> None:
    grid = [{"seen": number} for number in range(runs)]
    told = sweep(
        Numbered,
        grid,
        [path] * COPIES,
        contracts=map(contract, NAMES),
        workers=CORES,
        keep_reports=False,
    )
    assert len(told.rows) == runs
    assert not told.failed


class Numbered(Trivial):
    """The same, and one of many."""

    def __init__(self, seen: int) -> None:
        self.seen = seen


def measured(runs: int, rounds: int) -> list[Goal]:
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "session.jsonl")
        variants: dict[str, Callable[[], object]] = {
            FLOOR: lambda: once(path, runs),
            OURS: lambda: swept(path, runs),
        }
        times = interleave(variants, rounds)
    title = f"{runs} runs on {CORES} cores"
    report(title, times, FLOOR, per=runs, unit="run")
    return [Goal(title, ratio(times, OURS, FLOOR), 1.2)]


def main() -> None:
    options = arguments(__doc__)
    goals = measured(RUNS, min(options.rounds, MOST_ROUNDS))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
