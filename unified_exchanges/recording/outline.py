"""Of a message that is not recorded, what says which one it was and of what.

So that who reads the recording loses what that message told, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from .redaction import REDACTED

__all__ = [
    "Word",
    "asked_outline",
    "outline_of",
    "put_at",
    "spoilt_outline",
    "value_at",
]

Word: TypeAlias = "str | int"

_LONGEST: Final = 128
_NAME: Final = re.compile(rb'"(?:[^"\\]|\\.)*REDACTED(?:[^"\\]|\\.)*"\s*:')


def outline_of(
    message: bytes,
    paths: Sequence[str],
    kept: Callable[[str, Word], Word | None],
) -> bytes:
    """The fields of a message in JSON at these paths; of a list, those of each of its parts.

    ``kept`` is given the path and the value of each, and gives what of it is kept, if
    anything: the names in the path are told with it.  Of what is no message in JSON there
    is none: b"".

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


def asked_outline(
    message: bytes,
    paths: Sequence[str],
    kept: Callable[[str, Word], Word | None],
) -> bytes:
    """The same of a message that was sent, with lists where nothing but ids in them changed.

    Of a path that ends in [] each may be another one: who asked for more is not known by it.
    """
    try:
        content = json.loads(message)
    except (ValueError, RecursionError):
        return b""
    if not isinstance(content, dict):
        return b""
    words = [path for path in paths if not isinstance(value_at(content, path), list)]
    found = _part(content, words, kept)
    if all(value_at(found, path) == value_at(content, path) for path in words):
        lists = {
            path: _kept_list(path, value_at(content, path), kept)
            for path in paths
            if path not in words
        }
        if None not in lists.values():
            for path, told in lists.items():
                put_at(found, path.removesuffix("[]"), told)
    return json.dumps(found, separators=(",", ":")).encode() if found else b""


def _kept_list(
    path: str, given: list[Any], kept: Callable[[str, Word], Word | None]
) -> list[Word] | None:
    name = path.removesuffix("[]")
    if not given and kept(name, "") is None:
        return None
    if not all(isinstance(x, str | int) for x in given):
        return None
    told = [kept(name, x) for x in given]
    if not path.endswith("[]") and told != given:
        return None
    found = [x for x in told if x is not None]
    return found if len(found) == len(given) else None


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
        value = value_at(content, path)
        is_word = isinstance(value, str | int) and not isinstance(value, bool)
        if not is_word or len(str(value)) > _LONGEST:
            continue
        if (word := kept(path, value)) is not None:
            put_at(found, path, word)
    return found


def value_at(content: Any, path: str) -> Any:
    """What is at a path, None if nothing is."""
    for name in path.removesuffix("[]").split("."):
        content = content.get(name) if isinstance(content, dict) else None
    return content


def put_at(content: dict[str, Any], path: str, value: object) -> None:
    """Put something at a path, with the objects that it leads through."""
    *above, name = path.split(".")
    for each in above:
        content = content.setdefault(each, {})
    content[name] = value
