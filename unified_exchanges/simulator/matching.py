"""What would happen if an order came in: worked out whole before anything changes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import attrs

from ..money import EXACT, ZERO
from .book import Ladder, crosses
from .groups import OrderGroup
from .ledger import Holding, closing_part, opposite, signed
from .orders import Charge, FeeRule, Order, OrderReason, Owner, Refusal, money_of

__all__ = ["Drop", "Match", "Plan", "Planner"]


@attrs.frozen(slots=True)
class Match:
    """The incoming order trades with a resting one, at the resting one's price."""

    maker: Order
    size: Decimal
    maker_charge: Charge
    taker_charge: Charge


@attrs.frozen(slots=True)
class Drop:
    """A resting order in the way is cancelled."""

    order: Order
    reason: OrderReason


@attrs.define(slots=True)
class Plan:
    """The steps an incoming order takes, and what stops it."""

    steps: list[Match | Drop] = attrs.field(factory=list[Match | Drop])
    filled: Decimal = ZERO
    stopped_by: OrderReason | None = None
    met_own: bool = False


@attrs.define(slots=True)
class _Purse:
    """The means of one party while the plan is made: never above the exact figure."""

    holding: Holding
    cash: Decimal
    position: Decimal
    available: Decimal


class Planner:
    """Plans one incoming order. The holding of the order must not count it yet."""

    def __init__(
        self,
        order: Order,
        *,
        against: Ladder,
        rule: FeeRule,
        holding_of: Callable[[Owner], Holding],
        group_of: Callable[[Owner, str | None], OrderGroup | None],
        now_us: int,
    ) -> None:
        self._order = order
        self._left = order.remaining
        self._accumulator = order.accumulator
        self._against = against
        self._rule = rule
        self._holding_of = holding_of
        self._group_of = group_of
        self._now_us = now_us
        self._plan = Plan()
        self._purses: dict[Owner, _Purse] = {}
        self._left_of: dict[str, Decimal] = {}
        self._group_filled: dict[str, Decimal] = {}
        self._triggered: set[str] = set()

    def plan(self) -> Plan:
        """The plan, or why there is none: money, or volume for a fill-or-kill."""
        self._enter()
        for maker in self._against:
            if not self._left or self._plan.stopped_by:
                break
            if not crosses(self._order.side, self._order.price, maker.price):
                break
            self._meet(maker)
        self._check_fill_or_kill()
        return self._plan

    def _enter(self) -> None:
        holding = self._holding_of(self._order.owner)
        available = holding.available_with(self._order)
        if available < ZERO:
            raise _insufficient(available)
        wallet = holding.wallet
        purse = _Purse(holding, wallet.total, holding.size, available)
        self._purses[self._order.owner] = purse

    def _meet(self, maker: Order) -> None:
        if maker.group_id in self._triggered:
            return
        if maker.owner.account_id == self._order.owner.account_id:
            self._meet_own(maker)
            return
        size = min(self._left, maker.remaining)
        charge = self._charge(maker, size, maker=True)
        if self._pay(maker, maker.price, size, charge.fee) < ZERO:
            self._drop(maker, "margin")
            return
        taken = self._charge(self._order, size, maker=False, price=maker.price)
        available = self._pay(self._order, maker.price, size, taken.fee)
        if available < ZERO:
            raise _insufficient(available)
        self._trade(maker, size, charge, taken)

    def _meet_own(self, maker: Order) -> None:
        self._plan.met_own = True
        if self._order.self_trade == "maker":
            self._drop(maker, "self_trade")
        else:
            self._plan.stopped_by = "self_trade"

    def _trade(
        self, maker: Order, size: Decimal, charge: Charge, taken: Charge
    ) -> None:
        self._plan.steps.append(Match(maker, size, charge, taken))
        self._plan.filled = EXACT.add(self._plan.filled, size)
        self._accumulator = taken.accumulator
        self._count(maker, size)
        self._count(self._order, size)
        if self._order.group_id in self._triggered and self._left:
            self._plan.stopped_by = "group"

    def _drop(self, maker: Order, reason: OrderReason) -> None:
        self._left_of[maker.order_id] = ZERO
        self._plan.steps.append(Drop(maker, reason))

    def _charge(
        self, order: Order, size: Decimal, *, maker: bool, price: Decimal | None = None
    ) -> Charge:
        return self._rule.fee(
            maker=maker,
            side=order.side,
            price=order.price if price is None else price,
            size=size,
            accumulator=order.accumulator if maker else self._accumulator,
            time_us=self._now_us,
        )

    def _pay(
        self, order: Order, price: Decimal, size: Decimal, fee: Decimal
    ) -> Decimal:
        """Take a fill into account: what is then available; if negative, no effect."""
        purse = self._purse(order.owner)
        closing = closing_part(purse.position, order.side, size)
        opening = EXACT.subtract(size, closing)
        earned = money_of(opposite(order.side), price, closing)
        paid = money_of(order.side, price, opening)
        change = EXACT.subtract(earned, fee)
        better = EXACT.subtract(money_of(order.side, order.price, opening), paid)
        after = _Purse(
            purse.holding,
            EXACT.subtract(EXACT.add(purse.cash, change), paid),
            EXACT.add(purse.position, signed(order.side, size)),
            EXACT.add(purse.available, EXACT.add(change, better)),
        )
        left = EXACT.subtract(self._left_of_order(order), size)
        if after.available < ZERO:
            after.available = self._exactly(after, order, left)
        if after.available < ZERO:
            return after.available
        self._purses[order.owner] = after
        self._left_of[order.order_id] = left
        if order is self._order:
            self._left = left
        return after.available

    def _exactly(self, purse: _Purse, order: Order, left: Decimal) -> Decimal:
        """The exact figure, from every order as it would be after the fill."""
        lefts = {**self._left_of, order.order_id: left}
        orders = [*purse.holding.orders()]
        if purse.holding.owner == self._order.owner:
            orders.append(self._order)
        rest = [
            attrs.evolve(each, remaining=lefts.get(each.order_id, each.remaining))
            for each in orders
            if each.group_id not in self._triggered
        ]
        return purse.holding.available_after(purse.cash, purse.position, rest)

    def _left_of_order(self, order: Order) -> Decimal:
        return self._left_of.get(order.order_id, order.remaining)

    def _purse(self, owner: Owner) -> _Purse:
        purse = self._purses.get(owner)
        if purse is None:
            holding = self._holding_of(owner)
            wallet = holding.wallet
            purse = _Purse(holding, wallet.total, holding.size, wallet.available)
            self._purses[owner] = purse
        return purse

    def _count(self, order: Order, size: Decimal) -> None:
        group = self._group_of(order.owner, order.group_id)
        if group is None:
            return
        group_id = group.group_id
        filled = EXACT.add(self._group_filled.get(group_id, ZERO), size)
        self._group_filled[group_id] = filled
        if group.is_reached(self._now_us, filled):
            self._triggered.add(group_id)

    def _check_fill_or_kill(self) -> None:
        # A fill-or-kill order that meets an own order behaves as immediate-or-cancel
        # (Kalshi changelog, 2025-09).
        if self._order.time_in_force != "fok" or self._plan.met_own or not self._left:
            return
        found = self._plan.filled
        message = f"only {found} of {self._order.remaining} contracts at this price"
        raise Refusal("fok_insufficient_volume", message)


def _insufficient(available: Decimal) -> Refusal:
    missing = available.copy_negate()
    return Refusal("insufficient_balance", f"{missing} dollars are missing")
