"""Placing orders, so that a lost answer never becomes a lost or a doubled order.

Venues know an order again that is sent twice: by our id for it (Kalshi), or because it is
the very same, with the same hash (Polymarket).  So one whose answer is lost is sent again,
within the call's own deadline; after that the price is stale, and it is only looked up.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final, Generic, TypeVar

from ..errors import (
    DuplicateOrderId,
    GuardTripped,
    Halted,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketClosed,
    OrderUnknown,
    ReadOnly,
    UnifiedExchangesError,
    UnresolvedOrders,
)
from ..flow import Flow, Leaving
from ..models import Intent as Written
from ..models import Order, OrderRequest
from .call import Call
from .doubt import is_doubtful
from .draft import Draft
from .earlier import Earlier
from .ticket import Ticket

__all__ = ["Placing"]

_log = logging.getLogger(__name__)

D = TypeVar("D", bound=Draft)

REFUSALS: Final = (Halted, InvalidOrder, MarketClosed, ReadOnly, UnresolvedOrders)
"""Of an order before it is sent; `GuardTripped` is an `InvalidOrder`."""


_CONTRADICTIONS: Final = (InvalidPrice, InvalidSize, MarketClosed)
"""Refusals that no order meets which keeps to the rules as they are now."""


class Placing(Earlier[D], Generic[D]):
    """Creates orders one by one."""

    # -- what a subclass must say ---------------------------------------------------

    @abstractmethod
    def creation(self, ready: D, deadline: float | None) -> Call:
        """The request that creates an order; sent again, it must be the same."""

    @abstractmethod
    def accepted(self, ready: D, body: bytes) -> Order:
        """The order that a create made, in the caller's terms."""

    @abstractmethod
    def forget_rules(self, market_id: str) -> None:
        """Ask again next time: the venue contradicted what was remembered of a market."""

    # -- what a subclass may say ----------------------------------------------------

    def contradicts(self, error: UnifiedExchangesError) -> bool:  # noqa: ARG002
        """Whether a refusal, beside those of price, size and market, tells of new rules."""
        return False

    def ended_by(
        self,
        ready: D,  # noqa: ARG002
        error: UnifiedExchangesError,  # noqa: ARG002
    ) -> Order | None:
        """The order that a refusal tells of, where a venue refuses what has ended.

        Not asked where an earlier copy may have arrived: that may have filled, and taken
        what the other did not find.
        """
        return None

    def look_again(self, ready: D) -> Flow[Order | None]:  # noqa: ARG002
        """One look for an order that is about to be sent again, where that tells sooner."""
        yield from ()
        return None

    def explain(
        self,
        ready: D,  # noqa: ARG002
        error: UnifiedExchangesError,  # noqa: ARG002
    ) -> Flow[None]:
        """Add to a refusal what reading tells of its reason."""
        yield from ()

    # -- placing --------------------------------------------------------------------

    def create_order(self, order: OrderRequest) -> Flow[Order]:
        """Place an order; see `Exchange.create_order`."""
        deadline = self.clock.monotonic() + self.retry.order_deadline
        ticket = self.tickets.read(order, rng=self.rng)
        try:
            self.require_writable(ticket)
            self.switch.check(ticket)
            self.check_allowed(ticket)
            if not self.is_cleared:
                yield from self.require_resolved(deadline, [order.client_order_id])
            ready = yield from self.draft(ticket)
        except REFUSALS as refusal:
            return (yield from self._unless_there(ticket, refusal))
        return (yield from self._place(ready, deadline))

    def _place(self, ready: D, deadline: float) -> Flow[Order]:
        """Place an order; interrupted, it holds its key no more."""
        try:
            return (yield from self._place_once(ready, deadline))
        except UnifiedExchangesError:
            raise
        except BaseException:
            self._interrupted([ready])
            raise
        finally:
            self.sent.end(ready.client_order_id, ready)

    def _place_once(self, ready: D, deadline: float) -> Flow[Order]:
        """Write an order down, send it, and write down what became of it."""
        if not self._claim(ready):
            return (yield from self._existing(ready, None))
        try:
            taken = yield from self._leave([ready], deadline)
        except UnifiedExchangesError as refusal:
            return (yield from self._unless_there(ready.ticket, refusal))
        if taken:
            return (yield from self._taken(ready, taken[ready.client_order_id]))
        try:
            order = yield from self._send_one(ready, deadline, None)
        except UnifiedExchangesError as error:
            yield from self.conclude([(ready, error)])
            raise
        self.sent.end(ready.client_order_id, ready)
        if ready.written or not self.is_over(ready.client_order_id):
            yield from self.conclude([(ready, order)])
        return order

    def _send_one(
        self, ready: D, deadline: float, doubt: UnifiedExchangesError | None
    ) -> Flow[Order]:
        """Send until the venue has answered, or the deadline; then look it up.

        ``doubt`` is the failure after which the order may be at the venue.
        """
        call = self.creation(ready, deadline)
        attempt = 0
        if doubt is None:
            # Else it has left already, with others.
            ready.call = call
        while True:
            try:
                if doubt is not None or attempt:
                    found = yield from self._before_again(ready, doubt)
                    if found is not None:
                        return found
                response = yield from self.attempt(call, deadline)
                return self.accepted(ready, response.body)
            except DuplicateOrderId as error:
                return (yield from self._existing(ready, error))
            except UnifiedExchangesError as error:
                is_first = doubt is None and self._is_first(ready)
                ended = self.ended_by(ready, error) if is_first else None
                if ended is not None:
                    return ended
                if is_doubtful(error):
                    doubt = error
                delay = self.again(error, attempt, deadline, in_doubt=doubt is not None)
                if delay is None:
                    return (yield from self._given_up(ready, error, doubt))
            yield from self.pause(delay, call)
            attempt += 1

    def _before_again(
        self, ready: D, doubt: UnifiedExchangesError | None
    ) -> Flow[Order | None]:
        """What must be asked before an order is sent again; it may be there."""
        found = None
        if doubt is not None:
            found = yield from self.look_again(ready)
        if found is not None:
            return (yield from self._same_or_refuse(ready, found, None))
        # What goes out again was written down before a halt.
        yield from self.heed(ready)
        return None

    def _is_first(self, ready: D) -> bool:
        """Whether no earlier call may have left an order under this id at the venue."""
        return not self.sent.is_doubtful(ready.client_order_id)

    def _claim(self, ready: D) -> bool:
        """Take the order's key, once."""
        return self.sent.begin(ready.client_order_id, ready.ticket.kind, ready)

    def _leave(
        self, ready: Sequence[D], deadline: float
    ) -> Flow[Mapping[str, Written]]:
        """Tell of orders and write them down, before the first byte.

        Any of that may refuse them; then their keys are free again.  Those whose ids are
        taken are told, and must not leave.
        """
        is_leaving = False
        try:
            self.switch.check(ready[0])
            yield Leaving(tuple(ready))
            taken = yield from self.note_down(ready, deadline)
            is_leaving = True
        except UnifiedExchangesError as error:
            raise self._unsent(error, ready[0]) from None
        finally:
            if not is_leaving:
                self.free_keys(ready)
        return taken

    def note_down(
        self, ready: Sequence[D], deadline: float
    ) -> Flow[Mapping[str, Written]]:
        """Write orders down that are about to leave; which ids are taken."""
        write = self.write_ahead if self.settings.is_journaled else self.keep_all
        return (yield from write(ready, deadline))

    def free_keys(self, ready: Sequence[D]) -> None:
        """Let the keys of orders that never left be used again."""
        for x in ready:
            self.sent.give_back(x.client_order_id)

    def _unsent(self, error: UnifiedExchangesError, ready: D) -> UnifiedExchangesError:
        error.venue = self.id
        error.request = error.request or self.create_name
        error.client_order_id = ready.client_order_id
        return error

    def check_allowed(self, ticket: Ticket) -> None:
        """Refuse a market that is not to be traded."""
        try:
            self.require_allowed(ticket.market_id, ticket)
        except GuardTripped as error:
            error.client_order_id = ticket.client_order_id
            raise

    def _interrupted(self, ready: Sequence[D]) -> None:
        """Say which orders may be on their way when the caller goes away.

        Nobody may be left holding a key: an order could never be sent again by it.
        """
        for x in ready:
            key = x.client_order_id
            if not self.sent.is_sent_by(key, x):
                continue
            if x.has_left:
                self.sent.release(key)
                _log.warning(
                    "interrupted while order %s on %s may be on its way; look it up by "
                    "this client_order_id before acting",
                    key,
                    x.market_id,
                )
                continue
            self.free_keys([x])
            if x.written is not None:
                self.never_left([x.written])
            elif not self.sent.is_doubtful(key):
                # Else what is kept is of an earlier call, whose order may be there.
                self.is_over(key)

    def _given_up(
        self,
        ready: D,
        error: UnifiedExchangesError,
        doubt: UnifiedExchangesError | None,
    ) -> Flow[Order]:
        """End a create that was not accepted: refused, never sent, or unknown."""
        key = ready.client_order_id
        if doubt is None:
            return (yield from self.decline(ready, error))
        trouble = ""
        try:
            found = yield from self.find(ready)
        except UnifiedExchangesError as failure:
            found, trouble = None, f" (looking failed: {failure.message})"
        if found is not None:
            return (yield from self._same_or_refuse(ready, found, error))
        if error is not doubt:
            # That a second copy was refused does not prove that the first one died.
            trouble += f"; a second try brought: {error.message}"
        # Whoever sends it again with this id cannot double it.
        self.sent.release(key)
        message = (
            f"{ready}: the answer was lost ({doubt.message}) and the order was "
            f"not found since{trouble}; it may still appear. Look it up with fetch_order("
            f"client_order_id={key!r}), or send the same order again with this id"
        )
        raise OrderUnknown(
            message,
            venue=self.id,
            request=doubt.request,
            status=doubt.status,
            code=doubt.code,
            client_order_id=key,
        )

    def decline(self, ready: D, error: UnifiedExchangesError) -> Flow[Order]:
        """End a create of which this call has sent nothing that could be there."""
        key = ready.client_order_id
        before = self.sent.is_doubtful(key)
        self.sent.give_back(key)
        error.client_order_id = key
        if isinstance(error, _CONTRADICTIONS) or self.contradicts(error):
            self.forget_rules(ready.market_id)
        yield from self.explain(ready, error)
        is_new = ready.ticket.request.client_order_id is None
        if not is_new and (before or isinstance(error, InvalidOrder | MarketClosed)):
            return (yield from self._looked_up(ready.ticket, error, ready.before))
        raise error
