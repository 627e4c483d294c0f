"""When a process of a sweep ends: with its parent, whatever its runs have left in it.

What they have left are threads, and processes of their own: each would be waited for as
long as it lives.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from functools import partial
from multiprocessing import util
from typing import Final

__all__ = ["end_helpers", "end_helpers_of", "follow", "leave_threads"]

_BEAT: Final = 0.5
"""Seconds between two looks at whether a parent is there."""
_LINGERING: Final = 1
"""Seconds for which a process is left to end by itself, once it has done all it is for."""
_FIRST: Final = 1_000_000
"""Before `multiprocessing` waits for what it has started."""
_HAS_GROUPS: Final = os.name == "posix"


def follow(parent: int) -> None:
    """End this process after its parent, which may be killed and then ends nobody."""
    if _HAS_GROUPS:  # elsewhere a process keeps the parent that it had
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        threading.Event().wait(_BEAT)
    end_helpers_of(os.getpid())  # and itself
    os._exit(1)


def leave_threads() -> None:
    """End this process soon after its main thread, whatever threads its runs have left."""
    threading.Thread(target=_leave, daemon=True).start()


def _leave() -> None:
    # Python waits for other threads when this one has ended, and for ever if they do not.
    threading.main_thread().join()
    threading.Event().wait(_LINGERING)
    os._exit(0)


def end_helpers() -> None:
    """End with this process those that its runs will have started and left.

    They are in a group with it: all but what leaves that to live on, as a daemon does.
    """
    if not _HAS_GROUPS:
        return
    former = os.getpgrp()
    os.setpgid(0, 0)
    # So it may still write what it has to, which it could not where it ended them last.
    util.Finalize(None, partial(_end_helpers, former), exitpriority=_FIRST)


def _end_helpers(former: int) -> None:
    # A strategy may have made its process the first of a session, which no other group has.
    with suppress(OSError):
        os.setpgid(0, former)
        end_helpers_of(os.getpid())


def end_helpers_of(process: int) -> None:
    """End all that are left of the group of a process, if it began one."""
    if _HAS_GROUPS:
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
