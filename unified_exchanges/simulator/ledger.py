"""Cash, collateral and positions, exact to the last digit."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal

from ..money import EXACT, ONE, ZERO, div
from .accounts import Position
from .orders import Order, Owner, Side, money_of

__all__ = ["Holding", "Stake", "Wallet", "closing_part", "opposite", "signed"]

_COST_STEP = Decimal("0.000001")
_HALF_EVEN = Context(prec=60, rounding=ROUND_HALF_EVEN)


def opposite(side: Side) -> Side:
    """The other side."""
    return "ask" if side == "bid" else "bid"


def signed(side: Side, size: Decimal) -> Decimal:
    """Contracts bought on a side as a change of the position."""
    return size if side == "bid" else size.copy_negate()


def closing_part(position: Decimal, side: Side, size: Decimal) -> Decimal:
    """How many of ``size`` contracts bought on ``side`` reduce the position."""
    held = position if side == "ask" else position.copy_negate()
    return min(size, held) if held > ZERO else ZERO


class Wallet:
    """The dollars of one subaccount on one shard, and how many of them are held."""

    __slots__ = ("is_used", "reserved", "total")

    def __init__(self) -> None:
        self.total = ZERO
        self.reserved = ZERO
        self.is_used = False

    @property
    def available(self) -> Decimal:
        """What a new order may use."""
        return EXACT.subtract(self.total, self.reserved)

    def credit(self, amount: Decimal) -> None:
        """Put dollars in, or out when negative."""
        self.total = EXACT.add(self.total, amount)
        self.is_used = True


class Stake:
    """The resting orders of one owner on one side of one market."""

    __slots__ = ("_gross", "_orders", "_ranks", "_side")

    def __init__(self, side: Side) -> None:
        self._side: Side = side
        self._gross = ZERO
        self._orders: dict[str, Order] = {}
        self._ranks: list[tuple[Decimal, str]] = []

    def __iter__(self) -> Iterator[Order]:
        return (self._orders[order_id] for _, order_id in self._ranks)

    def add(self, order: Order) -> None:
        """Count an order in."""
        self._orders[order.order_id] = order
        insort(self._ranks, self._rank(order))
        self._gross = EXACT.add(self._gross, self._money(order))

    def remove(self, order_id: str) -> None:
        """Count an order out."""
        order = self._orders.pop(order_id)
        del self._ranks[bisect_left(self._ranks, self._rank(order))]
        self._gross = EXACT.subtract(self._gross, self._money(order))

    def held(self, cover: Decimal) -> Decimal:
        """Dollars to hold when ``cover`` contracts of the other side are owned.

        Those cover the best prices, which trade first.
        """
        held = self._gross
        for _, order_id in self._ranks:
            if cover <= ZERO:
                break
            order = self._orders[order_id]
            covered = min(cover, order.remaining)
            held = EXACT.subtract(held, money_of(self._side, order.price, covered))
            cover = EXACT.subtract(cover, covered)
        return held

    def _money(self, order: Order) -> Decimal:
        return money_of(self._side, order.price, order.remaining)

    def _rank(self, order: Order) -> tuple[Decimal, str]:
        price = order.price if self._side == "ask" else order.price.copy_negate()
        return price, order.order_id


class Holding:
    """What one owner has in one market: a net position and resting orders."""

    def __init__(
        self, owner: Owner, market_id: str, event_id: str, shard: int, wallet: Wallet
    ) -> None:
        self.owner = owner
        self.market_id = market_id
        self.event_id = event_id
        self.shard = shard
        self.wallet = wallet
        self.size = ZERO
        self.cost = ZERO
        self.realized = ZERO
        self.fees = ZERO
        self.traded = ZERO
        self.volume = ZERO
        self.is_settled = False
        self.updated_us = 0
        self._reserved = ZERO
        self._bids = Stake("bid")
        self._asks = Stake("ask")

    def orders(self) -> Iterator[Order]:
        """Its resting orders."""
        yield from self._bids
        yield from self._asks

    def add(self, order: Order) -> None:
        """Hold the money of a resting order."""
        self._stake(order.side).add(order)
        self.hold()

    def remove(self, order: Order) -> None:
        """Free the money of a resting order."""
        self._stake(order.side).remove(order.order_id)
        self.hold()

    def replace(self, order: Order) -> None:
        """Let a resting order take the place of its earlier self."""
        stake = self._stake(order.side)
        stake.remove(order.order_id)
        stake.add(order)
        self.hold()

    def hold(self) -> None:
        """Reserve exactly what the resting orders need now."""
        needed = self._needed()
        change = EXACT.subtract(needed, self._reserved)
        self.wallet.reserved = EXACT.add(self.wallet.reserved, change)
        self._reserved = needed

    def available_with(self, order: Order) -> Decimal:
        """What would be available if the order rested too; negative: it cannot."""
        stake = self._stake(order.side)
        stake.add(order)
        needed = self._needed()
        stake.remove(order.order_id)
        change = EXACT.subtract(needed, self._reserved)
        return EXACT.subtract(self.wallet.available, change)

    def available_after(
        self, cash: Decimal, position: Decimal, orders: Iterable[Order]
    ) -> Decimal:
        """What would be available with other cash, position and orders here."""
        bids, asks = Stake("bid"), Stake("ask")
        for order in orders:
            (bids if order.side == "bid" else asks).add(order)
        needed = EXACT.add(bids.held(position.copy_negate()), asks.held(position))
        elsewhere = EXACT.subtract(self.wallet.reserved, self._reserved)
        return EXACT.subtract(cash, EXACT.add(elsewhere, needed))

    def fill(
        self, side: Side, price: Decimal, size: Decimal, fee: Decimal, time_us: int
    ) -> None:
        """Trade: pay for the contracts that open, be paid for those that close."""
        closing = closing_part(self.size, side, size)
        opening = EXACT.subtract(size, closing)
        paid = money_of(side, price, opening)
        earned = money_of(opposite(side), price, closing)
        given = self._cost_of(closing)
        self.cost = EXACT.add(EXACT.subtract(self.cost, given), paid)
        self.realized = EXACT.add(self.realized, EXACT.subtract(earned, given))
        self.size = EXACT.add(self.size, signed(side, size))
        self.fees = EXACT.add(self.fees, fee)
        self.traded = EXACT.add(self.traded, money_of(side, price, size))
        self.volume = EXACT.add(self.volume, size)
        self.updated_us = time_us
        spent = EXACT.add(paid, fee)
        self.wallet.total = EXACT.add(self.wallet.total, EXACT.subtract(earned, spent))

    def pay(self, yes_value: Decimal, time_us: int) -> Decimal:
        """Settle: turn the position into cash; the dollars paid."""
        unit = yes_value if self.size > ZERO else EXACT.subtract(ONE, yes_value)
        revenue = EXACT.multiply(self.size.copy_abs(), unit)
        self.wallet.total = EXACT.add(self.wallet.total, revenue)
        self.realized = EXACT.add(self.realized, EXACT.subtract(revenue, self.cost))
        self.size = self.cost = ZERO
        self.is_settled = True
        self.updated_us = time_us
        return revenue

    def position(self) -> Position:
        """The position as it stands."""
        return Position(
            owner=self.owner,
            market_id=self.market_id,
            event_id=self.event_id,
            shard=self.shard,
            size=self.size,
            cost=self.cost,
            realized=self.realized,
            fees=self.fees,
            traded=self.traded,
            volume=self.volume,
            is_settled=self.is_settled,
            updated_us=self.updated_us,
        )

    def _cost_of(self, closing: Decimal) -> Decimal:
        """The average cost of the contracts that close; exact for the last of them."""
        if not closing:
            return ZERO
        if closing == self.size.copy_abs():
            return self.cost
        share = div(EXACT.multiply(self.cost, closing), self.size.copy_abs())
        return _HALF_EVEN.quantize(share, _COST_STEP)

    def _needed(self) -> Decimal:
        bids = self._bids.held(self.size.copy_negate())
        return EXACT.add(bids, self._asks.held(self.size))

    def _stake(self, side: Side) -> Stake:
        return self._bids if side == "bid" else self._asks
