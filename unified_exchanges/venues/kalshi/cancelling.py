"""Cancelling orders, so that none is believed dead while it lives.

A cancel is answered 404 alike for a cancelled, a filled and an unknown order (recorded on
demo, 2026-06-11), and an HTTP layer may have sent a DELETE twice, so a 404 is a question:
the order is read before anything is concluded.  So is every answer that is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from itertools import islice
from typing import Final

import attrs

from ...errors import (
    BadRequest,
    ExchangeError,
    OrderNotFound,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from ...flow import Flow, Sleep, collect
from ...models import CancelReport, CancelResult, Order, OrderStatus, Params
from ...money import EXACT, ZERO, text
from ...sending import Call
from . import receipts
from .arguments import read_id, read_params
from .doubt import is_doubtful
from .lookup import Lookup

__all__ = ["Cancelling"]

_log = logging.getLogger(__name__)

_ORDERS = "/portfolio/events/orders"
_NOT_FOUND = 404
_SETTLING = (0.0, 0.3, 0.6, 1.2)
"""Seconds before each read of an order whose cancel should show by now."""
_ROUNDS = 5
"""How often cancel-all goes over what is still open."""
_SCOPE: Final[Mapping[str, type]] = {"exchange_index": int, "subaccount": int}
_KNOWN: Final[Mapping[str, type]] = {**_SCOPE, "market_ticker": str}


class Cancelling(Lookup):
    """Cancels one order, several, or all."""

    # -- one ------------------------------------------------------------------------

    def cancel_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Cancel one; see `Exchange.cancel_order`."""
        read_id("order_id", order_id)
        params = read_params(params, (), _KNOWN)
        self.require_writable(f"cancel of {order_id}")
        self.check_market(order_id, market_id)
        if market_id is None and self.memory.route(order_id) is None:
            # Without shard or ticker Kalshi would look on shard 0 only.
            before = yield from self.read_order(order_id)
            if before is None:
                raise self.unknown_order(order_id)
            if not before.is_open:
                return before
        call = self._cancellation(order_id, market_id, params)
        try:
            response = yield from self.send(call)
            receipt = receipts.canceled(response.body)
        except UnifiedExchangesError as error:
            if error.status == _NOT_FOUND:
                # Also where its body is cut off.
                return (
                    yield from self._after_refused(call, order_id, market_id, params)
                )
            return (yield from self._after_lost(error, order_id, market_id))
        return (yield from self._ended(receipt, market_id))

    def _cancellation(
        self, order_id: str, market_id: str | None, params: Params | None
    ) -> Call:
        route = self.memory.route(order_id)
        shard = None if route is None else route.shard
        ticker = None
        if shard is None and market_id is not None:
            ticker = read_id("market_id", market_id)
        query = {
            "subaccount": self.subaccount if route is None else route.subaccount,
            "exchange_index": shard,
            "market_ticker": ticker,
        }
        return self.write(
            "DELETE",
            f"{_ORDERS}/{order_id}",
            None,
            about=f"cancel of {order_id}",
            query=query | dict(params or {}),
            shard=shard,
            repeatable=True,
            urgent=True,
            is_order=True,
        )

    def _after_refused(
        self, call: Call, order_id: str, market_id: str | None, params: Params | None
    ) -> Flow[Order]:
        """The venue said 404: cancelled, filled, unknown, or not there yet to see."""
        found: Order | None = None
        for wait in _SETTLING:
            if wait:
                yield Sleep(wait)
            found = yield from self.read_order(order_id, market_id)
            if found is None:
                raise self.unknown_order(order_id)
            if not found.is_open:
                return found
        assert found is not None
        # It rests after all: name its own shard, which reading has just taught us.
        again = self._cancellation(order_id, found.market_id, params)
        try:
            response = yield from self.send(again)
            receipt = receipts.canceled(response.body)
        except OrderNotFound as error:
            message = (
                f"{call.about}: Kalshi answers 'not found' but shows the order open; "
                "it still counts. Try again, or cancel_all_orders()"
            )
            raise ExchangeError(
                message, venue=self.id, request=call.name, status=error.status
            ) from None
        except UnifiedExchangesError as error:
            return (yield from self._after_lost(error, order_id, market_id))
        return (yield from self._ended(receipt, market_id))

    def _after_lost(
        self, error: UnifiedExchangesError, order_id: str, market_id: str | None
    ) -> Flow[Order]:
        """No answer to trust: the order is as the venue shows it, not as we hope."""
        if not is_doubtful(error) and not isinstance(error, RateLimitExceeded):
            raise error
        try:
            found = yield from self.read_order(order_id, market_id)
        except UnifiedExchangesError:
            found = None
        if found is not None and not found.is_open:
            return found
        error.maybe_executed = True
        error.add(
            f"; the cancel may or may not take effect: order {order_id} counts as open "
            "until it is read as done"
        )
        raise error

    def _ended(self, receipt: receipts.Canceled, market_id: str | None) -> Flow[Order]:
        """The cancelled order; a read that lags behind the receipt is corrected by it."""
        seen = self.memory.order(receipt.order_id)
        cause: UnifiedExchangesError | None = None
        try:
            found = yield from self.read_order(receipt.order_id, market_id)
        except UnifiedExchangesError as error:
            found, cause = None, error
        if found is not None:
            return _cancelled(found, receipt) if found.is_open else found
        if seen is not None:
            return _cancelled(seen, receipt)
        reason = "it is not shown yet" if cause is None else cause.message
        message = (
            f"order {receipt.order_id} is cancelled ({text(receipt.reduced_by)} were "
            f"taken off the book), but it could not be read: {reason}"
        )
        raise ExchangeError(message, venue=self.id, maybe_executed=True) from cause

    # -- several --------------------------------------------------------------------

    def cancel_orders(
        self,
        order_ids: Sequence[str],
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[list[CancelResult]]:
        """Cancel several; see `Exchange.cancel_orders`."""
        wanted = _read_ids(order_ids)
        params = read_params(params, (), _KNOWN)
        self.require_writable(f"cancel of {len(wanted)} orders")
        results: dict[str, CancelResult] = {}
        resting: list[Order] = []
        for order_id in dict.fromkeys(wanted):
            try:
                found = yield from self._seen(order_id, market_id)
            except UnifiedExchangesError as error:
                results[order_id] = CancelResult(order_id=order_id, error=error)
                continue
            if found.is_open:
                resting.append(found)
            else:
                results[order_id] = CancelResult(order_id=order_id, order=found)
        for result in (yield from self._cancel_resting(resting, params)):
            results[result.order_id] = result
        return [results[order_id] for order_id in wanted]

    def _seen(self, order_id: str, market_id: str | None) -> Flow[Order]:
        """The order as it was last seen, else as it is: to know its shard and size."""
        found = self.memory.order(order_id)
        if found is None:
            found = yield from self.read_order(order_id, market_id)
        if found is None:
            raise self.unknown_order(order_id)
        return found

    def _cancel_resting(
        self, orders: Sequence[Order], params: Params | None
    ) -> Flow[list[CancelResult]]:
        cost = self._costs.cost_of("DELETE", f"{_ORDERS}/batched", 1)
        size = max(1, int(self.bucket("write").capacity // cost))
        results: list[CancelResult] = []
        left = iter(orders)
        while chunk := list(islice(left, size)):
            results += yield from self._cancel_batch(chunk, params)
        return results

    def _cancel_batch(
        self, orders: Sequence[Order], params: Params | None
    ) -> Flow[list[CancelResult]]:
        items = [self._batch_item(order, params) for order in orders]
        call = self.write(
            "DELETE",
            f"{_ORDERS}/batched",
            {"orders": items},
            about=f"cancel of {len(orders)} orders",
            items=len(orders),
            repeatable=True,
            urgent=True,
            is_order=True,
        )
        entries: list[receipts.CanceledEntry | None] = [None] * len(orders)
        hopeless: UnifiedExchangesError | None = None
        try:
            response = yield from self.send(call)
            entries = [*receipts.canceled_batch(response.body, len(orders))]
        except VenueSchemaError:
            _log.info("%s: the answer cannot be read, so each is looked at", call.about)
        except UnifiedExchangesError as error:
            hopeless = error
            hopeless.maybe_executed = is_doubtful(error)
        results = []
        for order, entry in zip(orders, entries, strict=True):
            if hopeless is None:
                result = yield from self._cancel_entry(order, entry, params)
            else:
                # Trying each for as long as all of them would take hours.
                result = _given_up(order, hopeless)
            if result.error is not None and result.error.retryable:
                hopeless = hopeless or result.error
            results.append(result)
        return results

    def _batch_item(self, order: Order, params: Params | None) -> dict[str, object]:
        item: dict[str, object] = {
            "order_id": order.order_id,
            "exchange_index": order.shard,
        }
        route = self.memory.route(order.order_id)
        subaccount = self.subaccount if route is None else route.subaccount
        if subaccount is not None:
            item["subaccount"] = subaccount
        return item | dict(params or {})

    def _cancel_entry(
        self,
        order: Order,
        entry: receipts.CanceledEntry | None,
        params: Params | None,
    ) -> Flow[CancelResult]:
        if entry and entry.receipt and entry.receipt.order_id == order.order_id:
            done = _cancelled(order, entry.receipt)
            self.memory.learn_order(done, self._subaccount_of(order))
            return CancelResult(order_id=order.order_id, order=done)
        try:
            # Refused or unknown: the single cancel reads before it concludes.
            done = yield from self.cancel_order(
                order.order_id, market_id=order.market_id, params=params
            )
        except UnifiedExchangesError as error:
            return CancelResult(order_id=order.order_id, error=error)
        return CancelResult(order_id=order.order_id, order=done)

    def _subaccount_of(self, order: Order) -> int | None:
        route = self.memory.route(order.order_id)
        return self.subaccount if route is None else route.subaccount

    # -- all ------------------------------------------------------------------------

    def cancel_all_orders(
        self, *, market_id: str | None = None, params: Params | None = None
    ) -> Flow[CancelReport]:
        """Cancel everything open and re-read; see `Exchange.cancel_all_orders`.

        ``params`` takes ``subaccount`` and ``exchange_index``: only orders there are
        cancelled.  The account-wide DELETE of Kalshi is not used: it may also hit orders
        placed in the minute after it (docs.kalshi.com changelog, 2026-09-03).
        """
        params = read_params(params, (), _SCOPE)
        self.require_writable("cancel of all orders")
        canceled: dict[str, Order] = {}
        errors: list[UnifiedExchangesError] = []
        remaining = yield from self._open(market_id, params)
        if market_id is not None and not remaining:
            # A mistyped market must not look like success.
            yield from self.rules(market_id)
        for pause in range(_ROUNDS):
            if not remaining:
                break
            if pause:
                yield Sleep(_SETTLING[min(pause, len(_SETTLING) - 1)])
            results = yield from self._cancel_resting(remaining, params)
            remaining = yield from self._left(market_id, params, len(results))
            still = {order.order_id for order in remaining}
            gone = [result for result in results if result.order_id not in still]
            for result in gone:
                ended = result.order or (yield from self.read_order(result.order_id))
                if ended is not None:
                    canceled[result.order_id] = ended
            errors = [result.error for result in results if result.error is not None]
            if errors and not gone:
                break
        return CancelReport(
            canceled=tuple(canceled.values()),
            remaining=tuple(remaining),
            errors=tuple(errors) if remaining else (),
        )

    def _left(
        self, market_id: str | None, params: Params | None, tried: int
    ) -> Flow[list[Order]]:
        """What is open after a round; not knowing it must not look like success."""
        try:
            return (yield from self._open(market_id, params))
        except UnifiedExchangesError as error:
            error.maybe_executed = True
            error.add(
                f"; {tried} cancels were sent before, but what is left could not be "
                "read: look at fetch_open_orders()"
            )
            raise

    def _open(self, market_id: str | None, params: Params | None) -> Flow[list[Order]]:
        return collect(self.fetch_open_orders(market_id=market_id, params=params))


def _read_ids(order_ids: Iterable[str]) -> list[str]:
    if isinstance(order_ids, str) or not isinstance(order_ids, Iterable):
        message = "cancel_orders takes a list of order ids; for one use cancel_order"
        raise BadRequest(message, venue="kalshi")
    return [read_id("order_id", order_id) for order_id in order_ids]


def _given_up(order: Order, cause: UnifiedExchangesError) -> CancelResult:
    error = copy(cause)
    error.message = f"cancel of {order.order_id} was given up: {cause.message}"
    error.args = (error.message,)
    return CancelResult(order_id=order.order_id, error=error)


def _cancelled(order: Order, receipt: receipts.Canceled) -> Order:
    """The order after its cancel: what was still open is gone, the rest had filled."""
    # Fills only ever rise, even where the size was amended elsewhere meanwhile.
    filled = max(order.filled, EXACT.subtract(order.size, receipt.reduced_by))
    changed = filled != order.filled
    return attrs.evolve(
        order,
        status=OrderStatus.CANCELED,
        filled=filled,
        remaining=ZERO,
        average_price=None if changed else order.average_price,
        fee=None if changed else order.fee,
        updated_at=receipt.at or order.updated_at,
    )
