"""Runs of a sweep in processes of this machine, by loky, the pool of joblib."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Generator, Sequence
from typing import Any

from .shipping import check_process, packed, row_from
from .sweep_report import SweepFailure, SweepRow, row_of
from .trial import Setup, Trial, inspected, play, play_shipped

__all__ = ["in_processes", "in_this_process"]


def in_this_process(
    setup: Setup, trials: Sequence[Trial]
) -> Generator[SweepRow, None, None]:
    """One after another, here."""
    for trial in trials:
        yield play(setup, trial)


def in_processes(
    setup: Setup, trials: Sequence[Trial], workers: int | None
) -> Generator[SweepRow, None, None]:
    """Give their rows in order, of ``workers`` at a time; None for one of each core.

    A run that kills its process is a failure as any other.
    """
    payload = packed(setup, trials)
    loky = _loky()
    count = workers or loky.cpu_count()
    waiting = deque(trials)
    while waiting:
        yield from _until_broken(payload, waiting, count)
        # A process died, and all that ran beside it are lost.  They were begun in order:
        # each of those is run again alone, so that only the one to blame fails.
        for _ in range(min(count, len(waiting))):
            yield _alone(payload, waiting.popleft())


def _until_broken(
    payload: bytes, waiting: deque[Trial], count: int
) -> Generator[SweepRow, None, None]:
    pool = _pool(payload, min(count, len(waiting)))
    try:
        check_process("a process of this machine", pool.submit(_inspected).result)
        futures = [(trial, pool.submit(_play, trial)) for trial in waiting]
        for trial, future in futures:
            try:
                row = row_from(trial, future.result, passing=_broken())
            except _broken():
                return
            waiting.popleft()
            yield row
    finally:
        # Nobody waits for runs whose rows are not wanted any more.
        pool.shutdown(wait=True, kill_workers=bool(waiting))


def _alone(payload: bytes, trial: Trial) -> SweepRow:
    pool = _pool(payload, 1)
    try:
        return row_from(trial, pool.submit(_play, trial).result, passing=_broken())
    except _broken() as error:
        # What loky says after its first line is advice on other programs.
        message = f"the run ended its process: {str(error).strip().splitlines()[0]}"
        failure = SweepFailure(error=type(error).__name__, message=message)
        return row_of(trial.number, trial.data, trial.parameters, failure)
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _pool(payload: bytes, count: int) -> Any:
    return _loky().ProcessPoolExecutor(
        max_workers=count, initializer=_hold, initargs=(payload,)
    )


def _broken() -> type[Exception]:
    kind: type[Exception] = _loky().process_executor.BrokenProcessPool
    return kind


def _loky() -> Any:
    try:
        import loky  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    except ImportError:
        reason = (
            "a sweep over processes needs loky: pip install 'unified-exchanges[sweep]'; "
            "workers=1 runs in this process, without it"
        )
    else:
        return loky
    raise ImportError(reason)


# -- in the other process --------------------------------------------------------------

_held: list[bytes] = []


def _hold(payload: bytes) -> None:
    """Keep what all runs share, which is sent once to each process."""
    # Ctrl-C reaches all processes of a terminal; who started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _held[:] = [payload]


def _inspected() -> tuple[str, list[str]]:
    return inspected(_held[0])


def _play(trial: Trial) -> SweepRow:
    return play_shipped(_held[0], trial)
