"""Strategies on their way to other processes: packed, and refused before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

import attrs

from ..errors import BadRequest
from ..version import VERSION
from ..wording import installed_by, words_of
from .grouping import is_stored
from .packing import PackedEvents
from .side_by_side import play
from .sweep_report import SweepRow
from .trial import Setup, Trial, failure_of

__all__ = [
    "PackedTrials",
    "ProcessEnded",
    "Unloadable",
    "apart",
    "check_process",
    "halved",
    "inspected",
    "packed",
    "play_shipped",
    "unpacked",
]


class ProcessEnded(Exception):
    """Told of a run that took its process along, in the same words on any engine.

    What the engine itself says has ids that are drawn: it is the cause, and in the trace.
    """

    def __init__(self) -> None:
        super().__init__(
            "the run ended its process: it exited, crashed or was killed, as for want of "
            "memory"
        )


class Unloadable(Exception):
    """Told of a run whose parameters could be packed, and not unpacked where it was to run."""


class PackedTrials:
    """Runs that are packed when it is pickled; what is unpickled is bytes.

    So whatever unpacking them does, it is we who do it, and not the engine.
    """

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._trials = trials

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        # A parameter may be of a script or notebook, as the strategy: it goes along as it is.
        import cloudpickle  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra

        return bytes, (cloudpickle.dumps(self._trials),)


def packed(setup: Setup, trials: Sequence[Trial]) -> bytes:
    """Pickle what all runs share; classes of a script or notebook go along as they are.

    Raises `BadRequest` for what cannot leave this process.
    """
    try:
        import cloudpickle  # noqa: PLC0415 - an extra
    except ImportError:
        reason = f"a sweep over processes needs cloudpickle: {installed_by('sweep')}"
        raise ImportError(reason) from None
    try:
        cloudpickle.dumps(trials)
        payload: bytes = cloudpickle.dumps(_light(setup))
    except Exception as error:
        message = (
            f"{setup.make!r}, its parameters or its data cannot be sent to another "
            f"process: {words_of(error)}; make what cannot be pickled inside the strategy, or "
            "run in this one with workers=1"
        )
        raise BadRequest(message) from error
    return payload


def _light(setup: Setup) -> Setup:
    """The same, with its events in memory packed."""
    data: dict[str, Any] = {
        name: PackedEvents(cast("Any", found))
        if isinstance(found, list | tuple) and not is_stored(found)
        else found
        for name, found in setup.data.items()
    }
    return attrs.evolve(setup, data=data)


def check_process(where: str, inspect: Callable[[], tuple[str, list[str]]]) -> None:
    """Refuse a process that cannot load the strategy, or sees other things than we do."""
    try:
        version, missing = inspect()
    except Exception as error:
        message = (
            f"{where} cannot load the strategy: {type(error).__name__}: "
            f"{words_of(error)}; its module has to be importable there, or be the script "
            "itself"
        )
        raise BadRequest(message) from error
    if version != VERSION:
        message = f"{where} has unified_exchanges {version}, and this process {VERSION}"
        raise BadRequest(f"{message}: results would not be the same")
    if missing:
        raise BadRequest(f"{where} does not see {missing[0]}: put it where all see it")


def apart(
    play: Callable[[Sequence[Trial]], list[bytes]], group: Sequence[Trial]
) -> Iterator[SweepRow]:
    """The rows of a group that did not come back, by playing it elsewhere.

    If that does not come back either, each half of it is played by itself, and so on: only
    the run to blame has no figures.
    """
    try:
        rows = play(group)
    except Exception as error:  # noqa: BLE001 - whatever kept it from coming back
        yield from halved(play, group, error)
    else:
        yield from unpacked(group, rows)


def halved(
    play: Callable[[Sequence[Trial]], list[bytes]],
    group: Sequence[Trial],
    error: Exception,
) -> Iterator[SweepRow]:
    """The same of a group of which is known that it does not come back, and why."""
    if len(group) == 1:
        yield failure_of(group[0], error)
        return
    middle = len(group) // 2
    yield from apart(play, group[:middle])
    yield from apart(play, group[middle:])


def unpacked(trials: Sequence[Trial], rows: Sequence[bytes]) -> Iterator[SweepRow]:
    """The rows of runs elsewhere, as they were packed there."""
    import pickle  # noqa: PLC0415 - only sweeps over processes do

    for trial, row in zip(trials, rows, strict=True):
        try:
            yield pickle.loads(row)  # noqa: S301 - from a process that we started
        except Exception as error:  # noqa: BLE001 - what unpacks itself may raise anything
            yield failure_of(trial, error)


# -- in the other process --------------------------------------------------------------


@lru_cache(maxsize=1)
def _loaded(payload: bytes) -> Setup:
    """Unpack what all runs share once in each process, not for each of its groups."""
    import pickle  # noqa: PLC0415 - only sweeps over processes do

    return cast("Setup", pickle.loads(payload))  # noqa: S301 - from who started us


def inspected(payload: bytes) -> tuple[str, list[str]]:
    """What a process has: the version of this library; and which data it cannot see."""
    setup = _loaded(payload)
    return VERSION, [str(path) for path in setup.paths if not path.exists()]


def play_shipped(payload: bytes, group: bytes) -> list[bytes]:
    """Play a group of what was packed by who started this process; gives packed rows.

    A row that cannot be packed, because of its report say, is a failure of that run alone.
    Raises `Unloadable`.
    """
    trials = _trials(group)
    return [
        _packed(trial, row)
        for trial, row in zip(trials, play(_loaded(payload), trials), strict=True)
    ]


def _trials(group: bytes) -> Sequence[Trial]:
    import pickle  # noqa: PLC0415 - only sweeps over processes do

    try:
        return cast("Sequence[Trial]", pickle.loads(group))  # noqa: S301 - as above
    except Exception as error:  # noqa: BLE001 - what unpacks itself may raise anything
        message = (
            "its parameters cannot be loaded in another process: "
            f"{type(error).__name__}: {words_of(error)}; with workers=1 nothing is sent"
        )
        # What caused it may be of a kind that is not loaded elsewhere either.
        raise Unloadable(message) from None


def _packed(trial: Trial, row: SweepRow) -> bytes:
    import cloudpickle  # noqa: PLC0415 - an extra

    try:
        found: bytes = cloudpickle.dumps(row)
    except Exception as error:  # noqa: BLE001 - what packs itself may raise anything
        found = cloudpickle.dumps(failure_of(trial, error))
    return found
