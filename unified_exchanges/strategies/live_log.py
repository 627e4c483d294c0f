"""What a strategy logs and what fails, told as it comes and not at the end of a run."""

from __future__ import annotations

import logging
from typing import Final

from ..errors import UnifiedExchangesError
from ..wording import words_of
from .commands import Cancel, Failure, Note

__all__ = ["LOGGER", "MOMENT", "failed", "noted", "unread"]

LOGGER: Final = "unified_exchanges.strategies"

MOMENT: Final = "moment"
"""What a record bears its time by, in nanoseconds since 1970: over a recording, of that."""

_log = logging.getLogger(LOGGER)


def noted(note: Note) -> None:
    """The strategy has logged a line."""
    _log.info("%s", note.text, extra={MOMENT: note.at})


def unread(cancel: Cancel, error: UnifiedExchangesError, moment: int) -> None:
    """An order has ended, as was told, though its cancel could not say so."""
    _log.info(
        "cancel %s: its order has ended, as was told: %s",
        cancel.key,
        words_of(error),
        extra={MOMENT: moment},
    )


def failed(failure: Failure, moment: int) -> None:
    """A command was refused, or nobody knows what became of it."""
    command, error = failure.command, failure.error
    _log.warning(
        "%s %s: %s: %s",
        type(command).__name__.lower(),
        command.key,
        type(error).__name__,
        words_of(error),
        extra={MOMENT: moment},
    )
