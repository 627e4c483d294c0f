"""Who holds which tokens: both outcomes of a market may be held at once.

The engine nets positions: a YES and a NO of one owner are a dollar there. Here they stay
tokens, and that dollar stays aside. For every wallet, always:

- tokens of outcome 0 minus tokens of outcome 1 = the engine's net position, and
- its pUSD = the engine's cash - one dollar for each pair of tokens held,

so that splitting, merging and netting never move money, and the engine's exact books are
those of the tokens too. Once a market is settled the engine has paid; what the tokens
are worth stays aside until they are redeemed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal

import attrs

from ....money import EXACT, ONE, ZERO, div, total
from .lots import Direction

__all__ = ["Holding", "Vault"]

_HALF_EVEN = Context(prec=60, rounding=ROUND_HALF_EVEN)
_COST_STEP = Decimal("0.000001")

Value = Callable[[str], Decimal | None]
"""What a token of outcome 0 of a market is worth once it is settled."""


@attrs.define(kw_only=True, slots=True)
class Holding:
    """The tokens of one outcome in one wallet. Money is dollars, without fees."""

    wallet: str
    condition_id: str
    index: int
    size: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    bought: Decimal = ZERO
    spent: Decimal = ZERO
    first_us: int = 0
    last_us: int = 0

    @property
    def average_price(self) -> Decimal:
        """What a token held cost; 0 without any."""
        return div(self.cost, self.size) if self.size else ZERO

    def receive(self, size: Decimal, cost: Decimal, time_us: int) -> None:
        """Get tokens for money."""
        self.size = EXACT.add(self.size, size)
        self.cost = EXACT.add(self.cost, cost)
        self.bought = EXACT.add(self.bought, size)
        self.spent = EXACT.add(self.spent, cost)
        self.first_us = self.first_us or time_us
        self.last_us = time_us

    def give(self, size: Decimal, earned: Decimal, time_us: int) -> None:
        """Give tokens away for money."""
        given = self._cost_of(size)
        self.size = EXACT.subtract(self.size, size)
        self.cost = EXACT.subtract(self.cost, given)
        self.realized = EXACT.add(self.realized, EXACT.subtract(earned, given))
        self.last_us = time_us

    def _cost_of(self, size: Decimal) -> Decimal:
        if size == self.size:
            return self.cost
        share = div(EXACT.multiply(self.cost, size), self.size)
        return _HALF_EVEN.quantize(share, _COST_STEP)


class Vault:
    """All tokens of the wallets that are known, and the dollars that stand for them."""

    def __init__(self, value: Value) -> None:
        self._value = value
        self._holdings: dict[str, dict[tuple[str, int], Holding]] = {}
        self._past: dict[tuple[str, str, int], list[Holding]] = {}

    def _keep(self, held: Holding) -> None:
        """Remember how it stands, for those who read late."""
        place = (held.wallet, held.condition_id, held.index)
        self._past.setdefault(place, []).append(attrs.evolve(held))

    def as_of(self, time_us: int) -> list[Holding]:
        """What every wallet held at a time."""
        found = []
        for versions in self._past.values():
            place = bisect_right(versions, time_us, key=lambda held: held.last_us)
            if place:
                found.append(versions[place - 1])
        return found

    def of(self, wallet: str) -> list[Holding]:
        """What a wallet holds or ever held, the first token first."""
        return list(self._holdings.get(wallet, {}).values())

    def all(self) -> Iterator[Holding]:
        """What every wallet holds or ever held."""
        for own in self._holdings.values():
            yield from own.values()

    def size(self, wallet: str, condition_id: str, index: int) -> Decimal:
        """How many tokens of an outcome a wallet holds."""
        found = self._holdings.get(wallet, {}).get((condition_id, index))
        return ZERO if found is None else found.size

    def holding(self, wallet: str, condition_id: str, index: int) -> Holding:
        """The tokens of an outcome in a wallet."""
        own = self._holdings.setdefault(wallet, {})
        found = own.get((condition_id, index))
        if found is None:
            found = Holding(wallet=wallet, condition_id=condition_id, index=index)
            own[condition_id, index] = found
        return found

    def fill(
        self,
        wallet: str,
        condition_id: str,
        index: int,
        side: Direction,
        price: Decimal,
        size: Decimal,
        fee: Decimal,
        time_us: int,
    ) -> None:
        """A trade at a price of the token."""
        held = self.holding(wallet, condition_id, index)
        money = EXACT.multiply(price, size)
        held.fees = EXACT.add(held.fees, fee)
        if side == "BUY":
            held.receive(size, money, time_us)
        else:
            held.give(size, money, time_us)
        self._keep(held)

    def unfill(
        self,
        wallet: str,
        condition_id: str,
        index: int,
        side: Direction,
        price: Decimal,
        size: Decimal,
        fee: Decimal,
        time_us: int,
    ) -> None:
        """Such a trade never happened; what a sale realized stays told."""
        held = self.holding(wallet, condition_id, index)
        money = EXACT.multiply(price, size)
        held.fees = EXACT.subtract(held.fees, fee)
        if side == "BUY":
            held.give(size, money, time_us)
            held.bought = EXACT.subtract(held.bought, size)
            held.spent = EXACT.subtract(held.spent, money)
        else:
            held.receive(size, money, time_us)
            held.bought = EXACT.subtract(held.bought, size)
            held.spent = EXACT.subtract(held.spent, money)
        self._keep(held)

    def split(self, wallet: str, condition_id: str, size: Decimal, now_us: int) -> None:
        """Turn dollars into as many pairs of tokens."""
        half = EXACT.divide(size, Decimal(2))
        for index in (0, 1):
            held = self.holding(wallet, condition_id, index)
            held.receive(size, half, now_us)
            self._keep(held)

    def merge(self, wallet: str, condition_id: str, size: Decimal, now_us: int) -> None:
        """Turn pairs of tokens into as many dollars."""
        half = EXACT.divide(size, Decimal(2))
        for index in (0, 1):
            held = self.holding(wallet, condition_id, index)
            held.give(size, half, now_us)
            self._keep(held)

    def redeem(
        self, wallet: str, condition_id: str, now_us: int
    ) -> list[tuple[int, Decimal, Decimal]]:
        """Turn the tokens of a settled market into money: index, tokens, dollars."""
        value = self._value(condition_id)
        if value is None:
            return []
        paid = []
        for index in (0, 1):
            held = self.holding(wallet, condition_id, index)
            if not held.size:
                continue
            size, money = held.size, EXACT.multiply(held.size, _worth(value, index))
            held.give(size, money, now_us)
            self._keep(held)
            paid.append((index, size, money))
        return paid

    def aside(self, wallet: str) -> Decimal:
        """Dollars of the engine's cash that are tokens here."""
        conditions = {name for name, _ in self._holdings.get(wallet, {})}
        return total(self._aside(wallet, name) for name in conditions)

    def _aside(self, wallet: str, condition_id: str) -> Decimal:
        first, second = (self.size(wallet, condition_id, n) for n in (0, 1))
        value = self._value(condition_id)
        if value is None:
            return min(first, second)
        return EXACT.add(
            EXACT.multiply(first, value), EXACT.multiply(second, _worth(value, 1))
        )


def _worth(value: Decimal, index: int) -> Decimal:
    return value if index == 0 else EXACT.subtract(ONE, value)
