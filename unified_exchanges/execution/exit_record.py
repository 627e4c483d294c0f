"""What became of an exit: all that a restart needs, and all that comes of it.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import attrs

from ..models import Order
from ..models.record import Flat, Json
from ..money import EXACT, ZERO, read_number, text
from .exits import ExitPlan, Trigger, amount, amount_if_any

__all__ = ["ExitRecord", "ExitState"]


class ExitState(str, Enum):
    """How far an exit is."""

    ARMED = "armed"
    """It watches; nothing was sent, or what was sent is known not to be there."""
    SENDING = "sending"
    """Its order may be at the venue; it is looked up before anything else."""
    SETTLING = "settling"
    """Its order has ended, and what it sold may still fail on chain: it is looked up."""
    FILLED = "filled"
    PARTIAL = "partial"
    """Its order has ended; what did not fill is still held."""
    UNFILLED = "unfilled"
    """Its order has ended and nothing filled: all is still held."""
    GONE = "gone"
    """Less was held and free than it was to sell: what was there is sold, perhaps nothing."""

    def __str__(self) -> str:
        return str(self.value)


@attrs.frozen(kw_only=True, slots=True)
class ExitRecord(Flat):
    """An exit and how far it is: all that a restart needs, and all that comes of it.

    ``price`` is the limit that was sent, ``size`` the contracts that were asked for: fewer
    than the plan's where fewer were held and free.  ``filled`` are those sold.
    ``locked`` contracts could not be sold since other orders of ours to sell them rest.
    ``missed_bid`` is the best bid in dollars where it is below the limit, 0 where nobody
    bids: an order would find nobody, so none was sent, and the exit waits for a bid that it
    may sell to.  ``is_rehearsed``: in a dry run, what ``size`` and ``price`` say would have
    been sent, and nothing was.  ``attempt`` counts the orders before this one whose sales
    failed on chain, in part at least, and ``before`` is what those have sold for good.
    """

    plan: ExitPlan
    state: ExitState = ExitState.ARMED
    trigger: Trigger | None = None
    price: Decimal | None = attrs.field(default=None, converter=amount_if_any)
    size: Decimal | None = attrs.field(default=None, converter=amount_if_any)
    order_id: str | None = None
    filled: Decimal = attrs.field(default=ZERO, converter=amount)
    locked: Decimal = attrs.field(default=ZERO, converter=amount)
    missed_bid: Decimal | None = attrs.field(default=None, converter=amount_if_any)
    is_rehearsed: bool = False
    attempt: int = 0
    before: Decimal = attrs.field(default=ZERO, converter=amount)

    def __str__(self) -> str:
        """What it is to sell and what came of that, for people."""
        words = f"exit {self.plan}: {self.state}"
        if self.trigger is not None:
            words += f" by {self.trigger}"
        if self.price is not None:
            words += f" at {text(self.price)} or above"
        if self.state is ExitState.SENDING:
            words += ": its order may be at the venue"
        if self.state is ExitState.SETTLING:
            words += (
                f": {text(self.filled)} sold, which is not final yet (order "
                f"{self.order_id})"
            )
        if self.attempt:
            words += f"; sales of {self.attempt} of its orders failed on chain"
        if self.is_over:
            words += f": {self._end}"
        elif self.locked:
            words += f"; {self._locks}"
        if self.missed_bid:
            words += f"; the best bid {text(self.missed_bid)} is below its limit"
        elif self.missed_bid is not None:
            words += "; nobody bids"
        return words

    @property
    def _end(self) -> str:
        if self.is_rehearsed:
            return f"a dry run, in which {text(self.asked)} would have been offered"
        if self.state is not ExitState.GONE:
            end = f"{text(self.filled)} sold, {text(self.remaining)} left"
        elif self.size is None:
            return "nothing of it is held any more, so nothing was sent"
        else:
            end = f"{text(self.filled)} sold, which is all that was held and free"
        if self.locked:
            end += f"; {self._locks}"
        return f"{end} (order {self.order_id})"

    @property
    def _locks(self) -> str:
        return (
            f"{text(self.locked)} could not be sold, since other orders of yours to sell "
            "them rest"
        )

    @property
    def client_order_id(self) -> str:
        """The key of its order: the same after any restart, refusal or other runner."""
        plan = self.plan
        parts = [plan.name, plan.market_id, plan.outcome]
        if self.attempt:
            # What failed to settle is sold by another order.
            parts.append(f"attempt {self.attempt}")
        return str(uuid5(NAMESPACE_URL, "unified-exchanges:exit:" + "\n".join(parts)))

    @property
    def is_over(self) -> bool:
        """Whether its order has ended, or there is nothing to sell."""
        return self.state not in _GOING

    @property
    def asked(self) -> Decimal:
        """Contracts that its order asks for; what is to be sold, while there is none."""
        return self.wanted if self.size is None else self.size

    @property
    def wanted(self) -> Decimal:
        """Contracts of the plan that earlier orders of it have not sold for good."""
        return EXACT.subtract(self.plan.size, self.before)

    @property
    def unfilled(self) -> Decimal:
        """Contracts that its order asked for and did not sell; 0 if it sent none."""
        if self.size is None:
            return ZERO
        return EXACT.subtract(self.size, EXACT.subtract(self.filled, self.before))

    @property
    def remaining(self) -> Decimal:
        """Contracts of the plan that it has not sold, held or not."""
        return EXACT.subtract(self.plan.size, self.filled)

    def sending(
        self,
        trigger: Trigger,
        price: Decimal,
        size: Decimal | None = None,
        *,
        locked: Decimal = ZERO,
    ) -> ExitRecord:
        """The record before its order leaves."""
        return ExitRecord(
            plan=self.plan,
            state=ExitState.SENDING,
            trigger=trigger,
            price=price,
            size=self.wanted if size is None else size,
            locked=locked,
            filled=self.before,
            attempt=self.attempt,
            before=self.before,
        )

    def rearmed(self) -> ExitRecord:
        """The record once it is known that its order is not there."""
        return ExitRecord(
            plan=self.plan,
            filled=self.before,
            attempt=self.attempt,
            before=self.before,
        )

    def sold_by(self, order: Order) -> ExitRecord:
        """The record with its order, which has ended, and whose fills may yet fail."""
        return attrs.evolve(self.ended(order), state=ExitState.SETTLING)

    def settled(self, sold: Decimal) -> ExitRecord:
        """The record once its order has sold so many for good."""
        return attrs.evolve(
            self,
            state=self._state_after(sold, self.asked),
            filled=EXACT.add(self.before, sold),
        )

    def failed(self, sold: Decimal) -> ExitRecord:
        """The record once its order has sold only so many: the rest failed on chain.

        It is armed for what is left, under another key: what failed never happened, and
        the order does not open again.
        """
        before = EXACT.add(self.before, sold)
        return ExitRecord(
            plan=self.plan, filled=before, attempt=self.attempt + 1, before=before
        )

    def gone(self, trigger: Trigger) -> ExitRecord:
        """The record once it is known that nothing is held."""
        return attrs.evolve(self.rearmed(), state=ExitState.GONE, trigger=trigger)

    def ended(self, order: Order, *, is_rehearsed: bool = False) -> ExitRecord:
        """The record with its order, which has ended."""
        size = order.size if self.size is None else self.size
        state = self._state_after(order.filled, size)
        return attrs.evolve(
            self,
            state=state,
            price=order.price if self.price is None else self.price,
            size=size,
            order_id=order.order_id,
            filled=EXACT.add(self.before, order.filled),
            is_rehearsed=is_rehearsed,
        )

    def _state_after(self, sold: Decimal, size: Decimal) -> ExitState:
        """How it ended, its order having sold so many of the ``size`` it asked for."""
        if sold >= self.wanted:
            return ExitState.FILLED
        if sold >= size and not self.locked:
            return ExitState.GONE
        return ExitState.PARTIAL if sold else ExitState.UNFILLED

    @classmethod
    def from_dict(cls, told: Mapping[str, Json]) -> ExitRecord:
        """Read what `to_dict` wrote; ValueError, KeyError or TypeError if it did not."""
        plan: Any = told["plan"]
        trigger, order_id = told["trigger"], told["order_id"]
        return cls(
            plan=ExitPlan(**plan),
            state=ExitState(told["state"]),
            trigger=None if trigger is None else Trigger(trigger),
            price=_number(told["price"]),
            # Earlier versions did not tell these two.
            size=_number(told.get("size")),
            order_id=None if order_id is None else str(order_id),
            filled=read_number(told["filled"]),
            locked=read_number(told.get("locked", "0")),
            missed_bid=_number(told["missed_bid"]),
            is_rehearsed=bool(told.get("is_rehearsed", False)),
            attempt=int(str(told.get("attempt", 0))),
            before=read_number(told.get("before", "0")),
        )


_GOING = frozenset({ExitState.ARMED, ExitState.SENDING, ExitState.SETTLING})


def _number(told: Json) -> Decimal | None:
    return None if told is None else read_number(told)
