"""`Paper`: the blocking exchange on paper."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..drivers.dry_run import Fence
from ..shells.blocking import Exchange
from ..transports import Transport
from .feeding import Feeding
from .terms import WeakEyes
from .venue import PaperVenue

if TYPE_CHECKING:
    from ..watching.hub import Hub

__all__ = ["Paper"]


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
        """End as any exchange, and let others have the account."""
        try:
            super().close()
        finally:
            self.venue.source.monitor.close()
            self.besides.close()
            self.venue.let_go()


def _transport() -> Transport:
    from ..transports.blocking import BlockingTransport  # noqa: PLC0415 - loads requests

    return BlockingTransport()
