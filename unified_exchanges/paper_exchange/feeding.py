"""Feeding the broker with what is followed of a market, the same in both flavours."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from ..errors import NotRecorded, UnifiedExchangesError
from ..models import OrderBook, Subject
from ..paper.engine import HEARD
from .venue import PaperVenue

__all__ = ["Feeding"]

_log = logging.getLogger(__name__)


class _Feeds(Protocol):
    """A hub of either flavour."""

    @property
    def is_usable(self) -> bool:
        """Whether it can be watched on."""
        ...

    def live_book(self, market_id: str) -> OrderBook | None:
        """A book that is followed; None unless it is live."""
        ...

    def feed(
        self, subject: Subject, market_ids: Sequence[str], hear: Callable[[Any], None]
    ) -> object:
        """Hand on all that is told of markets."""
        ...


H = TypeVar("H", bound=_Feeds)


class Feeding(ABC, Generic[H]):
    """Follows markets over the source's stream, as an exchange on paper of either flavour."""

    venue: PaperVenue
    _is_closed: bool
    _fed: dict[str, H]

    @abstractmethod
    def _open_hub(self, subject: Subject) -> H:
        """The hub of a subject, opened if it is not."""
        ...

    def attend(self, market_id: str) -> None:
        """Feed the broker with a market over the source's stream."""
        fed = self._fed.get(market_id)
        if self._is_closed or (fed is not None and fed.is_usable):
            return
        hub = self._feed(market_id)
        if hub is not None:
            self._fed[market_id] = hub

    def sees(self, market_id: str) -> bool:
        """Whether the broker is fed with a market now."""
        hub = self._fed.get(market_id)
        return hub is not None and hub.live_book(market_id) is not None

    def _feed(self, market_id: str) -> H | None:
        """Have the broker hear a market's books, trades and changes; gives the first hub.

        None where nothing is followed: then it is read, and tried again with the next order.
        """
        first: H | None = None
        try:
            for subject in HEARD:
                hub = self._open_hub(subject)
                try:
                    hub.feed(subject, [market_id], self.venue.hear)
                except NotRecorded as error:
                    # A recording without trades still tells books, and that a market closes.
                    _log.info("paper: %s of %s: %s", subject, market_id, error)
                else:
                    first = first or hub
        except UnifiedExchangesError as error:
            _log.info("paper: %s is not followed: %s", market_id, error)
        return first
