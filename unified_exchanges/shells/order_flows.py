"""What both flavours have of an order as flows: what waits and sends is whoever runs them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ..flow import Flow
from ..models import Fill, Order, OrderBook, OrderRequest, Settlement
from ..tracking.calls import TrackedCalls
from ..tracking.waiting import ending
from ..venue import Venue

__all__ = ["OrderFlows"]


class OrderFlows:
    """Flows of one order that `orders` counts and learns from."""

    venue: Venue
    _calls: TrackedCalls

    def placing(self, order: OrderRequest) -> Flow[Order]:
        """The flow of a create that `orders` counts, for flows that `run` performs."""
        return self._calls.creating(self.venue.create_order(order))

    def looking(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        market_id: str | None = None,
        outcome: str | None = None,
    ) -> Flow[Order]:
        """The flow of a read of one order that `orders` learns from, likewise."""
        flow = self.venue.fetch_order(
            order_id,
            client_order_id=client_order_id,
            market_id=market_id,
            outcome=outcome,
        )
        return self._calls.reading_order(flow, client_order_id, market_id)

    def changing(
        self,
        order_id: str,
        *,
        market_id: str,
        outcome: str,
        price: Decimal | None,
        size: Decimal | None,
    ) -> Flow[Order]:
        """The flow of a change of one order, likewise."""
        flow = self.venue.edit_order(
            order_id, market_id=market_id, outcome=outcome, price=price, size=size
        )
        return self._calls.changing(flow)

    def cancelling(self, order_id: str, *, market_id: str) -> Flow[Order]:
        """The flow of a cancel of one order, likewise."""
        flow = self.venue.cancel_order(order_id, market_id=market_id)
        return self._calls.cancelling(flow, order_id)

    def stopping(self, order_id: str, *, market_id: str) -> Flow[Order]:
        """The flow of a cancel of one order that is to stay open in no case, likewise."""
        flow = self.venue.stop_order(order_id, market_id=market_id)
        return self._calls.cancelling(flow, order_id)

    def learn(self, told: Order | Fill | Settlement) -> None:
        """Have `orders` and the guards know what was told of the account past its stream."""
        self._calls.learn(told)

    def judge_by(self, books: Callable[[str], OrderBook | None]) -> Callable[[], None]:
        """Hold prices against these books, until what is returned is called."""
        return self._calls.judge_by(books)

    def ending(self, order: Order, timeout: float) -> Flow[Order]:
        """The flow that reads an order until it has ended, likewise; see `wait_done`."""
        return ending(order, timeout, self._calls, self.venue)
