"""The cursor of a page, without decoding the page.

The next request can leave while the page that named it is still being decoded.
"""

from __future__ import annotations

import re

import msgspec

from ..wire.base import Cursor
from .reading import decode

__all__ = ["peek_cursor"]

_VALUE = rb'\s*:\s*("(?:[^"\\]|\\.)*"|null)\s*'
_KEY = rb'"(?:next_)?cursor"'
# A quotation mark inside a JSON string is escaped, so neither can match within one.
_FIRST = re.compile(rb"\s*\{\s*" + _KEY + _VALUE + rb"[,}]")
_LAST = re.compile(rb",\s*" + _KEY + _VALUE + rb"\}\s*\Z")
_TAIL = 2_048
"""Bytes at the end of a page that are searched; cursors are about a hundred long."""

_STRING = msgspec.json.Decoder(str | None)
_CURSOR = msgspec.json.Decoder(Cursor)


def peek_cursor(body: bytes) -> str | None:
    """The cursor of the next page, None on the last one.

    It is looked for as the first and as the last key of the page; elsewhere the page is
    decoded to find it.

    >>> peek_cursor(b'{"cursor": "CgwI", "markets": []}')
    'CgwI'
    >>> peek_cursor(b'{"markets": [], "cursor": ""}') is None
    True
    """
    found = _FIRST.match(body) or _LAST.search(body, max(0, len(body) - _TAIL))
    if found:
        return decode(_STRING, found[1]) or None
    page = decode(_CURSOR, body)
    return page.cursor or page.next_cursor or None
