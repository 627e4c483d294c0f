"""Placing orders, so that a lost answer never becomes a lost or a doubled order.

``client_order_id`` is Kalshi's idempotency key, for ever: the same body sent again is
answered 201 if it was not there and 409 if it was (docs.kalshi.com, 2026-10).  So an
order whose answer is lost is sent again, within the call's own deadline; after that the
price is stale, and the order is only looked up.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from ...errors import (
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
from ...flow import Flow, Leaving
from ...grid import read_price
from ...models import Intent as Written
from ...models import Order, OrderPreview, OrderRequest, Side
from ...money import EXACT, ONE, ZERO, read_number, text
from ...sending import Call
from . import receipts
from .doubt import is_doubtful
from .drafts import Draft, Intent, check_expiry, draft, read_intent
from .earlier import Earlier
from .memory import MarketRules
from .stakes import Held, Stake, opening

__all__ = ["Placing"]

_log = logging.getLogger(__name__)

_ORDERS = "/portfolio/events/orders"
REFUSALS: Final = (Halted, InvalidOrder, MarketClosed, ReadOnly, UnresolvedOrders)
"""Of an order before it is sent; `GuardTripped` is an `InvalidOrder`."""
_FRESH = 2.0
"""Seconds for which remembered market rules are believed when they refuse an order."""


class Placing(Earlier):
    """Creates orders one by one."""

    def create_order(self, order: OrderRequest) -> Flow[Order]:
        """Place an order; see `Exchange.create_order`."""
        deadline = self.clock.monotonic() + self.retry.order_deadline
        intent = read_intent(order, rng=self.rng)
        try:
            self.require_writable(intent)
            self.switch.check(intent)
            self.check_allowed(intent)
            if not self.is_cleared:
                yield from self.require_resolved(deadline, [order.client_order_id])
            ready = yield from self._draft(intent)
        except REFUSALS as refusal:
            return (yield from self._unless_there(intent, refusal))
        return (yield from self._place(ready, deadline))

    def preview_order(self, order: OrderRequest) -> Flow[OrderPreview]:
        """What placing would send; see `Exchange.preview_order`."""
        intent = read_intent(order, rng=self.rng)
        ready = yield from self._draft(intent)
        call = self._creation(ready, None)
        fees = yield from self.fee_schedule(intent.market_id)
        fee = fees.most(
            ready.size,
            ready.first_outcome_price,
            is_bid=ready.is_bid,
            maker=intent.request.post_only,
        )
        cost = yield from self._cost(ready)
        try:
            self.guards.check_cost(cost, ready)
        except GuardTripped as refusal:
            raise self._unsent(refusal, ready) from None
        headers = dict.fromkeys(self.headers(call), "REDACTED") if self.has_key else {}
        assert call.body is not None
        return OrderPreview(
            method=call.method,
            url=self.environment.rest + call.path,
            headers=headers | {"content-type": "application/json"},
            body=call.body.decode(),
            client_order_id=intent.client_order_id,
            cost=cost,
            fee=fee,
            request=order,
        )

    def _cost(self, ready: Draft) -> Flow[Decimal]:
        """What it would take at its limit, after what it closes of a position."""
        if not self.has_key:
            return ready.collateral
        account = ready.subaccount
        held = yield from self.fetch_positions(
            market_id=ready.intent.market_id,
            mark=False,
            params=None if account is None else {"subaccount": account},
        )
        stake = Stake(
            is_bid=ready.is_bid,
            price=ready.first_outcome_price,
            size=ready.size,
            reduce_only=ready.intent.request.reduce_only,
        )
        return opening([stake], Held.of(held))

    # -- from intent to draft -------------------------------------------------------

    def _draft(self, intent: Intent) -> Flow[Draft]:
        try:
            check_expiry(intent.expires, self.clock.now())
            return (yield from self._allowed(intent))
        except UnifiedExchangesError as error:
            error.venue = self.id
            error.client_order_id = intent.client_order_id
            error.request = error.request or f"POST {_ORDERS}"
            raise

    def _allowed(self, intent: Intent) -> Flow[Draft]:
        rules = yield from self.rules(intent.market_id)
        try:
            return (yield from self._checked(intent, rules))
        except (InvalidPrice, InvalidSize, MarketClosed):
            # Grids and states change while trading: ask before refusing by memory.
            if self.clock.monotonic() - rules.seen_at <= _FRESH:
                raise
        rules = yield from self.rules(intent.market_id, fresh=True)
        return (yield from self._checked(intent, rules))

    def _checked(self, intent: Intent, rules: MarketRules) -> Flow[Draft]:
        bound = None
        if intent.request.max_slippage is not None:
            bound = yield from self._bound(intent, rules)
        return draft(intent, rules, bound=bound, subaccount=self.subaccount)

    def _bound(self, intent: Intent, rules: MarketRules) -> Flow[Decimal]:
        """The worst price of a market order: the best opposite one plus the slippage."""
        request = intent.request
        try:
            slippage = read_number(request.max_slippage)
        except ValueError as error:
            message = f"max_slippage {error}; it is dollars, such as 0.02"
            raise InvalidOrder(message, venue=self.id) from error
        if not ZERO <= slippage < ONE:
            message = f"max_slippage {text(slippage)} is not between 0 and 1 dollar"
            raise InvalidOrder(message, venue=self.id)
        book = yield from self.fetch_order_book(
            intent.market_id, outcome=request.outcome, depth=1
        )
        best = book.ask if intent.side is Side.BUY else book.bid
        if best is None:
            message = f"nothing to {intent.side} against: the book has no other side"
            raise InvalidOrder(message, venue=self.id)
        is_first = book.outcome == rules.outcomes[0].label
        grid = rules.grid if is_first else rules.grid.complement()
        if intent.side is Side.BUY:
            worst = min(EXACT.add(best.price, slippage), grid.highest)
            snapped = grid.snap(worst, "down")
        else:
            worst = max(EXACT.subtract(best.price, slippage), grid.lowest)
            snapped = grid.snap(worst, "up")
        return read_price(worst if snapped is None else snapped, grid)

    # -- sending one ----------------------------------------------------------------

    def _creation(self, ready: Draft, deadline: float | None) -> Call:
        return self.write(
            "POST",
            _ORDERS,
            ready.body(),
            about=ready,
            shard=ready.shard,
            is_order=True,
            deadline=deadline,
            opens=True,
            client_order_id=ready.intent.client_order_id,
        )

    def _place(self, ready: Draft, deadline: float) -> Flow[Order]:
        """Write an order down, send it, and write down what became of it."""
        if not self._claim(ready):
            return (yield from self._existing(ready, None))
        try:
            taken = yield from self._leave([ready], deadline)
        except UnifiedExchangesError as refusal:
            return (yield from self._unless_there(ready.intent, refusal))
        if taken:
            return (yield from self._taken(ready, taken[ready.client_order_id]))
        try:
            order = yield from self._send_one(ready, deadline, None)
        except UnifiedExchangesError as error:
            yield from self.conclude([(ready, error)])
            raise
        if ready.written or not self.is_over(ready.intent.client_order_id):
            yield from self.conclude([(ready, order)])
        return order

    def _send_one(
        self, ready: Draft, deadline: float, doubt: UnifiedExchangesError | None
    ) -> Flow[Order]:
        """Send until the venue has answered, or the deadline; then look it up.

        ``doubt`` is the failure after which the order may be at the venue.
        """
        call = self._creation(ready, deadline)
        attempt = 0
        try:
            while True:
                try:
                    if doubt is not None or attempt:
                        # What goes out again was written down before a halt.
                        yield from self.heed(ready)
                    response = yield from self.attempt(call, deadline)
                    return self._accepted(ready, response.body)
                except DuplicateOrderId as error:
                    return (yield from self._existing(ready, error))
                except UnifiedExchangesError as error:
                    if is_doubtful(error):
                        doubt = error
                    delay = self.again(
                        error, attempt, deadline, in_doubt=doubt is not None
                    )
                    if delay is None:
                        return (yield from self._given_up(ready, error, doubt))
                yield from self.pause(delay, call)
                attempt += 1
        except GeneratorExit:
            self._interrupted([ready], has_left=call.has_left or doubt is not None)
            raise

    def _claim(self, ready: Draft) -> bool:
        """Take the order's key, once."""
        return self.sent.begin(ready.intent.client_order_id, ready.intent.kind)

    def _leave(
        self, ready: Sequence[Draft], deadline: float
    ) -> Flow[Mapping[str, Written]]:
        """Tell of orders and write them down, before the first byte.

        Any of that may refuse them; then their keys are free again.  Those whose ids are
        taken are told, and must not leave.
        """
        is_leaving = False
        try:
            self.switch.check(ready[0])
            yield Leaving(tuple(ready))
            taken = yield from self._write_down(ready, deadline)
            is_leaving = True
        except UnifiedExchangesError as error:
            raise self._unsent(error, ready[0]) from None
        finally:
            if not is_leaving:
                self._give_back(ready)
        return taken

    def _write_down(
        self, ready: Sequence[Draft], deadline: float
    ) -> Flow[Mapping[str, Written]]:
        write = self.write_ahead if self.settings.is_journaled else self.keep_all
        return (yield from write(ready, deadline))

    def _give_back(self, ready: Sequence[Draft]) -> None:
        for x in ready:
            self.sent.give_back(x.intent.client_order_id)

    def _unsent(
        self, error: UnifiedExchangesError, ready: Draft
    ) -> UnifiedExchangesError:
        error.venue = self.id
        error.request = error.request or f"POST {_ORDERS}"
        error.client_order_id = ready.intent.client_order_id
        return error

    def check_allowed(self, intent: Intent) -> None:
        """Refuse a market that is not to be traded."""
        try:
            self.require_allowed(intent.market_id, intent)
        except GuardTripped as error:
            error.client_order_id = intent.client_order_id
            raise

    def _interrupted(self, ready: Sequence[Draft], *, has_left: bool) -> None:
        """Say which orders may be on their way when the caller goes away."""
        if not has_left:
            self._give_back(ready)
            for x in ready:
                if x.written is None:
                    self.is_over(x.client_order_id)
            self.never_left(x.written for x in ready if x.written is not None)
            return
        for x in ready:
            key = x.intent.client_order_id
            self.sent.release(key)
            _log.warning(
                "interrupted while order %s on %s may be on its way; look it up by "
                "this client_order_id before acting",
                key,
                x.intent.market_id,
            )

    def _given_up(
        self,
        ready: Draft,
        error: UnifiedExchangesError,
        doubt: UnifiedExchangesError | None,
    ) -> Flow[Order]:
        """End a create that was not accepted: refused, never sent, or unknown."""
        key = ready.intent.client_order_id
        if doubt is None:
            return (yield from self._declined(ready, error))
        trouble = ""
        try:
            found = yield from self.find(key, ready.intent.market_id, ready.subaccount)
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

    def _declined(self, ready: Draft, error: UnifiedExchangesError) -> Flow[Order]:
        """End a create of which this call has sent nothing that could be there."""
        key = ready.intent.client_order_id
        before = self.sent.is_doubtful(key)
        self.sent.give_back(key)
        error.client_order_id = key
        if isinstance(error, InvalidPrice | MarketClosed):
            self.memory.forget_rules(ready.intent.market_id)
        is_new = ready.intent.request.client_order_id is None
        if not is_new and (before or isinstance(error, InvalidOrder | MarketClosed)):
            return (yield from self._looked_up(ready.intent, error, ready.before))
        raise error

    def _accepted(self, ready: Draft, body: bytes) -> Order:
        order = receipts.created(ready, body)
        self.memory.learn_order(order, ready.subaccount)
        return order
