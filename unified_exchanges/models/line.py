"""What others wrote, on one line, with nothing in it that acts on what stands around it."""

from __future__ import annotations

from typing import Final

__all__ = ["flattened", "shortened"]

_LONGEST: Final = 28
"""Characters of an id that is shown whole; those of Polymarket have 66."""
_FIRST: Final = 12
_LAST: Final = 8


def flattened(words: str) -> str:
    """A venue's words on one line, without anything that moves a cursor or turns a text.

    >>> flattened("Rain in" + chr(10) + chr(27) + "[2J  Oslo" + chr(0x202E) + "?")
    'Rain in [2J Oslo ?'
    """
    printable = (char if char.isprintable() else " " for char in words)
    return " ".join("".join(printable).split())


def shortened(name: str) -> str:
    """An id, without its middle where it is long.

    >>> shortened("KXRAINSEA-26DEC05-R"), shortened("0x" + "1" * 60 + "abcd")
    ('KXRAINSEA-26DEC05-R', '0x1111111111…1111abcd')
    """
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_FIRST]}…{name[-_LAST:]}"
