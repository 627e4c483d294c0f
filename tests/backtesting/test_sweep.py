"""Sweeps: the same rows from this process, from others and from a Dask cluster."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import psutil
import pytest

from unified_exchanges import BadRequest, NetworkError, OrderBook
from unified_exchanges.backtesting import (
    SweepProgress,
    SweepReport,
    SweepRow,
    backtest,
    sweep,
)
from unified_exchanges.research import to_frame
from unified_exchanges.strategies import Desk, Strategy

from ..paper.scene import SECOND, START, book
from ..research.test_conversion import DELTA, SNAPSHOT, journal
from ..unmeasured import unmeasured_children
from .test_loop import CONTRACTS, Restless, randomly
from .test_sources import kalshi_contract


@pytest.fixture(autouse=True, scope="module")
def unmeasured_workers() -> Iterator[None]:
    """Whoever runs a sweep kills its workers, or may: none of them measures coverage."""
    with unmeasured_children():
        yield


EVENTS = randomly(random.Random(5), 150)
SEEDS = {"seed": [1, 2, 3, 4]}


class Stepper(Strategy):
    """Buys ``size`` at the first ask, ``lots`` times."""

    size, lots = Decimal(1), 1
    unset: Any = None

    def __init__(self, limit: Decimal = Decimal(1)) -> None:
        self.limit = limit

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if book.ask and book.ask.price <= self.limit and not desk.decisions:
            for _ in range(self.lots):
                desk.place(book.market_id, "yes", "buy", book.ask.price, self.size)


class Breaking(Strategy):
    """Fails, or ends its process, where it is told to."""

    how = "not"

    def on_start(self, desk: Desk) -> None:
        if self.how == "raise":
            raise ZeroDivisionError("what a strategy does wrong")
        if self.how == "die":
            os.kill(os.getpid(), signal.SIGKILL)


def told(report: SweepReport) -> list[tuple[Any, ...]]:
    return [(row.number, dict(row.parameters)) for row in report.rows]


ASKS = [(START, book("50@0.40", "50@0.50"))]
GRIDS: list[Any] = [
    {"size": [Decimal(2), Decimal(3)], "limit": [Decimal(1), Decimal("0.1")]},
    [{"size": Decimal(2)}, {"limit": Decimal(1), "lots": 2}],
]


def test_a_row_has_the_report_that_a_backtest_gives() -> None:
    report = sweep(Restless, SEEDS, EVENTS, contracts=CONTRACTS, workers=2)
    for seed, row in zip(SEEDS["seed"], report.rows, strict=True):
        alone = backtest(Restless(seed), EVENTS, contracts=CONTRACTS)
        assert row.report is not None
        assert row.report.to_json() == alone.to_json()
        assert (row.pnl, row.fees, row.order_count) == (
            alone.pnl,
            alone.fees,
            alone.order_count,
        )
        assert row.fills == len(alone.fills) > 0
        assert row.max_drawdown == alone.max_drawdown
        assert row.refused == len(alone.failures)
    assert len({row.pnl for row in report.rows}) > 1


def test_rows_are_the_same_in_this_process_and_in_others() -> None:
    here, there = (
        sweep(Restless, SEEDS, EVENTS, contracts=CONTRACTS, workers=workers)
        for workers in (1, 2)
    )
    assert here.to_json() == there.to_json()
    assert json.loads(here.to_json())["rows"][3]["parameters"] == {"seed": 4}


def test_rows_are_in_the_order_of_the_grid_the_last_parameter_fastest() -> None:
    report = sweep(Stepper, GRIDS[0], ASKS, contracts=CONTRACTS, workers=1)
    assert [(n, x["size"], x["limit"]) for n, x in told(report)] == [
        (1, 2, 1),
        (2, 2, Decimal("0.1")),
        (3, 3, 1),
        (4, 3, Decimal("0.1")),
    ]
    assert [row.turnover for row in report.rows] == [1, 0, Decimal("1.5"), 0]


def test_a_grid_may_be_the_combinations_themselves() -> None:
    report = sweep(Stepper, GRIDS[1], ASKS, contracts=CONTRACTS, workers=1)
    assert told(report) == [(1, GRIDS[1][0]), (2, GRIDS[1][1])]
    assert [(row.turnover, row.fills) for row in report.rows] == [(1, 1), (1, 2)]


def test_every_combination_runs_over_each_of_the_data(tmp_path: Path) -> None:
    first = journal(tmp_path / "a", SNAPSHOT % 1, DELTA % (2, "1.00"))
    # What two recordings of a market tell counts once.
    other = OrderBook(
        venue="kalshi", market_id="OTHER", outcome="yes", bids=(), asks=()
    )
    data = {"one": first, "none": [(1, other)], "both": [str(first), str(first)]}
    contracts = [kalshi_contract("M")]
    report = sweep(Stepper, {"lots": [1, 2]}, data, contracts=contracts, workers=1)
    rows = [(row.data, row.parameters["lots"]) for row in report.rows]
    assert rows == [(name, n) for name in ("one", "none", "both") for n in (1, 2)]
    counts = [row.report.events for row in report.rows if row.report]
    assert counts == [counts[0], counts[0], 1, 1, counts[0], counts[0]]
    passed = [row.report.repeated for row in report.rows if row.report]
    assert passed == [0, 0, 0, 0, counts[0], counts[0]]
    assert counts[0] > 1


def test_parameters_reach_a_function_as_keywords() -> None:
    report = sweep(stepper, {"size": [1, 4]}, ASKS, contracts=CONTRACTS, workers=1)
    assert [row.turnover for row in report.rows] == [Decimal("0.5"), 2]
    assert report.strategy == "stepper"


def stepper(*, size: int) -> Stepper:
    made = Stepper()
    made.size = Decimal(size)
    return made


def test_its_markets_take_the_place_of_the_strategys() -> None:
    report = sweep(Stepper, {}, ASKS, contracts=CONTRACTS, markets=["HAIL"], workers=1)
    assert report.rows[0].failure is not None
    assert "'HAIL'" in report.rows[0].failure.message


# -- failures --------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_raises_is_told_with_its_parameters_and_the_others_go_on(
    workers: int,
) -> None:
    grid = {"how": ["not", "raise", "not"]}
    report = sweep(Breaking, grid, ASKS, contracts=CONTRACTS, workers=workers)
    [row] = report.failed
    assert row.parameters == {"how": "raise"}
    assert row.failure is not None
    assert (row.failure.error, row.failure.message) == (
        "ZeroDivisionError",
        "what a strategy does wrong",
    )
    assert "on_start" in row.failure.trace
    assert [x.pnl for x in report.rows] == [0, None, 0]
    assert "trace" not in report.to_json()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep_may_stop_at_the_first_failure_of_its_grid(workers: int) -> None:
    grid = {"how": ["not", "raise", "not", "raise"]}
    report = sweep(
        Breaking,
        grid,
        ASKS,
        contracts=CONTRACTS,
        workers=workers,
        stop_on_failure=True,
    )
    assert (len(report.rows), report.left) == (2, 2)
    assert report.rows[-1].failure is not None


def test_a_run_that_ends_its_process_is_a_failure_and_the_others_go_on() -> None:
    grid = {"how": ["die", "not", "not"]}
    report = sweep(Breaking, grid, ASKS, contracts=CONTRACTS, workers=2)
    assert [row.number for row in report.failed] == [1]
    assert [row.pnl for row in report.rows] == [None, 0, 0]
    assert "ended its process" in str(report.failed[0].failure)


class Telling(Strategy):
    """Fails with what of its environment has coverage measured."""

    def on_start(self, desk: Desk) -> None:
        raise LookupError(sorted(x for x in os.environ if x.startswith("COV")))


def test_a_worker_that_may_be_killed_measures_nothing() -> None:
    [row] = sweep(Telling, {}, ASKS, contracts=CONTRACTS, workers=2).failed
    assert row.failure is not None
    assert (row.failure.error, row.failure.message) == ("LookupError", "[]")


def holding(lock: Any) -> Callable[[int], Strategy]:
    """A function that has a lock: it cannot leave its process."""

    def make(lots: int) -> Strategy:
        made = Stepper()
        made.lots = lots
        assert not lock.locked()
        return made

    return make


def test_what_cannot_leave_this_process_is_refused_before_anything_runs() -> None:
    seen: list[SweepProgress] = []
    with pytest.raises(BadRequest, match=r"cannot be sent .*cannot pickle '_thread"):
        sweep(
            holding(threading.Lock()),
            {"lots": [1, 2]},
            ASKS,
            contracts=CONTRACTS,
            workers=2,
            progress=seen.append,
        )
    assert seen == []


def test_a_strategy_that_no_other_process_can_load_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Importable here only: its file is gone once the others look for it.
    file = tmp_path / "gone_strategy.py"
    file.write_text(
        "from unified_exchanges import Strategy\nclass Gone(Strategy): pass"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import gone_strategy

    file.unlink()
    for cached in tmp_path.rglob("*.pyc"):
        cached.unlink()
    with pytest.raises(BadRequest, match=r"cannot load .*No module named 'gone_str"):
        sweep(gone_strategy.Gone, {}, ASKS, contracts=CONTRACTS, workers=2)


@pytest.mark.parametrize(
    ("make", "grid", "said"),
    [
        (
            Stepper,
            {"sise": [1]},
            r"no parameter 'sise'; there are: limit, lots, .*size",
        ),
        (Stepper, {"on_book": [1]}, "no parameter 'on_book'"),
        (stepper, {"lots": [1]}, "cannot be called so"),
        (stepper, {}, "missing a required argument: 'size'"),
        (Stepper, {"size": []}, "at least one"),
        (Stepper, {"size": "123"}, "no list"),
        (Stepper, {"size": np.arange(3)}, r"no list but ndarray: give \.tolist\(\)$"),
        (Stepper, {"size": pd.Series([1])}, r"no list but Series: give \.tolist\(\)$"),
        (Stepper, {"size": {1, 2}}, r"no list of at least one: \{1, 2\}$"),
        (Stepper, [], "no combination"),
    ],
)
def test_a_grid_that_nothing_takes_is_refused(make: Any, grid: Any, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        sweep(make, grid, ASKS, contracts=CONTRACTS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"data": iter(ASKS)}, "read but once"),
        ({"data": "/nowhere.jsonl"}, r"there is no /nowhere\.jsonl"),
        ({"data": {}}, "name at least one"),
        ({"engine": "spark"}, "neither"),
        ({"engine": "dask"}, "needs the address"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "is for engine='dask'"),
        ({"workers": 0}, "at least one"),
    ],
)
def test_what_cannot_be_swept_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        sweep(Stepper, {}, **{"data": ASKS, "contracts": CONTRACTS, **options})


def test_what_gives_no_strategy_is_a_failure() -> None:
    report = sweep(dict, {"a": [1]}, ASKS, contracts=CONTRACTS, workers=1)  # type: ignore[arg-type]
    assert "gave no Strategy" in str(report.rows[0].failure)


# -- what is told ----------------------------------------------------------------------


def test_progress_tells_each_run_and_how_many_failed() -> None:
    seen: list[SweepProgress] = []
    grid = {"how": ["raise", "not"]}
    sweep(Breaking, grid, ASKS, contracts=CONTRACTS, workers=1, progress=seen.append)
    assert seen == [
        SweepProgress(done=1, total=2, failed=1),
        SweepProgress(done=2, total=2, failed=1),
    ]


def row(number: int, **figures: Any) -> SweepRow:
    return SweepRow(number=number, data="", parameters={}, **figures)


def test_the_best_is_the_first_of_the_highest_or_the_lowest() -> None:
    rows = (
        row(1, pnl=Decimal(1), max_drawdown=Decimal(3), brier=Decimal("0.4")),
        row(2, pnl=Decimal(5), max_drawdown=Decimal(2)),
        row(3, pnl=Decimal(5), max_drawdown=Decimal(2), brier=Decimal("0.1")),
        row(4),
    )
    report = SweepReport(strategy="x", rows=rows)
    assert report.best().number == 2
    # Of these less is better, whoever forgets to say so.
    assert report.best("max_drawdown").number == 2
    assert report.best("brier").number == 3
    assert report.best("brier", lowest=False).number == 1
    assert report.best(lambda x: x.number).number == 4
    assert [x.number for x in report.ranked()] == [2, 3, 1]
    with pytest.raises(BadRequest, match="no run of 4 has a figure for 'fees'"):
        report.best("fees")
    with pytest.raises(BadRequest, match="no figure 'profit'; there are: pnl"):
        report.best("profit")


def test_reports_need_not_be_kept() -> None:
    options: Any = {"contracts": CONTRACTS, "workers": 1}
    kept = sweep(Restless, SEEDS, EVENTS, **options)
    bare = sweep(Restless, SEEDS, EVENTS, keep_reports=False, **options)
    assert [x.report for x in bare.rows] == [None] * 4
    assert bare.to_json() == kept.to_json()


SCRIPT = """
from decimal import Decimal
import unified_exchanges as ux
from unified_exchanges.backtesting import sweep

