"""What a strategy's own code raised, told as what it is: where, and what it said."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import UnifiedExchangesError
from ..wording import add_note, notes_of, words_of

__all__ = ["StrategyFailed", "own_failures"]

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_STANDARD: Final = Path(sysconfig.get_paths()["stdlib"]).resolve()
_INSTALLED: Final = {"site-packages", "dist-packages"}
"""Folders of what was installed, also where that is beside the strategy."""


class StrategyFailed(UnifiedExchangesError):
    """The code of a strategy raised; what it did until then stands."""


@contextmanager
def own_failures(path: Path) -> Generator[None, None, None]:
    """Tell what the code of a file, or of what lies beside it, raises as `StrategyFailed`.

    So is `sys.exit`, wherever it is called: its code would be taken for one of the
    command's own, which calls it nowhere within.  What is raised elsewhere passes: it is of
    the call, of a venue, or ours.  So does what interrupts.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        where = _where(error, path)
        if where is None and not isinstance(error, SystemExit):
            raise
        failure = StrategyFailed(f"{where or path}: {_said(error)}")
        # Such as that an order may still be open.
        for note in notes_of(error):
            add_note(failure, note)
        raise failure from error


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        code = "" if error.code is None else repr(error.code)
        return f"it called sys.exit({code}); a run ends by desk.stop()"
    said = error.msg if isinstance(error, SyntaxError) else words_of(error)
    return f"{type(error).__name__}: {said}"


def _where(error: BaseException, path: Path) -> str | None:
    """The file and line that is to blame, None if none is of the strategy's own."""
    if isinstance(error, SyntaxError) and _is_own(error.filename, path):
        return f"{_named(error.filename, path)}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if _is_own(frame.filename, path):
            file = _named(frame.filename, path)
            return f"{file}, line {frame.lineno}, in {frame.name}"
    return None


def _is_own(name: str | None, path: Path) -> bool:
    """Whether a file is the strategy's, or lies beside it and is none that was installed."""
    if name == str(path):
        return True
    if name is None or name.startswith("<"):
        return False
    file = Path(name).resolve()
    is_beside = file.is_relative_to(path.resolve().parent)
    return is_beside and not (
        # In a home folder Python itself may lie below a strategy.
        file.is_relative_to(_PACKAGE)
        or file.is_relative_to(_STANDARD)
        or _INSTALLED.intersection(file.parts)
    )


def _named(name: str | None, path: Path) -> str:
    """A file as the one that was given is called, if it is that."""
    return str(path) if name is None or Path(name).resolve() == path.resolve() else name
