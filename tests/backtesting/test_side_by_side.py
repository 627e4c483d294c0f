"""Runs of a sweep that share a read: each row is that of its run alone."""

from __future__ import annotations

import decimal
import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unified_exchanges import Gap, GuardPolicy, OrderBook
from unified_exchanges.backtesting import (
    Report,
    SweepProgress,
    SweepReport,
    backtest,
    sweep,
)
from unified_exchanges.backtesting.grouping import grouped
from unified_exchanges.backtesting.reading import Reading
from unified_exchanges.backtesting.trial import Setup, Trial
from unified_exchanges.paper import at
from unified_exchanges.research import convert
from unified_exchanges.strategies import Desk, Strategy

from ..research.test_conversion import DELTA, SNAPSHOT, journal
from ..unmeasured import unmeasured_children
from .contenders import Drawing, Ending, Escaping, Staying, Taking, Trading, Unseeded
from .test_clock_steps import MIDNIGHT, SECOND, over_midnight, recording
from .test_loop import Noting, randomly
from .test_sources import kalshi_contract

EVENTS = randomly(random.Random(5), 150)
CONTRACTS = [kalshi_contract("M")]


@pytest.fixture(autouse=True, scope="module")
def unmeasured_workers() -> Iterator[None]:
    with unmeasured_children():
        yield


@pytest.fixture(params=[1, 3, 8, 1_000])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """So many events are read at a time, in this process."""
    size: int = request.param
    monkeypatch.setattr("unified_exchanges.backtesting.reading._BLOCK", size)
    return size


def set_back(path: Path, late: int) -> Path:
    """A recording of an hour's step of its clock, back, in the midst of it."""
    told = [SNAPSHOT % 1, *(DELTA % (n, "1.00") for n in range(2, 13))]
    ats = [MIDNIGHT + n * SECOND + late for n in range(12)]
    back = 3_600 * SECOND
    return recording(path, told, ats[:7] + [at - back for at in ats[7:]])


def tables(folder: Path) -> Path:
    convert(over_midnight(folder / "r.jsonl"), folder / "tables")
    return folder / "tables"


def overlapping(folder: Path) -> list[Path]:
    return [
        set_back(folder / "one.jsonl", 0),
        set_back(folder / "two.jsonl", SECOND // 3),
        over_midnight(folder / "three.jsonl"),
    ]


DATA: dict[str, Callable[[Path], Any]] = {
    "a recording": lambda folder: over_midnight(folder / "r.jsonl"),
    "tables": tables,
    "recordings that overlap": overlapping,
    "tables and recordings": lambda folder: [tables(folder), *overlapping(folder)],
}


@pytest.fixture(params=DATA)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return DATA[request.param](tmp_path)


GRID: list[dict[str, Any]] = [
    *({"seed": 3 + n, "last": n, "how": "book"} for n in (1, 2, 3, 5, 8, 9, 12, 20)),
    *({"seed": 3 + n, "last": n, "how": "raise"} for n in (1, 2, 4, 7, 10)),
    *({"seed": 3 + n, "last": n, "how": "timer"} for n in (1, 3, 6, 8)),
    {"seed": 3, "last": 1, "how": "start"},
]
"""As many as go side by side, and more."""


def alone(make: type[Strategy], parameters: dict[str, Any], data: Any) -> str:
    strategy = make()
    for name, value in parameters.items():
        setattr(strategy, name, value)
    try:
        # A precision that one sets is not that of the tests after this.
        with decimal.localcontext():
            return backtest(strategy, data, contracts=CONTRACTS).to_json()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return f"{type(error).__name__}: {error}"


def came_to(report: SweepReport) -> list[str]:
    found = []
    for row in report.rows:
        if row.failure is None:
            assert isinstance(row.report, Report)
            found.append(row.report.to_json())
        else:
            found.append(f"{row.failure.error}: {row.failure.message}")
    return found


def swept(data: Any, grid: Any = GRID, make: Any = Trading, workers: int = 1) -> Any:
    return sweep(make, grid, data, contracts=CONTRACTS, workers=workers)


# -- as alone --------------------------------------------------------------------------


@pytest.mark.usefixtures("block")
def test_a_row_is_that_of_the_run_alone_wherever_it_stops_or_raises(data: Any) -> None:
    told = came_to(swept(data))
    assert told == [alone(Trading, parameters, data) for parameters in GRID]
    reports = [json.loads(x) for x in told if x.startswith("{")]
    assert len({x["events"] for x in reports}) > 5
    assert any(x["fills"] for x in reports)
    assert any("set back" in note["text"] for x in reports for note in x["notes"])


def test_what_stops_early_is_told_of_no_more_than_was_read_for_it_alone(
    tmp_path: Path,
) -> None:
    rows = swept(overlapping(tmp_path), {"last": [*range(2, 20)]}).rows
    reports = [row.report for row in rows]
    assert len({x.repeated for x in reports}) > 5
    assert len({x.assumptions.data for x in reports}) > 5


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("broken", [1, 2, 7, 11])
def test_damage_fails_the_runs_that_have_not_ended_by_then_as_it_would_alone(
    tmp_path: Path, broken: int
) -> None:
    path = set_back(tmp_path / "r.jsonl", 0)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2 * broken + 2] = b'{"t":"in", this is no line\n'
    path.write_bytes(b"".join(lines))
    told = came_to(swept(path))
    assert told == [alone(Trading, parameters, path) for parameters in GRID]
    assert sum("DamagedRecording" in x for x in told) >= 2
    if broken > 2:
        assert any(x.startswith("{") for x in told)


