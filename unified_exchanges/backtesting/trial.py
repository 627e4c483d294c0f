"""One run of a sweep: what makes it, and what is told if it fails."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from ..errors import BadRequest
from ..guards import GuardPolicy
from ..money import Number
from ..paper import Contract, Delays
from ..strategies import Strategy
from ..strategies.given import mistaken
from ..wording import words_of
from .copying import copied, copied_make
from .sources import Data
from .sweep_report import SweepFailure, SweepRow, row_of

__all__ = [
    "Make",
    "Setup",
    "Trial",
    "check_make",
    "check_names",
    "failure_of",
    "made",
]

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
    sample: timedelta | None
    guards: GuardPolicy
    keeps_reports: bool


def check_make(given: object) -> None:
    """Refuse what makes no strategy, such as one that is made already."""
    if callable(given):
        return
    wanted = "a subclass of Strategy, or a function that gives one"
    if isinstance(given, Strategy):
        wanted = f"its class, {type(given).__name__}, which is made for each run"
    raise mistaken("make", given, wanted)


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
        raise BadRequest(f"{make!r} cannot be called so: {words_of(error)}") from error
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


def made(setup: Setup, parameters: Mapping[str, Any]) -> Strategy:
    """Make the strategy of a run, which may do with all that it is given as it likes."""
    given = copied(parameters)
    others: dict[str, Any] = {}
    if _is_kind(setup.make):
        taken, takes_all = _taken(setup.make)
        if not takes_all:
            others = {name: given.pop(name) for name in parameters if name not in taken}
    strategy = copied_make(setup.make)(**given)
    if not isinstance(strategy, Strategy):
        raise BadRequest(f"{setup.make!r} gave no Strategy but {strategy!r}")
    for name, value in others.items():
        setattr(strategy, name, value)
    if setup.markets is not None:
        strategy.markets = copy(setup.markets)
    return strategy


def failure_of(trial: Trial, error: BaseException) -> SweepRow:
    """The row of a run that has no figures, as this was raised."""
    failure = SweepFailure(
        error=type(error).__name__,
        message=words_of(error),
        trace="".join(traceback.format_exception(error)),
    )
    return row_of(trial.number, trial.data, trial.parameters, failure)
