"""A sweep on two processes, next to one of its runs times half their number.

The floor is what a machine of two cores could do at best where each run reads its data: one
run, timed in this process, times 32 for a sweep of 64.  Starting the processes counts.  A
sweep reads its data once for many runs, and so takes less than that: as much less as reading
is of a run.  That is nearly all of a strategy that only looks, and less of one that trades
now and then, which is shown beside it.

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
from unified_exchanges.models import OrderBook
from unified_exchanges.strategies import Desk

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


class Looking(Trivial):
    """The same, and one of many."""

    def __init__(self, seen: int) -> None:
        self.seen = seen


class Trading(Looking):
    """Has one small bid somewhere, of which it thinks again every hundred books."""

    def __init__(self, seen: int) -> None:
        super().__init__(seen)
        self.books = seen

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        """Look at the best ask, and now and then cancel and place."""
        super().on_book(desk, book)
        self.books += 1
        if not self.books % 100:
            for order in desk.open_orders:
                desk.cancel(order.client_order_id or "")
            desk.place(book.market_id, "yes", "buy", book.bids[0].price, 1)


KINDS: Final = {"looks": Looking, "trades now and then": Trading}


def once(path: Path, kind: str) -> None:
    backtest(KINDS[kind](0), [path] * COPIES, contracts=map(contract, NAMES))


def bare(path: Path, runs: int, kind: str) -> None:
    """Each process does its share, and is told nothing else."""
    command = [sys.executable, __file__, "--bare", str(path), str(runs // CORES), kind]
    started = [subprocess.Popen(command) for _ in range(CORES)]
    assert not any(process.wait() for process in started)


def swept(path: Path, runs: int, kind: str) -> None:
    grid = [{"seen": number} for number in range(runs)]
    told = sweep(
        KINDS[kind],
        grid,
        [path] * COPIES,
        contracts=map(contract, NAMES),
        workers=CORES,
        keep_reports=False,
    )
    assert len(told.rows) == runs
    assert not told.failed


def measured(runs: int, rounds: int, kind: str) -> list[Goal]:
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
            FLOOR: lambda: noted(FLOOR, runs / CORES, lambda: once(path, kind)),
            BARE: lambda: noted(BARE, 1, lambda: bare(path, runs, kind)),
            OURS: lambda: noted(OURS, 1, lambda: swept(path, runs, kind)),
        }
        times = interleave(variants, rounds)
    title = f"{runs} runs on {CORES} cores, each {kind}"
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
            once(Path(sys.argv[2]), sys.argv[4])
        return
    options = arguments(__doc__)
    rounds = min(options.rounds, MOST_ROUNDS)
    goals = [goal for kind in KINDS for goal in measured(RUNS, rounds, kind)]
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
