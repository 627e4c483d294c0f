"""The command that backtests a strategy for each combination of parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from ..backtesting import SweepProgress, SweepReport, SweepRow, sweep
from ..backtesting.contracts import contracts_of, terms_of
from ..backtesting.sources import Data
from ..errors import BadRequest
from ..models.record import plain
from ..money import read_number
from ..paper import Delays
from ..strategies import Strategy
from . import loading
from .backtest_options import (
    Cash,
    EventDelay,
    MarketsFrom,
    NoFees,
    OrderDelay,
    Sample,
    check_told,
    read_paths,
)
from .command import guarded, plain_command
from .exits import Exit
from .idle import beside, set_to
from .layout import Column
from .options import Debug, Json, spacing
from .progress import shown
from .screen import Screen
from .strategies import File, Markets, markets_told_in, read_cash

__all__ = ["add_to"]

_IDLE = (
    set_to("engine", {"local"}, "scheduler", why="which is this machine"),
    set_to("engine", {"dask"}, "workers", why="as a cluster has its own"),
    beside(
        "as_json", "best", "lowest", why="whose rows are in the order of the parameters"
    ),
)


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    plain_command(app, "sweep", "Practise", idle=_IDLE)(sweep_strategy)


def sweep_strategy(
    file: File,
    markets: Markets = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="PATH",
            help="A recording, or a folder that `convert` made; each runs by itself.",
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME=VALUE,...",
            help="The values of a parameter; again for more, the last changes fastest.",
        ),
    ] = None,
    best: Annotated[
        str, typer.Option("--best", metavar="FIGURE", help="By which rows are sorted.")
    ] = "pnl",
    lowest: Annotated[
        bool | None,
        typer.Option(
            "--lowest/--highest",
            help="Which is the best; if not said, as it is with that figure.",
        ),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Merge all --data into one by time.")
    ] = False,
    engine: Annotated[
        str, typer.Option("--engine", help="local, or dask with --scheduler.")
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="tcp://HOST:PORT", help="Of Dask."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Processes; one of each core if not said."),
    ] = None,
    stop_on_failure: Annotated[
        bool, typer.Option("--stop-on-failure", help="End at the first that fails.")
    ] = False,
    cash: Cash = "10000",
    order_delay: OrderDelay = 0,
    event_delay: EventDelay = 0,
    sample: Sample = None,
    markets_from: MarketsFrom = None,
    no_fees: NoFees = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    r"""Run a strategy over recordings for each combination of parameters.

    A parameter is an argument of the strategy's `__init__`, or an attribute of its class,
    and its values are read as what that is by default. Failures are told, the others go
    on; the exit code is then 8. Needs the extra `sweep`.
    """
    screen = Screen(as_json=as_json, debug=debug)
    with guarded(screen):
        paths = read_paths(data)
        _check_repeated(paths)
        began_with = read_cash(cash)
        every = None if sample is None else spacing(sample, "--sample")
        # A name that is no figure is refused now, not after an hour.
        SweepReport(strategy="", rows=()).ranked(best)
        with screen.results_alone():
            kind = loading.strategy_class(file)
        grid = _grid(kind, param or [])
        check_told(paths)
        recordings = terms_of((*(markets_from or ()), *paths))
        wanted = markets or kind.markets or markets_told_in(screen, paths)
        found = contracts_of(
            recordings, wanted, data=paths, fees=not no_fees, advice=loading.ADVICE
        )
        together = together or len(paths) == 1
        total = prod(map(len, grid.values())) * (1 if together else len(paths))
        with screen.results_alone(), shown(screen, total, "runs") as show:

            def tell(so_far: SweepProgress) -> None:
                if so_far.patience is not None:
                    screen.note(_waiting(so_far.waiting_for, so_far.patience))
                    return
                show(so_far.done, f"of {so_far.total:,}  {so_far.failed:,} failed")

            try:
                report = sweep(
                    kind,
                    grid,
                    _data(paths, together=together),
                    contracts=found,
                    cash=began_with,
                    delays=Delays(
                        order=order_delay * 1_000_000, event=event_delay * 1_000_000
                    ),
                    sample=every,
                    markets=markets or None,
                    engine=cast("Literal['local', 'dask']", engine),
                    scheduler=scheduler,
                    workers=workers,
                    stop_on_failure=stop_on_failure,
                    keep_reports=False,
                    progress=tell,
                )
            except ImportError as error:
                raise BadRequest(str(error)) from error
        _tell(screen, report, best, lowest=lowest)
        if report.failed:
            raise typer.Exit(Exit.INCOMPLETE)


def _waiting(scheduler: str | None, patience: timedelta) -> str:
    until = datetime.now(UTC) + patience
    return (
        f"waiting for the scheduler at {scheduler}, until {until:%H:%M:%S} UTC at most"
    )


def _check_repeated(paths: Sequence[Path]) -> None:
    """Refuse what would be run once and was named twice."""
    if repeated := [path for path in paths if paths.count(path) > 1]:
        raise BadRequest(f"--data {repeated[0]} is there twice: name it once")


def _data(paths: Sequence[Path], *, together: bool) -> Data | Mapping[str, Data]:
    if together:
        return paths
    return {str(path): path for path in paths}


# -- parameters ------------------------------------------------------------------------


def _grid(kind: type[Strategy], given: Sequence[str]) -> dict[str, list[Any]]:
    defaults = {
        name: x.default for name, x in inspect.signature(kind).parameters.items()
    }
    grid: dict[str, list[Any]] = {}
    for one in given:
        name, equals, values = one.partition("=")
        if not name or not equals or not values:
            raise BadRequest(f"--param {one!r} is not of the form NAME=VALUE,VALUE")
        if name in grid:
            raise BadRequest(
                f"--param {name} is there twice: write all its values once"
            )
        default = defaults.get(name, getattr(kind, name, None))
        try:
            grid[name] = [_value(text.strip(), default) for text in values.split(",")]
        except ValueError as error:
            raise BadRequest(
                f"--param {one}: {error}, as {name} of {kind.__name__} is (by "
                f"default {plain(default)})"
            ) from error
    return grid


def _truth(text: str) -> bool:
    found = {"true": True, "false": False}.get(text.lower())
    if found is None:
        raise ValueError(text)
    return found


_KINDS: tuple[tuple[type, Callable[[str], object], str], ...] = (
    (bool, _truth, "true or false"),
    (int, int, "a whole number such as 10"),
    (float, float, "a number such as 0.5"),
    (Decimal, read_number, "a number such as 0.55"),
)


def _value(text: str, default: object) -> Any:
    """A value as what its default is; without one a number is a number."""
    if isinstance(default, Enum):
        members = type(default).__members__
        if text not in members:
            raise ValueError(f"{text!r} is not one of {', '.join(members)}")
        return members[text]
    for kind, read, words in _KINDS:
        if isinstance(default, kind):
            try:
                return read(text)
            except ValueError as error:
                raise ValueError(f"{text!r} is not {words}") from error
    if default not in (None, inspect.Parameter.empty) and not isinstance(default, str):
        raise ValueError(
            f"{text!r} is text, and no {type(default).__name__}: call sweep() in Python"
        )
    if isinstance(default, str) or not re.fullmatch(r"-?\d+(\.\d+)?", text):
        return text
    return read_number(text) if "." in text else int(text)


# -- what came of it -------------------------------------------------------------------


def _tell(
    screen: Screen, report: SweepReport, best: str, *, lowest: bool | None
) -> None:
    ranked = report.ranked(best, lowest=lowest)
    if screen.as_json:
        screen.line(report)
    else:
        numbers = {row.number for row in ranked}
        rest = [row for row in report.rows if row.number not in numbers]
        screen.table([*ranked, *rest], _columns(report), empty="no runs")
    # Most runs say the same of what they ran over.
    notes = (note.text for row in report.rows for note in row.notes)
    for words in dict.fromkeys(notes):
        screen.note(words)
    for row in report.failed:
        assert row.failure is not None
        told = " ".join(f"{k}={_word(v)}" for k, v in row.parameters.items())
        where = " ".join(filter(None, (told, row.data)))
        name = f"run {row.number} ({where})" if where else f"run {row.number}"
        screen.note(f"{name} failed: {row.failure.error}: {row.failure.message}")
    if report.left:
        screen.note(f"{report.left:,} runs were not made")


def _columns(report: SweepReport) -> list[Column[SweepRow]]:
    names = list(dict.fromkeys(name for x in report.rows for name in x.parameters))
    columns: list[Column[SweepRow]] = [Column("run", lambda x: str(x.number), rank=3)]
    if len({row.data for row in report.rows}) > 1:
        columns.append(Column("data", lambda x: x.data, flexible=True))
    columns += [_parameter(name) for name in names]
    # A run whose every order was refused lost nothing: it is not to look like the best.
    is_refused = any(row.refused for row in report.rows)
    refused = Column[SweepRow]("refused", lambda x: _count(x.refused), rank=1)
    return [
        *columns,
        Column("P&L", lambda x: x.pnl, places=2, unit="$"),
        Column("fees", lambda x: x.fees, rank=2, places=2, unit="$"),
        Column("drawdown", lambda x: x.max_drawdown, rank=1, places=2, unit="$"),
        Column("turnover", lambda x: x.turnover, rank=4, places=2, unit="$"),
        Column("orders", lambda x: _count(x.order_count), rank=5),
        Column("fills", lambda x: _count(x.fills), rank=1),
        *([refused] if is_refused else []),
        Column("failed", lambda x: x.failure.error if x.failure else "", rank=6),
    ]


def _parameter(name: str) -> Column[SweepRow]:
    return Column(name, lambda x: _word(x.parameters.get(name)))


def _word(value: object) -> str:
    """A value as `--param` takes it."""
    return value.name if isinstance(value, Enum) else str(plain(value))


def _count(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"
