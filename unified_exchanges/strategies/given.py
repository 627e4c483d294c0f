"""What a caller gave for a run, looked at before anything of it runs."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from reprlib import repr as shortened

from ..errors import BadRequest
from ..guards import GuardPolicy
from ..models import Market
from ..money import ZERO, Number, read_number
from ..paper import Contract, Delays
from .beginning import read_subjects
from .hooks import check_hooks, check_subjects
from .strategy import Strategy

__all__ = [
    "check_exchanges",
    "check_limits",
    "check_markets",
    "check_some",
    "check_strategy",
    "mistaken",
    "read_cash",
    "read_contracts",
    "read_delays",
    "read_guards",
    "read_sample",
]

_MICROSECOND = timedelta(microseconds=1)


def mistaken(name: str, given: object, wanted: str) -> BadRequest:
    """The error that says what was given, and what is wanted in its place.

    >>> print(mistaken("delays", 5, "Delays(order=…, event=…) or None"))
    delays=5: give Delays(order=…, event=…) or None
    """
    return BadRequest(f"{name}={shortened(given)}: give {wanted}")


def check_strategy(given: object) -> None:
    """Refuse what is no strategy, and one that would hear nothing of what it is for."""
    if not isinstance(given, Strategy):
        is_kind = inspect.isclass(given) and issubclass(given, Strategy)
        wanted = f"one that is made, {given.__name__}()" if is_kind else "a Strategy"  # type: ignore[attr-defined]
        raise mistaken("strategy", given, wanted)
    check_hooks(given)
    check_markets(given.markets)
    subjects: object = given.subjects
    if isinstance(subjects, str) or not isinstance(subjects, Collection):
        raise mistaken("subjects", subjects, 'a list, such as ["order_book", "trades"]')
    check_subjects(given, read_subjects(given))


def check_markets(given: object) -> None:
    """Refuse what are no ids of markets."""
    if (
        isinstance(given, str)
        or not isinstance(given, Collection)
        or not all(isinstance(name, str) for name in given)
    ):
        raise mistaken("markets", given, 'a list of ids, such as ["KXFED-26DEC-T3.25"]')


def check_exchanges(given: Sequence[object], kind: type, wanted: str) -> None:
    """Refuse what are no exchanges of the flavour of the run."""
    for each in given:
        if not isinstance(each, kind):
            raise mistaken("exchange", each, wanted)


def read_contracts(given: object) -> tuple[Contract, ...]:
    """Markets with their fees."""
    advice = "a list of contracts, such as [contract_of(exchange, market_id)], or [] for none"
    if isinstance(given, Mapping | str) or not isinstance(given, Iterable):
        raise mistaken("contracts", given, advice)
    found = tuple(given)
    for each in found:
        if isinstance(each, Market):
            raise mistaken(
                "contracts", given, f"{advice}: a Market says nothing of its fees"
            )
        if not isinstance(each, Contract):
            raise mistaken("contracts", given, advice)
    for name, count in Counter(each.market_id for each in found).items():
        if count > 1:
            raise BadRequest(
                f"contracts: market {name!r} was given twice; give it once"
            )
    return found


def read_cash(given: Number) -> Decimal:
    """Dollars to begin with."""
    wanted = 'dollars from 0 on, such as 1000 or "99.50"'
    try:
        cash = read_number(given)
    except ValueError as error:
        raise mistaken("cash", given, wanted) from error
    if cash < ZERO:
        raise mistaken("cash", given, wanted)
    return cash


def read_delays(given: object) -> Delays | None:
    """How late things are."""
    wanted = (
        "Delays(order=…, event=…) in whole nanoseconds, 50_000_000 for 50 ms, or None"
    )
    if given is None:
        return None
    if not isinstance(given, Delays):
        raise mistaken("delays", given, wanted)
    return given


def read_guards(given: object) -> GuardPolicy:
    """What may leave; by default what an exchange lets leave that was told nothing else."""
    if given is None:
        return GuardPolicy()
    if not isinstance(given, GuardPolicy):
        wanted = "GuardPolicy(price_collar=…), or None for those that are on by default"
        raise mistaken("guards", given, wanted)
    return given


def read_sample(given: object) -> int | None:
    """Nanoseconds between points of equity; None where the run chooses."""
    if given is None:
        return None
    if not isinstance(given, timedelta) or given < _MICROSECOND:
        wanted = (
            "a span of time longer than nothing, such as timedelta(minutes=1), or None"
        )
        raise mistaken("sample", given, wanted)
    return given // _MICROSECOND * 1_000


def check_some(data: object) -> None:
    """Refuse a list of no events and no paths: a backtest of nothing says nothing.

    Of an iterator it is told in the report.
    """
    if isinstance(data, Sequence) and not isinstance(data, str) and not data:
        raise mistaken(
            "data",
            data,
            "at least one path or event; where the paths are those of a pattern, no file "
            "is named so",
        )


def check_limits(
    *,
    seconds: object = None,
    stop: object = None,
    progress: object = None,
    keep: object = 0,
) -> None:
    """Refuse what cannot end a run, cannot be told how it does, or is no count."""
    if seconds is not None and (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not isfinite(seconds)
        or seconds < 0
    ):
        raise mistaken("seconds", seconds, "how long it runs, such as 60, or None")
    if stop is not None and not callable(getattr(stop, "is_set", None)):
        raise mistaken("stop", stop, "an Event of the flavour of the run, or None")
    if progress is not None and not callable(progress):
        raise mistaken(
            "progress", progress, "a function that is called with it, or None"
        )
    if isinstance(keep, bool) or not isinstance(keep, int) or keep < 0:
        raise mistaken("keep", keep, "how many of the last are kept, such as 1_000")
