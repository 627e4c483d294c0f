"""`AsyncPaper`: the asynchronous exchange on paper."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..drivers.dry_run import AsyncFence
from ..shells.aio import AsyncExchange
from ..transports import AsyncTransport
from .feeding import Feeding
from .terms import WeakEyes
from .venue import PaperVenue

if TYPE_CHECKING:
    from ..watching.aio_hub import AsyncHub

__all__ = ["AsyncPaper"]


class AsyncPaper(AsyncExchange, Feeding["AsyncHub"]):
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
        """End as any exchange, and let others have the account."""
        try:
            await super().aclose()
        finally:
            self.venue.source.monitor.close()
            self.besides.close()
            self.venue.let_go()


def _transport() -> AsyncTransport:
    from ..transports.aio import AioTransport  # noqa: PLC0415 - loads aiohttp

    return AioTransport()
