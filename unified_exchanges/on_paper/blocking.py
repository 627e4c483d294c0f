"""`Paper`: the blocking exchange on paper."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..drivers.dry_run import Fence
from ..errors import UnifiedExchangesError
from ..shells.blocking import Exchange
from ..transports import Transport
from .terms import FED, WeakEyes
from .venue import PaperVenue

if TYPE_CHECKING:
    from ..watching.hub import Hub

__all__ = ["Paper"]

_log = logging.getLogger(__name__)


class Paper(Exchange):
    """An exchange whose orders are on paper; see `exchange`.

    Its transport lets nothing but reads through.
    """

    venue: PaperVenue

    def __init__(self, *, transport: Transport | None = None, **settings: Any) -> None:
        super().__init__(transport=Fence(transport or _transport()), **settings)
        self._fed: dict[str, Hub] = {}
        self.besides = ExitStack()
        """What ends with the exchange, such as a simulated source."""
        self.venue.eyes = WeakEyes(self)

    def close(self) -> None:
        """Keep the state, and end as any exchange."""
        self.venue.save_state(now=True)
        super().close()
        self.venue.source.monitor.close()
        self.besides.close()

    def attend(self, market_id: str) -> None:
        """Feed the house with a market over the source's stream."""
        fed = self._fed.get(market_id)
        if self._is_closed or (fed is not None and fed.is_usable):
            return
        try:
            for subject in FED:
                hub = self._open_hub(subject)
                hub.feed(subject, market_id, self.venue.hear)
                self._fed[market_id] = hub
        except UnifiedExchangesError as error:
            # It is read instead, and tried again with the next order.
            _log.info("paper: %s is not followed: %s", market_id, error)

    def sees(self, market_id: str) -> bool:
        """Whether the house is fed with a market now."""
        hub = self._fed.get(market_id)
        return hub is not None and hub.live_book(market_id) is not None


def _transport() -> Transport:
    from ..transports.blocking import BlockingTransport  # noqa: PLC0415 - loads requests

    return BlockingTransport()
