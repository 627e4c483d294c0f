"""What a strategy's own code raised, told as what it is: where, and what it said."""

from __future__ import annotations

import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ..errors import UnifiedExchangesError
from ..wording import add_note, notes_of, words_of

__all__ = ["StrategyFailed", "own_failures"]


class StrategyFailed(UnifiedExchangesError):
    """The code of a strategy raised; what it did until then stands."""


@contextmanager
def own_failures(path: Path) -> Generator[None, None, None]:
    """Tell what the code of a file raises as `StrategyFailed`.

    So is `sys.exit`: its code would be taken for one of the command's own.  What is raised
    elsewhere passes: it is of the call, of a venue, or ours.  So does what interrupts.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        where = _where(error, str(path))
        if where is None:
            raise
        failure = StrategyFailed(f"{path}, {where}: {_said(error)}")
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


def _where(error: BaseException, file: str) -> str | None:
    """The line of a file that is to blame, None if none of its lines is."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == file]
    return f"line {own[-1].lineno}, in {own[-1].name}" if own else None
