"""The library's warnings on stderr: after the result, or as they come."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from ..strategies import Note
from .live_log import is_of_run
from .screen import Screen
from .words import flattened

__all__ = ["heeding", "told_at_once"]

_OFTEN: Final = 10.0
"""Seconds in which a warning of one kind is told once: what comes meanwhile is counted."""


@contextmanager
def heeding(screen: Screen) -> Generator[None, None, None]:
    """Pass on the library's warnings at the end, unless an error says more then."""
    heard = _Warnings(screen)
    logger = _logger()
    logger.addHandler(heard)
    try:
        yield
        heard.tell()
    except BaseException:
        if screen.debug:
            heard.tell()
        raise
    finally:
        logger.removeHandler(heard)


@contextmanager
def told_at_once() -> Generator[None, None, None]:
    """Within `heeding`, pass them on as they come: nobody knows when it ends."""
    [heard] = [x for x in _logger().handlers if isinstance(x, _Warnings)][-1:]
    heard.is_live = True
    try:
        yield
    finally:
        heard.is_live = False


def _logger() -> logging.Logger:
    return logging.getLogger("unified_exchanges")


class _Warnings(logging.Handler):
    def __init__(self, screen: Screen) -> None:
        super().__init__(logging.WARNING)
        self.is_live = False
        self._screen = screen
        self._kept: dict[str, None] = {}
        self._told: dict[str, float] = {}
        self._left: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if is_of_run(record):
            return
        if not self.is_live:
            self._kept[record.getMessage()] = None
            return
        # Most are a form of words, into which what it is about is put.
        kind = record.getMessage() if record.msg == "%s" else record.msg
        now = time.monotonic()
        if now - self._told.get(kind, -_OFTEN) < _OFTEN:
            self._left[kind] = self._left.get(kind, 0) + 1
            return
        self._told[kind] = now
        left = self._left.pop(kind, 0)
        more = f" (and {left:,} like it before)" if left else ""
        note = Note(at=int(record.created * 10**9), text=record.getMessage() + more)
        self._screen.note(flattened(str(note)))

    def tell(self) -> None:
        """Tell what was kept."""
        for message in self._kept:
            self._screen.note(message)
