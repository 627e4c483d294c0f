"""Texts that are used and never shown: a traceback may tell the values of names."""

from __future__ import annotations

from typing import Final, TypeVar, overload

__all__ = ["Hidden", "hide", "told"]

T = TypeVar("T")

_LONGEST: Final = 20
"""Characters that no key, secret, passphrase or key id of a venue is as short as: the
shortest, a UUID, has 36, and 32 without its hyphens."""


class Hidden(str):
    """A text that holds a secret: it is a text, and its repr does not tell it.

    >>> key = Hidden("0x1b")
    >>> key, key == "0x1b"
    (<a text with a secret>, True)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<a text with a secret>"


def told(value: object) -> str:
    """What was given where it does not belong, for an error, if it cannot be a secret.

    People paste keys into the wrong argument, so of what is long the length has to do.

    >>> told("RAIN 1"), told("c2VjcmV0IG9mIGZvcnR5LWZvdXIgY2hhcmFjdGVycyE=")
    ("'RAIN 1'", 'of 44 characters')
    """
    text = str(value)
    return repr(value) if len(text) <= _LONGEST else f"of {len(text)} characters"


@overload
def hide(value: str) -> Hidden: ...
@overload
def hide(value: T) -> T | Hidden: ...
def hide(value: object) -> object:
    """What was given as a key or the like, for a name that outlives it in a traceback.

    Paths, and what is no text, stay as they are.
    """
    return Hidden(value) if isinstance(value, str) else value
