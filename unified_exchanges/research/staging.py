"""The folder that tables are written to before they are whole, and who has it.

It is locked as long as whoever writes lives: the operating system takes the lock from a
process that ends, however it ends.  Where there are no such locks, as on Windows, it is
taken to be of somebody who lives, and has to be deleted by hand.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from ..errors import BadRequest

if sys.platform != "win32":
    import fcntl

__all__ = ["STAGE", "check_free", "is_busy", "is_left", "staged"]

_log = logging.getLogger(__name__)

STAGE: Final = ".converting"
_TRIES: Final = 1_000
"""About a millisecond: who only looks whether it is locked has it for less."""


def is_left(path: Path) -> bool:
    """Whether a `convert` was killed while it wrote to a folder of tables."""
    return _holder(path / STAGE) == "nobody"


def is_busy(path: Path) -> bool:
    """Whether a `convert` writes to a folder of tables, as far as anybody knows."""
    return (path / STAGE).exists() and not is_left(path)


def check_free(path: Path) -> None:
    """Raise `BadRequest` where it does."""
    if is_busy(path):
        raise _busy(path, is_certain=_holder(path / STAGE) == "somebody")


@contextmanager
def staged(path: Path) -> Generator[Path, None, None]:
    """Give an empty folder below that of tables, which is deleted at the end.

    Raises `BadRequest` where another `convert` has it.
    """
    stage = path / STAGE
    held: int | None = None
    try:
        try:
            stage.mkdir()
        except FileExistsError as error:
            held = _taken(stage)
            if held is None:
                raise _busy(path, is_certain=False) from error
            _log.warning("%s is of a `convert` that was killed: emptied", stage)
            _empty(stage)
        else:
            held = _taken(stage)
    except BlockingIOError as error:
        raise _busy(path, is_certain=True) from error
    try:
        yield stage
    finally:
        shutil.rmtree(stage)
        if held is not None:
            os.close(held)


def _taken(stage: Path) -> int | None:
    """Lock a folder until what is given is closed; None where nobody can, or it is gone.

    Raises BlockingIOError where another has it.
    """
    if sys.platform == "win32":
        return None
    try:
        held = os.open(stage, os.O_RDONLY)
    except OSError:
        return None
    try:
        _lock(held)
        # Whoever had it may have deleted it before it was ours.
        if os.path.samestat(os.fstat(held), stage.stat()):
            return held
    except BlockingIOError:
        os.close(held)
        raise
    except OSError:
        pass  # a file system without locks, or it is gone
    os.close(held)
    return None


def _lock(held: int) -> None:
    assert sys.platform != "win32"
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not left:
                raise
        else:
            return


def _empty(stage: Path) -> None:
    for each in stage.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink()


def _holder(stage: Path) -> Literal["somebody", "nobody", "unknown"]:
    """Whether somebody who lives has a folder; unknown where it is gone, too."""
    try:
        held = _taken(stage)
    except BlockingIOError:
        return "somebody"
    if held is None:
        return "unknown"
    os.close(held)
    return "nobody"


def _busy(path: Path, *, is_certain: bool) -> BadRequest:
    told = f"another `convert` is writing to {path}"
    if is_certain:
        return BadRequest(f"{told}: wait until it has ended")
    return BadRequest(
        f"{told}; if there is none, one was killed: delete {path / STAGE}"
    )
