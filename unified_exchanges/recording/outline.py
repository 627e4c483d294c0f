"""Of a message that is not recorded, what says which one it was and of what.

So that who reads the recording loses what that message told, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from .redaction import REDACTED

__all__ = ["Word", "outline_of", "spoilt_outline"]

Word: TypeAlias = "str | int"

_LONGEST: Final = 128
_NAME: Final = re.compile(rb'"(?:[^"\\]|\\.)*REDACTED(?:[^"\\]|\\.)*"\s*:')


def outline_of(
    message: bytes,
    paths: Sequence[str],
    kept: Callable[[str, Word], Word | None],
) -> bytes:
    """The fields of a message in JSON at these paths; of a list, those of each of its parts.

    ``kept`` is given the name and the value of each, and gives what of it is kept, if
    anything.  Of what is no message in JSON there is none: b"".

    >>> said = b'{"sid":2,"msg":{"ticker":"A","n":1}}'
    >>> outline_of(said, ["sid", "msg.ticker"], lambda _, value: value)
    b'{"sid":2,"msg":{"ticker":"A"}}'
    """
    try:
        content = json.loads(message)
    except (ValueError, RecursionError):
        return b""
    found: Any
    if isinstance(content, list):
        found = [_part(x, paths, kept) for x in content if isinstance(x, dict)]
    elif isinstance(content, dict):
        found = _part(content, paths, kept)
    else:
        return b""
    return json.dumps(found, separators=(",", ":")).encode()


def spoilt_outline(message: bytes, paths: Sequence[str]) -> bytes | None:
    """The outline of a message in which nobody can tell any more what it says.

    That is where names, or what says which message it is, were redacted: None where they
    were not, and the message is read as far as it can be.
    """
    is_spoilt = _NAME.search(message) is not None

    def kept(_: str, value: Word) -> Word | None:
        nonlocal is_spoilt
        if REDACTED in str(value):
            is_spoilt = True
            return None
        return value

    outline = outline_of(message, paths, kept)
    return outline if is_spoilt else None


def _part(
    content: dict[str, Any],
    paths: Sequence[str],
    kept: Callable[[str, Word], Word | None],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in paths:
        *above, name = path.split(".")
        value: Any = content
        for each in (*above, name):
            value = value.get(each) if isinstance(value, dict) else None
        is_word = isinstance(value, str | int) and not isinstance(value, bool)
        if not is_word or len(str(value)) > _LONGEST:
            continue
        if (word := kept(name, value)) is not None:
            within = found
            for each in above:
                within = within.setdefault(each, {})
            within[name] = word
    return found
