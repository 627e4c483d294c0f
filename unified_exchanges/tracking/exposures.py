"""Dollars at risk in positions and in what may still fill, by market.

A position is what was read, and what has filled since of the orders that are known: each
order counts by how much of it has filled, so that it does not matter in which order that
came to be known.  What may or may not have been in the read counts as if it might still
fill.  Where nobody knows which contracts are left of several, the dearest are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

import attrs

from ..guards.worst import Claim, opening
from ..models import Side
from ..money import EXACT, ZERO, total
from .entry import Entry

__all__ = ["Exposures"]

_UP: Final = Context(prec=28, rounding=ROUND_CEILING)
_Key = tuple[str, str]
"""Outcome, and within what it nets."""


class _Side:
    """Contracts that came in on one side, and what they cost, by what each cost."""

    def __init__(self) -> None:
        self.size = self.cost = ZERO
        self._lots: dict[Decimal, tuple[Decimal, Decimal]] = {}

    def add(self, size: Decimal, cost: Decimal) -> None:
        """Count contracts in."""
        unit = _UP.divide(cost, size)
        had, paid = self._lots.get(unit, (ZERO, ZERO))
        self._put(unit, EXACT.add(had, size), EXACT.add(paid, cost))
        self.size, self.cost = EXACT.add(self.size, size), EXACT.add(self.cost, cost)

    def remove(self, size: Decimal, cost: Decimal) -> None:
        """Count out what was counted in like this."""
        unit = _UP.divide(cost, size)
        had, paid = self._lots[unit]
        self._put(unit, EXACT.subtract(had, size), EXACT.subtract(paid, cost))
        self.size = EXACT.subtract(self.size, size)
        self.cost = EXACT.subtract(self.cost, cost)

    def _put(self, unit: Decimal, size: Decimal, cost: Decimal) -> None:
        if size:
            self._lots[unit] = size, cost
        else:
            del self._lots[unit]

    def dearest(self, size: Decimal) -> Decimal:
        """What so many of them cost at most."""
        taken = ZERO
        for unit, (had, paid) in sorted(self._lots.items(), reverse=True):
            if size < had:
                return EXACT.add(taken, EXACT.multiply(unit, size))
            taken, size = EXACT.add(taken, paid), EXACT.subtract(size, had)
        return taken


class _Held:
    """One position."""

    def __init__(self) -> None:
        self.sides = {Side.BUY: _Side(), Side.SELL: _Side()}
        self.booked: dict[Entry, None] = {}
        """Orders of which something is counted in."""
        self.vague: dict[Entry, None] = {}
        """Orders of which some fills may have been in the last read, or not."""
        self.vague_cost = ZERO

    @property
    def net(self) -> Decimal:
        """Signed contracts."""
        return EXACT.subtract(self.sides[Side.BUY].size, self.sides[Side.SELL].size)

    @property
    def bound(self) -> Decimal:
        """Dollars that are not exceeded by the position and what is vague, found fast."""
        net = self.net
        side = self.sides[Side.BUY if net > ZERO else Side.SELL]
        # A contract costs no more than the dollar that it may pay.
        return EXACT.add(min(side.cost, abs(net)), self.vague_cost)

    @property
    def cost(self) -> Decimal:
        """Dollars that the position cost at most."""
        net = self.net
        return self.sides[Side.BUY if net > ZERO else Side.SELL].dearest(abs(net))

    def clear(self) -> None:
        """Begin anew from nothing held."""
        self.sides = {Side.BUY: _Side(), Side.SELL: _Side()}
        self.booked.clear()
        self.vague.clear()
        self.vague_cost = ZERO


@attrs.frozen(slots=True)
class _Sum:
    orders: Decimal
    position: Decimal

    @property
    def total(self) -> Decimal:
        return EXACT.add(self.orders, self.position)


class Exposures:
    """What is at risk in all markets; under the lock of whoever owns it."""

    def __init__(self) -> None:
        self._live: dict[str, dict[Entry, None]] = {}
        self._held: dict[str, dict[_Key, _Held]] = {}
        self.orders: dict[str, Decimal] = {}
        """Dollars at risk by market, as if all that fills opened."""
        self._all_orders = ZERO
        self._bounds: dict[str, Decimal] = {}
        self._all_bounds = ZERO
        self._moment = 1
        self._read = 0
        self._read_here: dict[str, int] = {}
        """When positions were last taken, of all markets and of one."""

    def moment(self) -> int:
        """Count on; what is taken down later has a later number."""
        self._moment += 1
        return self._moment

    # -- what happens to orders -----------------------------------------------------

    def note(self, entry: Entry, now: float) -> None:
        """Something about an order changed."""
        self._count(entry, entry.at_risk)
        filled = entry.filled
        if filled == entry.filled_before and entry.booking is None:
            return
        if filled != entry.filled_before:
            entry.filled_before, entry.filled_at = filled, now
            entry.filled_moment = self.moment()
        self._book(entry)

    def drop(self, entry: Entry, *, is_counted: bool) -> None:
        """An order is not known any more; ``is_counted``: what it filled still is."""
        self._count(entry, ZERO)
        held = self._held.get(entry.market_id, {}).get(_key(entry))
        if held is None:
            return
        if not is_counted:
            self._unbook(held, entry)
            self._sum_up(entry.market_id)
            return
        held.booked.pop(entry, None)

    def _count(self, entry: Entry, at_risk: Decimal) -> None:
        before = entry.counted
        if at_risk == before:
            return
        market_id = entry.market_id
        live = self._live.setdefault(market_id, {})
        if at_risk:
            live[entry] = None
        else:
            live.pop(entry, None)
        change = EXACT.subtract(at_risk, before)
        entry.counted = at_risk
        now = EXACT.add(self.orders.get(market_id, ZERO), change)
        self._all_orders = EXACT.add(self._all_orders, change)
        if now:
            self.orders[market_id] = now
        else:
            self.orders.pop(market_id, None)
        if not live:
            del self._live[market_id]

    def _book(self, entry: Entry) -> None:
        market_id = entry.market_id
        held = self._at(market_id, _key(entry))
        self._unbook(held, entry)
        booking = entry.spent()
        if booking is not None:
            entry.booking = booking
            held.booked[entry] = None
            read = max(self._read, self._read_here.get(market_id, 0))
            if read and not (entry.is_ours and entry.born > read):
                # It may have been in the read: it counts as what may yet fill.
                held.vague[entry] = None
                held.vague_cost = EXACT.add(held.vague_cost, booking.cost)
            else:
                held.sides[booking.side].add(booking.size, booking.cost)
        if not held.net and not held.vague and market_id not in self._live:
            # All that is known here is over, so nothing can turn up out of order.
            _forget(held)
        self._sum_up(market_id)

    def _at(self, market_id: str, key: _Key) -> _Held:
        return self._held.setdefault(market_id, {}).setdefault(key, _Held())

    def _unbook(self, held: _Held, entry: Entry) -> None:
        booking, entry.booking = entry.booking, None
        if booking is None:
            return
        del held.booked[entry]
        if entry in held.vague:
            del held.vague[entry]
            held.vague_cost = EXACT.subtract(held.vague_cost, booking.cost)
        else:
            held.sides[booking.side].remove(booking.size, booking.cost)

    def _sum_up(self, market_id: str) -> None:
        here = self._held.get(market_id, {})
        bound = total(x.bound for x in here.values())
        before = self._bounds.get(market_id, ZERO)
        self._all_bounds = EXACT.add(self._all_bounds, EXACT.subtract(bound, before))
        if bound:
            self._bounds[market_id] = bound
        else:
            self._bounds.pop(market_id, None)

    # -- what is read ---------------------------------------------------------------

    def read(
        self,
        told: Iterable[tuple[str, str, Decimal, Decimal]],
        *,
        market_id: str | None,
        has: Callable[[Entry], bool],
    ) -> None:
        """Begin anew from positions: market, outcome, signed contracts, and their cost.

        All of ``market_id`` are told, or all there are.  ``has`` says of an order whether
        they surely have in them what filled of it.
        """
        found: dict[str, dict[_Key, tuple[Decimal, Decimal]]] = {}
        for name, outcome, size, cost in told:
            here = found.setdefault(name, {})
            had, paid = here.get((outcome, ""), (ZERO, ZERO))
            here[outcome, ""] = EXACT.add(had, size), EXACT.add(paid, cost)
        now = self.moment()
        if market_id is None:
            self._read = now
            self._read_here.clear()
        else:
            self._read_here[market_id] = now
        names = {*found, *self._held} if market_id is None else {market_id}
        for name in names:
            keys = {*found.get(name, {}), *self._held.get(name, {})}
            for key in keys:
                if not key[1]:
                    size, cost = found.get(name, {}).get(key, (ZERO, ZERO))
                    self._restart(self._at(name, key), size, cost, has)
            self._sum_up(name)

    def _restart(
        self, held: _Held, size: Decimal, cost: Decimal, has: Callable[[Entry], bool]
    ) -> None:
        known = [*held.booked]
        held.clear()
        if size:
            side = Side.BUY if size > ZERO else Side.SELL
            held.sides[side].add(abs(size), cost)
        for entry in known:
            entry.booking = None
            if has(entry):
                entry.in_base = entry.filled
            booking = entry.spent()
            if booking is not None:
                entry.booking = booking
                held.booked[entry] = held.vague[entry] = None
                held.vague_cost = EXACT.add(held.vague_cost, booking.cost)

    def paid_out(self, market_id: str) -> None:
        """What was held of a market was settled."""
        for held in self._held.get(market_id, {}).values():
            _forget(held)
        self._sum_up(market_id)

    # -- what is known --------------------------------------------------------------

    def fits(
        self,
        market_id: str,
        more: Decimal,
        market_cap: Decimal | None,
        cap: Decimal | None,
    ) -> bool:
        """Whether so many dollars more stay within the caps for sure, found fast."""
        if market_cap is not None:
            here = self.orders.get(market_id, ZERO)
            here = EXACT.add(here, self._bounds.get(market_id, ZERO))
            if EXACT.add(here, more) > market_cap:
                return False
        if cap is None:
            return True
        everywhere = EXACT.add(self._all_orders, self._all_bounds)
        return EXACT.add(everywhere, more) <= cap

    def of(
        self,
        market_id: str | None,
        *,
        without: Entry | None = None,
        plus: tuple[_Key, Claim] | None = None,
    ) -> _Sum:
        """What is at risk in a market or in all, with another order or without one."""
        if market_id is None:
            markets = {*self._live, *self._held}
            sums = [self.of(name) for name in markets]
            return _Sum(total(x.orders for x in sums), total(x.position for x in sums))
        claims: dict[_Key, list[Claim]] = {}
        for entry in self._live.get(market_id, ()):
            claim = None if entry is without else entry.claim()
            if claim is not None:
                claims.setdefault(_key(entry), []).append(claim)
        if plus is not None:
            claims.setdefault(plus[0], []).append(plus[1])
        orders = position = ZERO
        here = self._held.get(market_id, {})
        for key in {*claims, *here}:
            held = here.get(key)
            mine = claims.get(key, [])
            net = ZERO
            if held is not None:
                mine += [x.vague_claim() for x in held.vague]
                net = held.net
                position = EXACT.add(position, held.cost)
            orders = EXACT.add(orders, opening(mine, net))
        return _Sum(orders, position)


def _key(entry: Entry) -> _Key:
    return entry.outcome, entry.purse


def _forget(held: _Held) -> None:
    """Count nothing of what has filled so far."""
    for entry in held.booked:
        entry.in_base, entry.booking = entry.filled, None
    held.clear()
