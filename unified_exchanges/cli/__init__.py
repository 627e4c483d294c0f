"""The `unified-exchanges` command; it needs the extra ``[cli]``."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from ..wording import installed_by

__all__ = ["main"]

_INTERRUPTED = 130
"""As `Exit.INTERRUPTED`, of which nothing is known before it is imported."""

_EXTRA = {"typer", "click", "rich"}
_UNWRITABLE = {errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC}


def main() -> None:
    """Run the command with the arguments of this process, and exit."""
    _open_what_is_closed()
    try:
        _run()
    except KeyboardInterrupt:
        # Before a command has begun, which says itself what it leaves.
        raise SystemExit(_INTERRUPTED) from None
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        _give_up_writing(error)
        raise SystemExit(1) from None
    finally:
        try:
            sys.stderr.flush()
        except OSError:
            # Nobody can be told; the exit code still says what happened.
            _discard(sys.stderr)


def _run() -> None:
    try:
        from .app import app  # noqa: PLC0415 - a missing extra gets a message
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(
            f"The command line needs {error.name}, which is not installed. Install "
            f"it with:\n\n    {installed_by('cli')}\n"
        )
        raise SystemExit(2) from None
    app()


def _open_what_is_closed() -> None:
    """Give a stream that the shell closed (``>&-``) a place to go.

    Otherwise the first socket would get its number, and be written to.
    """
    nowhere = Path(os.devnull)
    if sys.stdin is None:
        sys.stdin = nowhere.open(encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = nowhere.open("w", encoding="utf-8")
    if sys.stderr is None:
        sys.stderr = nowhere.open("w", encoding="utf-8")


def _give_up_writing(error: OSError) -> None:
    where = error.filename or "the output"
    said = "; ".join([f"cannot write {where}: {error.strerror}", *_notes(error)])
    with suppress(OSError):
        sys.stderr.write(f"{said}\n")
    _discard(sys.stdout)


def _notes(error: OSError) -> list[str]:
    return getattr(error, "__notes__", [])


def _discard(stream: TextIO) -> None:
    """Send what a stream still holds nowhere.

    Else the interpreter tries to write it when it ends, and exits with 120.
    """
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
