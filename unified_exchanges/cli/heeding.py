"""The library's warnings on stderr: after the result, or as they come."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, TypeAlias

from ..strategies import Note
from .live_log import is_of_run
from .screen import Screen
from .words import flattened

__all__ = ["heeding", "told_at_once"]

_MOST: Final = 10
"""Warnings of one form of words that are told within so long; the others are counted."""
_SPAN: Final = 10.0
"""Seconds."""
_Form: TypeAlias = tuple[str, int, str]


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
        heard.tell_counts()


def _at(moment: float, words: str) -> str:
    return flattened(str(Note(at=int(moment * 10**9), text=words)))


def _logger() -> logging.Logger:
    return logging.getLogger("unified_exchanges")


class _Warnings(logging.Handler):
    def __init__(self, screen: Screen) -> None:
        super().__init__(logging.WARNING)
        self.is_live = False
        self._screen = screen
        self._kept: dict[str, None] = {}
        self._told: dict[_Form, deque[float]] = {}
        self._left: dict[_Form, tuple[int, float, str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if is_of_run(record):
            return
        if not self.is_live:
            self._kept[record.getMessage()] = None
            return
        # A form of words, into which what it is about is put; of what has no words of its
        # own, as "%s", where it is said.
        form = record.pathname, record.lineno, record.msg
        told = self._told.setdefault(form, deque(maxlen=_MOST))
        now, moment, words = time.monotonic(), record.created, record.getMessage()
        if len(told) == _MOST and now - told[0] < _SPAN:
            count, *_ = self._left.get(form, (0,))
            self._left[form] = count + 1, moment, words
            return
        told.append(now)
        self._tell(moment, words)

    def _tell(self, moment: float, words: str, more: str = "") -> None:
        self._screen.note(f"{_at(moment, words)}{more}")
        self._screen.told.add(words)

    def tell_counts(self) -> None:
        """Tell how many were left out, and the last of each form."""
        for count, moment, last in self._left.values():
            self._tell(moment, last, f" (and {count - 1:,} like it before)")
        self._left.clear()

    def tell(self) -> None:
        """Tell what was kept."""
        for message in self._kept:
            self._screen.note(message)
