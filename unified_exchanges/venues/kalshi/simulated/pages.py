"""Cursors: opaque, ending in an empty one, garbage taken for none."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["page"]

T = TypeVar("T")


def page(
    items: Iterable[T], *, key: Callable[[T], str], cursor: str, limit: int
) -> tuple[list[T], str]:
    """The items after the one that the cursor names, and the next cursor.

    A cursor that names nothing starts anew: the venue answers so (recorded 2026-06).
    """
    rest = list(items)
    last = _read(cursor)
    if last:
        place = next((n for n, item in enumerate(rest, 1) if key(item) == last), 0)
        rest = rest[place:]
    shown = rest[:limit]
    more = len(rest) > len(shown) > 0
    return shown, _write(key(shown[-1])) if more else ""


def _write(name: str) -> str:
    return urlsafe_b64encode(b"k1:" + name.encode()).decode().rstrip("=")


def _read(cursor: str) -> str:
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        name = urlsafe_b64decode(padded.encode()).decode()
    except (Error, ValueError):
        return ""
    return name.removeprefix("k1:") if name.startswith("k1:") else ""
