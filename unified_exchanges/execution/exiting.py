"""An exit as flows: begin or resume it, and send its one order.

The journal says ``sending`` before the order leaves, on disk if it is in a file, and the
order's key follows from the plan alone.  So whoever comes after a crash looks the order up
before anything else, and a second sending, by whomever, cannot make a second order where
the venue takes a key once.  A record is written only over the one that was read: of several
who run one exit, those who were overtaken go on with what the other has written.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

import attrs

from ..errors import (
    BadRequest,
    DuplicateOrderId,
    Halted,
    InvalidPrice,
    JournalError,
    OrderNotFound,
    OrderUnknown,
    UnifiedExchangesError,
    UnresolvedOrders,
)
from ..flow import Flow, Load, Save
from ..models import Market, Order, OrderBook, OrderRequest, Side, TimeInForce
from ..money import text
from ..venue import Venue
from .exits import ExitPlan, ExitRecord, ExitState, Trigger
from .legs import require_plain
from .lookout import READ, Lookout

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
        self._stands: str | None = None
        """The record as the journal has it, as far as was read."""
        self._lookout = Lookout(plan)
        self.is_urgent = False
        """Whether its order should be out and is not: a quiet book must not hold it."""
        self.record = ExitRecord(plan=plan)

    def wait(self, left: float | None) -> float:
        """Seconds to wait for a book of the stream before `quiet`, of those that are left."""
        wait = PAUSE if self.is_urgent else READ
        return wait if left is None else min(wait, left)

    def begin(self, venue: Venue) -> Flow[ExitRecord]:
        """Check the plan, arm it, or find out what became of an order before a restart."""
        plan = self.record.plan
        self._market = require_plain((yield from venue.fetch_market(plan.market_id)))
        plan = plan.check(self._market)
        self.record, self._lookout = ExitRecord(plan=plan), Lookout(plan)
        stands = yield Load(venue.account, _key(plan.name))
        assert stands is None or isinstance(stands, str)
        if stands is None:
            yield from self._keep(self.record, venue)
        else:
            self._adopt(stands)
        if self.record.state is ExitState.SENDING:
            yield from self._look(venue)
        return self.record

    def saw(self, venue: Venue, book: OrderBook) -> Flow[ExitRecord]:
        """Send the order if this book of the stream says so.

        An order that is known not to have been placed leaves the exit armed, and its error
        is raised if waiting cannot help.  `OrderUnknown` leaves it ``sending``: with the
        next book it is looked up, as is an order of somebody else who runs this exit.
        """
        self._lookout.heard(book)
        return (yield from self._go_by(venue, book))

    def quiet(self, venue: Venue) -> Flow[ExitRecord]:
        """Go on though the stream told nothing newer.

        The book in hand is the market's, unless the stream is not live: then it is read.
        """
        live = self._lookout.live
        if live is None:
            book = yield from self._lookout.read_book(venue)
        else:
            book = live if self.is_urgent else None
        if book is not None or self.record.state is ExitState.SENDING:
            yield from self._go_by(venue, book)
        return self.record

    def _go_by(self, venue: Venue, book: OrderBook | None) -> Flow[ExitRecord]:
        self.is_urgent = False
        if self.record.state is ExitState.SENDING:
            yield from self._look_on(venue)
            return self.record
        if self.record.is_over or book is None:
            return self.record
        trigger, missed = self.record.plan.decide(book), None
        if trigger is not None:
            # The market as it was: reading it now would let the price run away.
            assert self._market is not None
            assert book.bid is not None
            price = self.record.plan.price(trigger, self._market)
            if book.bid.price >= price:
                yield from self._sell(venue, trigger, price)
                return self.record
            missed = book.bid.price
        self._missed(missed)
        return self.record

    def _sell(self, venue: Venue, trigger: Trigger, price: Decimal) -> Flow[None]:
        """Write down that it sells, and sell, unless somebody else was faster."""
        if not (yield from self._keep(self.record.sending(trigger, price), venue)):
            self.is_urgent = not self.record.is_over
            return
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
            yield from self._keep(self.record.rearmed(), venue)
            if not self.record.is_over:
                error.add(
                    f"; exit {self.record.plan.name!r} wanted to sell and has not: it "
                    "stays armed. Run it again once orders may leave"
                )
                raise
        except UnifiedExchangesError as error:
            # What an earlier run left open is known in a while.
            again = error.retryable or isinstance(error, UnresolvedOrders)
            yield from self._not_placed(error, venue, again=again)
        else:
            yield from self._close(order, venue)

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
        # Under the same key, even after a refusal: somebody else may be sending it.
        yield from self._keep(self.record.rearmed(), venue)
        if self.record.is_over:
            return
        if not again:
            raise error
        self._go_on(error)

    def _go_on(self, error: UnifiedExchangesError) -> None:
        self.is_urgent = True
        _log.warning("exit %r goes on: %s", self.record.plan.name, error)

    def _missed(self, bid: Decimal | None) -> None:
        """Tell that the price has run through the limit, or that it has not any more."""
        if bid is not None and self.record.missed_bid is None:
            message = (
                "exit %r sells nothing: the best bid %s is below its limit; it waits"
            )
            _log.warning(message, self.record.plan.name, text(bid))
        if bid != self.record.missed_bid:
            self.record = attrs.evolve(self.record, missed_bid=bid)

    def _look_on(self, venue: Venue) -> Flow[None]:
        """Look for an order while there are books: a failure is no end."""
        try:
            yield from self._look(venue)
        except UnifiedExchangesError as error:
            if not error.retryable:
                raise
            self._go_on(error)
        else:
            self.is_urgent = not self.record.is_over

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
            yield from self._keep(record.rearmed(), venue)
        else:
            yield from self._close(order, venue)

    def _close(self, order: Order, venue: Venue) -> Flow[None]:
        if order.is_open:
            message = (
                f"exit {self.record.plan.name!r}: its immediate order is still shown as "
                f"open; look it up with fetch_order({order.order_id!r})"
            )
            raise OrderUnknown(message, client_order_id=self.record.client_order_id)
        ended = self.record.ended(order)
        # Whoever was faster: that it has ended holds.
        while not ((yield from self._keep(ended, venue)) or self.record.is_over):
            pass

    def _keep(self, record: ExitRecord, venue: Venue) -> Flow[bool]:
        """Write it over the record that was read; else adopt what stands there instead."""
        # No two writings are alike: one that looks like ours is not taken for it.
        told = json.dumps(
            {**record.to_dict(), "written": f"{venue.settings.rng.getrandbits(128):x}"}
        )
        step = Save(venue.account, _key(record.plan.name), told, self._stands)
        stands = yield step
        assert stands is None or isinstance(stands, str)
        if stands != told:
            self._adopt(stands)
            return False
        self._stands, self.record = told, record
        return True

    def _adopt(self, told: str | None) -> None:
        """Go on from a record as the journal has it."""
        plan = self.record.plan
        if told is None:
            message = (
                f"the record of exit {plan.name!r} is not in the journal any more: look "
                "at the account's orders before you run it again"
            )
            raise JournalError(message)
        known = _record_of(plan.name, told)
        if known.plan != plan:
            message = (
                f"exit {known.plan} was written down so, and now has other terms: a new "
                "exit needs a new name"
            )
            raise BadRequest(message)
        self._stands, self.record = told, known


def _key(name: str) -> str:
    """What an exit is called in the journal, where other things may have names."""
    return f"exit {name}"


def _record_of(name: str, told: str) -> ExitRecord:
    """An exit as the journal has it.

    One that cannot be read raises `BadRequest`: nothing is known of its order then.
    """
    try:
        return ExitRecord.from_dict(json.loads(told))
    except (ValueError, KeyError, TypeError, UnifiedExchangesError) as error:
        message = (
            f"the record of exit {name!r} in the journal cannot be read ({error!r}): look "
            "at the account's orders, then make an exit with a new name"
        )
        raise BadRequest(message) from error
