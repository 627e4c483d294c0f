"""The log and the failures of a run on stderr, as they come."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from ..strategies import Note, Strategy
from ..strategies.live_log import LOGGER, MOMENT
from .screen import Screen
from .words import flattened

__all__ = ["is_of_run", "told_live"]


def is_of_run(record: logging.LogRecord) -> bool:
    """Whether it is a line or a failure of a strategy, which are told as they come."""
    return hasattr(record, MOMENT)


@contextmanager
def told_live(screen: Screen, strategy: Strategy) -> Generator[None, None, None]:
    """Tell them with their time, as long as it lasts.

    A failure that the strategy does not handle is left away: it is what the run ends with.
    """
    logger = logging.getLogger(LOGGER)
    handled = getattr(strategy.on_failure, "__func__", None)
    handler = _Live(screen, are_failures_told=handled is not Strategy.on_failure)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(logging.INFO, logger.getEffectiveLevel()))
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


class _Live(logging.Handler):
    def __init__(self, screen: Screen, *, are_failures_told: bool) -> None:
        super().__init__(logging.INFO)
        self._screen = screen
        self._are_failures_told = are_failures_told

    def emit(self, record: logging.LogRecord) -> None:
        is_failure = record.levelno > logging.INFO
        if is_of_run(record) and (self._are_failures_told or not is_failure):
            note = Note(at=getattr(record, MOMENT), text=record.getMessage())
            self._screen.note(flattened(str(note)))
