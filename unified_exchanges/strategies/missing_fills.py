"""Fills that an order counts and no stream has told: how they are read, and what is found."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final, Protocol, TypedDict

from ..models import Fill
from ..paper import at
from .own import Own

__all__ = ["fills_of", "found"]

_log = logging.getLogger("unified_exchanges.strategies")

_MARGIN: Final = timedelta(minutes=1)
"""By which the clock of a venue may be behind."""


class _Wanted(TypedDict):
    """What `fetch_fills` is asked for."""

    market_id: str
    order_id: str | None
    since: datetime


class _Read(Protocol):
    """A read that has ended, in a thread or a task."""

    def exception(self) -> BaseException | None: ...

    def result(self) -> list[Fill]: ...


def fills_of(own: Own) -> _Wanted:
    """The fills of an order of a run."""
    place = own.place
    return {
        "market_id": place.market_id,
        "order_id": own.order_id,
        "since": at(place.at) - _MARGIN,
    }


def found(read: _Read | None) -> list[Fill]:
    """What a read gave, the oldest first; nothing if it failed, which the log says."""
    if read is None:
        return []
    error = read.exception()
    if error is not None:
        _log.warning("fills that no stream has told could not be read: %s", error)
        return []
    return read.result()[::-1]
