"""Finding our orders by their ids, and when it is proven that there is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Final

import attrs

from ...errors import BadRequest, UnifiedExchangesError
from ...flow import Flow, Sleep, collect
from ...models import Fill, Intent, Order, OrderStatus, Side, TimeInForce
from ...money import EXACT, div, total
from .drafts import Draft
from .own_trades import after
from .rules import RuleBook

__all__ = ["PATIENCE", "Lookup"]

PATIENCE: Final = (0.2, 0.4, 0.8, 1.6)
"""Seconds before each further look for an order that should be there."""
_LAG: Final = timedelta(seconds=2)


class Lookup(RuleBook):
    """Looks for orders.

    An order's id is its hash, so one look by it tells whether the venue has it.  What the
    venue tells of orders that have ended differs by source (docs.polymarket.com, 2026-10:
    all; 2026-07: open ones only).  So "not found" proves nothing by itself: an order is
    absent when it is not told by its id, is not among the open ones, and has no fill.  One
    that had come and gone without a fill would look the same, and has left nothing either.
    """

    # Not documented.  A fill is a position once it is settled, for which the vendor's SDK
    # 0.14.0 waits 30 s, and reads of positions are cached for 5 s (docs, 2026-10).
    positions_late: ClassVar[float | None] = 40.0
    settles_late: ClassVar[bool] = True

    def venue_now(self) -> datetime:
        """The venue's time, as well as its answers tell it."""
        return datetime.fromtimestamp(self.clock.now() + self.offset.seconds, UTC)

    def until_fresh(
        self,
        since: datetime,
        *,
        urgent: bool = False,  # noqa: ARG002 - nothing is asked
    ) -> Flow[UnifiedExchangesError | None]:
        """Wait until reads show what happened up to then.

        Orders and trades are told by the engine's own service, not by the Data API that
        lags.  That it may be behind by a moment is not documented (2026-10), so a moment
        passes; nothing tells how long it must be.
        """
        left = (since + _LAG - self.venue_now()).total_seconds()
        if left > 0:
            yield Sleep(min(left, _LAG.total_seconds()))
        return None

    def look(self, order_id: str, of: Draft | Intent) -> Flow[Order | None]:
        """One look for an order that may have left, in three places; None: in none."""
        found = yield from self.read_order(order_id, of.market_id)
        if found is not None:
            return (yield from self.priced(self._named(found, of)))
        fills = yield from self._fills_since(of.market_id, _made_at(of))
        mine = [fill for fill in fills if fill.order_id == order_id]
        if mine:
            return (yield from self._rebuilt(order_id, of, mine))
        return None

    def look_patiently(
        self, order_id: str, of: Draft | Intent, waits: list[float] | None = None
    ) -> Flow[Order | None]:
        """The same for an order that should be there, again and again for some seconds.

        ``waits`` are those that are left, of several orders that were sent together: what
        has passed for one has passed for the others too.
        """
        left = [*PATIENCE] if waits is None else waits
        found = yield from self.look(order_id, of)
        while found is None and left:
            yield Sleep(left.pop(0))
            found = yield from self.look(order_id, of)
        return found

    def _fills_since(self, market_id: str, moment: datetime) -> Flow[list[Fill]]:
        query = {"market": market_id, **after(moment)}
        return collect(self.own_fills(query))

    def _named(self, order: Order, of: Draft | Intent) -> Order:
        """The order with our own id."""
        self.memory.name_order(order.order_id, of.client_order_id)
        return attrs.evolve(order, client_order_id=of.client_order_id)

    def priced(self, order: Order) -> Flow[Order]:
        """An order with the average price and fee of its fills, if they can be read."""
        if not order.filled or order.average_price is not None:
            return order
        try:
            return (yield from self.with_average(order))
        except UnifiedExchangesError:
            # That it is there is known, and counts for more.
            return order

    def _rebuilt(
        self, order_id: str, of: Draft | Intent, fills: Sequence[Fill]
    ) -> Flow[Order]:
        """An order that is told by its fills only: how it stands by them, as `concluded`."""
        filled = total(fill.size for fill in fills)
        size = max(of.size, filled)
        made = Order(
            venue=self.id,
            raw_json=fills[0].raw_json,
            order_id=order_id,
            client_order_id=of.client_order_id,
            market_id=of.market_id,
            outcome=of.outcome,
            side=of.side,
            price=of.price,
            size=size,
            filled=filled,
            remaining=EXACT.subtract(size, filled),
            status=OrderStatus.OPEN,
            average_price=_average(fills, filled),
            time_in_force=_time_in_force(of),
            reduce_only=True if of.side is Side.SELL else None,
            expires_at=_expires_at(of),
            created_at=_made_at(of),
        )
        self.memory.name_order(order_id, of.client_order_id)
        found = yield from self.concluded(made)
        if found.filled != filled:
            # Of what is not told yet nobody knows the price.
            found = self.memory.learn_order(attrs.evolve(found, average_price=None))
        return (yield from self.priced(self._named(found, of)))

    def check_market(self, order_id: str, market_id: str | None) -> None:
        """Refuse a market that an order which was seen does not belong to."""
        seen = self.memory.order(order_id)
        if seen is None or market_id in (None, seen.market_id):
            return
        message = (
            f"order {order_id} is on {seen.market_id}, not on {market_id}: leave "
            "market_id out or correct it"
        )
        raise BadRequest(message, venue=self.id)


def _made_at(of: Draft | Intent) -> datetime:
    return of.made_at if isinstance(of, Draft) else of.written_at


def _time_in_force(of: Draft | Intent) -> TimeInForce:
    return of.ticket.time_in_force if isinstance(of, Draft) else of.time_in_force


def _expires_at(of: Draft | Intent) -> datetime | None:
    return of.ticket.request.expires_at if isinstance(of, Draft) else of.expires_at


def _average(fills: Sequence[Fill], filled: Decimal) -> Decimal:
    return div(total(EXACT.multiply(x.price, x.size) for x in fills), filled)
