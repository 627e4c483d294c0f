"""The methods of a strategy that a run calls, looked at before anything of it runs."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final

from ..errors import BadRequest
from ..models import Subject
from .strategy import Strategy

__all__ = ["check_hooks", "check_subjects"]

_HOOKS: Final = tuple(name for name in vars(Strategy) if name.startswith("on_"))
_OF_SUBJECTS: Final = {
    "on_book": Subject.ORDER_BOOK,
    "on_trade": Subject.TRADES,
    "on_status": Subject.MARKET_STATUS,
}
_LAZY: Final = (
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)
"""Kinds of functions of which a call alone does nothing."""


def check_hooks(strategy: Strategy) -> None:
    """Refuse methods that would never do anything, or could not be called."""
    for name in dir(strategy):
        if not name.startswith("on_"):
            continue
        found: object = inspect.getattr_static(strategy, name)
        found = getattr(found, "__func__", found)
        if name not in _HOOKS and callable(found):
            raise BadRequest(_unheard(name))
        if any(is_lazy(found) for is_lazy in _LAZY):
            raise BadRequest(
                f"{name} of a strategy is a plain function: write it with `def`, not with "
                "`async def`, and without `yield`; called as it is, it does nothing"
            )
        if name in _HOOKS:
            _check_call(strategy, name)


def _unheard(name: str) -> str:
    near = get_close_matches(name, _HOOKS, 1)
    advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(_HOOKS)}."
    return (
        f"a Strategy has no {name}, and nobody would call it: {advice} Methods of your own "
        "are named otherwise than on_…"
    )


def _check_call(strategy: Strategy, name: str) -> None:
    """Refuse what cannot be called as it will be."""
    wanted = ", ".join(inspect.signature(getattr(Strategy, name)).parameters)
    advice = f"write it as `def {name}({wanted})`"
    found: object = getattr(strategy, name)
    if not callable(found):
        raise BadRequest(
            f"{name} of a strategy is a method, and not {found!r}: {advice}"
        )
    try:
        # What a decorator wraps is its own affair: the wrapper is what is called.
        signature = inspect.signature(found, follow_wrapped=False)
    except ValueError:
        return  # of what is written in C nobody can tell
    try:
        signature.bind(*wanted.split(", ")[1:])
    except TypeError as error:
        called = wanted.partition(", ")[2]
        raise BadRequest(
            f"{name} of a strategy is called as {name}({called}), and this one takes "
            f"{signature}: {error}; {advice}"
        ) from None


def check_subjects(strategy: Strategy, subjects: Collection[Subject]) -> None:
    """Refuse a method that is never called, as what it is told of is not in ``subjects``.

    That is so where those who wrote it have not said otherwise since.  A class below others,
    with methods of its own, has what it inherits of no use for itself.
    """
    kinds = type(strategy).__mro__
    levels: list[Mapping[str, object]] = [getattr(strategy, "__dict__", {})]
    levels += [vars(kind) for kind in kinds[: kinds.index(Strategy)]]
    own = next((n for n, x in enumerate(levels) if {*_HOOKS} & {*x}), None)
    said = next((n for n, x in enumerate(levels) if "subjects" in x), len(levels))
    if own is None or said < own:
        return
    for name, subject in _OF_SUBJECTS.items():
        if name in levels[own] and subject not in subjects:
            told = ", ".join(subjects) or "none"
            raise BadRequest(
                f"{name} of {type(strategy).__name__} is never called, as its subjects are "
                f'{told}: add "{subject}" to them, or leave {name} away; subjects that are '
                "set on the object, or in a class below, are taken as they are"
            )
