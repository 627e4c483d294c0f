"""What is held of one outcome, by what each contract of it cost.

Nobody knows which contracts a trade closed, nor whether orders that may fill have filled
already, unseen: then a trade that is known may have closed less than it seems, and opened
with the rest.  So the position is counted both ways, as if all had filled that may lead
there, and as if the dearest were held of all that was traded and may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from ..guards.worst import Claim, reach
from ..models import Side
from ..money import EXACT, ZERO, total
from .booking import Booking
from .entry import Entry
from .snapshot import Snapshot

__all__ = ["Held", "Lots"]


class Lots:
    """Contracts that came in on one side, and what they cost, by what each cost."""

    def __init__(self) -> None:
        self.size = self.cost = ZERO
        self._lots: dict[Decimal, tuple[Decimal, Decimal]] = {}

    def add(self, booking: Booking) -> None:
        """Count contracts in."""
        self.size = EXACT.add(self.size, booking.size)
        self.cost = EXACT.add(self.cost, booking.cost)
        had, paid = self._lots.get(booking.unit, (ZERO, ZERO))
        had = EXACT.add(had, booking.dear)
        self._put(booking.unit, had, EXACT.add(paid, booking.cost))

    def remove(self, booking: Booking) -> None:
        """Count out what was counted in like this."""
        self.size = EXACT.subtract(self.size, booking.size)
        self.cost = EXACT.subtract(self.cost, booking.cost)
        had, paid = self._lots[booking.unit]
        had = EXACT.subtract(had, booking.dear)
        self._put(booking.unit, had, EXACT.subtract(paid, booking.cost))

    def _put(self, unit: Decimal, size: Decimal, cost: Decimal) -> None:
        if size:
            self._lots[unit] = size, cost
        else:
            del self._lots[unit]

    def dearest(self, size: Decimal, claims: Iterable[Claim] = ()) -> Decimal:
        """What so many cost at most, of these and of what may be opened besides."""
        lots = [(unit, had, paid) for unit, (had, paid) in self._lots.items()]
        lots += [(x.unit, x.size, x.cost) for x in claims if not x.is_reducing]
        taken = ZERO
        for unit, had, paid in sorted(lots, reverse=True):
            if size < had:
                return EXACT.add(taken, min(paid, EXACT.multiply(unit, size)))
            taken, size = EXACT.add(taken, paid), EXACT.subtract(size, had)
        return taken


class Held:
    """One position."""

    def __init__(self) -> None:
        self.sides = {Side.BUY: Lots(), Side.SELL: Lots()}
        self.booked: dict[Entry, None] = {}
        """Orders of which something is counted in."""
        self.recent: dict[Entry, None] = {}
        """Orders of which a read that lags may not show all that filled."""
        self.vague: dict[Entry, None] = {}
        """Orders of which some fills may have been in the last read, or not."""
        self.vague_size = self.vague_cost = ZERO
        self.pending: dict[Entry, None] = {}
        """Those of them that are in doubt only since they may fail to settle."""

    @property
    def net(self) -> Decimal:
        """Signed contracts."""
        return EXACT.subtract(self.sides[Side.BUY].size, self.sides[Side.SELL].size)

    def cover(self, side: Side) -> Decimal | None:
        """Contracts that an order of a side surely closes; None if that is not known."""
        if len(self.vague) > len(self.pending):
            return None
        if side is Side.BUY:
            return EXACT.minus(self.net)
        bookings = (x.booking for x in self.pending)
        return EXACT.subtract(self.net, total(x.size for x in bookings if x))

    @property
    def is_plain(self) -> bool:
        """Whether all that came in is held: then the `bound` is the same for any size."""
        bought, sold = self.sides.values()
        return not (self.vague or (bought.size and sold.size))

    @property
    def cost(self) -> Decimal:
        """Dollars that the position cost at most, if nothing has filled unseen."""
        net = self.net
        return self.sides[Side.BUY if net > ZERO else Side.SELL].dearest(abs(net))

    def worst(self, claims: Iterable[Claim]) -> Decimal:
        """Dollars at risk at most, whatever of the claims fills or has filled unseen.

        At any moment contracts are held on one side at most, the dearest of what was
        traded and may be; of the other is opened what may still fill, and no more.
        """
        net = self.net
        sides: dict[Side, list[Claim]] = {Side.BUY: [], Side.SELL: []}
        vague = [x for entry in self.vague for x in entry.vague_claims()]
        for claim in (*claims, *vague):
            sides[claim.side].append(claim)
        held, opened = [], []
        for side, mine in sides.items():
            size = reach(side, mine, net)
            held.append(self.sides[side].dearest(size, mine))
            opened.append(Lots().dearest(size, mine))
        return max(EXACT.add(held[0], opened[1]), EXACT.add(opened[0], held[1]))

    def bound(self, size: Decimal) -> Decimal:
        """Dollars that `worst` exceeds at most by what its claims cost, found fast.

        ``size`` is how many contracts the claims are, or more.
        """
        if self.is_plain:
            bought, sold = self.sides.values()
            return EXACT.add(bought.cost, sold.cost)
        net = self.net
        size = EXACT.add(size, self.vague_size)
        found = self.vague_cost
        for side, signed in ((Side.BUY, net), (Side.SELL, EXACT.minus(net))):
            # A contract costs no more than the dollar that it may pay.
            most = EXACT.add(max(ZERO, signed), size)
            found = EXACT.add(found, min(self.sides[side].cost, most))
        return found

    def book(self, entry: Entry, read: Snapshot | None) -> None:
        """Count in what filled of an order since the position was read."""
        booking = entry.spent()
        if booking is None:
            return
        entry.booking = booking
        self.booked[entry] = None
        is_vague = read is not None and read.may_have(entry)
        # A purchase that may fail counts as if it stood, a sale as if it might not.
        is_pending = booking.side is Side.SELL and entry.is_unsettled
        if is_vague or is_pending:
            self._blur(entry)
            if not is_vague:
                self.pending[entry] = None
        else:
            self.sides[booking.side].add(booking)

    def _blur(self, entry: Entry) -> None:
        """What is booked of an order may be in what was read, or not."""
        self.vague[entry] = None
        self._count_vague(entry, EXACT.add)

    def unbook(self, entry: Entry) -> None:
        """Count out what is counted in of an order."""
        booking = entry.booking
        if booking is None:
            return
        del self.booked[entry]
        if entry in self.vague:
            del self.vague[entry]
            self.pending.pop(entry, None)
            self._count_vague(entry, EXACT.subtract)
        else:
            self.sides[booking.side].remove(booking)
        entry.booking = None

    def _count_vague(
        self, entry: Entry, count: Callable[[Decimal, Decimal], Decimal]
    ) -> None:
        claims = entry.vague_claims()
        self.vague_size = count(self.vague_size, total(x.size for x in claims))
        self.vague_cost = count(self.vague_cost, total(x.cost for x in claims))

    def clear(self) -> None:
        """Begin anew from nothing held."""
        self.sides = {Side.BUY: Lots(), Side.SELL: Lots()}
        self.booked.clear()
        self.recent = {}
        self.vague.clear()
        self.pending.clear()
        self.vague_size = self.vague_cost = ZERO
