"""`sweep`: a backtest for each combination of parameters, over each of the data."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from ..errors import BadRequest
from ..guards import GuardPolicy
from ..money import Number
from ..paper import Contract, Delays
from ..strategies.given import (
    check_limits,
    check_markets,
    check_some,
    mistaken,
    read_cash,
    read_contracts,
    read_delays,
    read_guards,
    read_sample,
)
from .cluster import on_cluster
from .contracts import contracts_told
from .copying import copied, copied_make
from .guarding import check_guards
from .processes import in_processes, in_this_process
from .sources import Data, check
from .sweep_report import SweepProgress, SweepReport, SweepRow
from .trial import Make, Setup, Trial, check_make, check_names

__all__ = ["Grid", "sweep"]


Grid: TypeAlias = "Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]"
"""The values of each parameter, of which all combinations run; or the combinations."""


def sweep(
    make: Make,
    grid: Grid,
    data: Data | Mapping[str, Data],
    *,
    contracts: Iterable[Contract] | None = None,
    cash: Number = "10000",
    delays: Delays | None = None,
    sample: timedelta | None = None,
    guards: GuardPolicy | None = None,
    markets: Sequence[str] | None = None,
    engine: Literal["local", "dask"] = "local",
    scheduler: str | None = None,
    workers: int | None = None,
    stop_on_failure: bool = False,
    keep_reports: bool = True,
    progress: Callable[[SweepProgress], object] | None = None,
) -> SweepReport:
    """Run a backtest for each combination of parameters; gives a row for each.

    ``make`` is called with the parameters as keywords and gives the strategy.  Of a
    subclass of `Strategy`, parameters that its ``__init__`` does not take are set as
    attributes, which the class must have; ``markets`` take the place of its own.

    ``grid`` is the values of each parameter, such as ``{"size": [10, 20]}``: the last one
    changes fastest.  Or it is the combinations themselves.  ``data`` is what `backtest`
    takes, or a mapping of names to such: then every combination runs over each of them,
    one after another.  Events in memory must be in a list: an iterator is read but once.
    ``contracts`` are as in `backtest`; None reads those of ``markets``, or of the class, out of
    the paths, else all that they tell of: a function that makes strategies with markets of
    their own is given ``contracts`` or ``markets``.

    ``engine="local"`` runs on processes of this machine (extra ``sweep``), ``workers`` at
    a time, one of each core if it is not said; ``workers=1`` is this process.
    ``engine="dask"`` runs on the cluster whose scheduler is at the address ``scheduler``
    (extra ``dask``).  Rows come in the order of the grid and are the same on any engine.
    Of a recording or its tables, up to sixteen runs are played side by side over one read,
    and each comes to what `backtest` of it gives, whatever the others do.  Random numbers of
    ``random`` and ``numpy.random`` and the context of decimals are those of the run: the
    generators begin by its number.  Parameters, ``markets`` and what a `functools.partial`
    was given are copied for each run, with all that is within them.  All else of a process is
    shared: a strategy must keep nothing in its class or module.

    A run that raises is a row with a ``failure``, whatever it raises; the others go on, or
    end there with ``stop_on_failure``.  Only with ``workers=1`` a KeyboardInterrupt of a
    strategy ends the sweep, as Ctrl-C does.  ``keep_reports=False`` keeps the figures only.

    Raises `BadRequest`, before anything runs, for parameters that nothing takes or that cannot
    be copied, data that is not there and what cannot be sent to another process;
    `NetworkError` where no scheduler answers; ImportError without the extra.

    >>> from unified_exchanges.strategies import Strategy
    >>> class Maker(Strategy):
    ...     size = 10
    >>> from unified_exchanges import OrderBook
    >>> book = OrderBook(venue="kalshi", market_id="M", outcome="yes", bids=(), asks=())
    >>> told = sweep(Maker, {"size": [10, 20]}, [(0, book)], contracts=[], workers=1)
    >>> [(row.parameters, row.pnl) for row in told.rows]
    [({'size': 10}, Decimal('0')), ({'size': 20}, Decimal('0'))]
    """
    check_make(make)
    _check_terms(cash, delays, sample, markets, progress)
    named, policy = _named(data), read_guards(guards)
    if contracts is None:
        wanted = markets or cast("Sequence[str]", getattr(make, "markets", ()))
        contracts = contracts_told(_all(named.values()), wanted)
    traded = read_contracts(contracts)
    check_guards(policy, traded)
    setup = Setup(
        make=copied_make(make),
        markets=_settled_markets(markets),
        data=named,
        paths=[path for given in named.values() for path in _paths(given)],
        contracts=traded,
        cash=cash,
        delays=delays,
        sample=sample,
        guards=policy,
        keeps_reports=keep_reports,
    )
    trials = _trials(make, grid, named)
    _check(engine, scheduler, workers)
    if engine == "dask":
        rows = on_cluster(
            setup, trials, scheduler or "", _waiting(progress, len(trials), scheduler)
        )
    elif workers == 1:
        rows = in_this_process(setup, trials)
    else:
        rows = in_processes(setup, trials, workers)
    found = _collected(rows, len(trials), progress, stops=stop_on_failure)
    name = getattr(make, "__name__", type(make).__name__)
    return SweepReport(strategy=name, rows=found, left=len(trials) - len(found))


def _waiting(
    progress: Callable[[SweepProgress], object] | None,
    total: int,
    scheduler: str | None,
) -> Callable[[timedelta], None]:
    def wait(patience: timedelta) -> None:
        if progress is not None:
            told = SweepProgress(
                done=0,
                total=total,
                failed=0,
                waiting_for=scheduler,
                patience=patience,
            )
            progress(told)

    return wait


def _collected(
    rows: Generator[SweepRow, None, None],
    total: int,
    progress: Callable[[SweepProgress], object] | None,
    *,
    stops: bool,
) -> tuple[SweepRow, ...]:
    found: list[SweepRow] = []
    failed = 0
    with closing(rows):
        for row in rows:
            found.append(row)
            failed += row.failure is not None
            if progress is not None:
                progress(SweepProgress(done=len(found), total=total, failed=failed))
            # In the order of the grid: it ends at the same row, however fast others are.
            if stops and failed:
                break
    return tuple(found)


# -- what is to be run -----------------------------------------------------------------


def _trials(make: Make, grid: Grid, named: Mapping[str, Data]) -> list[Trial]:
    combinations = _combinations(grid)
    for names in {tuple(found): None for found in combinations}:
        if not all(isinstance(name, str) for name in names):
            raise mistaken("grid", grid, "names of parameters as text")
        check_names(make, names)
    pairs = [(name, found) for name in named for found in combinations]
    return [
        Trial(number=number, data=name, parameters=found)
        for number, (name, found) in enumerate(pairs, 1)
    ]


def _combinations(grid: Grid) -> list[dict[str, Any]]:
    if not isinstance(grid, Mapping):
        wanted = 'values by name, {"size": [10, 20]}, or combinations, [{"size": 10}]'
        given: object = grid
        if not isinstance(given, Sequence) or not all(
            isinstance(one, Mapping) for one in given
        ):
            raise mistaken("grid", grid, wanted)
        memo: dict[int, Any] = {}
        found = [copied(one, memo) for one in grid]
        if not found:
            raise BadRequest("the grid has no combination of parameters")
        return found
    axes = copied({name: _values(name, values) for name, values in grid.items()})
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def _values(name: str, given: object) -> list[Any]:
    """Those of a parameter."""
    if hasattr(given, "tolist"):  # it has no one truth value, and no short words
        kind = type(given).__name__
        raise BadRequest(
            f"the values of {name!r} are no list but {kind}: give .tolist()"
        )
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise BadRequest(
            f"the values of {name!r} are no list of at least one: {given!r}"
        )
    return list(given)


def _named(data: Data | Mapping[str, Data]) -> dict[str, Data]:
    if not isinstance(data, Mapping):
        return {"": _settled(data)}
    if not data:
        raise BadRequest("the mapping of data is empty: name at least one")
    return {str(name): _settled(found) for name, found in data.items()}


def _settled(data: Data) -> Data:
    """Data that can be read again and again, from wherever a run is."""
    check(data)
    check_some(data)
    if isinstance(data, str | PathLike):
        return Path(data).absolute()
    if not isinstance(data, Sequence):
        raise BadRequest(
            f"{data!r} can be read but once, and a sweep reads it for each run: give a list"
        )
    if data and isinstance(data[0], str | PathLike):
        paths = cast("Sequence[str | PathLike[str]]", data)
        return [Path(path).absolute() for path in paths]
    return data


def _settled_markets(given: Sequence[str] | None) -> Sequence[str] | None:
    """The same in one order, which that of a set is not in another process."""
    return given if given is None or isinstance(given, list) else tuple(given)


def _all(some: Iterable[Data]) -> list[object]:
    """All paths, or events, of some data that was settled."""
    lists = ([x] if isinstance(x, Path) else cast("Sequence[object]", x) for x in some)
    return [x for each in lists for x in each]


def _paths(data: Data) -> list[Path]:
    if isinstance(data, Path):
        return [data]
    found = cast("Sequence[object]", data)
    return [x for x in found if isinstance(x, Path)] if _is_of_paths(found) else []


def _is_of_paths(data: Sequence[object]) -> bool:
    return bool(data) and isinstance(data[0], Path)


def _check_terms(
    cash: Number,
    delays: Delays | None,
    sample: timedelta | None,
    markets: Sequence[str] | None,
    progress: object,
) -> None:
    """What would fail each run alike is refused before any."""
    read_cash(cash)
    read_delays(delays)
    read_sample(sample)
    check_limits(progress=progress)
    if markets is not None:
        check_markets(markets)


def _check(engine: str, scheduler: str | None, workers: int | None) -> None:
    if engine not in {"local", "dask"}:
        raise BadRequest(f"engine {engine!r} is neither 'local' nor 'dask'")
    if engine == "dask" and not scheduler:
        raise BadRequest(
            "engine='dask' needs the address of a scheduler: tcp://host:8786"
        )
    if engine == "local" and scheduler:
        raise BadRequest(f"scheduler {scheduler!r} is for engine='dask'")
    count: object = workers
    if isinstance(count, bool) or not isinstance(count, int | None):
        raise mistaken("workers", workers, "a whole number of processes, or None")
    if workers is not None and (workers < 1 or engine == "dask"):
        raise BadRequest(
            f"workers={workers}: at least one, on this machine; a cluster has its own"
        )
