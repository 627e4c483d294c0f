"""One order: what is known of it, and where it stands by that.

Where it stands is worked out from what is known, never stepped to, so that it does not
depend on the order in which that came.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import inf
from operator import attrgetter
from typing import Final

import attrs

from ..guards.worst import Claim
from ..models import Order, OrderState, OrderStatus, Side, TrackedOrder
from ..models.tracking import risk
from ..money import EXACT, ONE, ZERO, complement, total
from ..watching.known import LAG
from .booking import UP, Booking
from .changes import Change, Changes

__all__ = ["Entry"]

_ROUNDING: Final = Decimal("0.0001")
"""Dollars by which a told average may be off."""

_ENDS: Final = {
    OrderStatus.CLOSED: OrderState.FILLED,
    OrderStatus.CANCELED: OrderState.CANCELED,
    OrderStatus.EXPIRED: OrderState.EXPIRED,
    OrderStatus.REJECTED: OrderState.REFUSED,
    OrderStatus.UNKNOWN: OrderState.UNKNOWN,
}


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
    settles_late: bool = False
    """Whether what matched may still fail, until its fills are shown as final."""
    fills: Decimal = ZERO
    """Contracts of the fills that were seen, each once."""
    settled: Decimal = ZERO
    """How many of them stand for good."""
    failed_seen: Decimal = ZERO
    """Contracts of fills that were seen to fail to settle: they never filled."""
    failed_fills: tuple[str, ...] = ()
    """The ids of those fills."""
    placed: int | None = None
    """When this client first sent it, in the order of what it knew."""
    sending: int = 0
    """Calls under way that send it."""
    sent_at: float = 0
    """Our monotonic clock when the last of them began to."""
    arrives_by: float = 0
    """Our monotonic clock when what they sent is not on its way any more."""
    cancels: int = 0
    """Calls under way that cancel it."""
    is_recalled: bool = False
    """Whether it is known from the journal only, which another process keeps as well."""
    is_doubted: bool = False
    is_refused: bool = False
    is_absent: bool = False
    changes: Changes = attrs.field(factory=Changes)
    """Edits that may have taken effect, or may yet."""
    cancel_lost_at: float | None = None
    shown_open_at: float | None = None
    """When the latest read began that showed it open."""
    counted: tuple[Decimal, Decimal] = (ZERO, ZERO)
    """Dollars and contracts at risk as the sums of all have them."""
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
    """Our monotonic clock when that had filled, at the latest."""
    filled_moment: int = 0
    """When that became known, in the order of all that did."""
    earlier: tuple[Decimal, float] = (ZERO, 0)
    """How much had filled some time before that, and when at the latest."""
    fills_at: float = -inf
    """Our monotonic clock when the fills that were seen had happened, at the latest."""
    order_at: float = inf
    """The same for what the venue's state of it tells to have filled."""
    in_base: Decimal = ZERO
    """How much of what filled the position that was read has in it."""
    beside_base: Decimal = ZERO
    """How much of it that position surely has not."""
    is_beside: bool = False
    """Whether that position was made up as if it had none of it, since it may yet fail."""
    lasting: Decimal = ZERO
    """How much of it any later read has in it as well, however it lags."""
    dearest: Decimal = ZERO
    """Dollars that a contract takes at the worst limit that it has had, or may have."""
    booking: Booking | None = None
    """What the position has of it besides."""
    wakes: list[Callable[[], None]] = attrs.field(factory=list)
    """Those who wait for it."""
    heir: Entry | None = None
    """What it turned out to be the same as, which stands for both from there."""

    # -- what is worked out ---------------------------------------------------------

    @property
    def filled(self) -> Decimal:
        """Contracts that filled, by whichever tells more; none that failed to settle.

        A venue's own count of an order goes on having those.
        """
        order = self.order
        if order is None:
            return self.fills
        told = order.filled
        if self.failed_seen or order.failed:
            told = EXACT.subtract(told, self.failed)
        return max(told, self.fills)

    @property
    def failed(self) -> Decimal:
        """Contracts that matched and then failed to settle, by whichever tells more."""
        told = ZERO if self.order is None else self.order.failed
        return max(told, self.failed_seen)

    @property
    def is_unsettled(self) -> bool:
        """Whether some of what filled may still fail, as far as is known."""
        return self.settles_late and self.settled < self.filled

    @property
    def pending(self) -> Decimal:
        """How much of it may."""
        if not self.is_unsettled:
            return ZERO
        return EXACT.subtract(self.filled, self.settled)

    def filled_by(self, now: float) -> float:
        """Our monotonic clock when all that filled had, at the latest."""
        filled, order = self.filled, self.order
        if self.fills == filled:
            now = min(now, self.fills_at)
        if order is not None and order.filled == filled and not self.failed:
            now = min(now, self.order_at)
        return now

    def take_in(self, filled: Decimal) -> None:
        """The position that was read has so much of it, as far as is known."""
        self.in_base, self.beside_base = filled, ZERO

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
        if self.fills <= order.filled:
            return max(ZERO, order.remaining)
        unseen = EXACT.subtract(self.fills, order.filled)
        return max(ZERO, EXACT.subtract(order.remaining, unseen))

    @property
    def state(self) -> OrderState:
        """Where it stands."""
        order = self.order
        if order is None:
            return self._unseen_state()
        if not order.is_open:
            return _ENDS[order.status]
        if not self.remaining and not self.claims():
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
        return bool(self.cancels) or self._is_cancel_lost

    @property
    def is_doubtful(self) -> bool:
        """Whether the outcome of the last command is not known."""
        if self.is_over:
            return False
        if self.state is OrderState.UNRESOLVED:
            return True
        return self._is_cancel_lost or self.changes.are_lost

    @property
    def is_over(self) -> bool:
        """Whether nothing more can fill, as far as is known."""
        order = self.order
        if order is None:
            return self._unseen_state().is_done
        # Said again in short: it is asked whenever anything happens to an order.
        return not (order.is_open and (self.remaining or self.claims()))

    @property
    def _is_cancel_lost(self) -> bool:
        # A read may lag, so one that began at once proves nothing about the command.
        at, shown = self.cancel_lost_at, self.shown_open_at
        return at is not None and (shown is None or shown < at + LAG)

    @property
    def at_risk(self) -> Decimal:
        """Dollars that it takes if all of it fills that may, and opens a position."""
        return self.stake[0]

    @property
    def stake(self) -> tuple[Decimal, Decimal]:
        """The same, and how many contracts that is."""
        if not self.changes:
            # Said in short: this is asked whenever anything happens to it.
            left, price = self.remaining, self.limit
            if not left or price is None:
                return ZERO, ZERO
            return risk(self.told_side, price, left), left
        claims = self.claims()
        return total(x.cost for x in claims), total(x.size for x in claims)

    @property
    def told_side(self) -> Side:
        """Buy or sell of its outcome."""
        return self.side if self.order is None else self.order.side

    def claims(self, change: Change | None = None) -> list[Claim]:
        """What of it may still fill, or may have filled unseen.

        ``change`` is an edit that is to leave besides those that may have taken effect.
        Of all their terms, as much as there is of the dearest ones, and what cheaper ones
        have beyond that: some may fill at these terms and the rest at those.
        """
        order, left, price = self.order, self.remaining, self.limit
        if price is None or left is None or not (order is None or order.is_open):
            return []
        now = Claim(self.told_side, price, left, self.only_reduces)
        terms = [now]
        for x in self.changes if change is None else (*self.changes, change):
            left = max(ZERO, EXACT.subtract(x.size, self.filled))
            terms.append(attrs.evolve(now, price=x.price, size=left))
        terms.sort(key=attrgetter("unit"), reverse=True)
        found: list[Claim] = []
        most = ZERO
        for claim in terms:
            if claim.size > most:
                found.append(attrs.evolve(claim, size=EXACT.subtract(claim.size, most)))
                most = claim.size
        return found

    def vague_claims(self) -> list[Claim]:
        """What has filled of it, as if that might or might not have happened."""
        booked = self.booking
        assert booked is not None
        price = booked.unit if booked.side is Side.BUY else complement(booked.unit)
        dear = Claim(booked.side, price, booked.dear, self.only_reduces)
        free = ZERO if booked.side is Side.BUY else ONE
        rest = EXACT.subtract(booked.size, booked.dear)
        return [dear, Claim(booked.side, free, rest, self.only_reduces)]

    @property
    def limit(self) -> Decimal | None:
        """Its limit in dollars of its outcome."""
        return self.price if self.order is None else self.order.price

    @property
    def only_reduces(self) -> bool:
        """Whether the venue lets it close only."""
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
            cost = EXACT.multiply(self._unit_spent(), filled)
        if self.in_base:
            cost = UP.multiply(UP.divide(cost, filled), size)
            cost = max(cost, EXACT.multiply(self.dearest, size))
        unit = max(self.dearest, UP.divide(cost, size))
        return Booking(self.told_side, size, cost, unit)

    def _unit_spent(self) -> Decimal:
        """Dollars of a contract than which what filled took no more on average."""
        order = self.order
        assert order is not None
        average = order.average_price
        if average is None:
            return self.dearest
        told = risk(order.side, average, ONE)
        # Averages are told rounded.
        most = EXACT.add(told, _ROUNDING)
        # It is worse than any limit we know of if it was changed elsewhere.
        return most if told > self.dearest else min(self.dearest, most)

    def keep_limit(self) -> None:
        """Remember the limit it has by now: at that some of it may have filled."""
        limit = self.limit
        if limit is not None:
            self._took_limit(limit)
        for change in self.changes:
            self._took_limit(change.price)

    def _took_limit(self, price: Decimal) -> None:
        unit = price if self.told_side is Side.BUY else complement(price)
        self.dearest = max(self.dearest, unit)

    # -- what is told ---------------------------------------------------------------

    def take(self, news: Order) -> None:
        """How it stands by the latest that is told; it may be an edit that shows."""
        before, self.order = self.order, news
        if self.changes and before is not None and _terms(before) != _terms(news):
            self.changes.shown(*_terms(news))

    def shown_open(self, read_at: float) -> None:
        """A read that began then showed it open."""
        shown = self.shown_open_at
        self.shown_open_at = read_at if shown is None else max(shown, read_at)
        self.changes.read(read_at)

    # -- what is shown --------------------------------------------------------------

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
            failed=self.failed,
            failed_fills=tuple(sorted(self.failed_fills)),
            pending=self.pending,
            remaining=self.remaining,
            at_risk=self.at_risk,
            order=order,
            is_external=not self.is_ours,
            is_doubtful=self.is_doubtful,
        )


def _terms(order: Order) -> tuple[Decimal, Decimal]:
    """What an edit changes, its total as an edit counts it: what was taken off is off."""
    return order.price, EXACT.add(order.filled, order.remaining)
