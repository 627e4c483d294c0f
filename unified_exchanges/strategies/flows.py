"""What the commands of a run do at an exchange, of either flavour."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from ..flow import Flow
from ..models import Order, OrderRequest
from .commands import Amend, Command, Place

__all__ = ["Sending", "flow_of", "request"]


class Sending(Protocol):
    """An exchange whose orders are sent by flows, which its guards know of."""

    def placing(self, order: OrderRequest) -> Flow[Order]:
        """The flow of a create."""
        ...

    def looking(
        self, *, client_order_id: str, market_id: str, outcome: str
    ) -> Flow[Order]:
        """The flow of a read of one order."""
        ...

    def changing(
        self,
        order_id: str,
        *,
        market_id: str,
        outcome: str,
        price: Decimal | None,
        size: Decimal | None,
    ) -> Flow[Order]:
        """The flow of a change."""
        ...

    def cancelling(self, order_id: str, *, market_id: str) -> Flow[Order]:
        """The flow of a cancel."""
        ...

    def stopping(self, order_id: str, *, market_id: str) -> Flow[Order]:
        """The flow of a cancel at the end of a run."""
        ...


def flow_of(
    exchange: Sending,
    command: Command,
    place: Place,
    order_id: str | None,
    *,
    is_end: bool = False,
) -> Flow[Order]:
    """What a command does; ``order_id`` is None as long as it is not known.

    ``is_end`` says that the run is over: a cancel is the last that is tried.
    """
    if isinstance(command, Place):
        return exchange.placing(request(place))
    return _of_one(exchange, command, place, order_id, is_end=is_end)


def _of_one(
    exchange: Sending,
    command: Command,
    place: Place,
    order_id: str | None,
    *,
    is_end: bool,
) -> Flow[Order]:
    market_id, outcome = place.market_id, place.outcome
    if order_id is None:
        found = yield from exchange.looking(
            client_order_id=place.key, market_id=market_id, outcome=outcome
        )
        order_id = found.order_id
    if isinstance(command, Amend):
        changed = exchange.changing(
            order_id,
            market_id=market_id,
            outcome=outcome,
            price=command.price,
            size=command.size,
        )
        return (yield from changed)
    if is_end:
        return (yield from exchange.stopping(order_id, market_id=market_id))
    return (yield from exchange.cancelling(order_id, market_id=market_id))


def request(place: Place) -> OrderRequest:
    """An order as exchanges take it."""
    return OrderRequest(
        market_id=place.market_id,
        outcome=place.outcome,
        side=place.side,
        price=place.price,
        size=place.size,
        time_in_force=place.time_in_force,
        post_only=place.post_only,
        reduce_only=place.reduce_only,
        expires_at=place.expires_at,
        client_order_id=place.key,
    )
