"""What a `Recorder` is given, read before a file is begun."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from ..errors import BadRequest
from .cleansing import FEWEST_DIGITS, SHORTEST_GIVEN
from .file import check_path
from .redaction import REDACTED_KEY, read_texts

__all__ = ["read_never", "read_path"]


def read_path(given: object) -> Path:
    """Read where to record: a file that is not there yet."""
    name = os.fspath(given) if isinstance(given, PathLike) else given
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        message = (
            f"path= must be the path of a file that is not there yet, not {given!r}"
        )
        raise BadRequest(message)
    found = Path(name)
    try:
        check_path(found)
    except OSError as error:
        reason = error.strerror or error
        raise BadRequest(
            f"cannot record at {found}: {reason}; choose another path"
        ) from error
    return found


def read_never(given: object) -> list[str]:
    """Read what must be nowhere: it is replaced, or the line withheld, or it is refused.

    What would be in nearly every line is refused, since nothing of use would be left.
    """
    texts = read_texts("never", given)
    for text in texts:
        if len(text.strip()) < SHORTEST_GIVEN or text in REDACTED_KEY:
            raise BadRequest(
                f"never= has a text of {len(text)} characters, which cannot be replaced: "
                f"at least {SHORTEST_GIVEN} tell a secret from the names in a recording; "
                "leave it out, and keep the recording to yourself"
            )
        if len(text) < FEWEST_DIGITS and not text.strip("0123456789.-+eE "):
            raise BadRequest(
                f"never= has a number of {len(text)} characters, which cannot be replaced: "
                f"at least {FEWEST_DIGITS} tell a secret from the times, prices and ids in "
                "a recording; leave it out, and keep the recording to yourself"
            )
        if not _is_encodable(text):
            raise BadRequest("never= has a text that is no Unicode: nobody can send it")
    return texts


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
