"""What a run finds in its process: random numbers and a context of its own.

Runs of a sweep share a process, and are played by turns.  Of the state that is of the whole
process, a strategy may use what Python and numpy draw random numbers from, and the context
of decimals: none of it may be touched by another run in between.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import copy_context
from decimal import getcontext, setcontext
from importlib import import_module
from typing import Any, Final

from .. import fork

__all__ = ["Surroundings"]

_GENERATORS: Final = {
    "random": ("getstate", "setstate"),
    "numpy.random": ("get_state", "set_state"),
}
"""Modules that draw from a state of their own, and how it is read and set."""

_turn: Final = fork.rlock()
"""Threads of a process, as workers of a cluster may have, take turns as well."""


class Surroundings:
    """Those of one run; random numbers begin by its number in the sweep.

    So they are other ones in each run, and the same ones on any engine.  Of numpy that holds
    for a strategy whose module imports it, or that seeds it.

    >>> import random
    >>> one, other = Surroundings(1), Surroundings(2)
    >>> first = one.within(random.random)
    >>> second = other.within(random.random)
    >>> random.seed(1)
    >>> [first, one.within(random.random)] == [random.random(), random.random()]
    True
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._states: Mapping[str, Any] = {}
        self._context = copy_context()
        # A copied context has the very same object, which `getcontext().prec = …` changes.
        self._context.run(lambda: setcontext(getcontext().copy()))

    def within(self, act: Callable[[], object]) -> object:
        """Call it; afterwards everything here is for others as it was before."""
        with _turn:
            others = _states()
            for name in others.keys() - self._states.keys():
                sys.modules[name].seed(self._number)
            _restore(self._states)
            try:
                return self._context.run(act)
            finally:
                self._states = _states()
                _restore(others)


def _states() -> Mapping[str, Any]:
    """The states of what may be drawn from: of numpy only where somebody imported it."""
    if "numpy" in sys.modules:
        # It loads this part of it when somebody draws, and takes any seed then.
        import_module("numpy.random")
    return {
        name: getattr(sys.modules[name], read)()
        for name, (read, _) in _GENERATORS.items()
        if name in sys.modules
    }


def _restore(states: Mapping[str, Any]) -> None:
    for name, state in states.items():
        getattr(sys.modules[name], _GENERATORS[name][1])(state)
