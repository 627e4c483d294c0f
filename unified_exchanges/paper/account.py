"""Cash and contracts, exactly: what fills and settlements do to them."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import attrs

from ..models import BUY, Holding, Position, Settlement, Side
from ..money import EXACT, ONE, ZERO, complement, div, total
from .contract import Contract
from .orders import at

__all__ = ["Account", "Lots"]


@attrs.define(eq=False)
class Lots:
    """Contracts of one outcome of one market, oldest first, each with its price.

    What is sold is the oldest: so every cost is a sum of products, and none a quotient
    that would have to be rounded.
    """

    lots: deque[tuple[Decimal, Decimal]] = attrs.field(factory=deque)
    size: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    traded: Decimal = ZERO

    def add(self, size: Decimal, price: Decimal) -> None:
        """Take in contracts that cost this much each."""
        if self.lots and self.lots[-1][1] == price:
            held, _ = self.lots.pop()
            self.lots.append((EXACT.add(held, size), price))
        else:
            self.lots.append((size, price))
        self.size = EXACT.add(self.size, size)
        self.cost = EXACT.add(self.cost, EXACT.multiply(size, price))

    def remove(self, size: Decimal, price: Decimal) -> None:
        """Give away the oldest contracts for this much each."""
        cost, left = ZERO, size
        while left:
            held, paid = self.lots[0]
            taken = min(held, left)
            if taken == held:
                self.lots.popleft()
            else:
                self.lots[0] = (EXACT.subtract(held, taken), paid)
            cost = EXACT.add(cost, EXACT.multiply(taken, paid))
            left = EXACT.subtract(left, taken)
        self.size = EXACT.subtract(self.size, size)
        self.cost = EXACT.subtract(self.cost, cost)
        gain = EXACT.subtract(EXACT.multiply(size, price), cost)
        self.realized = EXACT.add(self.realized, gain)


class Account:
    """Cash in dollars and lots by market and outcome; every change is exact."""

    def __init__(self, cash: Decimal) -> None:
        self.cash = cash
        self.fees = ZERO
        self.lots: dict[str, dict[str, Lots]] = {}

    def held(self, market_id: str, outcome: str) -> Lots:
        """The lots of one outcome, empty if there are none."""
        return self.lots.setdefault(market_id, {}).setdefault(outcome, Lots())

    def size(self, market_id: str, outcome: str) -> Decimal:
        """How many contracts of an outcome are held."""
        held = self.lots.get(market_id, {}).get(outcome)
        return ZERO if held is None else held.size

    def trade(
        self,
        contract: Contract,
        outcome: str,
        side: Side,
        price: Decimal,
        size: Decimal,
        fee: Decimal,
    ) -> None:
        """Book one fill: pay or receive, close what it closes, open the rest."""
        market_id = contract.market_id
        self.held(market_id, outcome).fees = EXACT.add(
            self.held(market_id, outcome).fees, fee
        )
        self.fees = EXACT.add(self.fees, fee)
        self.cash = EXACT.subtract(self.cash, fee)
        if contract.nets:
            self._net(contract, outcome, side, price, size)
        elif side is BUY:
            self._buy(market_id, outcome, price, size)
        else:
            self._sell(market_id, outcome, price, size)

    def _net(
        self,
        contract: Contract,
        outcome: str,
        side: Side,
        price: Decimal,
        size: Decimal,
    ) -> None:
        # A sale of an outcome is a purchase of the other, and a purchase first closes
        # what is held of the other: a pair of both pays a dollar, at once.
        if side is not BUY:
            outcome, price = contract.other(outcome), complement(price)
        other = contract.other(outcome)
        closed = min(size, self.size(contract.market_id, other))
        if closed:
            self._sell(contract.market_id, other, complement(price), closed)
        opened = EXACT.subtract(size, closed)
        if opened:
            self._buy(contract.market_id, outcome, price, opened)

    def _buy(self, market_id: str, outcome: str, price: Decimal, size: Decimal) -> None:
        held = self.held(market_id, outcome)
        held.add(size, price)
        held.traded = EXACT.add(held.traded, EXACT.multiply(size, price))
        self.cash = EXACT.subtract(self.cash, EXACT.multiply(size, price))

    def _sell(
        self, market_id: str, outcome: str, price: Decimal, size: Decimal
    ) -> None:
        held = self.held(market_id, outcome)
        held.remove(size, price)
        held.traded = EXACT.add(held.traded, EXACT.multiply(size, price))
        self.cash = EXACT.add(self.cash, EXACT.multiply(size, price))

    def settle(
        self, contract: Contract, value: Decimal, moment: int
    ) -> Settlement | None:
        """Pay out a market whose first outcome pays ``value``; None if nothing is held."""
        market_id, first = contract.market_id, contract.first
        found = [
            (outcome, held)
            for outcome, held in self.lots.get(market_id, {}).items()
            if held.size
        ]
        if not found:
            return None
        holdings = tuple(Holding(o, held.size, held.cost) for o, held in found)
        payout = ZERO
        for outcome, held in found:
            each = value if outcome == first else complement(value)
            paid = EXACT.multiply(each, held.size)
            held.remove(held.size, each)
            payout = EXACT.add(payout, paid)
        self.cash = EXACT.add(self.cash, payout)
        return Settlement(
            venue=contract.market.venue,
            market_id=market_id,
            event_id=contract.market.event_id,
            result=_result(contract, value),
            value=value,
            payout=payout,
            holdings=holdings,
            fee=self.market_total(market_id, "fees"),
            settled_at=at(moment),
        )

    def position(
        self, contract: Contract, outcome: str, mark: Decimal | None
    ) -> Position | None:
        """The position in one outcome, marked at a price; None if nothing is held."""
        held = self.lots.get(contract.market_id, {}).get(outcome)
        if held is None or not held.size:
            return None
        position = Position(
            venue=contract.market.venue,
            market_id=contract.market_id,
            outcome=outcome,
            size=held.size,
            cost=held.cost,
            entry_price=div(held.cost, held.size),
            realized_pnl=held.realized,
            fees_paid=held.fees,
            traded=held.traded,
            event_id=contract.market.event_id,
        )
        return position.marked_at(mark)

    def snapshot(self, market_id: str) -> tuple[Decimal, Decimal, dict[str, Lots]]:
        """What a trade in one market may change, to `restore` it."""
        lots = self.lots.get(market_id, {})
        kept = {o: attrs.evolve(x, lots=deque(x.lots)) for o, x in lots.items()}
        return self.cash, self.fees, kept

    def restore(
        self, market_id: str, snapshot: tuple[Decimal, Decimal, dict[str, Lots]]
    ) -> None:
        """Make undone what happened since the snapshot."""
        self.cash, self.fees, self.lots[market_id] = snapshot

    def market_total(self, market_id: str, field: str) -> Decimal:
        """The sum over both outcomes of ``realized``, ``fees`` or ``traded``."""
        lots = self.lots.get(market_id, {}).values()
        return total(getattr(held, field) for held in lots)


def _result(contract: Contract, value: Decimal) -> str:
    if value == ONE:
        return contract.first
    return contract.other(contract.first) if value == ZERO else "scalar"
