"""Closing what was dropped without being closed: its threads would run for ever."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from weakref import finalize

__all__ = ["close_when_dropped"]


def close_when_dropped(
    owner: object, close: Callable[[], None]
) -> Callable[[], object]:
    """Call ``close`` in a thread of its own, once nobody holds ``owner`` any more.

    Neither ``close`` nor the threads that it ends may hold ``owner``.  Calling what is
    returned calls it off.
    """
    finalizer = finalize(owner, _close, close, os.getpid())
    # The end of the interpreter is a matter of the drivers, which may have no owner.
    finalizer.atexit = False
    return finalizer.detach


def _close(close: Callable[[], None], process: int) -> None:
    if process != os.getpid():
        # The threads are those of the parent, which still holds its own.
        return
    # In a thread: the collector may come while somebody holds the locks that closing
    # wants.  Not a daemon, so that an interpreter that ends now waits for the goodbye.
    thread = Thread(target=close, name="unified-exchanges-farewell", daemon=False)
    with suppress(RuntimeError):
        # There are no new threads once the interpreter ends; the driver knows of that.
        thread.start()
