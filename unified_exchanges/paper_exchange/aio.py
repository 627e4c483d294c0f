"""`AsyncPaper`: the asynchronous exchange on paper."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..drivers.dry_run import AsyncFence
from ..errors import JournalError
from ..shells.aio import AsyncExchange
from ..transports import AsyncTransport
from .feeding import Feeding
from .terms import WeakEyes
from .venue import PaperVenue

if TYPE_CHECKING:
    from ..watching.aio_hub import AsyncHub

__all__ = ["AsyncPaper"]

_log = logging.getLogger(__name__)


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
        """End as any exchange, and let others have the account.

        Raises `JournalError` if the last of it could not be written: after all is closed.
        """
        with ExitStack() as ending:
            ending.callback(self.venue.let_go)
            ending.callback(self.besides.close)
            ending.callback(self.venue.source.monitor.close)
            await super().aclose()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.aclose()
        except JournalError as unwritten:
            # What went wrong inside is more than that.
            if error is None:
                raise
            _log.error("%s", unwritten)


def _transport() -> AsyncTransport:
    from ..transports.aio import AioTransport  # noqa: PLC0415 - loads aiohttp

    return AioTransport()
