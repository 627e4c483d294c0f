"""Texts that are used and never shown: a traceback may tell the values of names."""

from __future__ import annotations

from typing import TypeVar, overload

__all__ = ["Hidden", "hide"]

T = TypeVar("T")


class Hidden(str):
    """A text that holds a secret: it is a text, and its repr does not tell it.

    >>> key = Hidden("0x1b")
    >>> key, key == "0x1b"
    (<a text with a secret>, True)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<a text with a secret>"


@overload
def hide(value: str) -> Hidden: ...
@overload
def hide(value: T) -> T | Hidden: ...
def hide(value: object) -> object:
    """What was given as a key or the like, for a name that outlives it in a traceback.

    Paths, and what is no text, stay as they are.
    """
    return Hidden(value) if isinstance(value, str) else value
