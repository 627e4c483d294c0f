"""What a run decided and does not send: canceled before it left, or too late by then."""

from __future__ import annotations

from math import inf
from typing import Final

from ..errors import RateLimitExceeded
from ..models import Order, OrderStatus
from ..money import ZERO
from ..venue import Venue
from .commands import Cancel, Command, Place

__all__ = ["canceled", "is_overdue", "overdue", "remaining"]

_SECOND: Final = 10**9


def canceled(place: Place, venue: str) -> Order:
    """An order that was canceled before it left: the venue has never heard of it."""
    return Order(
        venue=venue,
        order_id="",
        client_order_id=place.key,
        market_id=place.market_id,
        outcome=place.outcome,
        side=place.side,
        price=place.price,
        size=place.size,
        filled=ZERO,
        remaining=ZERO,
        status=OrderStatus.CANCELED,
        time_in_force=place.time_in_force,
        post_only=place.post_only,
        reduce_only=place.reduce_only,
        expires_at=place.expires_at,
    )


def remaining(command: Command, waited: int, venue: Venue) -> float:
    """Seconds for which a command that has waited for its turn may wait still.

    ``waited`` is nanoseconds.  A cancel is as good late.
    """
    if isinstance(command, Cancel):
        return inf
    return venue.retry.order_deadline - waited / _SECOND


def is_overdue(command: Command, waited: int, venue: Venue) -> bool:
    """Whether it has waited for so long that it is not to leave."""
    return remaining(command, waited, venue) <= 0


def overdue(command: Command, waited: int, venue: Venue) -> RateLimitExceeded:
    """The error of a command that is not to leave: its price is stale."""
    what = "order" if isinstance(command, Place) else "change of order"
    return RateLimitExceeded(
        f"{what} {command.key}: not sent, because it waited {waited / _SECOND:.2f} s for "
        "its turn among those of this run, for the limiter, for what is read before, or for "
        f"a connection, past its deadline of {venue.retry.order_deadline:g} s "
        "(RetryPolicy.order_deadline); "
        "decide less often, or cancel what is not wanted any more",
        venue=venue.id,
        client_order_id=command.key,
    )
