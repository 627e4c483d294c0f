"""An interrupt before the n-th line that runs in some files: Ctrl-C, wherever it comes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["Interrupt", "interrupted_at"]


class Interrupt(BaseException):
    """Ctrl-C, or the end of a task."""


def interrupted_at(
    line: int, act: Callable[[], object], is_meant: Callable[[str, str], bool]
) -> str | None:
    """Do something, and interrupt it before that line; get which that was, if it came so far.

    ``is_meant`` is told the file and the function that a line is of.
    """
    left = line

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        code = frame.f_code
        if not is_meant(code.co_filename, code.co_name):
            return None
        if event == "line":
            left -= 1
            if not left:
                raise Interrupt(f"{code.co_qualname}, line {frame.f_lineno}")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    except Interrupt as interrupt:
        return str(interrupt)
    finally:
        sys.settrace(before)
    # It must have gone through, or nothing was tried.
    assert left > 0
    return None
