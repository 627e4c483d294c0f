"""Changing a resting order in place, and knowing whether it changed.

An amend carries the whole of the order's new terms: side, price, and the total size with
what has filled (docs.kalshi.com, amend order V2, 2026-10).  So what the caller leaves as
it is must be known as it is now: a size from a late read would undo what others took off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import attrs

from ...errors import (
    ArgumentsRequired,
    ExchangeError,
    ExchangeNotAvailable,
    Halted,
    InvalidOrder,
    InvalidSize,
    OrderNotFound,
    UnifiedExchangesError,
)
from ...flow import Flow, Leaving, Shown
from ...grid import read_price, read_size
from ...models import Order, Params, Side
from ...money import EXACT, ZERO, Number, complement, text
from ...venue import Call
from ...venue.doubt import Doubt, is_doubtful
from . import receipts
from .arguments import YES, read_outcome, read_params
from .drafts import TICKETS
from .intents import Intents

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
_TICK = timedelta(milliseconds=1)
"""What a receipt's time may be short of: it is whole milliseconds."""


@attrs.frozen(kw_only=True, slots=True, eq=False, repr=False)
class _Change:
    """What a caller wants to be different of an order; None stays as it is."""

    order_id: str
    market_id: str | None
    outcome: str
    price: Number | None
    size: Number | None
    expires_at: datetime | None
    expires: int | None
    params: Mapping[str, str | int | bool]
    deadline: float

    def __str__(self) -> str:
        """What is asked, for errors."""
        return f"change of {self.order_id}"

    @property
    def key(self) -> str | None:
        """The new client order id."""
        key = self.params.get("updated_client_order_id")
        return None if key is None else str(key)

    @property
    def moves_expiry(self) -> bool:
        """Whether the order is to expire at another time, or never."""
        return self.expires is not None or "expiration_time" in self.params

    def is_shown(self, found: Order, after: Order) -> bool:
        """Whether an order has what is asked for; ``after`` has it in exact numbers."""
        mine = found.in_terms_of(after.outcome)
        return (
            (self.price is None or mine.price == after.price)
            and (self.size is None or _total(mine) == after.size)
            and (not self.moves_expiry or mine.expires_at == after.expires_at)
            and self.key in (None, mine.client_order_id)
        )

    def is_untouched(self, found: Order, before: Order) -> bool:
        """Whether what is to change is still as it was when the change was asked for."""
        return (
            (self.price is None or found.price == before.price)
            and (self.size is None or _total(found) == _total(before))
            and (not self.moves_expiry or found.expires_at == before.expires_at)
            and (self.key is None or found.client_order_id == before.client_order_id)
        )


