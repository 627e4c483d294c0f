"""Pages of three kinds: Gamma's and the Data API's cursors, and the CLOB's."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from base64 import b64encode as encode_plain
from binascii import Error
from collections.abc import Sequence
from typing import TypeVar

from .errors import bad_request

__all__ = ["END", "clob_page", "keyset_page", "place_of"]

T = TypeVar("T")

END = "LTE="
"""The CLOB's cursor of the end: minus one."""


def keyset_page(
    items: Sequence[T], cursor: str, limit: int
) -> tuple[Sequence[T], str | None]:
    """A page and the cursor of the next; None after the last."""
    start = place_of(cursor)
    shown = items[start : start + limit]
    end = start + len(shown)
    return shown, _cursor(end) if end < len(items) else None


def _cursor(place: int) -> str:
    return urlsafe_b64encode(f'{{"o":{place}}}'.encode()).decode().rstrip("=")


def place_of(cursor: str) -> int:
    """Where a cursor points; the beginning without one."""
    if not cursor:
        return 0
    try:
        read = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (Error, ValueError) as error:
        raise bad_request("invalid cursor") from error
    place = read.removeprefix('{"o":').removesuffix("}")
    if not (place.isascii() and place.isdigit()):
        raise bad_request("invalid cursor")
    return int(place)


def clob_page(items: Sequence[T], cursor: str, limit: int) -> tuple[Sequence[T], str]:
    """A page of the CLOB: the cursor is a number in base 64."""
    start = 0
    if cursor:
        try:
            start = int(b64decode(cursor, validate=True))
        except (Error, ValueError) as error:
            raise bad_request("Invalid next_cursor") from error
    if start < 0:
        return items[:0], END
    shown = items[start : start + limit]
    end = start + len(shown)
    following = encode_plain(str(end).encode()).decode()
    return shown, following if end < len(items) else END