def test_a_recording_without_events_begins_and_ends_each_run(tmp_path: Path) -> None:
    path = journal(tmp_path / "r")
    told = came_to(swept(path, GRID[:8]))
    assert told == [alone(Trading, parameters, path) for parameters in GRID[:8]]
    assert all(json.loads(x)["events"] == 0 for x in told)


@pytest.mark.usefixtures("block")
def test_each_run_is_told_the_same_at_the_same_moments_as_alone(data: Any) -> None:
    made: list[Noting] = []

    def make(number: int) -> Noting:
        made.append(Noting())
        return made[-1]

    swept(data, {"number": [1, 2, 3]}, make)
    lonely = Noting()
    backtest(lonely, data, contracts=CONTRACTS)
    assert len(made) == 3
    assert all(noting.told == lonely.told for noting in made)
    assert lonely.told[0][1] == "start"
    assert lonely.told[-1][1] == "stop"


def test_several_data_are_each_read_for_their_own_runs(tmp_path: Path) -> None:
    one, two, three = overlapping(tmp_path)
    lost = Gap(subject=None, reason="lost", at=at(1))
    given = {"one": one, "both": [two, three], "none": [(1, lost)]}
    report = swept(given, GRID[:8])
    expected = [
        alone(Trading, parameters, given[name])
        for name in given
        for parameters in GRID[:8]
    ]
    assert came_to(report) == expected
    assert [row.data for row in report.rows[::8]] == ["one", "both", "none"]


# -- once ------------------------------------------------------------------------------


class Unlinking(Strategy):
    """Removes its data as soon as it has begun: nobody can open it again."""

    path = Path()
    number = 0

    def on_start(self, desk: Desk) -> None:
        self.path.unlink(missing_ok=True)


def test_data_is_read_once_for_runs_that_are_side_by_side(tmp_path: Path) -> None:
    path = over_midnight(tmp_path / "r.jsonl")
    rows = swept(path, [{"path": path, "number": n} for n in range(4)], Unlinking).rows
    assert [row.report and row.report.events for row in rows] == [8] * 4


def test_no_more_than_a_block_is_read_ahead() -> None:
    asked = 0

    def events() -> Iterator[Any]:
        nonlocal asked
        for told in EVENTS * 100:
            asked += 1
            yield told

    blocks = Reading(events()).blocks()
    assert [len(next(blocks)) for _ in range(2)] == [2_048] * 2
    assert asked == 2 * 2_048


def test_memory_of_a_sweep_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    most = []
    for count in (5_000, 5_000, 20_000):
        deltas = (DELTA % (n, "-1.00" if n % 2 else "1.00") for n in range(2, count))
        path = journal(tmp_path / f"{count}", SNAPSHOT % 1, *deltas)
        tracemalloc.start()
        try:
            rows = swept(path, {"how": ["none"] * 3}, Quiet).rows
            most.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert [row.report and row.report.events > count - 2 for row in rows] == [1] * 3
    _, few, many = most
    # To keep as little as a tuple of each shows.
    assert many - few < 500_000


class Quiet(Strategy):
    """Only looks."""

    how = ""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        assert book.asks


# -- what runs have in common ----------------------------------------------------------


DRAWS: list[dict[str, Any]] = [
    {"seed": seed, "precision": 5 + seed % 7} for seed in range(6)
]


@pytest.fixture
def own_decimals() -> Iterator[None]:
    with decimal.localcontext():
        yield


