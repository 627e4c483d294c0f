"""Execution: what was planned happens, to both sides of each trade."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import attrs

from ..money import EXACT, ZERO, total
from .floor import Floor
from .groups import OrderGroup
from .ledger import Holding, opposite, signed
from .matching import Drop, Match, Plan
from .notices import Filled, GroupChange, GroupChanged, PositionChanged, TradePrinted
from .orders import Charge, Fill, Order, OrderReason, Refusal, Trade
from .pit import Pit

__all__ = ["Execution"]


class Execution:
    """Carries plans out on one floor, and triggers order groups."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def carry_out(self, pit: Pit, order: Order, plan: Plan) -> Order:
        """Take the steps of a plan; rest or cancel what is left of the order."""
        self._floor.tell(order)
        for step in plan.steps:
            if isinstance(step, Drop):
                self._floor.end(step.order, step.reason)
            else:
                order = self._trade(pit, order, step)
        if not order.is_open:
            return order
        reason = _reason_to_end(order, plan)
        if reason is None:
            self._floor.rest(order)
            return order
        order = self._floor.ended(order, reason)
        self._floor.record(order)
        self._floor.tell(order)
        return order

    def _trade(self, pit: Pit, taker: Order, match: Match) -> Order:
        trade = self._print(pit, taker, match)
        maker = match.maker
        interest = pit.open_interest
        for order, charge in (
            (maker, match.maker_charge),
            (taker, match.taker_charge),
        ):
            holding = self._floor.holding(pit, order.owner)
            before = max(holding.size, ZERO)
            holding.fill(order.side, trade.price, trade.size, charge.fee, trade.time_us)
            self._floor.fees = EXACT.add(self._floor.fees, charge.fee)
            longer = EXACT.subtract(max(holding.size, ZERO), before)
            interest = EXACT.add(interest, longer)
        pit.open_interest = interest
        pit.history.trade(trade.time_us, trade.price, trade.size, interest)
        filled = _filled(maker, trade, match.maker_charge)
        self._floor.change_resting(maker, filled)
        self._tell_fill(pit, trade, filled, match.maker_charge)
        taker = _filled(taker, trade, match.taker_charge)
        self._floor.record(taker)
        self._floor.holding(pit, taker.owner).hold()
        self._tell_fill(pit, trade, taker, match.taker_charge)
        self._count(maker, trade.size)
        self._count(taker, trade.size)
        return taker

    def _print(self, pit: Pit, taker: Order, match: Match) -> Trade:
        trade = Trade(
            trade_id=self._floor.new_id(),
            market_id=taker.market_id,
            price=match.maker.price,
            size=match.size,
            taker_side=taker.side,
            time_us=self._floor.now_us,
            sequence=self._floor.sequence(),
        )
        value = EXACT.multiply(trade.price, trade.size)
        pit.trades.append(trade)
        pit.volume = EXACT.add(pit.volume, trade.size)
        pit.value = EXACT.add(pit.value, value)
        self._floor.touch(pit)
        self._floor.emit(TradePrinted(trade=trade))
        return trade

    def _tell_fill(self, pit: Pit, trade: Trade, order: Order, charge: Charge) -> None:
        holding = self._floor.holding(pit, order.owner)
        fill = _fill(trade, order, holding, charge, self._floor.sequence())
        self._floor.accounts[order.owner.account_id].fills.append(fill)
        self._floor.tell(order)
        self._floor.emit(Filled(fill=fill))
        self._floor.emit(PositionChanged(position=holding.position()))

    def reverse(self, fills: Iterable[Fill]) -> None:
        """Take a trade back: contracts, dollars and fees go where they came from."""
        fills = tuple(fills)
        if total(signed(fill.side, fill.size) for fill in fills):
            raise Refusal("invalid_order", "both sides of a trade are taken back")
        if any(self._floor.pit(fill.market_id).settled_us for fill in fills):
            raise Refusal("market_closed", "the market is settled")
        for fill in fills:
            pit = self._floor.pit(fill.market_id)
            holding = self._floor.holding(pit, fill.owner)
            before = max(holding.size, ZERO)
            fee, now_us = fill.fee.copy_negate(), self._floor.now_us
            holding.fill(opposite(fill.side), fill.price, fill.size, fee, now_us)
            holding.hold()
            longer = EXACT.subtract(max(holding.size, ZERO), before)
            pit.open_interest = EXACT.add(pit.open_interest, longer)
            self._floor.fees = EXACT.add(self._floor.fees, fee)
            self._floor.emit(PositionChanged(position=holding.position()))

    def _count(self, order: Order, size: Decimal) -> None:
        group = self._floor.group_of(order.owner, order.group_id)
        if group is not None and group.count(size, self._floor.now_us):
            self.trigger(group)

    def trigger(self, group: OrderGroup) -> None:
        """Trigger a group: cancel its orders."""
        group.is_triggered = True
        self.tell_group(group, "triggered")
        self.cancel_group(group)

    def cancel_group(self, group: OrderGroup) -> None:
        """Cancel the resting orders of a group."""
        account = self._floor.accounts[group.owner.account_id]
        for order_id in tuple(group.order_ids):
            self._floor.end(account.orders[order_id], "group")

    def tell_group(self, group: OrderGroup, change: GroupChange) -> None:
        """Tell that a group changed."""
        now_us = self._floor.now_us
        self._floor.emit(
            GroupChanged(group=group.snapshot(), change=change, time_us=now_us)
        )


def _reason_to_end(order: Order, plan: Plan) -> OrderReason | None:
    if plan.stopped_by is not None:
        return plan.stopped_by
    if order.time_in_force == "gtc":
        return None
    if order.reduce_only and not order.remaining:
        return "reduce_only"
    return "remainder"


def _filled(order: Order, trade: Trade, charge: Charge) -> Order:
    """The order after its part of a trade."""
    left = EXACT.subtract(order.remaining, trade.size)
    # An order that was capped at the position ends as cancelled, not as executed.
    is_done = not left and not (order.reduce_only and order.decreased)
    value = EXACT.multiply(trade.price, trade.size)
    none = (ZERO, ZERO, ZERO)
    part = (trade.size, value, charge.fee)
    taken, made = (part, none) if order.side == trade.taker_side else (none, part)
    return attrs.evolve(
        order,
        remaining=left,
        status="executed" if is_done else "resting",
        reason="trade",
        updated_us=trade.time_us,
        accumulator=charge.accumulator,
        taker_filled=EXACT.add(order.taker_filled, taken[0]),
        taker_value=EXACT.add(order.taker_value, taken[1]),
        taker_fees=EXACT.add(order.taker_fees, taken[2]),
        maker_filled=EXACT.add(order.maker_filled, made[0]),
        maker_value=EXACT.add(order.maker_value, made[1]),
        maker_fees=EXACT.add(order.maker_fees, made[2]),
    )


def _fill(
    trade: Trade, order: Order, holding: Holding, charge: Charge, sequence: int
) -> Fill:
    return Fill(
        trade_id=trade.trade_id,
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        owner=order.owner,
        market_id=order.market_id,
        event_id=order.event_id,
        shard=order.shard,
        side=order.side,
        is_maker=order.side != trade.taker_side,
        price=trade.price,
        size=trade.size,
        fee=charge.fee,
        position_after=holding.size,
        time_us=trade.time_us,
        sequence=sequence,
    )
