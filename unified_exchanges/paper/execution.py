"""What orders do at the venue on paper: they arrive, fill, change and end."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

import attrs

from ..models import (
    BUY,
    Fill,
    Liquidity,
    MarketStatus,
    Order,
    OrderStatus,
    Settlement,
    TimeInForce,
)
from ..money import EXACT, ZERO, complement, total
from .account import Account
from .contract import Delays
from .hours import Hours
from .orders import PaperOrder, at
from .pit import Pit, Take
from .refusals import (
    HAS_FILLED,
    NOT_ENOUGH,
    NOTHING_TO_REDUCE,
    OFF_GRID,
    PAUSES,
    TOO_FEW,
    WOULD_CROSS,
    has_ended,
    not_trading,
)
from .register import Register
from .reserves import Reserves
from .schedule import Schedule
from .touched import Command, Touched

__all__ = ["Command", "Execution", "Notice", "RefusedChange"]


@attrs.frozen(slots=True)
class RefusedChange:
    """A change or cancel that was refused on its arrival; ``turn`` is that of its sending."""

    turn: int
    market_id: str
    reason: str


Notice: TypeAlias = Order | Fill | Settlement | RefusedChange
"""What the paper venue tells its account."""


class Execution:
    """Orders of one account in their pits, and what becomes of them.

    Whoever moves time on calls it with one command after another.
    """

    def __init__(self, pits: dict[str, Pit], account: Account, delays: Delays) -> None:
        self.pits = pits
        self.account = account
        self.reserves = Reserves(pits, account)
        self.delays = delays
        self.orders = Register()
        self.commands = Schedule()
        self.hours = Hours()
        self.touched = Touched()
        self.moment = 0
        self.turn = 0
        self.fill_count = 0
        self._notices: list[tuple[int, Notice]] = []

    @property
    def available(self) -> Decimal:
        """Dollars that open orders do not hold back."""
        return EXACT.subtract(self.account.cash, self.reserves.all())

    def rest(self, pit: Pit, order: PaperOrder) -> None:
        """Count an order to those that rest, as it is now."""
        pit.orders.put(order)
        self.reserves.note(pit)

    def _leave(self, pit: Pit, order: PaperOrder) -> None:
        pit.orders.drop(order)
        self.reserves.note(pit)

    def _schedule(
        self,
        moment: int,
        verb: str,
        number: int,
        price: Decimal | None = None,
        size: Decimal | None = None,
    ) -> None:
        self.turn += 1
        command = (moment, self.turn, verb, number, price, size)
        self.commands.put(command)
        self.touched.commands[self.turn] = command
        self.touched.orders.add(number)

    def _pass(self, moment: int) -> None:
        if moment < self.moment:
            message = f"time went back by {self.moment - moment} ns, to {at(moment)}"
            raise ValueError(message)
        self.moment = moment

    def _execute(self, command: Command) -> None:
        moment, turn, verb, number, price, size = command
        self._pass(moment)
        self.touched.executed(turn)
        order = self.orders[number]
        pit = self.pits[order.market_id]
        if verb == "place":
            self._arrive(pit, order)
        elif order.status is not OrderStatus.OPEN or order.arrived is None:
            if verb == "amend":
                terms = order.status, order.filled, order.size
                self._refuse_change(turn, order, has_ended(order.order_id, *terms))
        elif verb == "amend":
            refused = pit.refusal_at(moment) or self._amend(pit, order, price, size)
            if refused is not None:
                self._refuse_change(turn, order, refused)
        elif verb == "cancel" and pit.pause == "venue":
            self._refuse_change(turn, order, PAUSES["venue"])
        elif verb == "cancel":
            self._end(order, OrderStatus.CANCELED, "canceled by the account")
        else:
            self._end(order, OrderStatus.EXPIRED, "expired")

    def _arrive(self, pit: Pit, order: PaperOrder) -> None:
        order.arrived = self.moment
        pit.status = pit.status_at(self.moment)
        if (closed := pit.refusal_at(self.moment)) is not None:
            self._end(order, OrderStatus.REJECTED, closed)
        elif order.limit not in pit.contract.market.grid:
            self._end(order, OrderStatus.REJECTED, OFF_GRID)
        elif order.expires is not None and order.expires <= self.moment:
            self._end(order, OrderStatus.EXPIRED, "expired on its way")
        elif (refused := self._match(pit, order)) is not None:
            self._end(order, *refused)
        elif order.expires is not None and order.status is OrderStatus.OPEN:
            self._schedule(order.expires, "expire", order.number)

    def _meet(self, pit: Pit) -> None:
        """Let what rests meet the newest book, where one is known and trading goes on."""
        trades = pit.status is MarketStatus.OPEN and pit.pause is None
        if not (trades and pit.orders) or pit.known is None:
            return
        if pit.held:
            self._fill_resting(pit, pit.released())
        self._fill_resting(pit, pit.reached())
        self._see(pit)

    def _see(self, pit: Pit) -> None:
        """Let orders that came while no book was known meet the first that is."""
        for order in pit.blind() if pit.orders else ():
            self._leave(pit, order)
            order.arrived = self.moment
            refused = self._match(pit, order)
            if refused is not None:  # it was told to be open
                self._end(order, OrderStatus.CANCELED, refused[1])

    def _match(self, pit: Pit, order: PaperOrder) -> tuple[OrderStatus, str] | None:
        """Fill what is offered and rest the remainder; gives how it ended, if it did."""
        takes = self._reducing(pit, order, pit.crossing(order))
        own = pit.meets_own(order)
        is_short = total(take.size for take in takes) < order.remaining
        refused = self._refusal(pit, order, takes, own=own, is_short=is_short)
        if refused is not None:
            return OrderStatus.REJECTED, refused
        is_killed = order.time_in_force is TimeInForce.FOK and is_short
        for take in () if is_killed else takes:
            pit.take(take)
            self._fill(pit, take, Liquidity.TAKER)
        if order.status is not OrderStatus.OPEN:
            return None
        if order.time_in_force is TimeInForce.GTC and not own:
            pit.rest(order)
            self.reserves.note(pit)
            self.hours.note(pit, self.moment)
            self._tell(order)
            return None
        reason = "would meet an order of the same account" if own else "no more offered"
        if order.reduce_only and not self._reducible(pit, order):
            reason = "reduce_only: no more was held"
        return OrderStatus.CANCELED, reason

    def _reducing(self, pit: Pit, order: PaperOrder, takes: list[Take]) -> list[Take]:
        """As much of what is offered as an order may take that only reduces."""
        if not order.reduce_only:
            return takes
        left, found = self._reducible(pit, order), []
        for take in takes:
            size = min(take.size, left)
            if size:
                found.append(attrs.evolve(take, size=size))
                left = EXACT.subtract(left, size)
        return found

    def _reducible(self, pit: Pit, order: PaperOrder) -> Decimal:
        """Contracts that an order could close, of what is held now."""
        contract, outcome = pit.contract, order.outcome
        if order.side is BUY:
            if not contract.nets:
                return ZERO
            outcome = contract.other(outcome)
        return self.account.size(order.market_id, outcome)

    def _refusal(
        self,
        pit: Pit,
        order: PaperOrder,
        takes: list[Take],
        *,
        own: bool,
        is_short: bool,
    ) -> str | None:
        """Why it is refused on its arrival; None if it is not."""
        # In the order in which the simulated venues look.
        # Where outcomes do not net every sale reduces, and is held against what is held.
        reduces = order.reduce_only and (pit.contract.nets or order.side is BUY)
        if reduces and not self._reducible(pit, order):
            return NOTHING_TO_REDUCE
        if not self._holds(pit, order):
            return NOT_ENOUGH
        if order.post_only and (takes or own):
            return WOULD_CROSS
        # What is all or nothing must be paid for whole, also where too few are offered.
        is_left = is_short and not own and order.time_in_force is not TimeInForce.IOC
        if not self._affords(pit, order, takes, rests=is_left):
            return NOT_ENOUGH
        if order.time_in_force is TimeInForce.FOK and is_left:
            return TOO_FEW
        return None

    def _holds(self, pit: Pit, order: PaperOrder) -> bool:
        """Whether contracts suffice for it, where only what is held can be sold."""
        if pit.contract.nets or order.side is BUY:
            return True
        held = self.account.size(order.market_id, order.outcome)
        selling = pit.orders.selling(order.outcome)
        return EXACT.add(selling, order.remaining) <= held

    def _affords(
        self, pit: Pit, order: PaperOrder, takes: list[Take], *, rests: bool
    ) -> bool:
        """Whether cash suffices for it all: tried, and taken back."""
        contract, before = pit.contract, self.account.snapshot(order.market_id)
        filled = order.filled
        for take in takes:
            price = order.price_of(take.price)
            fee = contract.fees.fee(order.outcome, order.side, price, take.size)
            self.account.trade(
                contract, order.outcome, order.side, price, take.size, fee
            )
            order.filled = EXACT.add(order.filled, take.size)
        if rests:
            pit.orders.put(order)
        self.reserves.note(pit)
        affords = self.available >= ZERO
        self._leave(pit, order)
        order.filled = filled
        self.account.restore(order.market_id, before)
        return affords

    def _amend(
        self,
        pit: Pit,
        order: PaperOrder,
        price: Decimal | None,
        size: Decimal | None,
    ) -> str | None:
        """Change an order; gives why it was refused, and then stays as it was."""
        asked = order.price if price is None else price
        contracts = order.size if size is None else size
        if contracts <= order.filled:
            return HAS_FILLED
        first = order.outcome == pit.contract.first
        limit = asked if first else complement(asked)
        if asked != order.price and limit not in pit.contract.market.grid:
            return OFF_GRID
        before = order.size, order.price, order.limit, order.rank, order.arrived
        keeps = asked == order.price and contracts <= order.size
        order.size, order.price = contracts, asked
        if keeps:
            self.rest(pit, order)
            self._tell(order)
            return None
        # It gives up its place, and meets the book as an order that arrives now.
        self._leave(pit, order)
        order.limit = limit
        self.turn += 1
        order.rank, order.arrived = self.turn, self.moment
        refused = self._match(pit, order)
        if refused is None:
            return None
        status, reason = refused
        if status is not OrderStatus.REJECTED:
            self._end(order, status, reason)
            return None
        # As at the venues: nothing has happened, and it stands where it stood.
        order.size, order.price, order.limit, order.rank, order.arrived = before
        self.rest(pit, order)
        return reason

    def _refuse_change(self, turn: int, order: PaperOrder, reason: str) -> None:
        refused = RefusedChange(turn, order.market_id, reason)
        self._notices.append((self.moment, refused))

    def _fill_resting(self, pit: Pit, takes: Iterable[Take]) -> None:
        for take in takes:
            self._fill(pit, take, Liquidity.MAKER)

    def _fill(self, pit: Pit, take: Take, liquidity: Liquidity) -> None:
        order, size = take.order, take.size
        price = order.price_of(take.price)
        maker = liquidity is Liquidity.MAKER
        rule = pit.contract.fees
        fee = rule.fee(order.outcome, order.side, price, size, maker=maker)
        self.account.trade(pit.contract, order.outcome, order.side, price, size, fee)
        order.filled = EXACT.add(order.filled, size)
        order.paid = EXACT.add(order.paid, EXACT.multiply(price, size))
        order.fee = EXACT.add(order.fee, fee)
        if order in pit.orders:
            pit.orders.put(order)
        self.reserves.note(pit)
        self.fill_count += 1
        self.touched.orders.add(order.number)
        fill = Fill(
            venue=pit.contract.market.venue,
            fill_id=f"paper-fill-{self.fill_count}",
            order_id=order.order_id,
            market_id=order.market_id,
            outcome=order.outcome,
            side=order.side,
            price=price,
            size=size,
            fee=fee,
            liquidity=liquidity,
            created_at=at(self.moment),
            client_order_id=order.client_order_id,
        )
        self._notices.append((self.moment, fill))
        if order.filled == order.size:
            self._end(order, OrderStatus.CLOSED, "")
        elif maker:
            self._tell(order)

    def _end(self, order: PaperOrder, status: OrderStatus, reason: str) -> None:
        order.status, order.reason = status, reason
        self._leave(self.pits[order.market_id], order)
        self._tell(order)

    def _tell(self, order: PaperOrder) -> None:
        order.updated = self.moment
        self.touched.orders.add(order.number)
        self._notices.append((self.moment, self._told(order)))

    def _told(self, order: PaperOrder) -> Order:
        return order.to_model(self.pits[order.market_id].contract.market.venue)

    def _clear(self, pit: Pit, reason: str | None = None) -> None:
        why = not_trading(pit.status) if reason is None else reason
        for order in list(pit.orders):
            self._end(order, OrderStatus.CANCELED, why)
