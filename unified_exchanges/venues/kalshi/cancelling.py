"""Cancelling orders, so that none is believed dead while it lives.

A receipt proves that so much was open and is not now, and nothing of what had filled
before: the size may have been amended or decreased by others.  So that is read.

A cancel is answered 404 alike for a cancelled, a filled and an unknown order (recorded on
demo, 2026-06-11), and an HTTP layer may have sent a DELETE twice, so a 404 is a question:
the order is read before anything is concluded.  So is every answer that is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ...errors import (
    ExchangeError,
    OrderNotFound,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from ...flow import Flow, Sleep
from ...models import Order, Params
from ...money import text
from ...venue import Call
from ...venue.doubt import is_doubtful
from . import receipts
from .arguments import read_id, read_params
from .lookup import Lookup

__all__ = ["KNOWN", "ORDERS", "SETTLING", "Cancelling", "doubted"]

ORDERS = "/portfolio/events/orders"
_NOT_FOUND = 404
SETTLING = (0.0, 0.3, 0.6, 1.2)
"""Seconds before each read of an order whose cancel should show by now."""
KNOWN: Final[Mapping[str, type]] = {
    "exchange_index": int,
    "subaccount": int,
    "market_ticker": str,
}


class Cancelling(Lookup):
    """Cancels one order."""

    def cancel_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Cancel one; see `Exchange.cancel_order`."""
        read_id("order_id", order_id)
        params = read_params(params, (), KNOWN)
        self.require_writable(f"cancel of {order_id}")
        self.check_market(order_id, market_id)
        if market_id is None and self.memory.route(order_id) is None:
            # Without shard or ticker Kalshi would look on shard 0 only.
            before = yield from self.read_order(order_id, urgent=True)
            if before is None:
                raise self.unknown_order(order_id)
            if not before.is_open:
                return before
        call = self._cancellation(order_id, market_id, params)
        try:
            response = yield from self.send(call)
            receipt = receipts.canceled(response.body, order_id)
        except UnifiedExchangesError as error:
            if error.status == _NOT_FOUND:
                # Also where its body is cut off.
                return (
                    yield from self._after_refused(error, order_id, market_id, params)
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
            # A stream may have told of it before the answer that names its shard: a replay,
            # in which the answer comes first, is to ask the same.
            rules = self.memory.rules(market_id)
            shard = None if rules is None else rules.shard
            if shard is None:
                ticker = read_id("market_id", market_id)
        query = {
            "subaccount": self.subaccount if route is None else route.subaccount,
            "exchange_index": shard,
            "market_ticker": ticker,
        }
        return self.write(
            "DELETE",
            f"{ORDERS}/{order_id}",
            None,
            about=f"cancel of {order_id}",
            query=query | dict(params or {}),
            shard=shard,
            repeatable=True,
            urgent=True,
            is_order=True,
        )

    def _after_refused(
        self,
        refusal: UnifiedExchangesError,
        order_id: str,
        market_id: str | None,
        params: Params | None,
    ) -> Flow[Order]:
        """The venue said 404: cancelled, filled, unknown, or not there yet to see."""
        try:
            found = yield from self._settled(order_id, market_id)
        except UnifiedExchangesError as error:
            # Done, by this cancel or before it, or never there: nobody could look.
            raise doubted(error, order_id) from None
        if found is None:
            unknown = self.unknown_order(order_id)
            unknown.maybe_executed = refusal.maybe_executed
            raise unknown
        if not found.is_open:
            return found
        # It rests after all: name its own shard, which reading has just taught us.
        again = self._cancellation(order_id, found.market_id, params)
        try:
            response = yield from self.send(again)
            receipt = receipts.canceled(response.body, order_id)
        except OrderNotFound as error:
            message = (
                f"{again.about}: Kalshi answers 'not found' but shows the order open; "
                "it still counts. Try again, or cancel_all_orders()"
            )
            raise ExchangeError(
                message,
                venue=self.id,
                request=again.name,
                status=error.status,
                maybe_executed=refusal.maybe_executed or error.maybe_executed,
            ) from None
        except UnifiedExchangesError as error:
            return (yield from self._after_lost(error, order_id, market_id))
        return (yield from self._ended(receipt, market_id))

    def _settled(self, order_id: str, market_id: str | None) -> Flow[Order | None]:
        """An order that should have ended, read with patience until it shows that."""
        found: Order | None = None
        for wait in SETTLING:
            if wait:
                yield Sleep(wait)
            found = yield from self.read_order(order_id, market_id, urgent=True)
            if found is None or not found.is_open:
                break
        return found

    def _after_lost(
        self, error: UnifiedExchangesError, order_id: str, market_id: str | None
    ) -> Flow[Order]:
        """No answer to trust: the order is as the venue shows it, not as we hope."""
        if not is_doubtful(error) and not isinstance(error, RateLimitExceeded):
            raise error
        try:
            found = yield from self.read_order(order_id, market_id, urgent=True)
        except UnifiedExchangesError:
            found = None
        if found is not None and not found.is_open:
            return found
        raise doubted(error, order_id)

    def _ended(self, receipt: receipts.Canceled, market_id: str | None) -> Flow[Order]:
        """The order that a receipt says is cancelled, with what had filled before.

        Only a read that shows it ended tells that: one that shows it open is too old,
        even if it has just what the receipt took off.
        """
        trouble: UnifiedExchangesError | None = None
        order_id = receipt.order_id
        try:
            found = yield from self.read_order(order_id, market_id, urgent=True)
            if found is not None and found.is_open:
                since = receipt.at or self.venue_now()
                trouble = yield from self.until_fresh(since, urgent=True)
                found = yield from self._settled(order_id, market_id)
        except UnifiedExchangesError as error:
            found, trouble = None, error
        if found is None or found.is_open:
            raise self._unread(receipt, trouble) from trouble
        return found

    def _unread(
        self, receipt: receipts.Canceled, trouble: UnifiedExchangesError | None
    ) -> ExchangeError:
        reason = (
            "it is not shown as cancelled yet" if trouble is None else trouble.message
        )
        message = (
            f"order {receipt.order_id} is cancelled ({text(receipt.reduced_by)} were "
            "taken off the book), but what had filled before could not be read: "
            f"{reason}"
        )
        return ExchangeError(message, venue=self.id, maybe_executed=True)


def doubted(error: UnifiedExchangesError, order_id: str) -> UnifiedExchangesError:
    """The error, saying that the cancel may have worked for all that."""
    error.leave_in_doubt()
    error.add(
        f"; the cancel may or may not take effect: order {order_id} counts as open "
        "until it is read as done"
    )
    return error