@pytest.mark.usefixtures("own_decimals")
@pytest.mark.parametrize(("workers", "size"), [(1, 1), (1, 3), (2, 2_048)])
def test_random_numbers_and_decimals_of_a_run_are_its_own(
    tmp_path: Path, workers: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unified_exchanges.backtesting.reading._BLOCK", size)
    path = over_midnight(tmp_path / "r.jsonl")
    told = came_to(swept(path, DRAWS, Drawing, workers))
    assert told == [alone(Drawing, parameters, path) for parameters in DRAWS]
    assert len(set(told)) == len(DRAWS)


@pytest.mark.usefixtures("own_decimals")
@pytest.mark.parametrize("is_stored", [True, False])
def test_who_sweeps_keeps_its_random_numbers_and_decimals(
    tmp_path: Path, is_stored: bool
) -> None:
    data: Any = over_midnight(tmp_path / "r.jsonl") if is_stored else EVENTS
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - what strategies do
    expected = random.random(), np.random.rand()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - what strategies do
    precision = decimal.getcontext().prec
    swept(data, DRAWS, Drawing)
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002
    assert decimal.getcontext().prec == precision


def test_runs_that_seed_nothing_draw_others_each_and_the_same_on_any_engine(
    tmp_path: Path,
) -> None:
    path = over_midnight(tmp_path / "r.jsonl")
    grid = {"number": [1, 1, 1, 1]}
    here, there = (came_to(swept(path, grid, Unseeded, n)) for n in (1, 2))
    assert here == there
    assert len(set(here)) == 4


# -- in other processes ----------------------------------------------------------------


MORTAL: list[dict[str, Any]] = [
    {"seed": n, "dies": n == 2, "last": 5, "how": "raise" if n == 4 else ""}
    for n in range(6)
]
ENDED = (
    "ProcessEnded: the run ended its process: it exited, crashed or was killed, as for "
    "want of memory"
)
"""What becomes of the run to blame, on any engine."""


def test_of_runs_side_by_side_only_the_one_that_ends_its_process_fails(
    tmp_path: Path,
) -> None:
    path = over_midnight(tmp_path / "r.jsonl")
    seen: list[SweepProgress] = []
    report = sweep(
        Ending, MORTAL, path, contracts=CONTRACTS, workers=2, progress=seen.append
    )
    told = came_to(report)
    assert told.pop(2) == ENDED
    others = [x for x in MORTAL if not x["dies"]]
    assert told == [alone(Ending, parameters, path) for parameters in others]
    assert [(x.done, x.failed) for x in seen] == [
        *((1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (6, 2))
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_exits_is_a_failure_of_that_run_alone(
    tmp_path: Path, workers: int
) -> None:
    path = over_midnight(tmp_path / "r.jsonl")
    grid = [{"last": 5, "how": how} for how in ("book", "exit", "timer")]
    first, left, last = came_to(
        sweep(Trading, grid, path, contracts=CONTRACTS, workers=workers)
    )
    assert "SystemExit" in left
    assert "enough after 5" in left
    assert [first, last] == [alone(Trading, grid[n], path) for n in (0, 2)]


def escaped(path: Path, hows: list[str], **engine: Any) -> list[str]:
    grid = [{"how": how} for how in hows]
    told = came_to(sweep(Escaping, grid, path, contracts=CONTRACTS, **engine))
    return [x if ": it is " in x else "" for x in told]


ESCAPED = {
    "": "",
    "canceled": "CancelledError: it is canceled",
    "closed": "GeneratorExit: it is closed",
    "own": "Own: it is own",
    "interrupted": "KeyboardInterrupt: it is interrupted",
}


@pytest.mark.parametrize("workers", [1, 2])
def test_whatever_a_run_raises_is_a_failure_of_that_run_alone(
    tmp_path: Path, workers: int
) -> None:
    path = over_midnight(tmp_path / "r.jsonl")
    # In this process it may be the user's.
    hows = [how for how in ESCAPED if workers > 1 or how != "interrupted"] + [""]
    expected = [ESCAPED[how] for how in hows]
    assert escaped(path, hows, workers=workers) == expected


@pytest.mark.parametrize("beside", [[], [""]])
def test_in_this_process_an_interrupt_stops_the_sweep(
    tmp_path: Path, beside: list[str]
) -> None:
    path = over_midnight(tmp_path / "r.jsonl")
    with pytest.raises(KeyboardInterrupt):
        escaped(path, ["interrupted", *beside], workers=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep_stops_at_the_first_failure_in_the_order_of_its_grid(
    tmp_path: Path, workers: int
) -> None:
    path = over_midnight(tmp_path / "r.jsonl")
    # The later one fails earlier in its data.
    grid = [{"last": n, "how": "raise"} for n in (100, 7, 2)]
    report = sweep(
        Trading, grid, path, contracts=CONTRACTS, workers=workers, stop_on_failure=True
    )
    assert (len(report.rows), report.left) == (2, 1)
    assert "at event 7" in str(report.failed)


def test_a_row_that_cannot_be_sent_back_is_a_failure_of_that_run_alone(
    tmp_path: Path,
) -> None:
    path = over_midnight(tmp_path / "r.jsonl")
    grid = {"what": [Staying(n) for n in (1, 2, 3, 4)]}
    report = swept(path, grid, Taking, 2)
    assert [row.number for row in report.failed] == [2]
    assert "it stays here" in str(report.failed[0].failure)


# -- on a cluster ----------------------------------------------------------------------

PATIENT = pytest.mark.timeout(400)
"""Workers and the processes of their runs start one after another, each in seconds, and in
many times as many where much else is done: nothing says by then that they hang."""


@PATIENT
def test_on_a_cluster_only_the_run_that_ends_its_worker_fails(tmp_path: Path) -> None:
    from dask import config
    from distributed import LocalCluster

    path = over_midnight(tmp_path / "r.jsonl")
    with (
        # The scheduler gives a task up when the first worker has died of it.
        config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
        ) as cluster,
    ):
        report = sweep(
            Ending,
            MORTAL,
            path,
            contracts=CONTRACTS,
            engine="dask",
            scheduler=cluster.scheduler_address,
        )
    told = came_to(report)
    assert told.pop(2) == ENDED
    [failed] = [x for x in report.failed if x.parameters["dies"]]
    assert failed.failure is not None
    # What the engine said is there for who looks for it.
    assert "ProcessEnded" in failed.failure.trace
    others = [x for x in MORTAL if not x["dies"]]
    assert told == [alone(Ending, parameters, path) for parameters in others]


@PATIENT
def test_threads_of_one_worker_draw_random_numbers_of_their_own(tmp_path: Path) -> None:
    from distributed import LocalCluster

    paths = {f"{n}": over_midnight(tmp_path / f"{n}.jsonl") for n in range(4)}
    with LocalCluster(
        n_workers=1,
        threads_per_worker=4,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
    ) as cluster:
        report = sweep(
            Drawing,
            DRAWS,
            paths,
            contracts=CONTRACTS,
            engine="dask",
            scheduler=cluster.scheduler_address,
        )
    assert came_to(report) == [
        alone(Drawing, parameters, path)
        for path in paths.values()
        for parameters in DRAWS
    ]


# -- how many --------------------------------------------------------------------------


def sizes(runs: int, workers: int, *data: Any) -> list[int]:
    named = {str(n): found for n, found in enumerate(data or (Path("r"),))}
    pairs = [(name, n) for name in named for n in range(runs)]
    trials = [
        Trial(number=number, data=name, parameters={"n": n})
        for number, (name, n) in enumerate(pairs, 1)
    ]
    setup = Setup(
        make=Strategy,
        markets=None,
        data=named,
        paths=[],
        contracts=[],
        cash=1,
        delays=None,
        sample=timedelta(minutes=1),
        guards=GuardPolicy(),
        keeps_reports=True,
    )
    found = grouped(setup, trials, workers)
    assert [trial for group in found for trial in group] == trials
    assert all(len({trial.data for trial in group}) == 1 for group in found)
    return [len(group) for group in found]


@pytest.mark.parametrize(
    ("runs", "workers", "expected"),
    [
        (1, 1, [1]),
        (16, 1, [16]),
        (17, 1, [8, 9]),
        (64, 2, [16] * 4),
        (6, 4, [1, 2, 1, 2]),
        (3, 8, [1, 1, 1]),
        # Two rounds of three, not one of three and one more.
        (64, 3, [10, 11, 11, 10, 11, 11]),
    ],
)
def test_groups_are_small_enough_and_leave_no_worker_without_any(
    runs: int, workers: int, expected: list[int]
) -> None:
    assert sizes(runs, workers) == expected


def test_runs_over_as_many_data_as_there_are_workers_are_not_parted() -> None:
    path = Path("r")
    assert sizes(8, 2, *[path] * 7) == [8] * 7
    assert sizes(8, 4, path, [path, path]) == [4] * 4


def test_runs_over_events_in_memory_go_alone() -> None:
    assert sizes(3, 1, EVENTS, Path("r"), []) == [1, 1, 1, 3, 1, 1, 1]
