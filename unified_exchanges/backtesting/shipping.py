"""Strategies on their way to other processes: packed, and refused before anything runs."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence

from ..errors import BadRequest
from ..version import VERSION
from .sweep_report import SweepFailure, SweepRow, row_of
from .trial import Setup, Trial

__all__ = ["check_process", "packed", "row_from"]


def packed(setup: Setup, trials: Sequence[Trial]) -> bytes:
    """Pickle what all runs share; classes of a script or notebook go along as they are.

    Raises `BadRequest` for what cannot leave this process.
    """
    try:
        import cloudpickle  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    except ImportError:
        reason = (
            "a sweep over processes needs cloudpickle: "
            "pip install 'unified-exchanges[sweep]'"
        )
        raise ImportError(reason) from None
    try:
        cloudpickle.dumps(trials)
        payload: bytes = cloudpickle.dumps(setup)
    except Exception as error:
        message = (
            f"{setup.make!r}, its parameters or its data cannot be sent to another "
            f"process: {error}; make what cannot be pickled inside the strategy, or "
            "run in this one with workers=1"
        )
        raise BadRequest(message) from error
    return payload


def check_process(where: str, inspect: Callable[[], tuple[str, list[str]]]) -> None:
    """Refuse a process that cannot load the strategy, or sees other things than we do."""
    try:
        version, missing = inspect()
    except Exception as error:
        message = (
            f"{where} cannot load the strategy: {type(error).__name__}: {error}; its module "
            "has to be importable there, or be the script itself"
        )
        raise BadRequest(message) from error
    if version != VERSION:
        message = f"{where} has unified_exchanges {version}, and this process {VERSION}"
        raise BadRequest(f"{message}: results would not be the same")
    if missing:
        raise BadRequest(f"{where} does not see {missing[0]}: put it where all see it")


def row_from(
    trial: Trial,
    result: Callable[[], SweepRow],
    *,
    passing: type[Exception] | tuple[type[Exception], ...] = (),
) -> SweepRow:
    """The row of a run elsewhere; what kept it from coming back is told as its failure."""
    try:
        return result()
    except passing:
        raise
    except Exception as error:  # noqa: BLE001 - such as a report that cannot be pickled
        told = "".join(traceback.format_exception(error))
        failure = SweepFailure(
            error=type(error).__name__, message=str(error), trace=told
        )
        return row_of(trial.number, trial.data, trial.parameters, failure)
