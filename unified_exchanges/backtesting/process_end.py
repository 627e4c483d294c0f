"""When a process of a sweep ends: with its parent, and whatever threads its runs have left."""

from __future__ import annotations

import os
import threading
from typing import Final

__all__ = ["follow", "leave_threads"]

_BEAT: Final = 0.5
"""Seconds between two looks at whether a parent is there."""
_LINGERING: Final = 1
"""Seconds for which a process is left to end by itself, once it has done all it is for."""


def follow(parent: int) -> None:
    """End this process after its parent, which may be killed and then ends nobody."""
    if os.name == "posix":  # elsewhere a process keeps the parent that it had
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        threading.Event().wait(_BEAT)
    os._exit(1)


def leave_threads() -> None:
    """End this process soon after its main thread, whatever threads its runs have left."""
    threading.Thread(target=_leave, daemon=True).start()


def _leave() -> None:
    # Python waits for other threads when this one has ended, and for ever if they do not.
    threading.main_thread().join()
    threading.Event().wait(_LINGERING)
    os._exit(0)
