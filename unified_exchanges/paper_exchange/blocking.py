"""`Paper`: the blocking exchange on paper."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..drivers.dry_run import Fence
from ..errors import JournalError
from ..shells.blocking import Exchange
from ..transports import Transport
from .feeding import Feeding
from .terms import WeakEyes
from .venue import PaperVenue

if TYPE_CHECKING:
    from ..watching.hub import Hub

__all__ = ["Paper"]

_log = logging.getLogger(__name__)


class Paper(Exchange, Feeding["Hub"]):
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
        """End as any exchange, and let others have the account.

        Raises `JournalError` if the last of it could not be written: after all is closed.
        """
        with ExitStack() as ending:
            ending.callback(self.venue.let_go)
            ending.callback(self.besides.close)
            ending.callback(self.venue.source.monitor.close)
            super().close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except JournalError as unwritten:
            # What went wrong inside is more than that.
            if error is None:
                raise
            _log.error("%s", unwritten)


def _transport() -> Transport:
    from ..transports.blocking import BlockingTransport  # noqa: PLC0415 - loads requests

    return BlockingTransport()
