"""What a hedge acts by: the flows that an exchange of either flavour has for it."""

from __future__ import annotations

import logging
from typing import Final, Protocol

from ..errors import UnifiedExchangesError
from ..flow import Flow
from ..models import Order, OrderRequest
from ..venue import Venue

__all__ = ["Desk", "ended"]

_log = logging.getLogger(__name__)

_HELD: Final = 30.0
"""Seconds for which an immediate order is waited for that the venue holds back: in games
Polymarket does so for some seconds before anything trades."""


class Desk(Protocol):
    """An `Exchange` or an `AsyncExchange`: whatever goes through it counts in `orders`."""

    @property
    def venue(self) -> Venue:
        """The venue that the flows are of."""
        ...

    def placing(self, order: OrderRequest) -> Flow[Order]:
        """Create an order."""
        ...

    def looking(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
    ) -> Flow[Order]:
        """Read an order."""
        ...

    def ending(self, order: Order, timeout: float) -> Flow[Order]:
        """Read an order until it has ended."""
        ...


def ended(desk: Desk, order: Order) -> Flow[Order]:
    """An immediate order as it ended; as it is if it stays open, which nobody can mend."""
    if not order.is_open:
        return order
    try:
        return (yield from desk.ending(order, _HELD))
    except UnifiedExchangesError as error:
        _log.warning("an immediate order stays open: %s", error)
        return order
