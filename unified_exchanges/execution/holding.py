"""What an exit has to sell: what is held of it, and what other orders of ours make of that.

Positions and open orders are read one after the other, so together they are true of no one
moment: the venue has the last word, which takes nothing from who holds nothing.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Final, TypeVar

import attrs

from ..errors import AuthenticationError, UnifiedExchangesError
from ..flow import Flow, collect
from ..models import Order, Side
from ..money import EXACT, ZERO, total
from ..venue import Venue
from ..venue.closing import Closing
from ..venue.deadline import within
from .exit_record import ExitRecord

__all__ = ["Holding", "read_holding"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

_LONGEST: Final = 3.0
"""Seconds that a read may take: the price does not wait."""


@attrs.frozen(kw_only=True, slots=True)
class Holding:
    """Contracts of one outcome.

    ``held`` is None where it could not be read.  ``locked`` are those that resting orders
    of ours offer where that takes them away from others, ``bids`` at which prices in dollars
    we bid ourselves.
    """

    held: Decimal | None
    locked: Decimal
    bids: tuple[Decimal, ...]

    def free(self) -> Decimal | None:
        """Contracts that can be sold."""
        if self.held is None:
            return None
        return max(EXACT.subtract(self.held, self.locked), ZERO)


def read_holding(venue: Venue, record: ExitRecord) -> Flow[Holding]:
    """What can be sold now; what cannot be read is left to the venue, which bounds it too.

    ``held`` is less than the exit is to sell only if that is sure.
    """
    plan = record.plan
    orders: list[Order] = []
    listing = collect(venue.fetch_open_orders(market_id=plan.market_id))
    found = yield from _tried(venue, listing, record, "orders")
    if found is not None:
        orders = [x for x in found if not _is_own(x, record)]
    held = yield from _tried(venue, _held(venue, record), record, "position")
    # Where outcomes have books of their own, what one order offers no other can.
    locks = venue.first_outcome is None
    sells = [x for x in orders if x.outcome == plan.outcome and x.side is Side.SELL]
    told = [x.in_terms_of(plan.outcome) for x in orders]
    bids = tuple(x.price for x in told if x.side is Side.BUY and x.remaining > ZERO)
    locked = total(x.remaining for x in sells) if locks else ZERO
    return Holding(held=held, locked=locked, bids=bids)


def _held(venue: Venue, record: ExitRecord) -> Flow[Decimal]:
    """Contracts held; fewer than are to be sold are read again, so that it is sure."""
    plan = record.plan
    told = yield from venue.fetch_positions(market_id=plan.market_id, mark=False)
    held = total(x.size for x in told if x.outcome == plan.outcome)
    if held < record.wanted and isinstance(venue, Closing):
        sure = yield from venue.held_now(plan.market_id, {})
        held = total(size for outcome, size in sure if outcome == plan.outcome)
    return held


def _is_own(order: Order, record: ExitRecord) -> bool:
    """Whether it is the exit's own order, which locks nothing against itself."""
    return order.client_order_id == record.client_order_id or (
        record.order_id is not None and order.order_id == record.order_id
    )


def _tried(
    venue: Venue, reading: Flow[T], record: ExitRecord, what: str
) -> Flow[T | None]:
    """A read that must not keep an order back: None if it failed."""
    end = venue.clock.monotonic() + _LONGEST
    try:
        return (yield from within(reading, venue.clock, end))
    except AuthenticationError:
        raise
    except UnifiedExchangesError as error:
        _log.warning(
            "exit %r sells without having read its %s: %s",
            record.plan.name,
            what,
            error,
        )
        return None
