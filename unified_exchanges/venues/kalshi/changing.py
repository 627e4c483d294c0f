"""Cancelling, amending and closing: what may change after an order rests.

A cancel is answered 404 alike for a cancelled, a filled and an unknown order (recorded on
demo, 2026-06-11), and an HTTP layer may have sent a DELETE twice, so a 404 is a question:
the order is read before anything is concluded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import datetime
from typing import TypeVar

import attrs

from ...errors import (
    ArgumentsRequired,
    BadRequest,
    ExchangeError,
    ExchangeNotAvailable,
    InvalidOrder,
    NetworkError,
    OrderNotFound,
    UnifiedExchangesError,
    VenueSchemaError,
)
from ...flow import Flow, Sleep, collect
from ...grid import read_price, read_size
from ...models import (
    CancelReport,
    CancelResult,
    Order,
    OrderRequest,
    OrderStatus,
    Params,
    Side,
    TimeInForce,
)
from ...money import EXACT, ZERO, Number, complement, text
from ...sending import Call
from . import receipts
from .arguments import read_id
from .drafts import read_expiry
from .lookup import Lookup

__all__ = ["Changing"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

_ORDERS = "/portfolio/events/orders"
_SETTLING = (0.0, 0.3, 0.6, 1.2)
"""Seconds before each read of an order whose cancel should show by now."""
_LOST = (NetworkError, ExchangeNotAvailable, VenueSchemaError)
"""Failures after which the venue may have done what was asked."""
_ROUNDS = 5
"""How often cancel-all goes over what is still open."""


class Changing(Lookup):
    """Cancels, amends and closes."""

    # -- cancel one -----------------------------------------------------------------

    def cancel_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Cancel one; see `Exchange.cancel_order`."""
        read_id("order_id", order_id)
        self.require_writable(f"cancel of {order_id}")
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
        except OrderNotFound:
            return (yield from self._after_refused_cancel(call, order_id, market_id))
        except _LOST as error:
            return (yield from self._after_lost_cancel(error, order_id, market_id))
        return (yield from self._ended(receipt, market_id))

    def _cancellation(
        self, order_id: str, market_id: str | None, params: Params | None
    ) -> Call:
        route = self.memory.route(order_id)
        subaccount = self.subaccount if route is None else route.subaccount
        shard = None if route is None else route.shard
        ticker = None
        if shard is None and market_id is not None:
            ticker = read_id("market_id", market_id)
        query = {
            "subaccount": subaccount,
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

    def _after_refused_cancel(
        self, call: Call, order_id: str, market_id: str | None
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
        again = self._cancellation(order_id, found.market_id, None)
        try:
            response = yield from self.send(again)
        except OrderNotFound as error:
            message = (
                f"{call.about}: Kalshi answers 'not found' but shows the order open; "
                "it still counts. Try again, or cancel_all_orders()"
            )
            raise ExchangeError(
                message, venue=self.id, request=call.name, status=error.status
            ) from None
        return (yield from self._ended(receipts.canceled(response.body), market_id))

    def _after_lost_cancel(
        self, error: UnifiedExchangesError, order_id: str, market_id: str | None
    ) -> Flow[Order]:
        """No usable answer: the order is as the venue shows it, not as we hope."""
        try:
            found = yield from self.read_order(order_id, market_id)
        except UnifiedExchangesError:
            found = None
        if found is not None and not found.is_open:
            return found
        error.maybe_executed = True
        error.message += (
            f"; the cancel may or may not take effect: order {order_id} counts as open "
            "until it is read as done"
        )
        error.args = (error.message,)
        raise error

    def _ended(self, receipt: receipts.Canceled, market_id: str | None) -> Flow[Order]:
        """The cancelled order; a read that lags behind the receipt is corrected by it."""
        found = yield from self.read_order(receipt.order_id, market_id)
        if found is None:
            raise self.unknown_order(receipt.order_id)
        return _cancelled(found, receipt) if found.is_open else found

    # -- cancel many ----------------------------------------------------------------

    def cancel_orders(
        self,
        order_ids: Sequence[str],
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[list[CancelResult]]:
        """Cancel several; see `Exchange.cancel_orders`."""
        if isinstance(order_ids, str):
            message = (
                "cancel_orders takes a list of order ids; for one use cancel_order"
            )
            raise BadRequest(message, venue=self.id)
        for order_id in order_ids:
            read_id("order_id", order_id)
        self.require_writable(f"cancel of {len(order_ids)} orders")
        results: dict[str, CancelResult] = {}
        resting: list[Order] = []
        for order_id in dict.fromkeys(order_ids):
            try:
                found = yield from self.read_order(order_id, market_id)
                if found is None:
                    raise self.unknown_order(order_id)
            except UnifiedExchangesError as error:
                results[order_id] = CancelResult(order_id=order_id, error=error)
                continue
            if found.is_open:
                resting.append(found)
            else:
                results[order_id] = CancelResult(order_id=order_id, order=found)
        for result in (yield from self._cancel_resting(resting, params)):
            results[result.order_id] = result
        return [results[order_id] for order_id in order_ids]

    def _cancel_resting(
        self, orders: Sequence[Order], params: Params | None
    ) -> Flow[list[CancelResult]]:
        results: list[CancelResult] = []
        for chunk in _chunks(orders, self._cancels_in_a_batch()):
            results += yield from self._cancel_batch(chunk, params)
        return results

    def _cancels_in_a_batch(self) -> int:
        cost = self._costs.cost_of("DELETE", f"{_ORDERS}/batched", 1)
        return max(1, int(self.bucket("write").capacity // cost))

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
            hopeless.maybe_executed = isinstance(error, _LOST)
        results = []
        for order, entry in zip(orders, entries, strict=True):
            if hopeless is None:
                result = yield from self._cancel_entry(order, entry)
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
        self, order: Order, entry: receipts.CanceledEntry | None
    ) -> Flow[CancelResult]:
        if entry and entry.receipt and entry.receipt.order_id == order.order_id:
            done = _cancelled(order, entry.receipt)
            return CancelResult(order_id=order.order_id, order=done)
        try:
            # Refused or unknown: the single cancel reads before it concludes.
            done = yield from self.cancel_order(
                order.order_id, market_id=order.market_id
            )
        except UnifiedExchangesError as error:
            return CancelResult(order_id=order.order_id, error=error)
        return CancelResult(order_id=order.order_id, order=done)

    def cancel_all_orders(
        self, *, market_id: str | None = None, params: Params | None = None
    ) -> Flow[CancelReport]:
        """Cancel everything open and re-read; see `Exchange.cancel_all_orders`.

        The account-wide DELETE of Kalshi is not used: it may also hit orders placed in
        the minute after it (docs.kalshi.com changelog, 2026-09-03).
        """
        self.require_writable("cancel of all orders")
        canceled: dict[str, Order] = {}
        remaining = yield from self._open(market_id)
        for pause in range(_ROUNDS):
            if not remaining:
                break
            if pause:
                yield Sleep(_SETTLING[min(pause, len(_SETTLING) - 1)])
            results = yield from self._cancel_resting(remaining, params)
            remaining = yield from self._open(market_id)
            still = {order.order_id for order in remaining}
            gone = [result for result in results if result.order_id not in still]
            for result in gone:
                ended = result.order or (yield from self.read_order(result.order_id))
                if ended is not None:
                    canceled[result.order_id] = ended
            failed = [result.error for result in results if result.error is not None]
            if failed and not gone:
                raise failed[0]
        return CancelReport(
            canceled=tuple(canceled.values()),
            remaining=tuple(remaining),
        )

    def _open(self, market_id: str | None) -> Flow[list[Order]]:
        return collect(self.fetch_open_orders(market_id=market_id))

    # -- amend ----------------------------------------------------------------------

    def edit_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        price: Number | None = None,
        size: Number | None = None,
        expires_at: datetime | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Amend in place; see `Exchange.edit_order`.

        A change of expiry and a smaller size keep the place in the queue, a new price or
        a larger size lose it (docs.kalshi.com, amend order V2, 2026-10).
        """
        if price is None and size is None and expires_at is None:
            message = "nothing to change: give price=, size= or expires_at="
            raise ArgumentsRequired(message, venue=self.id)
        expires = read_expiry(expires_at, self.clock.now())
        self.require_writable(f"change of {order_id}")
        before = yield from self.read_order(order_id, market_id)
        if before is None:
            raise self.unknown_order(order_id)
        if not before.is_open:
            message = f"order {order_id} is {before.status}: it can no longer change"
            raise InvalidOrder(message, venue=self.id)
        after = yield from self._wanted(before, price, size, expires_at)
        call = self._amendment(after, expires, params)
        try:
            response = yield from self.send(call)
            return receipts.amended(after, response.body)
        except OrderNotFound:
            return (yield from self._after_refused_amend(order_id, market_id))
        except _LOST as error:
            return (yield from self._after_lost_amend(error, after))

    def _wanted(
        self,
        before: Order,
        price: Number | None,
        size: Number | None,
        expires_at: datetime | None,
    ) -> Flow[Order]:
        rules = yield from self.rules(before.market_id)
        is_first = before.outcome == rules.outcomes[0].label
        grid = rules.grid if is_first else rules.grid.complement()
        after = before
        if price is not None:
            after = attrs.evolve(after, price=read_price(price, grid))
        if size is not None:
            wanted = read_size(size, lot=rules.lot, minimum=rules.minimum_size)
            if wanted <= before.filled:
                message = (
                    f"size {text(wanted)} is the total and {text(before.filled)} are "
                    "filled already; cancel the order instead"
                )
                raise InvalidOrder(message, venue=self.id)
            left = EXACT.subtract(wanted, before.filled)
            after = attrs.evolve(after, size=wanted, remaining=left)
        if expires_at is not None:
            after = attrs.evolve(after, expires_at=expires_at)
        return after

    def _amendment(
        self, after: Order, expires: int | None, params: Params | None
    ) -> Call:
        is_yes = after.outcome == "yes"
        is_bid = (after.side is Side.BUY) is is_yes
        route = self.memory.route(after.order_id)
        subaccount = self.subaccount if route is None else route.subaccount
        body: dict[str, object] = {
            "ticker": after.market_id,
            "side": "bid" if is_bid else "ask",
            "price": text(after.price if is_yes else complement(after.price), 4),
            "count": text(after.size, 2),
            "exchange_index": after.shard,
        }
        if expires is not None:
            body["expiration_time"] = expires
        return self.write(
            "POST",
            f"{_ORDERS}/{after.order_id}/amend",
            body | dict(params or {}),
            about=f"change of {after.order_id}",
            query={"subaccount": subaccount},
            shard=after.shard,
            # Price and total size are absolute, so sending twice does no harm.
            repeatable=True,
            is_order=True,
            deadline=self.clock.monotonic() + self.retry.order_deadline,
        )

    def _after_refused_amend(self, order_id: str, market_id: str | None) -> Flow[Order]:
        found = yield from self.read_order(order_id, market_id)
        if found is None:
            raise self.unknown_order(order_id)
        message = (
            f"order {order_id} could not be changed; the venue shows it {found.status} "
            f"with {text(found.filled)} of {text(found.size)} filled"
        )
        raise InvalidOrder(message, venue=self.id)

    def _after_lost_amend(
        self, error: UnifiedExchangesError, after: Order
    ) -> Flow[Order]:
        """No usable answer: the change happened if the venue shows it."""
        try:
            found = yield from self.read_order(after.order_id, after.market_id)
        except UnifiedExchangesError:
            found = None
        if found is not None:
            mine = found.in_terms_of(after.outcome)
            if mine.price == after.price and mine.size == after.size:
                return mine
        error.maybe_executed = True
        raise error

    # -- close ----------------------------------------------------------------------

    def close_position(
        self,
        market_id: str,
        *,
        price: Number | None = None,
        max_slippage: Number | None = None,
        client_order_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order | None]:
        """Sell what is held, at once, reduce-only; see `Exchange.close_position`."""
        self.require_writable(f"close of {market_id}")
        held = yield from self.fetch_positions(market_id=market_id, mark=False)
        found = [position for position in held if position.size > ZERO]
        if not found:
            return None
        position = found[0]
        request = OrderRequest(
            market_id=market_id,
            outcome=position.outcome,
            side=Side.SELL,
            price=price,
            size=position.size,
            type="market",
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            client_order_id=client_order_id,
            max_slippage=max_slippage,
            params=params,
        )
        return (yield from self.create_order(request))


def _given_up(order: Order, cause: UnifiedExchangesError) -> CancelResult:
    error = copy(cause)
    error.message = f"cancel of {order.order_id} was given up: {cause.message}"
    error.args = (error.message,)
    return CancelResult(order_id=order.order_id, error=error)


def _cancelled(order: Order, receipt: receipts.Canceled) -> Order:
    """The order after its cancel: what was still open is gone, the rest had filled."""
    # Fills only ever rise, even where the size was amended elsewhere meanwhile.
    filled = max(order.filled, EXACT.subtract(order.size, receipt.reduced_by))
    return attrs.evolve(
        order,
        status=OrderStatus.CANCELED,
        filled=filled,
        remaining=ZERO,
        updated_at=receipt.at or order.updated_at,
    )


def _chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
