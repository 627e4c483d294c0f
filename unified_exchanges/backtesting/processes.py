"""Runs of a sweep in processes of this machine, by loky, the pool of joblib."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Generator, Sequence
from functools import partial
from typing import Any

from ..wording import installed_by
from .grouping import grouped
from .process_end import end_helpers, follow, leave_threads
from .shipping import (
    PackedTrials,
    ProcessEnded,
    apart,
    check_process,
    inspected,
    packed,
    play_shipped,
    unpacked,
)
from .side_by_side import play
from .sweep_report import SweepRow
from .trial import Setup, Trial

__all__ = ["in_processes", "in_this_process"]


def in_this_process(
    setup: Setup, trials: Sequence[Trial]
) -> Generator[SweepRow, None, None]:
    """One group after another, here."""
    for group in grouped(setup, trials, 1):
        yield from play(setup, group, is_interrupted=True)


def in_processes(
    setup: Setup, trials: Sequence[Trial], workers: int | None
) -> Generator[SweepRow, None, None]:
    """Give their rows in order, of ``workers`` at a time; None for one of each core.

    A run that kills its process is a failure as any other.
    """
    payload = packed(setup, trials)
    count = workers or _loky().cpu_count()
    waiting = deque(grouped(setup, trials, count))
    while waiting:
        yield from _until_broken(payload, waiting, count)
        # A process died, and all that ran beside it are lost.  They were begun in order:
        # each of those is run again apart, so that only the run to blame fails.
        for _ in range(min(count, len(waiting))):
            yield from apart(partial(_play_apart, payload), waiting.popleft())


def _until_broken(
    payload: bytes, waiting: deque[Sequence[Trial]], count: int
) -> Generator[SweepRow, None, None]:
    pool = _pool(payload, min(count, len(waiting)))
    try:
        check_process("a process of this machine", pool.submit(_inspected).result)
        futures = [
            (group, pool.submit(_play, PackedTrials(group))) for group in waiting
        ]
        for group, future in futures:
            # Not raised here: a KeyboardInterrupt that is raised is that of the user.
            if future.exception() is not None:
                return  # it is told by the run that is to blame
            waiting.popleft()
            yield from unpacked(group, future.result())
    finally:
        # Nobody waits for runs whose rows are not wanted any more.
        pool.shutdown(wait=True, kill_workers=bool(waiting))


def _play_apart(payload: bytes, group: Sequence[Trial]) -> list[bytes]:
    """Play a group in a process of its own."""
    pool = _pool(payload, 1)
    try:
        rows: list[bytes] = pool.submit(_play, PackedTrials(group)).result()
    except _terminated() as error:
        raise ProcessEnded from error
    else:
        return rows
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _pool(payload: bytes, count: int) -> Any:
    return _loky().ProcessPoolExecutor(
        max_workers=count, initializer=_hold, initargs=(payload, os.getpid())
    )


def _terminated() -> type[Exception]:
    kind: type[Exception] = _loky().process_executor.TerminatedWorkerError
    return kind


def _loky() -> Any:
    try:
        import loky  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    except ImportError:
        reason = (
            f"a sweep over processes needs loky: {installed_by('sweep')}; "
            "workers=1 runs in this process, without it"
        )
    else:
        return loky
    raise ImportError(reason)


# -- in the other process --------------------------------------------------------------

_held: list[bytes] = []


def _hold(payload: bytes, parent: int) -> None:
    """Keep what all runs share, which is sent once to each process."""
    # Ctrl-C reaches all processes of a terminal; who started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    follow(parent)
    leave_threads()
    end_helpers()
    _held[:] = [payload]


def _inspected() -> tuple[str, list[str]]:
    return inspected(_held[0])


def _play(group: bytes) -> list[bytes]:
    return play_shipped(_held[0], group)
