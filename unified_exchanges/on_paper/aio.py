"""`AsyncPaper`: the asynchronous exchange on paper."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..drivers.dry_run import AsyncFence
from ..errors import UnifiedExchangesError
from ..shells.aio import AsyncExchange
from ..transports import AsyncTransport
from .terms import FED, WeakEyes
from .venue import PaperVenue

if TYPE_CHECKING:
    from ..watching.aio_hub import AsyncHub

__all__ = ["AsyncPaper"]

_log = logging.getLogger(__name__)


class AsyncPaper(AsyncExchange):
    """An exchange whose orders are on paper; see `async_exchange`.

    Its transport lets nothing but reads through.
    """

    venue: PaperVenue

    def __init__(
        self, *, transport: AsyncTransport | None = None, **settings: Any
    ) -> None:
        super().__init__(transport=AsyncFence(transport or _transport()), **settings)
        self._fed: dict[str, AsyncHub] = {}
        self.besides = ExitStack()
        """What ends with the exchange, such as a simulated source."""
        self.venue.eyes = WeakEyes(self)

    async def aclose(self) -> None:
        """Keep the state, and end as any exchange."""
        self.venue.save_state(now=True)
        await super().aclose()
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


def _transport() -> AsyncTransport:
    from ..transports.aio import AioTransport  # noqa: PLC0415 - loads aiohttp

    return AioTransport()
