"""Placing orders, so that a lost answer never becomes a lost or a doubled order.

``client_order_id`` is Kalshi's idempotency key, for ever: the same body sent again is
answered 201 if it was not there and 409 if it was (docs.kalshi.com, 2026-10).  So an
order whose answer is lost is sent again, within the call's own deadline; after that the
price is stale, and the order is only looked up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from decimal import Decimal

from ...errors import (
    DuplicateOrderId,
    ExchangeNotAvailable,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    MarketClosed,
    NetworkError,
    OrderUnknown,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from ...flow import Flow, Sleep
from ...grid import read_price
from ...models import (
    Order,
    OrderPreview,
    OrderRequest,
    OrderResult,
    Side,
)
from ...money import EXACT, ONE, ZERO, read_number, text
from ...sending import Call
from . import receipts
from .drafts import Draft, Intent, draft, read_intent
from .lookup import Lookup
from .memory import MarketRules

__all__ = ["Placing"]

_log = logging.getLogger(__name__)

_ORDERS = "/portfolio/events/orders"
_FRESH = 2.0
"""Seconds for which remembered market rules are believed when they refuse an order."""


class Placing(Lookup):
    """Creates orders, one by one and in batches."""

    def create_order(self, order: OrderRequest) -> Flow[Order]:
        """Place an order; see `Exchange.create_order`."""
        deadline = self.clock.monotonic() + self.retry.order_deadline
        intent = read_intent(order, now=self.clock.now(), rng=self.rng)
        self.require_writable(f"{intent.side} order on {intent.market_id}")
        ready = yield from self._draft(intent)
        return (yield from self._place(ready, deadline))

    def preview_order(self, order: OrderRequest) -> Flow[OrderPreview]:
        """What placing would send; see `Exchange.preview_order`."""
        intent = read_intent(order, now=self.clock.now(), rng=self.rng)
        ready = yield from self._draft(intent)
        call = self._creation(ready, None)
        fees = yield from self.fee_schedule(intent.market_id)
        fee = fees.estimate(
            ready.size, ready.first_outcome_price, is_bid=ready.is_bid, maker=False
        )
        headers = dict.fromkeys(self.headers(call), "REDACTED") if self.has_key else {}
        assert call.body is not None
        return OrderPreview(
            method=call.method,
            url=self.environment.rest + call.path,
            headers=headers | {"content-type": "application/json"},
            body=call.body.decode(),
            client_order_id=intent.client_order_id,
            cost=ready.collateral,
            fee=fee,
            request=order,
        )

    def create_orders(self, orders: Sequence[OrderRequest]) -> Flow[list[OrderResult]]:
        """Place several; see `Exchange.create_orders`."""
        deadline = self.clock.monotonic() + self.retry.order_deadline
        results: dict[int, OrderResult] = {}
        ready: list[tuple[int, Draft]] = []
        if orders:
            self.require_writable(f"batch of {len(orders)} orders")
        ids: set[str] = set()
        for index, order in enumerate(orders):
            try:
                intent = read_intent(order, now=self.clock.now(), rng=self.rng)
                if intent.client_order_id in ids:
                    raise _repeated(intent.client_order_id)
                ids.add(intent.client_order_id)
                ready.append((index, (yield from self._draft(intent))))
            except UnifiedExchangesError as error:
                results[index] = OrderResult(request=order, error=error)
        for chunk in _chunks(ready, self._batch_size()):
            found = yield from self._place_batch([x for _, x in chunk], deadline)
            results.update(
                (index, result) for (index, _), result in zip(chunk, found, strict=True)
            )
        return [results[index] for index in range(len(orders))]

    # -- from intent to draft -------------------------------------------------------

    def _draft(self, intent: Intent) -> Flow[Draft]:
        rules = yield from self.rules(intent.market_id)
        try:
            return (yield from self._checked(intent, rules))
        except (InvalidPrice, InvalidSize, MarketClosed) as error:
            # Grids and states change while trading: ask before refusing by memory.
            if self.clock.monotonic() - rules.seen_at <= _FRESH:
                raise self._placed_error(error, intent) from None
        rules = yield from self.rules(intent.market_id, fresh=True)
        try:
            return (yield from self._checked(intent, rules))
        except InvalidOrder as error:
            raise self._placed_error(error, intent) from None

    def _checked(self, intent: Intent, rules: MarketRules) -> Flow[Draft]:
        bound = None
        if intent.request.max_slippage is not None:
            bound = yield from self._bound(intent, rules)
        return draft(intent, rules, bound=bound, subaccount=self.subaccount)

    def _placed_error(
        self, error: UnifiedExchangesError, intent: Intent
    ) -> UnifiedExchangesError:
        error.venue = self.id
        error.client_order_id = intent.client_order_id
        error.request = f"POST {_ORDERS}"
        return error

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
            client_order_id=ready.intent.client_order_id,
        )

    def _place(
        self,
        ready: Draft,
        deadline: float,
        doubt: UnifiedExchangesError | None = None,
    ) -> Flow[Order]:
        """Send until the venue has answered, or the deadline; then look it up.

        ``doubt`` is the failure after which the order may be at the venue.
        """
        key = ready.intent.client_order_id
        if doubt is None and not self.sent.begin(key):
            return (yield from self._existing(ready, None))
        self.memory.learn_terms(key, ready.terms)
        call = self._creation(ready, deadline)
        attempt = 0
        try:
            while True:
                try:
                    response = yield from self.attempt(call, deadline)
                    return self._accepted(ready, response.body)
                except DuplicateOrderId as error:
                    return (yield from self._existing(ready, error))
                except UnifiedExchangesError as error:
                    if _is_doubtful(error):
                        doubt = error
                    delay = self._again(error, doubt, attempt, deadline)
                    if delay is None:
                        return (yield from self._given_up(ready, error, doubt))
                yield Sleep(delay)
                attempt += 1
        except GeneratorExit:
            _log.warning(
                "interrupted while order %s on %s may be on its way; look it up by "
                "this client_order_id before acting",
                key,
                ready.intent.market_id,
            )
            raise

    def _again(
        self,
        error: UnifiedExchangesError,
        doubt: UnifiedExchangesError | None,
        attempt: int,
        deadline: float,
    ) -> float | None:
        """Seconds until the same body may be sent again, or None."""
        if isinstance(error, VenueSchemaError):
            error = ExchangeNotAvailable(error.message)
        if isinstance(error, RateLimitExceeded) and error.status is None:
            return None
        return self.retry.delay(
            error,
            attempt,
            # A refusal for speed is final unless the order may already be there.
            repeatable=not isinstance(error, RateLimitExceeded) or doubt is not None,
            remaining=deadline - self.clock.monotonic(),
            rng=self.rng,
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
            self.sent.forget(key)
            if isinstance(error, InvalidPrice | MarketClosed):
                self.memory.forget_rules(ready.intent.market_id)
            raise error
        trouble = ""
        try:
            found = yield from self.find(key, ready.intent.market_id)
        except UnifiedExchangesError as failure:
            found, trouble = None, f" (looking failed: {failure.message})"
        if found is not None:
            return self._same_or_refuse(ready, found, error)
        if not trouble and error is not doubt and not error.retryable:
            # The venue refused the same order later, and it is not there.
            self.sent.forget(key)
            raise error
        message = (
            f"{ready}: the answer was lost ({doubt.message}) and the order was "
            f"not found since{trouble}; it may still appear. Look it up with fetch_order("
            f"client_order_id={key!r}) before sending another"
        )
        raise OrderUnknown(
            message,
            venue=self.id,
            request=doubt.request,
            status=doubt.status,
            code=doubt.code,
            client_order_id=key,
        )

    def _existing(self, ready: Draft, error: DuplicateOrderId | None) -> Flow[Order]:
        """Find the order that holds our key; it is ours if its terms are the same."""
        key = ready.intent.client_order_id
        found = yield from self.find(key, ready.intent.market_id)
        if found is not None:
            return self._same_or_refuse(ready, found, error)
        message = (
            f"{ready}: client_order_id {key!r} was used before, but no order of "
            f"{ready.intent.market_id} has it; it may belong to another market. Use a "
            "new id for a new order"
        )
        raise OrderUnknown(message, venue=self.id, client_order_id=key)

    def _same_or_refuse(
        self, ready: Draft, found: Order, error: UnifiedExchangesError | None
    ) -> Order:
        mine = found.in_terms_of(ready.outcome)
        same = (
            mine.market_id == ready.intent.market_id
            and mine.side is ready.intent.side
            and mine.price == ready.price
            and mine.size == ready.size
        )
        if same:
            return mine
        message = (
            f"{ready}: client_order_id {ready.intent.client_order_id!r} belongs to "
            f"another order ({mine!r}); nothing new was placed. Use a new id"
        )
        raise DuplicateOrderId(
            message,
            venue=self.id,
            status=None if error is None else error.status,
            code=None if error is None else error.code,
            client_order_id=ready.intent.client_order_id,
        )

    def _accepted(self, ready: Draft, body: bytes) -> Order:
        order = receipts.created(ready, body)
        self.memory.learn_order(order, _subaccount(ready))
        return order

    # -- sending many ---------------------------------------------------------------

    def _batch_size(self) -> int:
        """As many creates as the whole write bucket holds, so that one batch fits."""
        cost = self._costs.cost_of("POST", f"{_ORDERS}/batched", 1)
        return max(1, int(self.bucket("write").capacity // cost))

    def _place_batch(
        self, ready: Sequence[Draft], deadline: float
    ) -> Flow[list[OrderResult]]:
        bodies = [x.body() for x in ready]
        call = self.write(
            "POST",
            f"{_ORDERS}/batched",
            {"orders": bodies},
            about=f"batch of {len(ready)} orders",
            items=len(ready),
            is_order=True,
            deadline=deadline,
        )
        for x in ready:
            self.sent.begin(x.intent.client_order_id)
            self.memory.learn_terms(x.intent.client_order_id, x.terms)
        try:
            response = yield from self.attempt(call, deadline)
            entries = receipts.batch(response.body, ready)
        except UnifiedExchangesError as error:
            if _is_doubtful(error):
                return (yield from self._one_by_one(ready, error, deadline))
            for x in ready:
                self.sent.forget(x.intent.client_order_id)
            return [OrderResult(request=x.intent.request, error=error) for x in ready]
        results = []
        for x, entry in zip(ready, entries, strict=True):
            results.append((yield from self._batch_entry(x, entry, deadline)))
        return results

    def _batch_entry(
        self, ready: Draft, entry: receipts.Entry, deadline: float
    ) -> Flow[OrderResult]:
        request = ready.intent.request
        if entry.order is not None:
            self.memory.learn_order(entry.order, _subaccount(ready))
            return OrderResult(request=request, order=entry.order)
        error = self.refusal_of_entry(str(ready), _ORDERS, entry.error)
        error.client_order_id = ready.intent.client_order_id
        if not _is_doubtful(error) and not isinstance(error, DuplicateOrderId):
            self.sent.forget(ready.intent.client_order_id)
            return OrderResult(request=request, error=error)
        try:
            if isinstance(error, DuplicateOrderId):
                order = yield from self._existing(ready, error)
            else:
                order = yield from self._place(ready, deadline, error)
        except UnifiedExchangesError as other:
            return OrderResult(request=request, error=other)
        return OrderResult(request=request, order=order)

    def _one_by_one(
        self, ready: Sequence[Draft], doubt: UnifiedExchangesError, deadline: float
    ) -> Flow[list[OrderResult]]:
        """Resolve a batch whose answer was lost, entry by entry, by the same keys."""
        results = []
        for x in ready:
            request = x.intent.request
            try:
                order = yield from self._place(x, deadline, doubt)
                results.append(OrderResult(request=request, order=order))
            except UnifiedExchangesError as error:
                results.append(OrderResult(request=request, error=error))
        return results


def _is_doubtful(error: UnifiedExchangesError) -> bool:
    """Whether the order may be at the venue after this failure."""
    if isinstance(error, NetworkError):
        return error.sent
    return isinstance(error, ExchangeNotAvailable | VenueSchemaError)


def _subaccount(ready: Draft) -> int | None:
    chosen = ready.intent.params.get("subaccount", ready.subaccount)
    return None if chosen is None else int(chosen)


def _repeated(key: str) -> InvalidOrder:
    message = (
        f"client_order_id {key!r} stands twice in the batch; each order needs its own"
    )
    return InvalidOrder(message, venue="kalshi", client_order_id=key)


def _chunks(
    items: Sequence[tuple[int, Draft]], size: int
) -> list[Sequence[tuple[int, Draft]]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