class Amending(Intents, Doubt):
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
        change = _Change(
            order_id=order_id,
            market_id=market_id,
            outcome=read_outcome(outcome),
            price=price,
            size=size,
            expires_at=expires_at,
            expires=TICKETS.read_expiry(expires_at),
            params=read_params(params, _OURS, _KNOWN),
            deadline=self.clock.monotonic() + self.retry.order_deadline,
        )
        self.require_writable(change)
        self.switch.check(change)
        route = self.memory.route(order_id)
        known = market_id or (None if route is None else route.market_id)
        if isinstance(known, str):
            self.require_allowed(known, change)
        self.check_market(order_id, market_id)
        before = yield from self._before(change)
        yield from self._require_unended(before, change, None)
        after = yield from self._wanted(before, change)
        return (yield from self._amend(change, before, after))

    # -- what the order is, and what it shall be ------------------------------------

    def _before(self, change: _Change) -> Flow[Order]:
        """The order as it is now, whoever changed it.

        What is not to change is sent as well, so it may not come from a read that lags.
        """
        order_id = change.order_id
        if change.price is None or change.size is None:
            stale = yield from self.until_fresh(self.venue_now())
            if stale is not None and change.size is None:
                stale.add(
                    f"; order {order_id} was not changed, since every change names its "
                    "size. Try again, or give size=, the total"
                )
                raise stale
        found = yield from self.read_order(order_id, change.market_id)
        if found is None:
            raise self.unknown_order(order_id)
        seen = self.memory.order(order_id)
        if seen is not None and _is_before(found, seen.updated_at):
            # A change of ours that it does not show, although it should.
            least = min(_total(seen), _total(found))
            left = max(ZERO, EXACT.subtract(least, seen.filled))
            found = attrs.evolve(seen, remaining=left)
        return found.in_terms_of(change.outcome)

    def _wanted(
        self,
        before: Order,
        change: _Change,
        doubt: UnifiedExchangesError | None = None,
    ) -> Flow[Order]:
        """The order with its new terms; ``doubt`` if they may be there already."""
        try:
            after = yield from self._changed(before, change)
            self.require_allowed(after.market_id, change)
            yield Leaving(changes=((before, after),))
        except UnifiedExchangesError as error:
            error.venue = self.id
            error.request = error.request or f"POST {_ORDERS}/{change.order_id}/amend"
            raise error if doubt is None else _doubted(error, change) from None
        return after

    def _changed(self, before: Order, change: _Change) -> Flow[Order]:
        rules = yield from self.rules(before.market_id)
        self.check_expiry(change.expires)
        # What others took off stays off: that is why the read must be fresh.
        after = attrs.evolve(before, size=EXACT.add(before.filled, before.remaining))
        if change.price is not None:
            grid = rules.grid if before.outcome == YES else rules.grid.complement()
            after = attrs.evolve(after, price=read_price(change.price, grid))
        if change.size is not None:
            wanted = read_size(change.size, lot=rules.lot, minimum=rules.minimum_size)
            if wanted <= before.filled:
                raise _too_small(wanted, before)
            left = EXACT.subtract(wanted, before.filled)
            after = attrs.evolve(after, size=wanted, remaining=left)
        if change.expires_at is not None:
            after = attrs.evolve(after, expires_at=change.expires_at)
        if change.params.get("expiration_time") == 0:
            after = attrs.evolve(after, expires_at=None)
        if change.key is not None:
            after = attrs.evolve(after, client_order_id=change.key)
        return after

    # -- sending it -----------------------------------------------------------------

    def _amendment(self, change: _Change, after: Order) -> Call:
        is_yes = after.outcome == YES
        body: dict[str, object] = {
            "ticker": after.market_id,
            "side": "bid" if (after.side is Side.BUY) is is_yes else "ask",
            "price": text(after.price if is_yes else complement(after.price), 4),
            "count": text(after.size, 2),
            "exchange_index": after.shard,
        }
        if change.expires is not None:
            body["expiration_time"] = change.expires
        return self.write(
            "POST",
            f"{_ORDERS}/{after.order_id}/amend",
            body | dict(change.params),
            about=change,
            query={"subaccount": self._subaccount_of(after.order_id)},
            shard=after.shard,
            is_order=True,
            opens=True,
            heeds=True,
            deadline=change.deadline,
        )

    def _amend(self, change: _Change, asked: Order, after: Order) -> Flow[Order]:
        """Send; where the answer is lost, look before sending again.

        ``asked`` is the order as it was when the change was asked for.
        """
        doubt: UnifiedExchangesError | None = None
        attempt = 0
        while True:
            call = self._amendment(change, after)
            try:
                response = yield from self.attempt(call, change.deadline)
                receipt = receipts.amended(response.body, after)
            except (OrderNotFound, InvalidOrder) as error:
                return (yield from self._unchanged(error, change, after, doubt))
            except UnifiedExchangesError as error:
                doubt = error if is_doubtful(error) else doubt
                delay = self.again(
                    error, attempt, change.deadline, in_doubt=doubt is not None
                )
                if delay is None:
                    return (yield from self._undecided(error, change, after, doubt))
            else:
                return (yield from self._amended(receipt, change, after))
            yield from self.pause(delay, call)
            before = yield from self._looked(change, doubt)
            if doubt is not None and change.is_shown(before, after):
                return before
            yield from self._require_unended(before, change, doubt)
            if doubt is not None and not change.is_untouched(before, asked):
                # Ours may have come first, and sending it again would undo theirs.
                doubt.add(f"; order {before.order_id} was changed otherwise since")
                raise _doubted(doubt, change)
            # Anew: others may have made it smaller since.
            after = yield from self._wanted(before, change, doubt)
            attempt += 1

    def _require_unended(
        self, found: Order, change: _Change, doubt: UnifiedExchangesError | None
    ) -> Flow[None]:
        """Refuse to change what has ended; under a halt, which cancels, for that."""
        if found.is_open:
            return
        yield Shown(found)
        try:
            self.switch.check(change)
            yield from self.heed(change)
        except Halted as halted:
            raise halted if doubt is None else _doubted(halted, change) from None
        raise _ended(found, change, doubt)

    def _looked(
        self, change: _Change, doubt: UnifiedExchangesError | None
    ) -> Flow[Order]:
        """The order before the next try; if it cannot be read, none is sent blindly."""
        try:
            return (yield from self._before(change))
        except UnifiedExchangesError as failure:
            if doubt is None:
                raise
            doubt.add(f"; looking failed: {failure.message}")
            raise _doubted(doubt, change) from None

    def _amended(
        self, receipt: receipts.Amended, change: _Change, after: Order
    ) -> Flow[Order]:
        """The order after an amend: read, since it may have filled before and in it.

        Of fills the receipt tells at most those of the amend itself.  Only that all of
        the new size is left proves how much had filled: nothing.
        """
        if receipt.remaining == after.size:
            changed = attrs.evolve(
                after,
                filled=ZERO,
                remaining=after.size,
                average_price=None,
                fee=ZERO,
                updated_at=receipt.at or after.updated_at,
                raw_json=receipt.raw,
            )
            self.memory.learn_order(changed, self._subaccount_of(after.order_id))
            return changed
        try:
            found = yield from self._read_since(receipt.at, change, after)
        except UnifiedExchangesError as error:
            message = (
                f"order {after.order_id} is changed, but what had filled meanwhile "
                f"could not be read: {error.message}"
            )
            raise ExchangeError(message, venue=self.id, maybe_executed=True) from error
        return found.in_terms_of(after.outcome)

    def _read_since(
        self, at: datetime | None, change: _Change, after: Order
    ) -> Flow[Order]:
        """The order as it was when it was changed, or later."""
        found = yield from self.read_order(after.order_id, after.market_id)
        if found is not None and _is_after(
            found, at, shown=change.is_shown(found, after)
        ):
            return found
        since = self.venue_now() if at is None else at + _TICK
        stale = yield from self.until_fresh(since)
        if stale is not None:
            raise stale
        found = yield from self.read_order(after.order_id, after.market_id)
        if found is None:
            raise self.unknown_order(after.order_id)
        if _is_before(found, at) and not change.is_shown(found, after):
            message = f"order {after.order_id} is still shown as it was before"
            raise ExchangeNotAvailable(message, venue=self.id)
        return found

    # -- when it was not changed, or may not have been ------------------------------

    def _unchanged(
        self,
        error: UnifiedExchangesError,
        change: _Change,
        after: Order,
        doubt: UnifiedExchangesError | None,
    ) -> Flow[Order]:
        """The venue said no: done or filled meanwhile, perhaps by our own lost change."""
        yield from self.until_fresh(self.venue_now())
        try:
            found = yield from self.read_order(after.order_id, after.market_id)
        except UnifiedExchangesError as failure:
            if isinstance(error, InvalidOrder):
                raise error if doubt is None else _doubted(error, change) from None
            if doubt is None:
                failure.add(f"; order {after.order_id} was not changed")
                raise
            raise _doubted(failure, change) from None
        if found is None:
            unknown = self.unknown_order(after.order_id)
            unknown.maybe_executed = doubt is not None
            raise unknown
        if doubt is not None and change.is_shown(found, after):
            return found.in_terms_of(after.outcome)
        if not found.is_open:
            yield Shown(found)
        if isinstance(error, OrderNotFound) or not found.is_open:
            raise _ended(found, change, doubt, error)
        if after.size <= found.filled:
            error = _too_small(after.size, found, "have filled meanwhile", error)
        raise error if doubt is None else _doubted(error, change)

    def _undecided(
        self,
        error: UnifiedExchangesError,
        change: _Change,
        after: Order,
        doubt: UnifiedExchangesError | None,
    ) -> Flow[Order]:
        if doubt is None:
            raise error
        found = yield from self._looked(change, doubt)
        if change.is_shown(found, after):
            return found
        if isinstance(error, Halted):
            # That is why it was not sent again, not what became of the first.
            doubt.add(f"; it was not sent again: {error.message}")
            error = doubt
        raise _doubted(error, change)


