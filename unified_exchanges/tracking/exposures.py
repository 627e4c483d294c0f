"""Dollars at risk in positions and in what may still fill, by market.

A position is what was read, and what has filled since of the orders that are known: each
order counts by how much of it has filled, so that it does not matter in which order that
came to be known.  When it filled says whether a read has it, and so may the size that was
read.  What may or may not have been in the read counts as if it might still fill, and what
may fill as if it might have filled already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import inf

import attrs

from ..guards.worst import Claim
from ..money import EXACT, ZERO, total
from ..watching.known import LAG
from .base import begin_anew
from .entry import Entry
from .lots import Held
from .snapshot import Snapshot

__all__ = ["Exposures"]

_Key = tuple[str, str]
"""Outcome, and within what it nets."""


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
        self.lag = LAG
        """Seconds by which a read of positions may be late."""
        self.settles_late = False
        """Whether what matched may still fail: then no sale surely takes risk away."""
        self._live: dict[str, dict[Entry, None]] = {}
        self._held: dict[str, dict[_Key, Held]] = {}
        self.orders: dict[str, Decimal] = {}
        """Dollars at risk by market, as if all that fills opened."""
        self._all_orders = ZERO
        self._sizes: dict[str, Decimal] = {}
        """Contracts of the same."""
        self._bounds: dict[str, Decimal] = {}
        self._all_bounds = ZERO
        self._moment = 1
        self._read: Snapshot | None = None
        self._read_here: dict[str, Snapshot] = {}
        """The last reads of positions: of all markets, and that of each that stands."""
        self.filled_at = -inf
        """Our monotonic clock when the last had filled of what filled, at the latest."""

    def moment(self) -> int:
        """Count on; what is taken down later has a later number."""
        self._moment += 1
        return self._moment

    # -- what happens to orders -----------------------------------------------------

    def note(self, entry: Entry, now: float) -> None:
        """Something about an order changed."""
        entry.keep_limit()
        self._count(entry, entry.stake)
        filled = entry.filled
        if filled != entry.filled_before:
            # What had filled before is kept in mind for as long as two reads may lag.
            if entry.earlier[1] < now - 2 * self.lag:
                entry.earlier = entry.filled_before, entry.filled_at
            entry.filled_before, entry.filled_at = filled, entry.filled_by(now)
            entry.filled_moment = self.moment()
            self.filled_at = max(self.filled_at, entry.filled_at)
        elif entry.booking is not None:
            entry.filled_at = entry.filled_by(entry.filled_at)
        else:
            return
        self._book(entry)

    def drop(self, entry: Entry, *, is_counted: bool) -> None:
        """An order is not known any more; ``is_counted``: what it filled still is."""
        self._count(entry, (ZERO, ZERO))
        held = self._held.get(entry.market_id, {}).get(_key(entry))
        if held is None:
            return
        if is_counted and entry in held.pending:
            # Nobody will hear of it any more: it counts as the venue told it.
            entry.settles_late = False
            self._book(entry)
        held.recent.pop(entry, None)
        if not is_counted:
            held.unbook(entry)
            self._sum_up(entry.market_id)
            return
        held.booked.pop(entry, None)

    def _count(self, entry: Entry, stake: tuple[Decimal, Decimal]) -> None:
        before = entry.counted
        if stake == before:
            return
        at_risk, size = stake
        market_id = entry.market_id
        live = self._live.setdefault(market_id, {})
        if size:
            live[entry] = None
        else:
            live.pop(entry, None)
        entry.counted = stake
        change = EXACT.subtract(at_risk, before[0])
        self._all_orders = EXACT.add(self._all_orders, change)
        _change(self.orders, market_id, change)
        _change(self._sizes, market_id, EXACT.subtract(size, before[1]))
        here = self._held.get(market_id)
        if here is not None and not all(x.is_plain for x in here.values()):
            self._sum_up(market_id)
        if not live:
            del self._live[market_id]

    def _book(self, entry: Entry) -> None:
        market_id = entry.market_id
        held = self._at(market_id, _key(entry))
        held.unbook(entry)
        held.recent[entry] = None
        # No read is of what nets elsewhere.
        read = None if entry.purse else self._last(market_id)
        if read is not None and read.has(entry) and not entry.is_beside:
            entry.take_in(entry.filled)
        held.book(entry, None if entry.is_beside else read)
        if not held.net and not held.vague and market_id not in self._live:
            # All that is known here is over, so nothing can turn up out of order.
            _forget(held)
        self._sum_up(market_id)

    def _at(self, market_id: str, key: _Key) -> Held:
        return self._held.setdefault(market_id, {}).setdefault(key, Held())

    def _sum_up(self, market_id: str) -> None:
        change = EXACT.subtract(
            self._most_of(market_id), self._bounds.get(market_id, ZERO)
        )
        self._all_bounds = EXACT.add(self._all_bounds, change)
        _change(self._bounds, market_id, change)

    def _most_of(self, market_id: str, more: Decimal = ZERO) -> Decimal:
        here = self._held.get(market_id)
        if here is None:
            return ZERO
        size = EXACT.add(self._sizes.get(market_id, ZERO), more)
        return total(x.bound(size) for x in here.values())

    # -- what is read ---------------------------------------------------------------

    def read(
        self,
        told: Iterable[tuple[str, str, Decimal, Decimal]],
        read: Snapshot,
        *,
        market_id: str | None,
    ) -> None:
        """Begin anew from positions: market, outcome, signed contracts, and their cost.

        All of ``market_id`` are told, or all there are.
        """
        found: dict[str, dict[_Key, tuple[Decimal, Decimal]]] = {}
        for name, outcome, size, cost in told:
            here = found.setdefault(name, {})
            had, paid = here.get((outcome, ""), (ZERO, ZERO))
            here[outcome, ""] = EXACT.add(had, size), EXACT.add(paid, cost)
        names = {market_id} if market_id is not None else {*found, *self._held}
        for name in names:
            here, last = found.get(name, {}), self._last(name)
            if last is not None and last.shows > read.shows:
                # This one may lag behind what is known for sure.
                self._read_here[name] = last
                continue
            self._read_here[name] = read
            live = None if last is None else self._live.get(name, {})
            for key in {*here, *self._held.get(name, {})}:
                if not key[1]:
                    held = self._at(name, key)
                    begin_anew(held, here.get(key, (ZERO, ZERO)), read, live)
            self._sum_up(name)
        if market_id is None and (self._read is None or self._read.shows < read.shows):
            self._read = read

    def is_ahead(self, market_id: str | None, began: float) -> bool:
        """Whether more is known than a read that begins then must show."""
        shown = began - self.lag
        if self.filled_at >= shown:
            return True
        every = [self._read, *self._read_here.values()]
        reads = every if market_id is None else [self._last(market_id)]
        return any(x is not None and x.shows > shown for x in reads)

    def _last(self, market_id: str) -> Snapshot | None:
        """The last read that is also of a market."""
        return self._read_here.get(market_id, self._read)

    def read_ended(self, market_id: str) -> float:
        """Our monotonic clock when a market's position was last read; inf if never."""
        read = self._last(market_id)
        return inf if read is None else read.ended

    def paid_out(self, market_id: str) -> None:
        """What was held of a market was settled."""
        for held in self._held.get(market_id, {}).values():
            _forget(held)
        self._sum_up(market_id)

    # -- what is known --------------------------------------------------------------

    @property
    def vague_markets(self) -> set[str]:
        """Markets of which the last read may have what filled of late, or not."""
        held = self._held.items()
        return {name for name, here in held if any(x.vague for x in here.values())}

    def unsettled(self) -> list[Entry]:
        """Orders of which sales count as if they might have failed to settle."""
        every = (held for here in self._held.values() for held in here.values())
        return [x for held in every for x in held.vague if x.is_unsettled]

    def fits(
        self,
        market_id: str,
        claims: Sequence[Claim],
        market_cap: Decimal | None,
        cap: Decimal | None,
    ) -> bool:
        """Whether so much more stays within the caps for sure, found fast."""
        cost = total(x.cost for x in claims)
        bound = self._most_of(market_id, total(x.size for x in claims))
        if market_cap is not None:
            here = EXACT.add(self.orders.get(market_id, ZERO), bound)
            if EXACT.add(here, cost) > market_cap:
                return False
        if cap is None:
            return True
        more = EXACT.subtract(bound, self._bounds.get(market_id, ZERO))
        everywhere = EXACT.add(self._all_orders, self._all_bounds)
        return EXACT.add(everywhere, EXACT.add(cost, more)) <= cap

    def closes(
        self,
        market_id: str,
        key: _Key,
        claim: Claim,
        *,
        since: float,
        own: Entry | None,
        ahead: Sequence[Claim] = (),
    ) -> Decimal:
        """How many contracts of an order surely close what is held, ``own`` being itself.

        ``ahead`` is what is to leave before it.
        None do unless the position was read since then, and what filled is in it or not.
        """
        held = self._held.get(market_id, {}).get(key)
        cover = None if held is None else held.cover(claim.side)
        read = self._last(market_id)
        # No read is of what nets elsewhere.
        if (
            cover is None
            or cover <= ZERO
            or key[1]
            or read is None
            or read.ended < since
        ):
            return ZERO
        others = [
            entry.claims()
            for entry in self._live.get(market_id, ())
            if entry is not own and _key(entry) == key
        ]
        for claims in (*others, ahead):
            # They may come first.
            mine = (x.size for x in claims if x.side is claim.side)
            cover = EXACT.subtract(cover, total(mine))
        return min(claim.size, max(ZERO, cover))

    def of(
        self,
        market_id: str | None,
        *,
        without: Entry | None = None,
        plus: Iterable[tuple[_Key, Sequence[Claim]]] = (),
    ) -> _Sum:
        """What is at risk in a market or in all, with other orders or without one.

        Of the position what it cost, if nothing has filled unseen; of the orders the rest
        of what both are together at worst.
        """
        if market_id is None:
            markets = {*self._live, *self._held}
            sums = [self.of(name) for name in markets]
            return _Sum(total(x.orders for x in sums), total(x.position for x in sums))
        claims: dict[_Key, list[Claim]] = {}
        for entry in self._live.get(market_id, ()):
            if entry is not without:
                claims.setdefault(_key(entry), []).extend(entry.claims())
        for key, more in plus:
            claims.setdefault(key, []).extend(more)
        worst = position = ZERO
        here = self._held.get(market_id, {})
        for key in {*claims, *here}:
            held = here.get(key) or Held()
            position = EXACT.add(position, held.cost)
            worst = EXACT.add(worst, held.worst(claims.get(key, ())))
        return _Sum(EXACT.subtract(worst, position), position)


def _key(entry: Entry) -> _Key:
    return entry.outcome, entry.purse


def _forget(held: Held) -> None:
    """Count nothing of what has filled so far."""
    recent = held.recent
    for entry in held.booked:
        entry.take_in(entry.filled)
        entry.booking = None
    held.clear()
    held.recent = recent


def _change(sums: dict[str, Decimal], name: str, change: Decimal) -> None:
    """Add to a sum of which only what is not zero is kept."""
    now = EXACT.add(sums.get(name, ZERO), change)
    if now:
        sums[name] = now
    else:
        sums.pop(name, None)
