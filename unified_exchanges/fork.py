"""What a forked child must not share with its parent, and starts anew instead.

A fork copies connections, locks and generators as they are: both processes would read
each other's answers, wait for threads that only one of them has, and draw the same numbers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from operator import methodcaller
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["free", "in_child", "lock", "notice", "rlock"]

T = TypeVar("T")

_acts: Final[WeakKeyDictionary[Any, Callable[[Any], object]]] = WeakKeyDictionary()
_process = os.getpid()
_reset: Final = methodcaller("_at_fork_reinit")
"""The name that Python itself uses; an RLock of another thread has no other way."""


def in_child(owner: T, act: Callable[[T], object]) -> None:
    """Have ``act`` called with ``owner`` in every child that is forked while that lives.

    It is called before anything else happens there, must not wait for anybody, and must
    not hold ``owner``.
    """
    _acts[owner] = act


def lock() -> threading.Lock:
    """Make a lock that is free in a child, whichever thread of the parent has it."""
    made = threading.Lock()
    in_child(made, free)
    return made


def rlock() -> threading.RLock:
    """Make a lock that its thread may take again; the same in a child."""
    made = threading.RLock()
    in_child(made, free)
    return made


def free(held: threading.Lock | threading.RLock) -> None:
    """Take a lock away from a thread that only the parent has."""
    if held.acquire(blocking=False):
        # Free, or of the thread that forked and goes on here.
        held.release()
    else:
        _reset(held)


def notice() -> None:
    """Start anew in a child that was forked without Python's knowledge, by a server say."""
    if _process != os.getpid():
        _start_anew()


def _start_anew() -> None:
    global _process  # noqa: PLW0603 - there is one process
    _process = os.getpid()
    for owner, act in list(_acts.items()):
        act(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
