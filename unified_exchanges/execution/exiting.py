"""An exit as flows: begin or resume it, and go by the books that come.

What fails for now never ends it: it is tried again, ever more rarely, while the exit stays
armed.  What ends it is its order, a market that has ended, or an error that waiting cannot
help.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Final

import attrs

from ..errors import (
    MarketNotFound,
    OrderNotFound,
    UnifiedExchangesError,
)
from ..flow import Flow
from ..models import OrderBook
from ..money import ZERO, text
from ..tracking.waiting import read_timeout
from ..venue import Venue
from ..venue.deadline import within
from .exit_record import ExitRecord, ExitState
from .exits import ExitPlan
from .legs import require_plain
from .lookout import READ, Lookout
from .patience import PAUSE, Rarely
from .selling import Placing, Selling

__all__ = ["PAUSE", "Exiting", "Placing"]

MARKET: Final = 30.0
"""Seconds between two reads of the market: that it has ended no book tells."""
_LONGEST: Final = 10.0
"""Seconds that arming may take before it is tried again."""

_log = logging.getLogger(__name__)


class Exiting(Selling):
    """One exit at work; whoever has books gives them to `saw`, or tells that none came.

    Raises `BadRequest` for a ``timeout`` that is no number of seconds.
    """

    def __init__(
        self, plan: ExitPlan, placing: Placing, timeout: float | None = None
    ) -> None:
        super().__init__(plan, placing)
        self._timeout = read_timeout(timeout)
        self._end: float | None = None
        self._lookout = Lookout(plan)
        self._misses = Rarely()
        self._market_due = 0.0
        self._unarmed: UnifiedExchangesError | None = None

    # -- for whoever runs it --------------------------------------------------------

    def wait(self, venue: Venue) -> float:
        """Seconds to wait for a book of the stream before `quiet`."""
        now = venue.clock.monotonic()
        is_waiting = self.is_urgent or self._market is None
        wait = self._patience.left(now) if is_waiting else READ
        return wait if self._end is None else min(wait, max(self._end - now, 0.0))

    def is_done(self, venue: Venue) -> bool:
        """Whether it is over, or its time is."""
        if self.record.is_over:
            return True
        is_late = self._end is not None and venue.clock.monotonic() >= self._end
        if is_late and self._unarmed is not None:
            name = self.record.plan.name
            self._unarmed.add(f"; exit {name!r} could not be armed in time, and is not")
            raise self._unarmed
        return is_late

    def begin(self, venue: Venue) -> Flow[ExitRecord]:
        """Check the plan, arm it, or find out what became of an order before a restart.

        What fails for now does not keep it from being armed in the end.
        """
        now = venue.clock.monotonic()
        self._end = None if self._timeout is None else now + self._timeout
        yield from self._arm(venue)
        return self.record

    def saw(self, venue: Venue, book: OrderBook) -> Flow[ExitRecord]:
        """Send the order if this book of the stream says so.

        An order that is known not to have been placed leaves the exit armed, and its error
        is raised if waiting cannot help.  One of which nobody knows leaves it ``sending``:
        it is looked up, as is an order of somebody else who runs this exit.
        """
        self._lookout.heard(book)
        return (yield from self._go_by(venue, book))

    def quiet(self, venue: Venue) -> Flow[ExitRecord]:
        """Go on though the stream told nothing newer.

        The book in hand is the market's, unless the stream is not live: then it is read.
        """
        live = self._lookout.live
        book = live if self.is_urgent else None
        if live is None:
            try:
                book = yield from self._lookout.read_book(venue)
            except MarketNotFound:
                # It may have ended, which the market tells.
                self._market_due = 0.0
        return (yield from self._go_by(venue, book))

    # -- arming ---------------------------------------------------------------------

    def _arm(self, venue: Venue) -> Flow[None]:
        end = venue.clock.monotonic() + _LONGEST
        try:
            yield from within(self._armed_by(venue), venue.clock, end)
        except UnifiedExchangesError as error:
            if not error.retryable:
                raise
            self._unarmed = error
            self._wait_out(venue, error)
        else:
            self._unarmed = None

    def _armed_by(self, venue: Venue) -> Flow[None]:
        plan = self.record.plan
        market = require_plain((yield from venue.fetch_market(plan.market_id)))
        plan = plan.check(market)
        self.record, self._lookout = ExitRecord(plan=plan), Lookout(plan)
        is_known = yield from self._known_before(venue)
        if not is_known:
            self._require_going(market)
            is_known = yield from self._older(venue)
        self._market = market
        self._market_due = venue.clock.monotonic() + MARKET
        if not is_known:
            yield from self._keep(self.record, venue)
        if self.record.state is ExitState.SENDING:
            yield from self._look_on(venue)
        elif self.record.state is ExitState.SETTLING:
            yield from self._look_settled(venue)
        if self.record.state is ExitState.ARMED:
            self._require_going(market)

    def _older(self, venue: Venue) -> Flow[bool]:
        """Whether its order was sent before, though the journal does not know the exit."""
        try:
            order = yield from self._order_of_key(venue)
            self._require_ours(order, venue)
        except OrderNotFound:
            return False
        except UnifiedExchangesError as error:
            if not error.retryable:
                raise
            # Whether there is one is asked again before a second one could be made.
            _log.warning(
                "exit %r is armed all the same: %s", self.record.plan.name, error
            )
            return False
        _log.warning(
            "exit %r was carried out before, by order %s: nothing is sent",
            self.record.plan.name,
            order.order_id,
        )
        # Looked up once more after it is written down, as after a crash.
        self.record = attrs.evolve(self.record, state=ExitState.SENDING)
        return False

    # -- going on -------------------------------------------------------------------

    def _go_by(self, venue: Venue, book: OrderBook | None) -> Flow[ExitRecord]:
        if self.record.is_over:
            return self.record
        is_due = not self._patience.left(venue.clock.monotonic())
        if self._market is None:
            if is_due:
                yield from self._arm(venue)
            return self.record
        if is_due:
            self.is_urgent = False
            if self.record.state is ExitState.SENDING:
                yield from self._look_on(venue)
            elif self.record.state is ExitState.SETTLING:
                yield from self._look_settled(venue)
            elif book is not None:
                yield from self._decide(venue, book)
        if self.record.state is ExitState.ARMED:
            yield from self._mind_the_market(venue)
        return self.record

    def _decide(self, venue: Venue, book: OrderBook) -> Flow[None]:
        # The market as it was: reading it now would let the price run away.
        assert self._market is not None
        plan = self.record.plan
        trigger, missed = plan.decide(book), None
        if trigger is not None:
            assert book.bid is not None
            if book.bid.price >= plan.price(trigger, self._market):
                yield from self._sell(venue, trigger, book)
                return
            missed = book.bid.price
        elif plan.stop_loss is not None and not book.stale and book.bid is None:
            missed = ZERO
        self._missed(venue, missed)

    def _missed(self, venue: Venue, bid: Decimal | None) -> None:
        """Tell that the price has run through the limit, or that it has not any more."""
        name, now = self.record.plan.name, venue.clock.monotonic()
        if bid is not None and self._misses.is_due(bool(bid), now):
            low = f"the best bid {text(bid)} is below its limit"
            what = low if bid else "nobody bids"
            _log.warning("exit %r sells nothing: %s; it waits", name, what)
        if bid is None:
            self._misses.over()
        if bid != self.record.missed_bid:
            self.record = attrs.evolve(self.record, missed_bid=bid)

    def _mind_the_market(self, venue: Venue) -> Flow[None]:
        """Notice that the market has ended, whether its book is silent or busy."""
        now = venue.clock.monotonic()
        if now < self._market_due:
            return
        self._market_due = now + MARKET
        yield from self._read_market(venue)