def _total(order: Order) -> Decimal:
    """The size as an amend counts it: without what a decrease took off."""
    return EXACT.add(order.filled, order.remaining) if order.is_open else order.size


def _too_small(
    wanted: Decimal,
    found: Order,
    how: str = "are filled already",
    error: UnifiedExchangesError | None = None,
) -> InvalidSize:
    message = (
        f"size {text(wanted)} is the total and {text(found.filled)} {how}; "
        "cancel the order instead"
    )
    return InvalidSize(
        message,
        venue=found.venue,
        request=None if error is None else error.request,
        status=None if error is None else error.status,
        code=None if error is None else error.code,
    )


def _ended(
    found: Order,
    change: _Change,
    doubt: UnifiedExchangesError | None,
    error: UnifiedExchangesError | None = None,
) -> InvalidOrder:
    message = (
        f"order {change.order_id} could not be changed; the venue shows it "
        f"{found.status} with {text(found.filled)} of {text(found.size)} filled"
    )
    return InvalidOrder(
        message,
        venue=found.venue,
        request=None if error is None else error.request,
        status=None if error is None else error.status,
        code=None if error is None else error.code,
        maybe_executed=doubt is not None,
    )


def _doubted(error: UnifiedExchangesError, change: _Change) -> UnifiedExchangesError:
    """The error, saying that the change may have taken effect for all that."""
    error.leave_in_doubt()
    error.add(
        f"; the change may or may not take effect: read order {change.order_id} "
        "before changing it again"
    )
    return error


def _is_before(found: Order, at: datetime | None) -> bool:
    """Whether an open order is shown as it was before that moment."""
    stamp = found.updated_at
    return found.is_open and stamp is not None and at is not None and stamp < at


def _is_after(found: Order, at: datetime | None, *, shown: bool) -> bool:
    """Whether a read is from that moment or later: what has ended changes no more."""
    if not found.is_open:
        return True
    stamp = found.updated_at
    return shown and stamp is not None and at is not None and stamp >= at
