"""What a run does to its parameters and markets is its own affair, wherever it runs."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from unified_exchanges import BadRequest, OrderBook
from unified_exchanges.backtesting import (
    Report,
    SweepProgress,
    SweepReport,
    backtest,
    sweep,
)
from unified_exchanges.strategies import Desk, Place, Strategy

from ..research.test_conversion import DELTA, SNAPSHOT, journal
from ..unmeasured import unmeasured_children
from .test_loop import CONTRACTS, randomly
from .test_sources import kalshi_contract

EVENTS = randomly(random.Random(5), 60)


@pytest.fixture(autouse=True, scope="module")
def unmeasured_workers() -> Iterator[None]:
    with unmeasured_children():
        yield


@pytest.fixture(scope="module")
def scheduler(unmeasured_workers: None) -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
    ) as opened:
        yield opened.scheduler_address


def three() -> list[int]:
    return [1, 2, 3]


class Box:
    """Has a list within."""

    def __init__(self) -> None:
        self.sizes = [[1], [2], [3]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and other.sizes == self.sizes

    __hash__ = None  # type: ignore[assignment]


class Popping(Strategy):
    """Takes one size after another out of what it was given."""

    sizes: Any = None
    more = 0

    def taken(self) -> int | None:
        sizes = self.sizes
        if isinstance(sizes, Box):
            sizes = sizes.sizes
        if isinstance(sizes, dict):
            sizes = sizes["sizes"]
        found = sizes.pop(0) if sizes else None
        return found.pop() if isinstance(found, list) else found

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        size = self.taken()
        if size is not None and book.ask:
            desk.place(book.market_id, "yes", "buy", book.ask.price, size + self.more)


class Given(Popping):
    """The same, of what its `__init__` takes."""

    def __init__(self, sizes: Any = None, more: int = 0) -> None:
        self.sizes, self.more = sizes, more


KINDS: dict[str, Callable[[], Any]] = {
    "a list": three,
    "lists in a list": lambda: [[1], [2], [3]],
    "a list in a dict": lambda: {"sizes": three()},
    "a list in an object": Box,
}
MORE = [0, 1, 2, 3, 4]


def figures(report: SweepReport) -> list[tuple[Any, ...]]:
    assert not report.failed
    return [figured(row.report) for row in report.rows if row.report]


def figured(report: Report) -> tuple[Any, ...]:
    sizes = tuple(each.size for each in report.decisions if isinstance(each, Place))
    return report.pnl, report.turnover, sizes


def alone(sizes: Callable[[], Any], data: Any, contracts: Any) -> list[tuple[Any, ...]]:
    found = []
    for more in MORE:
        report = backtest(Given(sizes(), more), data, contracts=contracts)
        found.append(figured(report))
    assert len(set(found)) == len(MORE)
    return found


@pytest.mark.parametrize(("make", "workers"), [(Popping, 1), (Given, 1), (Popping, 2)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_finds_its_parameters_as_they_were_given(
    make: type[Strategy], kind: str, workers: int
) -> None:
    sizes = KINDS[kind]()
    grid = {"sizes": [sizes], "more": MORE}
    report = sweep(make, grid, EVENTS, contracts=CONTRACTS, workers=workers)
    assert figures(report) == alone(KINDS[kind], EVENTS, CONTRACTS)
    assert [row.parameters["sizes"] for row in report.rows] == [KINDS[kind]()] * 5
    assert sizes == KINDS[kind]()


@pytest.mark.parametrize("workers", [1, 2, None])
def test_so_it_does_beside_others_over_one_read_and_on_a_cluster(
    workers: int | None, scheduler: str, tmp_path: Path
) -> None:
    path = journal(
        tmp_path / "a", SNAPSHOT % 1, *(DELTA % (n, "1") for n in range(2, 9))
    )
    contracts = [kalshi_contract("M")]
    where: dict[str, Any] = {"workers": workers}
    if workers is None:
        where = {"engine": "dask", "scheduler": scheduler}
    grid = [{"sizes": sizes, "more": more} for sizes in [three()] for more in MORE]
    report = sweep(Popping, grid, path, contracts=contracts, **where)
    assert figures(report) == alone(three, path, contracts)
    assert [row.parameters["sizes"] for row in report.rows] == [three()] * 5


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_partial_makes_strategies_with_is_as_it_was_given(workers: int) -> None:
    for make in (partial(Given, three()), partial(Given, sizes=three())):
        grid = {"more": MORE}
        report = sweep(make, grid, EVENTS, contracts=CONTRACTS, workers=workers)
        assert figures(report) == alone(three, EVENTS, CONTRACTS)


def test_parameters_that_are_one_object_are_one_in_a_run() -> None:
    class Both(Strategy):
        one: Any = None
        other: Any = None

        def on_start(self, desk: Desk) -> None:
            desk.log(str(self.one is self.other))

    both = three()
    grids: list[Any] = [
        {"one": [both], "other": [both]},
        [{"one": both, "other": both}],
    ]
    for grid in grids:
        told = sweep(Both, grid, EVENTS, contracts=CONTRACTS, workers=1).rows[0].report
        assert told is not None
        assert [note.text for note in told.notes] == ["True"]


class Leaving(Strategy):
    """Stops following each market of which it was told."""

    number = 0

    def on_start(self, desk: Desk) -> None:
        desk.log(f"{self.markets}")

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if isinstance(self.markets, list):
            self.markets.clear()


@pytest.mark.parametrize(
    ("kind", "workers"), [(list, 1), (list, 2), (tuple, 1), (set, 2)]
)
def test_a_run_finds_its_markets_as_they_were_given(
    kind: Callable[[list[str]], Any], workers: int, tmp_path: Path
) -> None:
    path = journal(tmp_path / "a", SNAPSHOT % 1, DELTA % (2, "1.00"))
    markets = kind(["M"])
    report = sweep(
        Leaving,
        {"number": MORE},
        path,
        contracts=[kalshi_contract("M")],
        markets=markets,
        workers=workers,
    )
    told = [row.report.notes[0].text for row in report.rows if row.report]
    assert told == [str(["M"] if kind is list else ("M",))] * 5
    assert markets == kind(["M"])


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "given",
    [
        threading.Lock(),
        [threading.Lock()],
        (n for n in (1, 2)),
        MappingProxyType({"sizes": 1}),
    ],
    ids=["a lock", "a lock in a list", "a generator", "a frozen mapping"],
)
def test_what_cannot_be_copied_is_refused_on_any_engine(
    given: Any, workers: int
) -> None:
    seen: list[SweepProgress] = []

    def swept(make: Any, grid: Any) -> None:
        with pytest.raises(BadRequest, match=said):
            sweep(
                make,
                grid,
                EVENTS,
                contracts=CONTRACTS,
                workers=workers,
                progress=seen.append,
            )

    said = r"^parameter 'sizes' .*cannot pickle .*: make it"
    swept(Given, {"more": [1], "sizes": [None, given]})
    swept(Given, [{"more": 1}, {"more": 1, "sizes": given}])
    said = r"^what functools.partial.* was given .*cannot pickle .*: make it"
    swept(partial(Given, given), {"more": [1]})
    assert seen == []
