"""The files of a journal that is open, looked at before and after what is written.

SQLite goes on with a file that was removed, emptied or replaced under it, or whose log
was: what it then writes nobody finds again.  Nothing of that needs a descriptor.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import attrs

from ..sqlite_file import Gone, Number

__all__ = ["Parts", "has_log"]

_LOG: Final = "-wal"
_INDEX: Final = "-shm"


@attrs.define(slots=True)
class _Part:
    """One file as it was seen last."""

    path: str
    is_main: bool
    number: Number
    size: int


class Parts:
    """The main file, its log and the log's index, while a connection is open.

    Until it is closed each stays the same file and none shrinks, but for the main one when
    the journal is compacted; ``compactions`` tells how often that was, None if it cannot
    be read any more.
    """

    def __init__(self, path: str, compactions: Callable[[], int | None]) -> None:
        self._lost: Gone | None = None
        self._compactions = compactions
        self._known = compactions()
        self._parts = [_part(path, end) for end in ("", _LOG, _INDEX)]

    def check(self) -> None:
        """Raise `Gone` if one is another, or has lost what was in it: that for good."""
        if self._lost is not None:
            raise self._lost
        for part in self._parts:
            try:
                found = os.stat(part.path)  # noqa: PTH116 - before every order: half the time
            except FileNotFoundError:
                raise Gone(part.path, "removed") from None
            if (found.st_dev, found.st_ino) != part.number:
                raise Gone(part.path, "replaced by another")
            size = found.st_size
            if size < part.size and not self._is_compacted(part, size):
                self._lost = Gone(part.path, "cut short" if size else "emptied")
                raise self._lost
            part.size = size

    def are_whole(self) -> bool:
        """Whether nothing is lost; if something is, that holds from now on."""
        try:
            self.check()
        except Gone as gone:
            self._lost = gone
        return self._lost is None

    def _is_compacted(self, part: _Part, size: int) -> bool:
        if not (part.is_main and size):
            return False
        before, self._known = self._known, self._compactions()
        return self._known not in (before, None)


def has_log(path: str) -> bool:
    """Whether there is a log beside a path, with something in it."""
    try:
        return os.stat(path + _LOG).st_size > 0  # noqa: PTH116 - likewise
    except FileNotFoundError:
        return False


def _part(path: str, end: str) -> _Part:
    found = os.stat(path + end)  # noqa: PTH116 - likewise
    number = found.st_dev, found.st_ino
    return _Part(path + end, not end, number, found.st_size)
