"""Changing a resting order in place, and knowing whether it changed.

An amend carries the whole of the order's new terms: side, price, and the total size with
what has filled (docs.kalshi.com, amend order V2, 2026-10).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import attrs

from ...errors import (
    ArgumentsRequired,
    InvalidOrder,
    OrderNotFound,
    UnifiedExchangesError,
)
from ...flow import Flow, Sleep
from ...grid import read_price, read_size
from ...models import Order, Params, Side
from ...money import EXACT, ZERO, Number, complement, text
from ...sending import Call
from . import receipts
from .arguments import YES, read_outcome, read_params
from .doubt import Doubt, is_doubtful
from .drafts import read_expiry
from .lookup import Lookup

__all__ = ["Amending"]

_ORDERS = "/portfolio/events/orders"
_OURS: Final = ("count", "price", "side", "ticker")
_KNOWN: Final[Mapping[str, type]] = {
    "client_order_id": str,
    "exchange_index": int,
    "expiration_time": int,
    "updated_client_order_id": str,
}
"""Words of an amend without a unified argument; expiration_time 0 clears the expiry."""


class Amending(Lookup, Doubt):
    """Amends orders."""

    def edit_order(
        self,
        order_id: str,
        *,
        market_id: str | None = None,
        outcome: str | None = None,
        price: Number | None = None,
        size: Number | None = None,
        expires_at: datetime | None = None,
        params: Params | None = None,
    ) -> Flow[Order]:
        """Amend in place; see `Exchange.edit_order`.

        A change of expiry and a smaller size keep the place in the queue, a new price or
        a larger size lose it (docs.kalshi.com, amend order V2, 2026-10).
        """
        if price is None and size is None and expires_at is None and not params:
            message = "nothing to change: give price=, size= or expires_at="
            raise ArgumentsRequired(message, venue=self.id)
        if price is not None and outcome is None:
            message = (
                f"say which outcome the price of order {order_id} is for: outcome='yes' "
                "or outcome='no'"
            )
            raise ArgumentsRequired(message, venue=self.id)
        label = read_outcome(outcome)
        given = read_params(params, _OURS, _KNOWN)
        expires = read_expiry(expires_at, self.clock.now())
        self.require_writable(f"change of {order_id}")
        deadline = self.clock.monotonic() + self.retry.order_deadline
        self.check_market(order_id, market_id)
        before = yield from self._before(order_id, market_id)
        before = before.in_terms_of(label)
        try:
            after = yield from self._wanted(before, price, size, expires_at)
            self.guards.check_cost(_collateral(after), f"change of {order_id}")
        except UnifiedExchangesError as error:
            error.venue = self.id
            error.request = error.request or f"POST {_ORDERS}/{order_id}/amend"
            raise
        if given.get("expiration_time") == 0:
            after = attrs.evolve(after, expires_at=None)
        call = self._amendment(after, expires, given, deadline)
        return (yield from self._amend(call, after, deadline))

    def _before(self, order_id: str, market_id: str | None) -> Flow[Order]:
        """The order as it is; a read that lags behind our last change is corrected."""
        seen = self.memory.order(order_id)
        found = yield from self.read_order(order_id, market_id)
        if found is None:
            raise self.unknown_order(order_id)
        if not found.is_open:
            message = f"order {order_id} is {found.status}: it can no longer change"
            raise InvalidOrder(message, venue=self.id)
        if seen is None or not _is_later(seen, found):
            return found
        filled = max(seen.filled, found.filled)
        return attrs.evolve(
            found,
            price=seen.price,
            size=seen.size,
            filled=filled,
            remaining=max(ZERO, EXACT.subtract(seen.size, filled)),
            expires_at=seen.expires_at,
        )

    def _wanted(
        self,
        before: Order,
        price: Number | None,
        size: Number | None,
        expires_at: datetime | None,
    ) -> Flow[Order]:
        rules = yield from self.rules(before.market_id)
        # What was taken off by a decrease stays off.
        total = EXACT.add(before.filled, before.remaining)
        after = attrs.evolve(before, size=total)
        if price is not None:
            grid = rules.grid if before.outcome == YES else rules.grid.complement()
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
        self, after: Order, expires: int | None, params: Params | None, deadline: float
    ) -> Call:
        is_yes = after.outcome == YES
        route = self.memory.route(after.order_id)
        body: dict[str, object] = {
            "ticker": after.market_id,
            "side": "bid" if (after.side is Side.BUY) is is_yes else "ask",
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
            query={
                "subaccount": self.subaccount if route is None else route.subaccount
            },
            shard=after.shard,
            is_order=True,
            deadline=deadline,
        )

    def _amend(self, call: Call, after: Order, deadline: float) -> Flow[Order]:
        """Send; where the answer is lost, look before sending again."""
        doubt: UnifiedExchangesError | None = None
        attempt = 0
        while True:
            try:
                response = yield from self.attempt(call, deadline)
                changed = receipts.amended(after, response.body)
            except OrderNotFound as error:
                return (yield from self._amend_refused(error, after, doubt))
            except UnifiedExchangesError as error:
                doubt = error if is_doubtful(error) else doubt
                delay = self.again(error, attempt, deadline, in_doubt=doubt is not None)
                if delay is None:
                    return (yield from self._amend_lost(error, after, doubt))
                yield Sleep(delay)
                if doubt is not None:
                    shown = yield from self._shown(after)
                    if shown is not None:
                        return shown
            else:
                route = self.memory.route(after.order_id)
                subaccount = self.subaccount if route is None else route.subaccount
                self.memory.learn_order(changed, subaccount)
                return changed
            attempt += 1

    def _shown(self, after: Order) -> Flow[Order | None]:
        """The order, if the venue shows it with the wanted terms."""
        try:
            found = yield from self.read_order(after.order_id, after.market_id)
        except UnifiedExchangesError:
            return None
        if found is None:
            return None
        mine = found.in_terms_of(after.outcome)
        same = (
            mine.price == after.price
            and mine.size == after.size
            and mine.expires_at == after.expires_at
        )
        return mine if same else None

    def _amend_refused(
        self, error: OrderNotFound, after: Order, doubt: UnifiedExchangesError | None
    ) -> Flow[Order]:
        """The venue said 404: done meanwhile, perhaps by our own lost change."""
        if doubt is not None:
            shown = yield from self._shown(after)
            if shown is not None:
                return shown
        try:
            found = yield from self.read_order(after.order_id, after.market_id)
        except UnifiedExchangesError as failure:
            if doubt is None:
                failure.add(f"; order {after.order_id} was not changed")
                raise
            raise _doubted(failure, after) from None
        if found is None:
            unknown = self.unknown_order(after.order_id)
            unknown.maybe_executed = doubt is not None
            raise unknown
        message = (
            f"order {after.order_id} could not be changed; the venue shows it "
            f"{found.status} with {text(found.filled)} of {text(found.size)} filled"
        )
        raise InvalidOrder(
            message,
            venue=self.id,
            request=error.request,
            status=error.status,
            code=error.code,
            maybe_executed=doubt is not None,
        )

    def _amend_lost(
        self,
        error: UnifiedExchangesError,
        after: Order,
        doubt: UnifiedExchangesError | None,
    ) -> Flow[Order]:
        if doubt is None:
            raise error
        shown = yield from self._shown(after)
        if shown is not None:
            return shown
        raise _doubted(error, after)


def _doubted(error: UnifiedExchangesError, after: Order) -> UnifiedExchangesError:
    """The error, saying that the change may have taken effect for all that."""
    error.leave_in_doubt()
    error.add(
        f"; the change may or may not take effect: read order {after.order_id} "
        "before changing it again"
    )
    return error


def _is_later(seen: Order, found: Order) -> bool:
    if seen.updated_at is None or found.updated_at is None:
        return False
    return seen.updated_at > found.updated_at


def _collateral(order: Order) -> Decimal:
    """Dollars that what rests of an order takes if it opens a position."""
    price = order.price if order.side is Side.BUY else complement(order.price)
    return EXACT.multiply(price, order.remaining)
