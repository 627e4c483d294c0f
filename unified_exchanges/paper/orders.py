"""An order on paper: what was asked, what filled, and where it stands in its queue."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import attrs

from ..models import BUY, Order, OrderStatus, Side, TimeInForce
from ..money import EXACT, ZERO, complement, div

__all__ = ["PaperOrder", "at", "nanoseconds", "priority"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def at(moment: int) -> datetime:
    """Nanoseconds since 1970 as a time in UTC, to the microsecond below."""
    return _EPOCH + timedelta(microseconds=moment // 1_000)


def nanoseconds(moment: datetime) -> int:
    """An aware time as nanoseconds since 1970, exactly."""
    if moment.tzinfo is None:
        message = f"{moment} has no time zone; pass an aware datetime"
        raise ValueError(message)
    return (moment - _EPOCH) // _MICROSECOND * 1_000


@attrs.define(kw_only=True, eq=False)
class PaperOrder:
    """One order; ``price`` is for its ``outcome``, ``limit`` for the first outcome.

    ``ahead`` is how many contracts of others stand before it at its price.  ``clipped``
    is by how much ``ahead`` shrank because the book showed less, not yet explained by
    trades: a trade that is told after the book has shown it must not count twice.
    ``spared`` is how many more stand before it, at its price or a better one, of whom the
    source tells that they have traded: an order of ours has filled in their place.
    ``is_blind`` says that no book is known since it arrived: it meets the next one as an
    order that arrives with it.  ``is_early`` says that the newest book is from before it
    arrived, by the venue's time: who else had joined by then may be told yet.
    """

    number: int
    client_order_id: str | None
    market_id: str
    outcome: str
    side: Side
    price: Decimal
    size: Decimal
    time_in_force: TimeInForce
    post_only: bool
    expires: int | None
    created: int
    buys: bool
    """Whether it buys the first outcome, or sells the second, which is the same."""
    limit: Decimal
    reduce_only: bool = False
    rank: int = 0
    """Who came first at a price; anew when an amendment gives up its place."""
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    """Price times size of what filled, for its own outcome."""
    fee: Decimal = ZERO
    status: OrderStatus = OrderStatus.OPEN
    arrived: int | None = None
    updated: int = 0
    ahead: Decimal = ZERO
    clipped: Decimal = ZERO
    spared: Decimal = ZERO
    is_blind: bool = False
    is_early: bool = False
    reason: str = ""

    @property
    def order_id(self) -> str:
        """Its name at the paper venue."""
        return f"paper-{self.number}"

    @property
    def remaining(self) -> Decimal:
        """Contracts that may still fill."""
        if self.status is not OrderStatus.OPEN:
            return ZERO
        return EXACT.subtract(self.size, self.filled)

    def price_of(self, price: Decimal) -> Decimal:
        """A price of the first outcome, for this order's outcome."""
        return price if self.buys is (self.side is BUY) else complement(price)

    def reaches(self, price: Decimal) -> bool:
        """Whether its limit allows a trade at this price of the first outcome."""
        return price <= self.limit if self.buys else price >= self.limit

    def to_model(self, venue: str) -> Order:
        """The order as a strategy sees it; ``raw`` has the reason if it was refused."""
        return Order(
            venue=venue,
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            market_id=self.market_id,
            outcome=self.outcome,
            side=self.side,
            price=self.price,
            size=self.size,
            filled=self.filled,
            remaining=self.remaining,
            status=self.status,
            average_price=div(self.paid, self.filled) if self.filled else None,
            fee=self.fee,
            time_in_force=self.time_in_force,
            post_only=self.post_only,
            reduce_only=self.reduce_only,
            expires_at=None if self.expires is None else at(self.expires),
            created_at=at(self.created),
            updated_at=at(self.updated),
            raw_json=json.dumps({"reason": self.reason}).encode(),
        )


def priority(order: PaperOrder) -> tuple[Decimal, int]:
    """Sorts orders of one side as they fill: the best price first, then the oldest."""
    best = EXACT.minus(order.limit) if order.buys else order.limit
    return best, order.rank
