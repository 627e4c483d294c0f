"""Previews: what orders would send, and whether our own checks would let them leave.

Nothing is taken down for it: neither a client order id nor a place in the order rate.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from ..errors import (
    GuardTripped,
    Halted,
    JournalError,
    RateLimitExceeded,
    ReadOnly,
    UnifiedExchangesError,
    UnresolvedOrders,
)
from ..flow import Flow, Leaving
from ..models import OrderPreview, OrderRequest
from .draft import Draft
from .placing import Placing

__all__ = ["Previewing"]

D = TypeVar("D", bound=Draft)

_REFUSALS: Final = (
    GuardTripped,
    Halted,
    JournalError,
    RateLimitExceeded,
    ReadOnly,
    UnresolvedOrders,
)
"""Of what could be sent, and is not to be."""


class Previewing(Placing[D], Generic[D]):
    """Shows orders without sending them."""

    # -- what a subclass must say ---------------------------------------------------

    @abstractmethod
    def shown(self, ready: D) -> Flow[OrderPreview]:
        """What placing an order would send, and what it would cost."""

    # -- previewing -----------------------------------------------------------------

    def preview_order(self, order: OrderRequest) -> Flow[OrderPreview]:
        """What placing would send; see `Exchange.preview_order`."""
        ticket = self.tickets.read(order, rng=self.rng)
        self.switch.check(ticket)
        self.check_allowed(ticket)
        yield from self.heed(ticket)
        ready = yield from self.draft(ticket)
        yield from self._ask([ready])
        return (yield from self.shown(ready))

    def preview_orders(
        self, orders: Sequence[OrderRequest], *, leave: bool
    ) -> Flow[tuple[list[OrderPreview], UnifiedExchangesError | None]]:
        """What placing all of these would send, and why they would not be let leave.

        Unlike a preview of one it asks as well whether this exchange may write at all.
        ``leave``: they are to, so what earlier runs left open is found out first.
        """
        tickets = [self.tickets.read(order, rng=self.rng) for order in orders]
        ready: list[D] = []
        for ticket in tickets:
            draft = yield from self.draft(ticket)
            ready.append(draft)
        refusal: UnifiedExchangesError | None = None
        try:
            yield from self._ask_all(ready, leave=leave)
        except _REFUSALS as error:
            refusal = error
        previews: list[OrderPreview] = []
        for x in ready:
            preview = yield from self.shown(x)
            previews.append(preview)
        return previews, refusal

    def _ask_all(self, ready: Sequence[D], *, leave: bool) -> Flow[None]:
        for x in ready:
            self.require_writable(x.ticket)
            self.switch.check(x.ticket)
            self.check_allowed(x.ticket)
        yield from self.heed(ready[0])
        if leave and not self.is_cleared:
            deadline = self.clock.monotonic() + self.retry.order_deadline
            keys = [x.ticket.request.client_order_id for x in ready]
            yield from self.require_resolved(deadline, keys)
        yield from self._ask(ready)

    def _ask(self, ready: Sequence[D]) -> Flow[None]:
        """Hold orders against the guards, all of them together."""
        try:
            yield Leaving(tuple(ready), only_asks=True)
        except UnifiedExchangesError as error:
            raise self._unsent(error, ready[0]) from None
