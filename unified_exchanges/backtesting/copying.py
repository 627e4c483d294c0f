"""What each run of a sweep is given for its own: copies, also of what is within.

A strategy may take its parameters apart.  Runs that share a process would find there what
others left, and which those are depends on the engine and on how many workers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any, TypeVar

from ..errors import BadRequest
from ..wording import words_of

__all__ = ["copied", "copied_make"]

_T = TypeVar("_T")


def copied(
    given: Mapping[str, Any], memo: dict[int, Any] | None = None
) -> dict[str, Any]:
    """Copies of parameters; what is one object in them, or by the ``memo``, stays one.

    Functions, classes and what else does not change stay as they are.  Raises `BadRequest`
    naming the parameter.

    >>> given = {"sizes": [[10, 20], [30]]}
    >>> found = copied(given)
    >>> found == given, found["sizes"][0] is given["sizes"][0]
    (True, False)
    """
    memo = {} if memo is None else memo
    return {
        name: _copied(value, memo, f"parameter {name!r}")
        for name, value in given.items()
    }


def copied_make(make: Callable[..., _T]) -> Callable[..., _T]:
    """The same of what makes strategies: what a `functools.partial` was given is copied."""
    if not isinstance(make, partial):
        return make
    given = _copied((make.args, make.keywords), {}, f"what {make!r} was given")
    return partial(make.func, *given[0], **given[1])


def _copied(value: _T, memo: dict[int, Any], what: str) -> _T:
    try:
        return deepcopy(value, memo)
    except Exception as error:
        raise BadRequest(
            f"{what} cannot be copied, so that each run has its own: {words_of(error)}: make "
            "it inside the strategy"
        ) from error
