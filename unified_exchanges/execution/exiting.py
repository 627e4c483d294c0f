"""An exit as flows: begin or resume it, and send its one order.

The record says ``sending`` on disk before the order leaves, and the order's key follows
from the record.  So whoever comes after a crash looks the order up before anything else,
and even a second sending could not make a second order.
"""

from __future__ import annotations

import logging

from ..errors import (
    BadRequest,
    DuplicateOrderId,
    Halted,
    InvalidPrice,
    OrderNotFound,
    OrderUnknown,
    UnifiedExchangesError,
)
from ..flow import Flow
from ..models import Market, Order, OrderBook, OrderRequest, Side, TimeInForce
from ..venue import Venue
from .exits import ExitPlan, ExitRecord, ExitState
from .store import ExitStore, MemoryExits

__all__ = ["PAUSE", "Exiting"]

PAUSE = 0.5
"""Seconds until an order that was not placed is tried again by the same book."""

_log = logging.getLogger(__name__)


class Exiting:
    """One exit at work; whoever has books gives them to `saw`."""

    def __init__(self, plan: ExitPlan, store: ExitStore) -> None:
        self._store = store
        self._market: Market | None = None
        self.is_urgent = False
        """Whether its order should be out and is not: a quiet book must not hold it."""
        self.record = ExitRecord(plan=plan)

    def begin(self, venue: Venue) -> Flow[ExitRecord]:
        """Check the plan, arm it, or find out what became of an order before a restart."""
        if venue.settings.dry_run:
            # What was only rehearsed must not pass for an exit that is over.
            self._store = MemoryExits()
        plan = self.record.plan
        self._market = yield from venue.fetch_market(plan.market_id)
        plan = plan.check(self._market)
        known = self._store.load(plan.name)
        if known is None:
            self._keep(ExitRecord(plan=plan))
            return self.record
        if known.plan != plan:
            message = (
                f"exit {plan.name!r} is written down with other terms ({known.plan}): "
                "a new exit needs a new name"
            )
            raise BadRequest(message)
        self.record = known
        if known.state is ExitState.SENDING:
            yield from self._look(venue)
        return self.record

    def saw(self, venue: Venue, book: OrderBook) -> Flow[ExitRecord]:
        """Send the order if this book says so.

        An order that is known not to have been placed leaves the exit armed, and its error
        is raised if waiting cannot help.  `OrderUnknown` leaves it ``sending``.
        """
        self.is_urgent = False
        trigger = self.record.plan.decide(book)
        if trigger is None or self.record.state is not ExitState.ARMED:
            return self.record
        # The market as it was: reading it now would let the price run away.
        assert self._market is not None
        price = self.record.plan.price(trigger, self._market)
        self._keep(self.record.sending(trigger, price))
        try:
            order = yield from venue.create_order(self._request())
        except DuplicateOrderId:
            # An earlier sending, which nobody could find, has arrived after all.
            yield from self._look(venue)
        except InvalidPrice as error:
            self._market = yield from venue.fetch_market(self.record.plan.market_id)
            is_other = self.record.plan.price(trigger, self._market) != price
            self._not_placed(error, again=is_other)
        except Halted as error:
            # Nothing was sent, so the key is as good as new.
            self._keep(self.record.rearmed(attempt=self.record.attempt))
            error.add(
                f"; exit {self.record.plan.name!r} wanted to sell and has not: it stays "
                "armed. Run it again once orders may leave"
            )
            raise
        except UnifiedExchangesError as error:
            self._not_placed(error, again=error.retryable)
        else:
            self._close(order)
        return self.record

    def _request(self) -> OrderRequest:
        plan = self.record.plan
        return OrderRequest(
            market_id=plan.market_id,
            outcome=plan.outcome,
            side=Side.SELL,
            price=self.record.price,
            size=plan.size,
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            client_order_id=self.record.client_order_id,
        )

    def _not_placed(self, error: UnifiedExchangesError, *, again: bool) -> None:
        """Its order was not placed; ``again`` if the next book may sell after all."""
        if isinstance(error, OrderUnknown) or error.maybe_executed:
            raise error
        # What never got as far as to be judged keeps its key, so that there is one order
        # even if that was not true; a refusal may have used the key up.
        attempt = self.record.attempt + (0 if error.retryable else 1)
        self._keep(self.record.rearmed(attempt=attempt))
        if not again:
            raise error
        self.is_urgent = True
        _log.warning("exit %r goes on: %s", self.record.plan.name, error)

    def _look(self, venue: Venue) -> Flow[None]:
        """What became of the order that may have left."""
        record = self.record
        key = record.client_order_id
        try:
            order = yield from venue.fetch_order(
                client_order_id=key, market_id=record.plan.market_id
            )
        except OrderNotFound as error:
            if venue.facts.idempotent_create == "none":
                message = (
                    f"exit {record.plan.name!r}: its order is not to be found, and on "
                    f"{venue.id} a second one could not be told from it. Look at the "
                    "account, then make an exit with a new name"
                )
                raise OrderUnknown(
                    message, venue=venue.id, client_order_id=key
                ) from error
            # With the same key: should it show later, the venue takes no second one.
            self._keep(record.rearmed(attempt=record.attempt))
        else:
            self._close(order)

    def _close(self, order: Order) -> None:
        if order.is_open:
            message = (
                f"exit {self.record.plan.name!r}: its immediate order is still shown as "
                f"open; look it up with fetch_order({order.order_id!r})"
            )
            raise OrderUnknown(message, client_order_id=self.record.client_order_id)
        self._keep(self.record.ended(order))

    def _keep(self, record: ExitRecord) -> None:
        self._store.save(record)
        self.record = record
