"""An exit as flows: begin or resume it, and send its one order.

The journal says ``sending`` before the order leaves, on disk if it is in a file, and the
order's key follows from the record.  So whoever comes after a crash looks the order up
before anything else, and even a second sending could not make a second order.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TypeAlias

from ..errors import (
    BadRequest,
    DuplicateOrderId,
    Halted,
    InvalidPrice,
    OrderNotFound,
    OrderUnknown,
    UnifiedExchangesError,
    UnresolvedOrders,
)
from ..flow import Flow, Load, Save
from ..models import Market, Order, OrderBook, OrderRequest, Side, TimeInForce
from ..venue import Venue
from .exits import ExitPlan, ExitRecord, ExitState
from .legs import require_plain

__all__ = ["PAUSE", "Exiting", "Placing"]

Placing: TypeAlias = Callable[[OrderRequest], Flow[Order]]
"""How an order is created, so that who keeps count of them learns of it."""

PAUSE = 0.5
"""Seconds until an order that was not placed is tried again by the same book."""

_log = logging.getLogger(__name__)


class Exiting:
    """One exit at work; whoever has books gives them to `saw`."""

    def __init__(self, plan: ExitPlan, placing: Placing) -> None:
        self._placing = placing
        self._market: Market | None = None
        self.is_urgent = False
        """Whether its order should be out and is not: a quiet book must not hold it."""
        self.record = ExitRecord(plan=plan)

    def begin(self, venue: Venue) -> Flow[ExitRecord]:
        """Check the plan, arm it, or find out what became of an order before a restart."""
        plan = self.record.plan
        self._market = require_plain((yield from venue.fetch_market(plan.market_id)))
        plan = plan.check(self._market)
        known = yield from _recalled(plan.name, venue)
        if known is None:
            yield from self._keep(ExitRecord(plan=plan), venue)
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
        yield from self._keep(self.record.sending(trigger, price), venue)
        try:
            order = yield from self._placing(self._request())
        except DuplicateOrderId:
            # An earlier sending, which nobody could find, has arrived after all.
            yield from self._look(venue)
        except InvalidPrice as error:
            self._market = yield from venue.fetch_market(self.record.plan.market_id)
            is_other = self.record.plan.price(trigger, self._market) != price
            yield from self._not_placed(error, venue, again=is_other)
        except Halted as error:
            # Nothing was sent, so the key is as good as new.
            armed = self.record.rearmed(attempt=self.record.attempt)
            yield from self._keep(armed, venue)
            error.add(
                f"; exit {self.record.plan.name!r} wanted to sell and has not: it stays "
                "armed. Run it again once orders may leave"
            )
            raise
        except UnifiedExchangesError as error:
            # What an earlier run left open is known in a while.
            again = error.retryable or isinstance(error, UnresolvedOrders)
            yield from self._not_placed(error, venue, again=again)
        else:
            yield from self._close(order, venue)
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

    def _not_placed(
        self, error: UnifiedExchangesError, venue: Venue, *, again: bool
    ) -> Flow[None]:
        """Its order was not placed; ``again`` if the next book may sell after all."""
        if isinstance(error, OrderUnknown) or error.maybe_executed:
            raise error
        # What never got as far as to be judged keeps its key, so that there is one order
        # even if that was not true; a refusal may have used the key up.
        is_judged = not (error.retryable or isinstance(error, UnresolvedOrders))
        attempt = self.record.attempt + is_judged
        yield from self._keep(self.record.rearmed(attempt=attempt), venue)
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
            yield from self._keep(record.rearmed(attempt=record.attempt), venue)
        else:
            yield from self._close(order, venue)

    def _close(self, order: Order, venue: Venue) -> Flow[None]:
        if order.is_open:
            message = (
                f"exit {self.record.plan.name!r}: its immediate order is still shown as "
                f"open; look it up with fetch_order({order.order_id!r})"
            )
            raise OrderUnknown(message, client_order_id=self.record.client_order_id)
        yield from self._keep(self.record.ended(order), venue)

    def _keep(self, record: ExitRecord, venue: Venue) -> Flow[None]:
        told = json.dumps(record.to_dict())
        yield Save(venue.account, _key(record.plan.name), told)
        self.record = record


def _key(name: str) -> str:
    """What an exit is called in the journal, where other things may have names."""
    return f"exit {name}"


def _recalled(name: str, venue: Venue) -> Flow[ExitRecord | None]:
    """An exit as the journal has it; None if there was never one.

    One that cannot be read raises `BadRequest`: nothing is known of its order then.
    """
    told = yield Load(venue.account, _key(name))
    if told is None:
        return None
    assert isinstance(told, str)
    try:
        return ExitRecord.from_dict(json.loads(told))
    except (ValueError, KeyError, TypeError, UnifiedExchangesError) as error:
        message = (
            f"the record of exit {name!r} in the journal cannot be read ({error!r}): look "
            "at the account's orders, then make an exit with a new name"
        )
        raise BadRequest(message) from error
