"""Words on a screen: on one line, short, and as wide as they are told to be."""

from __future__ import annotations

from rich.text import Text

from ..models.line import flattened

__all__ = ["counted", "fitted", "flattened", "span"]

_MINUTE = 60
_HOUR = 3600


def counted(number: int, noun: str) -> str:
    """A number of something.

    >>> counted(1, "gap"), counted(1200, "gap")
    ('1 gap', '1,200 gaps')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def span(seconds: float) -> str:
    """A time that passed, in a few characters.

    >>> span(0.25), span(90), span(7200)
    ('0.2 s', '1 min', '2 h')
    """
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h"


def fitted(line: Text, width: int, *, filled: bool = False) -> Text:
    """A line that does not wrap, cut if it is longer; ``filled`` up to the width."""
    line.no_wrap = True
    line.truncate(width, overflow="ellipsis", pad=filled)
    return line
