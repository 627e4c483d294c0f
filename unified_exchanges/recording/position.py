"""How far recordings have been read, in bytes of their files."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from io import BufferedReader

__all__ = ["Position", "note_opened", "watched"]


class Position:
    """The files that were opened since one began to watch, each as it was opened last.

    >>> Position().read
    0
    """

    def __init__(self) -> None:
        self._files: dict[str, tuple[BufferedReader, int]] = {}

    def opened(self, file: BufferedReader) -> None:
        """One more is read, or one anew."""
        self._files[file.name] = file, os.fstat(file.fileno()).st_size

    @property
    def read(self) -> int:
        """Bytes that were read; of a file that was closed all."""
        return sum(
            size if file.closed else min(file.tell(), size)
            for file, size in self._files.values()
        )


_watching: ContextVar[Position | None] = ContextVar("watching", default=None)


@contextmanager
def watched() -> Generator[Position, None, None]:
    """Know how far the recordings are read that are opened within."""
    position = Position()
    token = _watching.set(position)
    try:
        yield position
    finally:
        _watching.reset(token)


def note_opened(file: BufferedReader) -> None:
    """Tell whoever watches that a recording is read."""
    position = _watching.get()
    if position is not None:
        position.opened(file)
