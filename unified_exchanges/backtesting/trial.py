"""One run of a sweep: what makes it, and what it came to, in whatever process."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias, cast

import attrs

from ..errors import BadRequest
from ..money import Number
from ..paper import Contract, Delays
from ..strategies import Strategy
from ..version import VERSION
from .running import backtest
from .sources import Data
from .sweep_report import SweepFailure, SweepRow, row_of

__all__ = ["Make", "Setup", "Trial", "check_names", "inspected", "play", "play_shipped"]

Make: TypeAlias = Callable[..., Strategy]
"""A subclass of `Strategy`, or what gives one for parameters."""


@attrs.frozen(kw_only=True)
class Trial:
    """One combination of parameters over one of the data."""

    number: int
    data: str
    parameters: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Setup:
    """What all runs of a sweep have in common."""

    make: Make
    markets: Sequence[str] | None
    data: Mapping[str, Data]
    paths: Sequence[Path]
    contracts: Sequence[Contract]
    cash: Number
    delays: Delays | None
    sample: timedelta
    keeps_reports: bool


def check_names(make: Make, names: Iterable[str]) -> None:
    """Refuse parameters that nothing takes, before anything runs."""
    if _is_kind(make):
        taken, takes_all = _taken(make)
        for name in names:
            if name not in taken and not takes_all and not _is_attribute(make, name):
                known = sorted(taken | set(filter(_public(make), dir(make)))) or [
                    "none"
                ]
                message = f"{make.__name__} has no parameter {name!r}; there are: "
                raise BadRequest(message + ", ".join(known))
        names = [name for name in names if name in taken]
    try:
        inspect.signature(make).bind(**dict.fromkeys(names))
    except TypeError as error:
        raise BadRequest(f"{make!r} cannot be called so: {error}") from error
    except ValueError:
        return  # built in C: it will say itself


def _is_kind(make: Make) -> bool:
    return inspect.isclass(make) and issubclass(make, Strategy)


def _taken(make: Make) -> tuple[set[str], bool]:
    """The keywords of a call, and whether it takes any other."""
    found = inspect.signature(make).parameters.values()
    named = {
        x.name for x in found if x.kind in (x.POSITIONAL_OR_KEYWORD, x.KEYWORD_ONLY)
    }
    return named, any(x.kind is x.VAR_KEYWORD for x in found)


def _is_attribute(make: Make, name: str) -> bool:
    return hasattr(make, name) and not callable(getattr(make, name))


def _public(make: Make) -> Callable[[str], bool]:
    return lambda name: not name.startswith("_") and _is_attribute(make, name)


def _made(setup: Setup, parameters: Mapping[str, Any]) -> Strategy:
    given = dict(parameters)
    others: dict[str, Any] = {}
    if _is_kind(setup.make):
        taken, takes_all = _taken(setup.make)
        if not takes_all:
            others = {name: given.pop(name) for name in parameters if name not in taken}
    strategy = setup.make(**given)
    if not isinstance(strategy, Strategy):
        raise BadRequest(f"{setup.make!r} gave no Strategy but {strategy!r}")
    for name, value in others.items():
        setattr(strategy, name, value)
    if setup.markets is not None:
        strategy.markets = setup.markets
    return strategy


def play(setup: Setup, trial: Trial) -> SweepRow:
    """Run it; what it raises is told, as the runs do not concern each other."""
    try:
        report = backtest(
            _made(setup, trial.parameters),
            setup.data[trial.data],
            contracts=setup.contracts,
            cash=setup.cash,
            delays=setup.delays,
            sample=setup.sample,
        )
    except Exception as error:  # noqa: BLE001 - a strategy may raise anything
        told = "".join(traceback.format_exception(error))
        failure = SweepFailure(
            error=type(error).__name__, message=str(error), trace=told
        )
        return row_of(trial.number, trial.data, trial.parameters, failure)
    row = row_of(trial.number, trial.data, trial.parameters, report)
    return row if setup.keeps_reports else attrs.evolve(row, report=None)


# -- in another process ----------------------------------------------------------------


@lru_cache(maxsize=1)
def _loaded(payload: bytes) -> Setup:
    """Unpack what all runs share once in each process, not for each run."""
    import pickle  # noqa: PLC0415 - only sweeps over processes do

    return cast("Setup", pickle.loads(payload))  # noqa: S301 - from who started us


def inspected(payload: bytes) -> tuple[str, list[str]]:
    """What a process has: the version of this library; and which data it cannot see."""
    setup = _loaded(payload)
    return VERSION, [str(path) for path in setup.paths if not path.exists()]


def play_shipped(payload: bytes, trial: Trial) -> SweepRow:
    """As `play`, of what was packed by who started it."""
    return play(_loaded(payload), trial)
