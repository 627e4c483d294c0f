"""Runs of which one may end its process, in one that a worker of a cluster starts for them.

So the worker is spared: a cluster that loses workers again and again gives up on them.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Final

from .process_end import end_helpers, end_helpers_of, follow, leave_threads
from .shipping import ProcessEnded, Unloadable, play_shipped

__all__ = ["in_child", "rows_in", "serve"]

_BEAT: Final = 0.5
"""Seconds between two looks at the memory of a child, and at whether it is wanted."""
_CHILD: Final = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from unified_exchanges.backtesting.child_process import serve; serve(int(sys.argv[1]))"
)


def in_child(
    payload: bytes,
    group: bytes,
    most: float | None,
    is_wanted: Callable[[], bool],
) -> list[bytes]:
    """Play a group in a process of its own, that may have so many bytes of memory.

    It goes on for as long as it is wanted.
    Raises `ProcessEnded` if it did not live to tell, and `Unloadable`.
    """
    command = [sys.executable, "-c", _CHILD, str(os.getpid()), *sys.path]
    words = pickle.dumps((payload, group))
    # A pipe would be open for as long as any process that a run has started and left.
    with TemporaryFile() as answer:
        with subprocess.Popen(  # noqa: S603 - this Python, with paths as arguments
            command, stdin=subprocess.PIPE, stdout=answer
        ) as child:
            _watch(child, words, most, is_wanted)
        end_helpers_of(child.pid)
        answer.seek(0)
        return rows_in(answer.read())


def rows_in(told: bytes) -> list[bytes]:
    """The rows of an answer, however the process ended that gave it.

    Raises `ProcessEnded` where it did not tell all of it, and `Unloadable` if it told that.
    """
    try:
        rows: list[bytes] | Unloadable = pickle.loads(told)  # noqa: S301 - we started it
    except (EOFError, pickle.UnpicklingError) as error:
        raise ProcessEnded from error
    if isinstance(rows, Unloadable):
        raise rows
    return rows


def _watch(
    child: subprocess.Popen[bytes],
    words: bytes,
    most: float | None,
    is_wanted: Callable[[], bool],
) -> None:
    """Wait for its end.  Nobody else sees its memory: a nanny sees that of its worker."""
    asked: bytes | None = words
    while True:
        try:
            child.communicate(asked, timeout=_BEAT)
        except subprocess.TimeoutExpired:
            asked = None  # it goes on with what it was given
            takes_too_much = most is not None and _memory(child.pid) > most
            if takes_too_much or not is_wanted():
                child.kill()
        else:
            return


def _memory(process: int) -> int:
    import psutil  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with distributed

    try:
        found: int = psutil.Process(process).memory_info().rss
    except psutil.Error:  # it has just ended
        return 0
    return found


# -- in the other process --------------------------------------------------------------


def serve(parent: int) -> None:
    """Play what is on standard input; answer with the rows."""
    # Ctrl-C reaches all processes of a terminal; the worker decides what becomes of its own.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    follow(parent)
    leave_threads()
    end_helpers()
    # What a strategy prints is not to be among the rows, nor what the modules of its
    # parameters print: they are imported as they are unpacked.
    answer = os.dup(1)
    os.dup2(2, 1)
    words = sys.stdin.buffer.read()
    asked: tuple[bytes, bytes] = pickle.loads(words)  # noqa: S301
    rows: list[bytes] | Unloadable
    try:
        rows = play_shipped(*asked)
    except Unloadable as error:
        rows = error
    with os.fdopen(answer, "wb") as out:
        pickle.dump(rows, out)