class Here(ux.Strategy):
    size = 1

if __name__ == "__main__":
    book = ux.OrderBook(venue="toy", market_id="M", outcome="yes", bids=(), asks=())
    told = sweep(Here, {"size": [1, 2]}, [(1, book)], contracts=[])
    print([row.pnl for row in told.rows])
"""


def test_the_strategy_of_a_script_goes_along_as_it_is(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[Decimal('0'), Decimal('0')]\n", done.stderr


@pytest.mark.parametrize(
    ("gone", "options", "extra"),
    [
        ("loky", {}, "sweep"),
        ("cloudpickle", {}, "sweep"),
        ("distributed", {"engine": "dask", "scheduler": "tcp://127.0.0.1:1"}, "dask"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, gone: str, options: Any, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, gone, None)
    with pytest.raises(ImportError, match=rf"'\.\[{extra}\]'"):
        sweep(Stepper, {}, ASKS, contracts=CONTRACTS, **options)


# -- a cluster -------------------------------------------------------------------------

PATIENT = pytest.mark.timeout(400)
"""Workers and the processes of their runs start one after another, each in seconds, and in
many times as many where much else is done: nothing says by then that they hang."""


@pytest.fixture(scope="module")
def cluster(unmeasured_workers: None) -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
    ) as opened:
        yield opened.scheduler_address


@PATIENT
def test_a_cluster_gives_the_rows_of_this_process_byte_by_byte(cluster: str) -> None:
    here = sweep(Restless, SEEDS, EVENTS, contracts=CONTRACTS, workers=1)
    seen: list[SweepProgress] = []
    there = sweep(
        Restless,
        SEEDS,
        EVENTS,
        contracts=CONTRACTS,
        engine="dask",
        scheduler=cluster,
        progress=seen.append,
    )
    assert there.to_json() == here.to_json()
    # Of a scheduler that answers at once it is not told that it is waited for.
    assert [x.done for x in seen] == [1, 2, 3, 4]
    for one, other in zip(here.rows, there.rows, strict=True):
        assert one.report is not None
        assert other.report is not None
        assert one.report.to_json() == other.report.to_json()


@PATIENT
def test_a_cluster_tells_failures_and_reads_recordings(
    cluster: str, tmp_path: Path
) -> None:
    path = journal(tmp_path / "a", SNAPSHOT % 1, DELTA % (2, "1.00"))
    report = sweep(
        Breaking,
        {"how": ["not", "raise", "not"]},
        path,
        contracts=[kalshi_contract("M")],
        engine="dask",
        scheduler=cluster,
    )
    events = [x.report.events if x.report else 0 for x in report.rows]
    assert events == [events[0], 0, events[0]]
    assert events[0] > 1
    assert "ZeroDivisionError" in str(report.failed[0].failure)


@PATIENT
def test_runs_that_end_their_process_are_rows_on_a_cluster_too(cluster: str) -> None:
    """And its workers live on: nannies start them again, but not again and again."""
    hows = ["not", "die", "not", "raise", "die", "not"]
    report = sweep(
        Breaking,
        {"how": hows},
        ASKS,
        contracts=CONTRACTS,
        engine="dask",
        scheduler=cluster,
    )
    words = {"not": "", "raise": "ZeroDivisionError", "die": "ProcessEnded"}
    told = [row.failure.error if row.failure else "" for row in report.rows]
    assert told == [words[how] for how in hows]


@PATIENT
def test_of_runs_side_by_side_on_a_cluster_only_that_to_blame_fails(
    cluster: str, tmp_path: Path
) -> None:
    report = sweep(
        Breaking,
        {"how": ["not", "not", "die", "not"]},
        {"": journal(tmp_path / "a", SNAPSHOT % 1, DELTA % (2, "1.00"))},
        contracts=[kalshi_contract("M")],
        engine="dask",
        scheduler=cluster,
    )
    assert [row.number for row in report.failed] == [3]


class Placed(Strategy):
    """Tells its process by failing."""

    number = 1

    def on_start(self, desk: Desk) -> None:
        raise LookupError(os.getpid())


@PATIENT
def test_each_thread_of_a_worker_of_a_cluster_has_runs(
    unmeasured_workers: None, tmp_path: Path
) -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
    ) as opened:
        report = sweep(
            Placed,
            {"number": [1, 2, 3, 4]},
            journal(tmp_path / "a", SNAPSHOT % 1, DELTA % (2, "1.00")),
            contracts=[kalshi_contract("M")],
            engine="dask",
            scheduler=opened.scheduler_address,
        )
    processes = [row.failure.message for row in report.rows if row.failure]
    assert processes[0] == processes[1] != processes[2] == processes[3]


class Hanging(Strategy):
    """Waits for ever where there is an ask; says that it does, and when another has ended."""

    folder: Any = None

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if book.ask:
            Path(self.folder, "waits").touch()
            threading.Event().wait()

    def on_stop(self, desk: Desk) -> None:
        Path(self.folder, "done").touch()


class Outlasting(Strategy):
    """The second goes on for ever; the first fails once that one has begun."""

    folder: Any = None
    number = 1

    def on_start(self, desk: Desk) -> None:
        begun = Path(self.folder, "begun")
        if self.number == 2:
            begun.with_suffix(".new").write_text(str(os.getpid()), encoding="ascii")
            begun.with_suffix(".new").rename(begun)
            threading.Event().wait()
        while not begun.exists():
            threading.Event().wait(0.1)
        raise ZeroDivisionError


@PATIENT
def test_runs_that_are_not_wanted_any_more_end_on_a_cluster_too(
    cluster: str, tmp_path: Path
) -> None:
    report = sweep(
        Outlasting,
        {"folder": [str(tmp_path)], "number": [1, 2]},
        ASKS,
        contracts=CONTRACTS,
        engine="dask",
        scheduler=cluster,
        stop_on_failure=True,
    )
    assert (len(report.rows), report.left) == (1, 1)
    process = int(Path(tmp_path, "begun").read_text(encoding="ascii"))
    until = time.monotonic() + 30
    while time.monotonic() < until and psutil.pid_exists(process):
        threading.Event().wait(0.2)
    assert not psutil.pid_exists(process)


def dask(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *words]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


@PATIENT
@pytest.mark.parametrize(
    ("killed", "said"),
    [("worker", "has had no workers for 2 seconds"), ("scheduler", "is gone")],
)
def test_what_was_done_is_kept_when_a_cluster_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str, said: str
) -> None:
    """Also what ended before the first of the grid, which is missing as are many others."""
    from distributed import Client, Future

    monkeypatch.setattr("unified_exchanges.backtesting.cluster._PATIENCE", 2)
    fetched, fetch = threading.Event(), Future.result

    def result(future: Any, timeout: Any = None) -> Any:
        found = fetch(future, timeout)
        fetched.set()
        return found

    monkeypatch.setattr(Future, "result", result)
    address = f"tcp://127.0.0.1:{free_port()}"
    place = ("--host", "127.0.0.1", "--port", address.rpartition(":")[2])
    began: list[float] = []
    with (
        dask("scheduler", *place, "--no-dashboard") as scheduler,
        dask("worker", address, "--no-nanny", "--nthreads", "2") as worker,
    ):
        processes = {"worker": worker, "scheduler": scheduler}
        connect: Any = Client

        def kill() -> None:
            fetched.wait(100)  # no other run ends
            processes[killed].kill()
            began.append(time.monotonic())

        try:
            with connect(address, timeout=30, set_as_default=False) as client:
                client.wait_for_workers(1)
            killing = threading.Thread(target=kill)
            killing.start()
            report = sweep(
                Hanging,
                {"folder": [str(tmp_path)]},
                {"one": ASKS, "two": [(START, book("1@0.4"))]}
                | {f"{n}": ASKS for n in range(30)},
                contracts=CONTRACTS,
                engine="dask",
                scheduler=address,
            )
            killing.join()
        finally:
            worker.kill()
            scheduler.kill()
    told = [row.failure.error if row.failure else "" for row in report.rows]
    assert told == ["NetworkError", "", *["NetworkError"] * 30]
    assert all(said in str(row.failure) for row in report.failed)
    # It is given up once, not for a second for each run that is missing.
    assert time.monotonic() - began[0] < 25


class Ending:
    """Makes strategies, and ends a process where it is unpacked by another than its own."""

    def __init__(self, process: int, home: int) -> None:
        self.process, self.home = process, home

    def __call__(self, **_: Any) -> Stepper:
        return Stepper()

    def __reduce__(self) -> tuple[Any, ...]:
        return _ended, (self.process, self.home)


def _ended(process: int, home: int) -> Ending:
    if os.getpid() != home:
        os.kill(process, signal.SIGKILL)
        threading.Event().wait(2)
    return Ending(process, home)


def test_a_scheduler_that_is_gone_before_the_first_run_is_a_network_error() -> None:
    from distributed import Client

    address = f"tcp://127.0.0.1:{free_port()}"
    place = ("--host", "127.0.0.1", "--port", address.rpartition(":")[2])
    connect: Any = Client
    with (
        dask("scheduler", *place, "--no-dashboard") as scheduler,
        dask("worker", address, "--no-nanny", "--nthreads", "1") as worker,
    ):
        try:
            with connect(address, timeout=30, set_as_default=False) as client:
                client.wait_for_workers(1)
            with pytest.raises(
                NetworkError, match=r"is gone: .*start it again"
            ) as told:
                sweep(
                    Ending(scheduler.pid, os.getpid()),
                    {},
                    ASKS,
                    contracts=CONTRACTS,
                    engine="dask",
                    scheduler=address,
                )
            assert not told.value.sent
        finally:
            worker.kill()
            scheduler.kill()


def test_a_scheduler_that_does_not_answer_is_a_network_error() -> None:
    # Its defaults are read when it is imported, which must not be undone after this.
    import distributed  # noqa: F401
    from dask import config

    with (
        config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(NetworkError, match="no Dask scheduler answers at tcp://127"),
    ):
        sweep(
            Stepper,
            {},
            ASKS,
            contracts=CONTRACTS,
            engine="dask",
            scheduler="tcp://127.0.0.1:1",
        )


def test_that_a_scheduler_is_waited_for_is_told_once_it_does_not_answer() -> None:
    import distributed  # noqa: F401
    from dask import config

    told: list[SweepProgress] = []
    address = "tcp://127.0.0.1:1"
    with (
        config.set({"distributed.comm.timeouts.connect": "3s"}),
        pytest.raises(NetworkError),
    ):
        sweep(
            Stepper,
            {},
            ASKS,
            contracts=CONTRACTS,
            engine="dask",
            scheduler=address,
            progress=told.append,
        )
    patience = timedelta(seconds=1)
    waiting = SweepProgress(
        done=0, total=1, failed=0, waiting_for=address, patience=patience
    )
    assert told == [waiting]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("localhost", "missing port"),
        ("http://127.0.0.1:8786", "unknown address scheme 'http'"),
        ("tcp://127.0.0.1:x", "'x'"),
        ("tcp://:8786", "the host ''"),
        ("tcp://127.0.0.1:99999", "the port 99999"),
        ("inprox", "missing port"),
        (8786, "no address"),
    ],
)
def test_what_is_no_address_of_a_scheduler_is_refused_at_once(
    address: Any, said: str
) -> None:
    told: list[SweepProgress] = []
    with pytest.raises(BadRequest, match="is no address of a Dask scheduler") as caught:
        sweep(
            Stepper,
            {},
            ASKS,
            contracts=CONTRACTS,
            engine="dask",
            scheduler=address,
            progress=told.append,
        )
    assert said in caught.value.message
    assert told == []


def test_a_cluster_without_workers_is_refused() -> None:
    from distributed import LocalCluster

    with (
        LocalCluster(
            n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as empty,
        pytest.raises(BadRequest, match="has no workers"),
    ):
        sweep(
            Stepper,
            {},
            [(START + SECOND, book("1@0.4"))],
            contracts=CONTRACTS,
            engine="dask",
            scheduler=empty.scheduler_address,
        )


class Named(Stepper):
    """Its parameters are called as figures are, and may be anything."""

    fees: Any = None
    number: Any = None


def shown_rows(page: str) -> list[list[str]]:
    return [
        [
            unescape(re.sub("<.*?>", "", cell))
            for cell in re.findall("<t[hd].*?</t[hd]>", row)
        ]
        for row in re.findall("<tr>.*?</tr>", page)
    ]


def test_a_cell_shows_a_sweep_as_a_table_of_parameters_and_figures() -> None:
    report = sweep(Stepper, GRIDS[1], ASKS, contracts=CONTRACTS, workers=1)
    page = report._repr_html_()
    assert "<caption>Sweep of Stepper: 2 runs</caption>" in page
    head, first, second = shown_rows(page)
    assert head[:7] == ["Run", "size", "limit", "lots", "P&L", "Fees", "Drawdown"]
    assert first[:4] == ["1", "2", "", ""]
    assert second[:4] == ["2", "", "1", "2"]
    assert len(head) == len(first) == len(second)
    assert "Decimal(" not in page


def test_a_cell_says_which_runs_failed_and_how_many_it_leaves_out() -> None:
    report = sweep(
        Breaking,
        {"how": ["not", "raise"] * 30},
        ASKS,
        contracts=CONTRACTS,
        workers=1,
        stop_on_failure=False,
    )
    page = report._repr_html_()
    assert "<caption>Sweep of Breaking: 60 runs, of which 30 failed</caption>" in page
    assert page.count("ZeroDivisionError: what a strategy does wrong") == 25
    rows = shown_rows(page)
    assert {len(row) for row in rows[:-1]} == {len(rows[0])}
    assert rows[-1][0].startswith("… 10 more: ")
    stopped = attrs.evolve(report, left=2, strategy="<b>\u202e")
    assert "Sweep of &lt;b&gt;: 60 runs, of which 30 failed; 2 were not made" in (
        stopped._repr_html_()
    )


def test_a_cell_with_one_run_has_its_figures_and_not_its_trades() -> None:
    best = sweep(Restless, SEEDS, EVENTS, contracts=CONTRACTS, workers=1).best()
    assert best.report is not None
    rows = dict(shown_rows(best._repr_html_()))
    assert rows["parameters"] == f"seed: {best.parameters['seed']}"
    assert "report" not in rows
    assert len(best._repr_html_()) < 1_500


@pytest.mark.parametrize("backend", ["pandas", "polars"])
def test_a_sweep_is_a_table_with_a_column_for_each_parameter_and_figure(
    backend: Any,
) -> None:
    grid = [{"size": Decimal(2), "lots": 1}, {"limit": Decimal("0.1"), "unset": [1]}]
    report = sweep(Stepper, grid, ASKS, contracts=CONTRACTS, workers=1)
    frame = report.to_frame(backend)
    names = list(frame.columns)
    assert names == list(to_frame(report, backend).columns)
    assert names == list(to_frame(report.rows, backend).columns)
    assert names[:8] == [
        *("number", "data", "size", "lots", "limit", "unset", "pnl", "equity")
    ]
    assert names[-2:] == ["failure_error", "failure_message"]
    assert {"report", "parameters", "failure_trace"} & set(names) == set()
    assert list(frame["pnl"]) == [row.pnl for row in report.rows]
    assert frame["size"][0] == 2
    assert frame["limit"][1] == Decimal("0.1")
    assert frame["unset"][1] == "[1]"


def test_parameters_are_of_their_kind_in_a_table_and_mixed_ones_are_json() -> None:
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    grid = {
        "size": [Decimal(1)],
        "unset": [1, "1"],
        "fees": [Decimal("NaN")],
        "lots": [1],
        "number": [noon, None],
    }
    report = sweep(Named, grid, ASKS, contracts=CONTRACTS, workers=1)
    frame = report.to_frame("polars")
    assert frame["unset"].to_list() == ["1", "1", '"1"', '"1"']
    assert frame["number"].to_list() == [1, 2, 3, 4]
    assert frame["parameter_number"].to_list() == [noon, None, noon, None]
    assert frame["parameter_fees"].to_list() == ['"NaN"'] * 4
    assert frame["fees"].to_list() == [row.fees for row in report.rows]
    naive = sweep(
        Named,
        {"number": [noon.replace(tzinfo=None)]},
        ASKS,
        contracts=CONTRACTS,
        workers=1,
    )
    [cell] = naive.to_frame()["parameter_number"]
    assert isinstance(json.loads(cell), str)


def test_runs_that_failed_say_so_in_the_table_and_none_is_a_table_too() -> None:
    report = sweep(
        Breaking, {"how": ["not", "raise"]}, ASKS, contracts=CONTRACTS, workers=1
    )
    frame = report.to_frame("polars")
    assert frame["failure_error"].to_list() == [None, "ZeroDivisionError"]
    assert frame["pnl"].to_list()[1] is None
    empty = attrs.evolve(report, rows=())
    assert empty.to_frame("polars").columns == [x for x in frame.columns if x != "how"]


def test_a_sweep_and_its_runs_are_printed_by_their_figures() -> None:
    report = sweep(
        Breaking, {"how": ["not", "raise"]}, ASKS, contracts=CONTRACTS, workers=1
    )
    assert repr(report) == "SweepReport(strategy='Breaking', runs=2, failed=1, left=0)"
    played, failed = report.rows
    assert repr(played) == (
        "SweepRow(number=1, parameters={'how': 'not'}, pnl=0, fees=0, max_drawdown=0, "
        "order_count=0, fills=0)"
    )
    assert repr(failed) == (
        "SweepRow(number=2, parameters={'how': 'raise'}, "
        "failure=SweepFailure(error='ZeroDivisionError', "
        "message='what a strategy does wrong'))"
    )
    named = attrs.evolve(played, data="monday")
    assert repr(named).startswith("SweepRow(number=1, data='monday', parameters=")
