"""Feeding the house with what is followed of a market, the same in both flavours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from ..errors import NotRecorded, UnifiedExchangesError
from ..models import Subject
from .terms import FED

__all__ = ["feed"]

_log = logging.getLogger(__name__)


class _Feeds(Protocol):
    """A hub of either flavour."""

    def feed(
        self, subject: Subject, market_ids: Sequence[str], hear: Callable[[Any], None]
    ) -> object:
        """Hand on all that is told of markets."""
        ...


H = TypeVar("H", bound=_Feeds)


def feed(
    open_hub: Callable[[Subject], H], market_id: str, hear: Callable[[Any], None]
) -> H | None:
    """Have somebody hear a market's books, trades and changes; gives the first hub.

    None where nothing is followed: then it is read, and tried again with the next order.
    """
    first: H | None = None
    try:
        for subject in FED:
            hub = open_hub(subject)
            try:
                hub.feed(subject, [market_id], hear)
            except NotRecorded as error:
                # A recording without trades still tells books, and that a market closes.
                _log.info("paper: %s of %s: %s", subject, market_id, error)
            else:
                first = first or hub
    except UnifiedExchangesError as error:
        _log.info("paper: %s is not followed: %s", market_id, error)
    return first
