"""One order: what is known of it, and where it stands by that.

Where it stands is worked out from what is known, never stepped to, so that it does not
depend on the order in which that came.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

import attrs

from ..guards.worst import Claim
from ..models import Order, OrderState, OrderStatus, Side, TrackedOrder
from ..models.tracking import risk
from ..money import EXACT, ZERO, complement
from ..watching.known import LAG

__all__ = ["Booking", "Change", "Entry"]

_UP: Final = Context(prec=28, rounding=ROUND_CEILING)
_ROUNDING: Final = Decimal("0.0001")
"""Dollars by which a told average may be off."""

_ENDS: Final = {
    OrderStatus.CLOSED: OrderState.FILLED,
    OrderStatus.CANCELED: OrderState.CANCELED,
    OrderStatus.EXPIRED: OrderState.EXPIRED,
    OrderStatus.REJECTED: OrderState.REFUSED,
    OrderStatus.UNKNOWN: OrderState.UNKNOWN,
}


@attrs.frozen(slots=True, eq=False)
class Change:
    """An edit whose outcome is not known: its terms, None where they stay."""

    price: Decimal | None
    size: Decimal | None


@attrs.frozen(slots=True, eq=False)
class Booking:
    """Contracts that filled on a side, and the dollars they took at most if they opened."""

    side: Side
    size: Decimal
    cost: Decimal


@attrs.define(kw_only=True, slots=True, eq=False)
class Entry:
    """What is known of one order; prices are in dollars of ``outcome``."""

    market_id: str
    outcome: str
    side: Side
    price: Decimal | None = None
    size: Decimal | None = None
    order_id: str | None = None
    client_order_id: str | None = None
    order: Order | None = None
    is_ours: bool = False
    fills: Decimal = ZERO
    """Contracts of the fills that were seen, each once."""
    placed: int | None = None
    """When this client first sent it, in the order of what it knew."""
    sending: int = 0
    """Calls under way that send it."""
    sent_at: float = 0
    """Our wall clock when the last of them began to."""
    arrives_by: float = 0
    """Our monotonic clock when what they sent is not on its way any more."""
    cancels: int = 0
    """Calls under way that cancel it."""
    is_recalled: bool = False
    """Whether it is known from the journal only, which another process keeps as well."""
    is_doubted: bool = False
    is_refused: bool = False
    is_absent: bool = False
    change: Change | None = None
    cancel_lost_at: float | None = None
    change_lost_at: float | None = None
    shown_open_at: float | None = None
    """When the latest read began that showed it open."""
    counted: Decimal = ZERO
    """Dollars at risk as the sums of all have them."""
    is_reducing: bool = False
    """Whether the venue lets it close only."""
    purse: str = ""
    """Within what it nets; "" is the account whose positions are read."""
    fills_value: Decimal = ZERO
    """Price times size of the fills that were seen."""
    born: int = 0
    """When it was taken down, in the order of what was."""
    filled_before: Decimal = ZERO
    """How much was known to have filled at last."""
    filled_at: float = 0
    filled_moment: int = 0
    """When that became known: by the monotonic clock, and in the order of all that did."""
    in_base: Decimal = ZERO
    """How much of that the position that was read has in it."""
    booking: Booking | None = None
    """What the position has of it besides."""
    wakes: list[Callable[[], None]] = attrs.field(factory=list)
    """Those who wait for it."""
    heir: Entry | None = None
    """What it turned out to be the same as, which stands for both from there."""

    # -- what is worked out ---------------------------------------------------------

    @property
    def filled(self) -> Decimal:
        """Contracts that filled, by whichever tells more."""
        return self.fills if self.order is None else max(self.order.filled, self.fills)

    @property
    def remaining(self) -> Decimal | None:
        """Contracts that may still fill."""
        order = self.order
        if order is None:
            if self.size is None:
                return None
            is_over = (self.is_refused or self.is_absent) and not self.fills
            left = EXACT.subtract(self.size, self.fills)
            return ZERO if is_over else max(ZERO, left)
        if not order.is_open:
            return ZERO
        unseen = max(ZERO, EXACT.subtract(self.fills, order.filled))
        return max(ZERO, EXACT.subtract(order.remaining, unseen))

    @property
    def state(self) -> OrderState:
        """Where it stands."""
        order = self.order
        if order is None:
            return self._unseen_state()
        if not order.is_open:
            return _ENDS[order.status]
        if not self.remaining:
            return OrderState.FILLED
        if self.is_cancel_pending:
            return OrderState.CANCEL_PENDING
        if order.status is OrderStatus.UNKNOWN:
            return OrderState.UNKNOWN
        return OrderState.PARTIALLY_FILLED if self.filled else OrderState.OPEN

    def _unseen_state(self) -> OrderState:
        """Where it stands as long as the venue has shown no more than fills of it."""
        if self.fills:
            if self.size is None:
                return OrderState.UNKNOWN
            is_whole = self.fills >= self.size
            return OrderState.FILLED if is_whole else OrderState.PARTIALLY_FILLED
        if self.is_refused:
            return OrderState.REFUSED
        if self.is_absent:
            return OrderState.ABSENT
        if self.is_doubted:
            return OrderState.UNRESOLVED
        return OrderState.INTENDED if self.sending else OrderState.UNKNOWN

    @property
    def is_unresolved(self) -> bool:
        """Whether it is not known if the venue has it."""
        # Said again in short: all that may still fill are asked, whenever one counts.
        return self.is_doubted and self.order is None and not self.fills

    @property
    def is_cancel_pending(self) -> bool:
        """Whether a cancel is on its way, or its answer was lost and nothing told since."""
        return bool(self.cancels) or self._is_lost(self.cancel_lost_at)

    @property
    def is_doubtful(self) -> bool:
        """Whether the outcome of the last command is not known."""
        if self.is_over:
            return False
        if self.state is OrderState.UNRESOLVED:
            return True
        return self._is_lost(self.cancel_lost_at) or self._is_lost(self.change_lost_at)

    @property
    def is_over(self) -> bool:
        """Whether nothing more can fill, as far as is known."""
        if self.order is not None and not self.order.is_open:
            return True
        return self.state.is_done

    def _is_lost(self, at: float | None) -> bool:
        # A read may lag, so one that began at once proves nothing about the command.
        shown = self.shown_open_at
        return at is not None and (shown is None or shown < at + LAG)

    @property
    def at_risk(self) -> Decimal:
        """Dollars that it takes if all of it fills that may, and opens a position."""
        left = self.remaining
        order = self.order
        side, price = (
            (self.side, self.price) if order is None else (order.side, order.price)
        )
        if not left or price is None:
            return ZERO
        now = risk(side, price, left)
        change = self.change
        if change is None or not self._may_have_changed:
            return now
        if change.size is not None:
            left = max(ZERO, EXACT.subtract(change.size, self.filled))
        changed = price if change.price is None else change.price
        return max(now, risk(side, changed, left))

    @property
    def told_side(self) -> Side:
        """Buy or sell of its outcome."""
        return self.side if self.order is None else self.order.side

    def claim(self) -> Claim | None:
        """What of it may still fill; of an edit under way the dearer of both terms."""
        left, price = self.remaining, self.limit
        if not left or price is None:
            return None
        change = self.change
        if change is not None and self._may_have_changed:
            if change.price is not None:
                both = price, change.price
                price = max(both) if self.told_side is Side.BUY else min(both)
            if change.size is not None:
                left = max(left, EXACT.subtract(change.size, self.filled))
        return Claim(self.told_side, price, left, self._only_reduces)

    def claim_as(self, price: Decimal, left: Decimal) -> Claim:
        """The same with other terms."""
        return Claim(self.told_side, price, left, self._only_reduces)

    def vague_claim(self) -> Claim:
        """What has filled of it, as if that might or might not have happened."""
        booked = self.booking
        assert booked is not None
        unit = _UP.divide(booked.cost, booked.size)
        price = unit if booked.side is Side.BUY else complement(unit)
        return Claim(booked.side, price, booked.size, self._only_reduces)

    @property
    def limit(self) -> Decimal | None:
        """Its limit in dollars of its outcome."""
        return self.price if self.order is None else self.order.price

    @property
    def _only_reduces(self) -> bool:
        return self.is_reducing or (
            self.order is not None and bool(self.order.reduce_only)
        )

    def spent(self) -> Booking | None:
        """Contracts that filled since the position was read, and what they took at most."""
        filled = self.filled
        size = EXACT.subtract(filled, self.in_base)
        if size <= ZERO:
            return None
        is_buy = self.told_side is Side.BUY
        if self.fills == filled:
            paid = self.fills_value
            cost = paid if is_buy else EXACT.subtract(filled, paid)
        else:
            order = self.order
            assert order is not None
            cost = risk(order.side, _average(order), filled)
        if self.in_base:
            cost = _UP.multiply(_UP.divide(cost, filled), size)
            if self.limit is not None:
                cost = max(cost, risk(self.told_side, self.limit, size))
        return Booking(self.told_side, size, cost)

    @property
    def _may_have_changed(self) -> bool:
        # No time yet: the edit is on its way.
        return self.change_lost_at is None or self._is_lost(self.change_lost_at)

    def view(self) -> TrackedOrder:
        """What a caller gets to see."""
        order = self.order
        return TrackedOrder(
            state=self.state,
            market_id=self.market_id,
            order_id=self.order_id,
            client_order_id=self.client_order_id,
            outcome=self.outcome,
            side=order.side if order is not None else self.side,
            price=order.price if order is not None else self.price,
            size=order.size if order is not None else self.size,
            filled=self.filled,
            remaining=self.remaining,
            at_risk=self.at_risk,
            order=order,
            is_external=not self.is_ours,
            is_doubtful=self.is_doubtful,
        )


def _average(order: Order) -> Decimal:
    """A price than which what filled was no worse; averages are told rounded."""
    average = order.average_price
    if average is None:
        return order.price
    if order.side is Side.BUY:
        return min(order.price, EXACT.add(average, _ROUNDING))
    return max(order.price, EXACT.subtract(average, _ROUNDING))
