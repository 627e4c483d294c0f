"""A sweep on two processes, next to one of its runs times half their number.

The floor is what a machine of two cores could do at best: one run, timed in this process,
times 32 for a sweep of 64.  Starting the processes counts.

By the wall clock that holds only where both cores are free.  So the goal is by CPU time
as well: that of this process and of all it has started, a half of it for each core, which a
busy machine hardly changes; and by the wall clock beside as many bare processes that do
the same runs, which a busy machine slows down as much as the sweep.  Those two gate.

CPU time is shown of those processes, too: cores that share caches take longer for the same
where both are in use, and what the bare processes take more than the floor no sweep can help.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from typing import Final

from backtest import NAMES, Trivial, contract, of_kalshi
from timing import Goal, Seconds, arguments, interleave, ratio, report, verdict

from unified_exchanges.backtesting import backtest, sweep

RUNS: Final = 64
CORES: Final = 2
MOST_ROUNDS: Final = 3
COPIES: Final = 2
"""Times that each run reads the recording, for a run to be worth a process."""
FLOOR: Final = "one run × half their number"
BARE: Final = "bare processes"
OURS: Final = "sweep"


def cpu() -> float:
    """Seconds of CPU of this process, and of those that it started and that have ended."""
    both = map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def once(path: Path) -> None:
    backtest(Trivial(), [path] * COPIES, contracts=map(contract, NAMES))


def bare(path: Path, runs: int) -> None:
    """Each process does its share, and is told nothing else."""
    command = [sys.executable, __file__, "--bare", str(path), str(runs // CORES)]
    started = [subprocess.Popen(command) for _ in range(CORES)]
    assert not any(process.wait() for process in started)


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
    used: dict[str, list[float]] = {FLOOR: [], BARE: [], OURS: []}

    def noted(name: str, times: float, act: Callable[[], None]) -> Seconds:
        before, began = cpu(), time.perf_counter()
        act()
        taken = Seconds((time.perf_counter() - began) * times)
        used[name].append((cpu() - before) * times)
        return taken

    with TemporaryDirectory() as folder:
        path = of_kalshi(Path(folder) / "session.jsonl")
        variants: dict[str, Callable[[], object]] = {
            FLOOR: lambda: noted(FLOOR, runs / CORES, lambda: once(path)),
            BARE: lambda: noted(BARE, 1, lambda: bare(path, runs)),
            OURS: lambda: noted(OURS, 1, lambda: swept(path, runs)),
        }
        times = interleave(variants, rounds)
    title = f"{runs} runs on {CORES} cores"
    report(title, times, FLOOR, per=runs, unit="run")
    # The round to warm up is in it, too.
    shares = {FLOOR: used[FLOOR][1:]}
    shares |= {name: [x / CORES for x in used[name][1:]] for name in (BARE, OURS)}
    report(f"{title}, CPU of each", shares, FLOOR, per=runs, unit="run")
    return [
        Goal(f"{title}, by CPU", ratio(shares, OURS, FLOOR), 1.2),
        Goal(f"{title}, by bare processes", ratio(times, OURS, BARE), 1.2),
    ]


def main() -> None:
    if sys.argv[1:2] == ["--bare"]:
        for _ in range(int(sys.argv[3])):
            once(Path(sys.argv[2]))
        return
    options = arguments(__doc__)
    goals = measured(RUNS, min(options.rounds, MOST_ROUNDS))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
