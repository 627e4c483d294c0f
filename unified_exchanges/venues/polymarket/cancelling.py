"""Cancelling orders, so that none is believed dead while it lives.

A cancel says which orders it has ended and, in prose, why not the others.  Neither tells
how much of an order had filled.  So each is read afterwards; so it is after every answer
that is lost.  None is read before: a read may fail or take long while the order fills.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ...errors import (
    ExchangeError,
    OrderNotFound,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from ...flow import Flow, Sleep
from ...models import Order, Params
from ...venue import Call
from ...venue.doubt import is_doubtful
from . import receipts
from .arguments import read_market_id, read_order_id, read_params
from .lookup import Lookup

__all__ = ["SETTLING", "UNTOLD", "Cancelling", "doubted", "is_absent", "unlooked"]

_ORDER: Final = "/clob/order"
_ORDERS: Final = "/clob/orders"
_ABSENT: Final = 404
SETTLING: Final = (0.3, 0.6, 1.2)
"""Seconds before each further read of an order whose cancel should show by now."""
_ONCE: Final = (SETTLING,)
_PATIENT: Final = (SETTLING, SETTLING, ())
"""As a cancel of all: what a game's delay holds is over within some seconds."""
UNTOLD: Final = "the venue tells nothing of it; look at fetch_fills(order_id=…)"
"""Why it is not known how an order ended that no source tells."""


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
        return (yield from self._cancel_one(order_id, market_id, params, _ONCE))

    def stop_order(self, order_id: str, *, market_id: str | None = None) -> Flow[Order]:
        """Cancel one, also one that a game's delay holds; see `Venue.stop_order`."""
        return (yield from self._cancel_one(order_id, market_id, None, _PATIENT))

    def _cancel_one(
        self,
        order_id: str,
        market_id: str | None,
        params: Params | None,
        tries: Sequence[Sequence[float]],
    ) -> Flow[Order]:
        self.require_writable(f"cancel of {order_id}")
        name = read_order_id(order_id)
        market = None if market_id is None else read_market_id(market_id)
        read_params(params, (), {})
        self.check_market(name, market)
        seen = self.memory.order(name)
        if seen is not None and not (seen.is_open or seen.is_inferred):
            return seen
        return (yield from self.cancel_present(name, tries))

    def cancel_present(
        self, order_id: str, tries: Sequence[Sequence[float]] = _ONCE
    ) -> Flow[Order]:
        """Cancel an order that is not known to have ended.

        Tried again while the venue refuses and the order is read as open: ``tries`` are,
        for each, the seconds before each further read of it.
        """
        refused: ExchangeError | None = None
        for waits in tries:
            found = yield from self._cancel_once(order_id, [*waits])
            if isinstance(found, Order):
                return found
            refused = found
        assert refused is not None
        raise refused

    def _cancel_once(
        self, order_id: str, waits: list[float]
    ) -> Flow[Order | ExchangeError]:
        call = self._cancellation(order_id)
        try:
            response = yield from self.send(call)
            said = receipts.canceled(response.body)
        except UnifiedExchangesError as error:
            return (yield from self._after_lost(error, order_id))
        self.memory.learn_canceled(said.done)
        if order_id in said.done:
            return (yield from self.ended(order_id))
        reason = said.reasons.get(order_id)
        return (yield from self._standing(order_id, call, reason, waits))

    def _cancellation(self, order_id: str) -> Call:
        return self.write(
            "DELETE",
            _ORDER,
            {"orderID": order_id},
            about=f"cancel of {order_id}",
            repeatable=True,
            urgent=True,
            is_order=True,
        )

    def cancellation_of(self, order_ids: Sequence[str]) -> Call:
        """The request that cancels several."""
        return self.write(
            "DELETE",
            _ORDERS,
            list(order_ids),
            about=f"cancel of {len(order_ids)} orders",
            items=len(order_ids),
            repeatable=True,
            urgent=True,
            is_order=True,
        )

    def after_refused(
        self,
        order_id: str,
        call: Call,
        reason: str | None,
        waits: list[float] | None = None,
    ) -> Flow[Order]:
        """It was not cancelled: it had ended, is held for a delay, or was never there."""
        found = yield from self._standing(order_id, call, reason, waits)
        if isinstance(found, ExchangeError):
            raise found
        return found

    def _standing(
        self,
        order_id: str,
        call: Call,
        reason: str | None,
        waits: list[float] | None,
    ) -> Flow[Order | ExchangeError]:
        """One that was not cancelled, as it ended; the error if it still counts as open."""
        try:
            found = yield from self.read_settled(order_id, waits)
        except UnifiedExchangesError as trouble:
            raise self.unsettled(order_id, call, reason, trouble) from trouble
        if found is None and self.memory.order(order_id) is None:
            raise self.unknown_order(order_id)
        if found is not None and not found.is_open:
            return found
        message = (
            f"{call.about}: Polymarket says {_told(reason)} and the order is not shown as "
            "ended; it still counts. An order that is held for a game's delay cannot be "
            "cancelled until that is over: try again, or cancel_all_orders()"
        )
        return ExchangeError(message, venue=self.id, request=call.name)

    def unsettled(
        self,
        order_id: str,
        call: Call,
        reason: str | None,
        trouble: UnifiedExchangesError,
    ) -> UnifiedExchangesError:
        """The error for one that was not cancelled while nothing of it can be read."""
        # It has ended, by this cancel or before it, or has not: nobody could look.
        message = f"{call.about}: Polymarket says {_told(reason)} of {order_id}"
        error = ExchangeError(message, venue=self.id, request=call.name)
        return unlooked(error, order_id, trouble)

    def read_settled(
        self, order_id: str, waits: list[float] | None = None
    ) -> Flow[Order | None]:
        """An order that should have ended, read with patience until it shows that.

        ``waits`` are the seconds that are left, of several orders whose cancels have all
        been sent: what has passed for one has passed for the others too.
        """
        left = [*SETTLING] if waits is None else waits
        found = yield from self.read_order(order_id, urgent=True)
        while found is not None and found.is_open and left:
            yield Sleep(left.pop(0))
            found = yield from self.read_order(order_id, urgent=True)
        return found

    def _after_lost(self, error: UnifiedExchangesError, order_id: str) -> Flow[Order]:
        """No answer to trust: the order is as the venue shows it, not as we hope."""
        if is_absent(error):
            return (yield from self.after_absent(error, order_id))
        if not is_doubtful(error) and not isinstance(error, RateLimitExceeded):
            raise error
        try:
            found = yield from self.read_order(order_id, urgent=True)
        except UnifiedExchangesError as trouble:
            raise unlooked(error, order_id, trouble) from trouble
        if found is not None and not found.is_open:
            return found
        raise doubted(error, order_id)

    def after_absent(
        self,
        error: UnifiedExchangesError,
        order_id: str,
        waits: list[float] | None = None,
    ) -> Flow[Order]:
        """The venue knows of no such order: it has ended, or is not shown to cancels yet."""
        try:
            found = yield from self.read_settled(order_id, waits)
        except UnifiedExchangesError as trouble:
            raise unlooked(error, order_id, trouble) from trouble
        if found is None:
            raise error
        if found.is_open:
            raise doubted(error, order_id)
        return found

    def ended(self, order_id: str, waits: list[float] | None = None) -> Flow[Order]:
        """An order that the venue says is cancelled, with what had filled before."""
        try:
            found = yield from self.read_settled(order_id, waits)
        except UnifiedExchangesError as trouble:
            raise self.unread(order_id, trouble.message) from trouble
        if found is None:
            # The venue may tell open orders only, and this object never saw it.
            raise self.unread(order_id, UNTOLD)
        if found.is_open:
            raise self.unread(order_id, "it is not shown as cancelled yet")
        return found

    def unread(self, order_id: str, reason: str) -> ExchangeError:
        """The error for one that the venue cancelled, and whose fills are not known."""
        message = (
            f"order {order_id} is cancelled, but what had filled before could not "
            f"be read: {reason}"
        )
        return ExchangeError(message, venue=self.id, maybe_executed=True)


def is_absent(error: UnifiedExchangesError) -> bool:
    """Whether a cancel met "not found", which says nothing of how the order ended."""
    return isinstance(error, OrderNotFound) or error.status == _ABSENT


def unlooked(
    error: UnifiedExchangesError, order_id: str, trouble: UnifiedExchangesError
) -> UnifiedExchangesError:
    """The error of a cancel, saying that nobody could look what it did."""
    error.add(f"; how the order stands could not be read: {trouble.message}")
    return doubted(error, order_id)


def _told(reason: str | None) -> str:
    return "nothing of it" if reason is None else f"{reason!r}"


def doubted(error: UnifiedExchangesError, order_id: str) -> UnifiedExchangesError:
    """The error, saying that the cancel may have worked for all that."""
    error.leave_in_doubt()
    error.add(
        f"; the cancel may or may not take effect: order {order_id} counts as open "
        "until it is read as done"
    )
    return error
