"""The order desk: accepts, changes and cancels orders."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import attrs

from ..money import EXACT, ZERO
from .execution import Execution
from .floor import Floor
from .gate import Gate, check_post_only, check_price, check_size
from .ledger import closing_part
from .matching import Plan, Planner
from .orders import (
    Order,
    Owner,
    Refusal,
    Ticket,
    Unchanged,
)
from .pit import Account, Pit

__all__ = ["Desk"]


class Desk:
    """Everything that an owner does with an order, on one floor."""

    def __init__(self, floor: Floor, execution: Execution) -> None:
        self._floor = floor
        self.gate = Gate(floor)
        self._execution = execution

    def place(self, ticket: Ticket) -> Order:
        """Accept an order and carry it out."""
        account = self._floor.account_of(ticket.owner)
        pit = self.gate.admit(account, ticket)
        order = self._draft(pit, ticket)
        plan = self._plan(pit, order)
        return self._execution.carry_out(
            pit, self._register(account, ticket, order), plan
        )

    def amend(
        self,
        order_id: str,
        *,
        owner: Owner,
        price: Decimal | Unchanged,
        size: Decimal | Unchanged,
        expires_us: int | Unchanged | None,
        client_order_id: str | Unchanged,
    ) -> Order:
        """Change a resting order; one that loses its priority may trade at once."""
        before = self.gate.resting(order_id, owner)
        pit = self._floor.pits[before.market_id]
        self.gate.check_trading(pit)
        after = self._repriced(pit, before, price, size)
        after = self._relabelled(after, expires_us, client_order_id)
        keeps = after.price == before.price and after.remaining <= before.remaining
        plan = None if keeps else self._plan_again(pit, before, after)
        self._take_over(before, after)
        if plan is None:
            self._floor.change_resting(before, after)
            self._floor.tell(after)
            return after
        self._floor.take_off(before)
        return self._execution.carry_out(pit, after, plan)

    def decrease(
        self, order_id: str, *, owner: Owner, by: Decimal | None, to: Decimal | None
    ) -> Order:
        """Take contracts off a resting order."""
        before = self.gate.resting(order_id, owner)
        lot = self._floor.pits[before.market_id].listing.lot
        left = _decreased(before, by, to)
        if left < ZERO or left > before.remaining or EXACT.remainder(left, lot):
            message = f"{left} contracts cannot remain of {before.remaining}"
            raise Refusal("invalid_size", message)
        gone = EXACT.subtract(before.remaining, left)
        after = attrs.evolve(
            before,
            remaining=left,
            decreased=EXACT.add(before.decreased, gone),
            status="resting" if left else "canceled",
            reason="decrease",
            updated_us=self._floor.now_us,
        )
        self._floor.change_resting(before, after)
        self._floor.tell(after)
        return after

    def cancel(self, order_id: str, *, owner: Owner) -> Order:
        """Cancel a resting order."""
        return self._floor.end(self.gate.resting(order_id, owner), "cancel")

    # From ticket to order

    def _draft(self, pit: Pit, ticket: Ticket) -> Order:
        """The order before it has an id: one that is refused draws none."""
        size = self._reducing(pit, ticket)
        return Order(
            order_id="",
            client_order_id=ticket.client_order_id,
            owner=ticket.owner,
            market_id=ticket.market_id,
            event_id=pit.listing.event_id,
            shard=pit.listing.shard,
            side=ticket.side,
            price=ticket.price,
            size=ticket.size,
            remaining=size,
            decreased=EXACT.subtract(ticket.size, size),
            time_in_force=ticket.time_in_force,
            self_trade=ticket.self_trade,
            post_only=ticket.post_only,
            reduce_only=ticket.reduce_only,
            cancel_on_pause=ticket.cancel_on_pause,
            group_id=ticket.group_id,
            expires_us=ticket.expires_us,
            created_us=self._floor.now_us,
            updated_us=self._floor.now_us,
            sequence=0,
        )

    def _reducing(self, pit: Pit, ticket: Ticket) -> Decimal:
        if not ticket.reduce_only:
            return ticket.size
        holding = pit.holdings.get(ticket.owner)
        position = holding.size if holding else ZERO
        size = closing_part(position, ticket.side, ticket.size)
        if not size:
            raise Refusal("reduce_only_rejected", "there is no position to reduce")
        return size

    def _register(self, account: Account, ticket: Ticket, draft: Order) -> Order:
        order = attrs.evolve(
            draft,
            order_id=ticket.order_id or self._floor.new_id(),
            sequence=self._floor.sequence(),
        )
        if order.client_order_id is not None:
            account.client_ids[order.client_order_id] = order.order_id
        self._schedule(order)
        self._floor.record(order)
        return order

    def _schedule(self, order: Order) -> None:
        due_us = order.expires_us
        if due_us is not None:
            expire = partial(self._expire, order.owner, order.order_id, due_us)
            self._floor.at(due_us, expire)

    def _expire(self, owner: Owner, order_id: str, due_us: int) -> None:
        order = self._floor.accounts[owner.account_id].orders.get(order_id)
        if order is not None and order.is_open and order.expires_us == due_us:
            self._floor.end(order, "expiry")

    # Amendment

    def _repriced(
        self,
        pit: Pit,
        order: Order,
        price: Decimal | Unchanged,
        size: Decimal | Unchanged,
    ) -> Order:
        if not isinstance(price, Unchanged) and price != order.price:
            check_price(pit, price)
            order = attrs.evolve(order, price=price)
        if not isinstance(size, Unchanged) and size != order.size:
            check_size(pit, size)
            left = EXACT.subtract(size, order.filled)
            if left <= ZERO:
                message = f"{order.filled} contracts are filled already"
                raise Refusal("invalid_size", message)
            order = attrs.evolve(order, size=size, remaining=left, decreased=ZERO)
        return attrs.evolve(order, reason="amend", updated_us=self._floor.now_us)

    def _relabelled(
        self,
        order: Order,
        expires_us: int | Unchanged | None,
        client_order_id: str | Unchanged,
    ) -> Order:
        if not isinstance(expires_us, Unchanged):
            self.gate.check_expiry(expires_us)
            order = attrs.evolve(order, expires_us=expires_us)
        if isinstance(client_order_id, Unchanged):
            return order
        account = self._floor.accounts[order.owner.account_id]
        taken = account.client_ids.get(client_order_id, order.order_id)
        if taken != order.order_id:
            message = f"client_order_id {client_order_id} is taken"
            raise Refusal("order_already_exists", message)
        return attrs.evolve(order, client_order_id=client_order_id)

    def _plan_again(self, pit: Pit, before: Order, after: Order) -> Plan:
        """Plan the changed order as if the old one were not there."""
        holding = self._floor.holding(pit, before.owner)
        holding.remove(before)
        try:
            return self._plan(pit, after)
        finally:
            holding.add(before)

    def _take_over(self, before: Order, after: Order) -> None:
        account = self._floor.accounts[after.owner.account_id]
        if after.client_order_id is not None:
            account.client_ids[after.client_order_id] = after.order_id
        if after.expires_us != before.expires_us:
            self._schedule(after)

    # Matching

    def _plan(self, pit: Pit, order: Order) -> Plan:
        check_post_only(pit, order)
        planner = Planner(
            order,
            against=pit.book.against(order.side),
            rule=pit.listing.fees,
            holding_of=partial(self._floor.holding, pit),
            group_of=self._floor.group_of,
            now_us=self._floor.now_us,
        )
        return planner.plan()


def _decreased(order: Order, by: Decimal | None, to: Decimal | None) -> Decimal:
    if by is not None and to is None and by > ZERO:
        return max(ZERO, EXACT.subtract(order.remaining, by))
    if to is not None and by is None:
        return to
    raise Refusal("invalid_order", "decrease by a positive size or to one, not both")
