"""The one order of an exit: sent, looked up until it is known, and never sent twice.

The journal says ``sending`` before the order leaves, on disk if it is in a file, and the
order's key follows from the plan alone.  So whoever comes after a crash looks the order up
before anything else.  A second sending, by whomever, cannot make a second order: Kalshi
takes a key once; on Polymarket the journal keeps which order stands under a key, and the
same one is sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeAlias

import attrs

from ..errors import (
    DuplicateOrderId,
    GuardTripped,
    Halted,
    InsufficientFunds,
    InvalidOrder,
    InvalidPrice,
    MarketClosed,
    OrderNotFound,
    OrderRejected,
    OrderUnknown,
    UnifiedExchangesError,
    UnresolvedOrders,
)
from ..flow import Flow
from ..models import (
    Order,
    OrderBook,
    OrderRequest,
    Side,
    TimeInForce,
)
from ..money import EXACT, ZERO, text
from ..venue import Venue
from ..venue.closing import Closing
from .exit_record import ExitState
from .exits import ExitPlan, Trigger
from .holding import Holding, read_holding
from .minding import Minding
from .settling import settlement_of
from .sizing import grid_of, whole_lots

__all__ = ["Placing", "Selling"]

Placing: TypeAlias = Callable[[OrderRequest], Flow[Order]]
"""How an order is created, so that who keeps count of them learns of it."""

_LAG: Final = 10.0
"""Seconds for which nothing must be shown as held, where positions may lag, to be believed."""
_SETTLES: Final = 60.0
"""Seconds that a sale may take to be final before that is worth a warning."""
_TRIES: Final = 3
"""Refusals in a row of what should be possible, since reads lag; then they are raised."""

_log = logging.getLogger(__name__)


class Selling(Minding):
    """Sends the order of an exit."""

    def __init__(self, plan: ExitPlan, placing: Placing) -> None:
        super().__init__(plan)
        self._placing = placing
        self._refusals = 0
        self._none_since: float | None = None
        """Since when nothing is shown as held."""
        self._settling_since: float | None = None
        """Since when what it sold is looked up, and may still fail."""

    # -- sending --------------------------------------------------------------------

    def _sell(self, venue: Venue, trigger: Trigger, book: OrderBook) -> Flow[None]:
        """Write down that it sells, and sell, unless somebody else was faster."""
        holding = yield from read_holding(venue, self.record)
        size = yield from self._to_sell(venue, trigger, holding)
        if size is None:
            return
        price = self._limit(venue, trigger, holding, book)
        if price is None:
            return
        locked = min(holding.locked, EXACT.subtract(self.record.wanted, size))
        sending = self.record.sending(trigger, price, size, locked=locked)
        if not (yield from self._keep(sending, venue)):
            self.is_urgent = not self.record.is_over
            return
        try:
            order = yield from self._placing(self._request())
        except UnifiedExchangesError as error:
            yield from self._not_placed(error, venue, trigger, price)
        else:
            yield from self._close(order, venue)

    def _to_sell(
        self, venue: Venue, trigger: Trigger, holding: Holding
    ) -> Flow[Decimal | None]:
        """Contracts to sell: what is held and free at most; None if it sells nothing now."""
        wanted, free, market = self.record.wanted, holding.free(), self._market
        assert market is not None
        now = venue.clock.monotonic()
        if holding.held is None or free is None:
            return wanted
        if holding.held < market.lot:
            # Somebody else who runs this exit may have sold it.
            yield from self._known_before(venue)
            if self.record.state is not ExitState.ARMED:
                self.is_urgent = not self.record.is_over
                return None
            if self._none_since is None:
                self._none_since = now
            lags = isinstance(venue, Closing) and venue.positions_lag
            late = _LAG
            if self.record.attempt:
                # What came back must show again first.
                late = max(late, venue.positions_late or 0.0)
            if not lags or now - self._none_since >= late:
                yield from self._keep(self.record.gone(trigger), venue)
                self.is_urgent = not self.record.is_over
                return None
            what = (
                f"nothing of {market.market_id} is shown as held, which may be late; if "
                f"that lasts for {late:g} s it ends"
            )
            self._wait(venue, "none", what)
            return None
        self._none_since = None
        size = min(wanted, free)
        size = EXACT.multiply(Decimal(whole_lots(size, market.lot)), market.lot)
        if size <= ZERO:
            self.record = attrs.evolve(self.record, locked=min(wanted, holding.locked))
            what = (
                f"it sells nothing: orders of yours to sell {text(holding.locked)} rest, "
                f"and {text(holding.held)} are held (read one after the other). Cancel "
                "them, and it sells"
            )
            self._wait(venue, "locked", what)
            return None
        if self.record.locked:
            self.record = attrs.evolve(self.record, locked=ZERO)
        if size < wanted:
            _log.warning(
                "exit %r sells %s of %s: %s are held, of which orders of yours that rest "
                "offer %s (read one after the other)",
                self.record.plan.name,
                text(size),
                text(wanted),
                text(holding.held),
                text(holding.locked),
            )
        return size

    def _limit(
        self, venue: Venue, trigger: Trigger, holding: Holding, book: OrderBook
    ) -> Decimal | None:
        """The lowest price to sell at, above any bid of ours; None if nobody else bids so."""
        plan, market = self.record.plan, self._market
        assert market is not None
        limit = plan.price(trigger, market)
        ours = max((x for x in holding.bids if x >= limit), default=None)
        if ours is None:
            return limit
        grid = grid_of(market, plan.outcome)
        above = grid.snap(EXACT.add(ours, grid.step_at(ours)), "up")
        # Whoever bids more than we do is somebody else.
        if above is None or book.bid is None or book.bid.price < above:
            what = (
                f"it sells nothing: your own bid at {text(ours)} is in the way, and "
                "nobody else bids more. Cancel it, and it sells to the others"
            )
            self._wait(venue, "own bid", what)
            return None
        return above

    def _request(self) -> OrderRequest:
        plan = self.record.plan
        return OrderRequest(
            market_id=plan.market_id,
            outcome=plan.outcome,
            side=Side.SELL,
            price=self.record.price,
            size=self.record.asked,
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            client_order_id=self.record.client_order_id,
        )

    # -- refusals -------------------------------------------------------------------

    def _not_placed(
        self,
        error: UnifiedExchangesError,
        venue: Venue,
        trigger: Trigger,
        price: Decimal,
    ) -> Flow[None]:
        """Its order was not placed, or nobody knows; raises if waiting cannot help."""
        if isinstance(error, DuplicateOrderId):
            # An earlier sending, which nobody could find, has arrived after all.
            yield from self._meet(error, venue)
            return
        if isinstance(error, OrderUnknown) or error.maybe_executed:
            self._wait_out(venue, error)
            return
        # Before anything else is asked, which may fail.  Under the same key, even after a
        # refusal: somebody else may be sending it.
        yield from self._keep(self.record.rearmed(), venue)
        if self.record.is_over:
            return
        if (yield from self._is_for_now(error, venue, trigger, price)):
            self._wait_out(venue, error)
            return
        raise self._armed(error)

    def _is_for_now(
        self,
        error: UnifiedExchangesError,
        venue: Venue,
        trigger: Trigger,
        price: Decimal,
    ) -> Flow[bool]:
        if isinstance(error, MarketClosed):
            # A pause, unless the market says that it has ended, which raises.
            yield from self._read_market(venue)
            return True
        if isinstance(error, InvalidPrice):
            yield from self._read_market(venue)
            assert self._market is not None
            return self.record.plan.price(trigger, self._market) != price
        # What an earlier run left open is known in a while.
        if error.retryable or isinstance(error, UnresolvedOrders):
            self._refusals = 0
            return True
        doubts = (InsufficientFunds, InvalidOrder, OrderRejected)
        if isinstance(error, doubts) and not isinstance(error, GuardTripped):
            # What is held, offered or bid by us may have changed since it was read.
            self._refusals += 1
            return error.status is not None and self._refusals < _TRIES
        return False

    def _armed(self, error: UnifiedExchangesError) -> UnifiedExchangesError:
        name = self.record.plan.name
        once = ". Run it again once orders may leave"
        more = once if isinstance(error, Halted) else ". Run it again to go on"
        wanted = f"; exit {name!r} wanted to sell and has not: it stays armed{more}"
        error.add(wanted)
        return error

    # -- looking --------------------------------------------------------------------

    def _look_on(self, venue: Venue) -> Flow[None]:
        """Look for its order while there are books: a failure is no end."""
        try:
            yield from self._look(venue)
        except OrderNotFound as error:
            # Reads that lag cannot tell yet.
            self._wait_out(venue, error)
        except UnifiedExchangesError as error:
            if not error.retryable:
                raise
            self._wait_out(venue, error)

    def _look(self, venue: Venue) -> Flow[None]:
        """What became of the order that may have left."""
        record = self.record
        try:
            order = yield from self._order_of_key(venue)
        except OrderNotFound as error:
            if error.maybe_executed:
                raise
            if venue.facts.idempotent_create == "none":
                message = (
                    f"exit {record.plan.name!r}: its order is not to be found, and on "
                    f"{venue.id} a second one could not be told from it. Look at the "
                    "account, then make an exit with a new name"
                )
                raise OrderUnknown(
                    message, venue=venue.id, client_order_id=record.client_order_id
                ) from error
            # With the same key: should it show later, the venue takes no second one.
            yield from self._keep(record.rearmed(), venue)
            if not self.record.is_over:
                self._wait(
                    venue, "not there", "its order is not there: it is armed again"
                )
        else:
            yield from self._close(order, venue)

    def _order_of_key(self, venue: Venue) -> Flow[Order]:
        """The order that has its key."""
        return venue.fetch_order(
            client_order_id=self.record.client_order_id,
            market_id=self.record.plan.market_id,
        )

    def _meet(self, error: DuplicateOrderId, venue: Venue) -> Flow[None]:
        """An order stands under its key, or may, with other terms: what became of it."""
        yield from self._look_on(venue)
        if self.record.state is not ExitState.ARMED:
            return
        # Not there, so far: once that is proven, the key is free for these terms.
        _log.warning("exit %r waits: %s", self.record.plan.name, error)
        try:
            yield from venue.glance()
        except UnifiedExchangesError as failure:
            _log.info("exit %r: %s", self.record.plan.name, failure)

    def _close(self, order: Order, venue: Venue) -> Flow[None]:
        if order.is_open:
            what = (
                f"its immediate order is still shown as open; it is looked up until it "
                f"has ended: fetch_order({order.order_id!r})"
            )
            self._wait(venue, "open", what)
            return
        try:
            self._require_ours(order, venue)
        except DuplicateOrderId:
            yield from self._keep(self.record.rearmed(), venue)
            raise
        is_dry = bool(venue.settings.dry_run)
        if venue.settles_late and order.filled and not is_dry:
            yield from self._settling(order, venue)
            return
        yield from self._keep_end(self.record.ended(order, is_rehearsed=is_dry), venue)

    # -- settling -------------------------------------------------------------------

    def _settling(self, order: Order, venue: Venue) -> Flow[None]:
        """Write down that it has sold, which may still fail: until then it is not over."""
        attempt = self.record.attempt
        while not (yield from self._keep(self.record.sold_by(order), venue)):
            known = self.record
            is_behind = known.state in {ExitState.ARMED, ExitState.SENDING}
            if known.attempt != attempt or not is_behind:
                self.is_urgent = not known.is_over
                return
        yield from self._look_settled(venue)

    def _look_settled(self, venue: Venue) -> Flow[None]:
        """Whether what it sold stands: it is over then, else what failed is sold again."""
        record = self.record
        assert record.order_id is not None
        try:
            settled = yield from settlement_of(
                venue, record.plan.market_id, record.order_id
            )
        except UnifiedExchangesError as error:
            if not error.retryable:
                raise
            self._wait_out(venue, error)
            return
        sold = EXACT.subtract(record.filled, record.before)
        known = EXACT.add(settled.final, settled.failed)
        if settled.pending or known < sold:
            # Not through, or not shown yet; and more may have sold than the order said.
            self._settle_on(
                venue, f"{text(sold)} are sold, and may still fail on chain"
            )
            return
        self._settling_since = None
        if not settled.failed:
            yield from self._keep_end(record.settled(settled.final), venue)
            return
        _log.warning(
            "exit %r: %s of the %s that order %s sold failed on chain, and are held "
            "again; it is armed to sell them by another order",
            record.plan.name,
            text(settled.failed),
            text(known),
            record.order_id,
        )
        self._none_since = None
        yield from self._keep(record.failed(settled.final), venue)
        self.is_urgent = not self.record.is_over

    def _settle_on(self, venue: Venue, what: str) -> None:
        """Look again later; what takes no longer than usual is nothing to warn of."""
        now = venue.clock.monotonic()
        if self._settling_since is None:
            self._settling_since = now
        if now - self._settling_since >= _SETTLES:
            self._wait(venue, "settling", what)
            return
        self._patience.failed(now)
        self.is_urgent = True
        _log.info("exit %r: %s", self.record.plan.name, what)

    def _require_ours(self, order: Order, venue: Venue) -> None:
        """Refuse an order that has the exit's key and is not one that it would send."""
        plan = self.record.plan
        has_one_book = venue.first_outcome is not None
        mine = order.in_terms_of(plan.outcome) if has_one_book else order
        is_sale = mine.side is Side.SELL and mine.outcome == plan.outcome
        if is_sale and mine.size <= plan.size and order.market_id == plan.market_id:
            return
        message = (
            f"exit {plan.name!r}: its key {self.record.client_order_id} belongs to another "
            f"order, {order.order_id} ({order!r}). A new exit needs a new name"
        )
        raise DuplicateOrderId(
            message, client_order_id=self.record.client_order_id, venue=order.venue
        )
