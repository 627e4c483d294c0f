"""The base of a position: the size that was read, and which fills that has in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

from ..models import Side
from ..money import EXACT, ZERO, total
from .booking import Booking
from .entry import Entry
from .lots import Held
from .snapshot import Snapshot

__all__ = ["begin_anew"]


def begin_anew(
    held: Held,
    told: tuple[Decimal, Decimal],
    read: Snapshot,
    live: Collection[Entry] | None,
) -> None:
    """Begin anew from signed contracts that were read, and their cost.

    ``live`` are the orders in its market that may fill, None if the position was not known
    before.
    """
    size, cost = told
    pending = [x for x in held.booked if x.is_unsettled and x.told_side is Side.SELL]
    known, whole = [x for x in held.recent if x not in pending], held.net
    back = _brought_back(held, pending, size, live)
    is_exact = live is not None and not held.vague
    held.clear()
    if size:
        side = Side.BUY if size > ZERO else Side.SELL
        held.sides[side].add(Booking.even(side, abs(size), cost))
    if back is not None:
        held.sides[Side.BUY].add(back)
    for entry in pending:
        # Beside what was read by then, whether or not that had it.
        entry.booking, entry.is_beside = None, True
        held.recent[entry] = None
        held.book(entry, None)
    unsure = []
    for entry in known:
        entry.booking, entry.is_beside = None, False
        before, at = entry.earlier
        if read.is_outlived(entry.filled_at):
            entry.lasting = entry.filled
        else:
            held.recent[entry] = None
            if read.is_outlived(at):
                entry.lasting = max(entry.lasting, before)
        entry.take_in(entry.filled if read.has(entry) else entry.lasting)
        if entry.in_base < entry.filled:
            unsure.append(entry)
    if live is not None and is_exact:
        _prove(unsure, size, whole, live)
    for entry in unsure:
        held.book(entry, read)


def _brought_back(
    held: Held,
    pending: Collection[Entry],
    size: Decimal,
    live: Collection[Entry] | None,
) -> Booking | None:
    """What comes back at most of sales that a read may have in it, if they fail to settle.

    As much as is missing from what is held without them; all of it, where the position was
    not known before.
    """
    late = total(x.booking.size for x in pending if x.booking is not None)
    if live is not None:
        # Of those that a read has made vague, the net has none either.
        late = min(late, max(ZERO, EXACT.subtract(held.net, size)))
    if not late:
        return None
    cost = held.sides[Side.BUY].dearest(late)
    had = held.sides[Side.BUY].size
    if had < late:
        # What it cost is not known: no more than it may pay.
        cost = EXACT.add(cost, EXACT.subtract(late, had))
    return Booking.even(Side.BUY, late, cost)


def _prove(
    unsure: Sequence[Entry], size: Decimal, whole: Decimal, live: Collection[Entry]
) -> None:
    """Find out by the ``size`` that was read whether what filled of late is in it.

    With all that had filled the position is ``whole``.  What filled on both sides, or may
    have filled unseen, would leave more than one explanation.
    """
    movers = {*unsure, *live}
    sides = {x.told_side for x in unsure}
    is_alone = len(movers) == 1 or not live
    if len(sides) != 1 or not is_alone or any(x.remaining is None for x in unsure):
        return
    late = total(EXACT.subtract(x.filled, x.in_base) for x in unsure)
    signed = late if sides == {Side.BUY} else EXACT.minus(late)
    if size == whole:
        for entry in unsure:
            entry.take_in(entry.filled)
    elif size == EXACT.subtract(whole, signed):
        for entry in unsure:
            entry.beside_base = EXACT.subtract(entry.filled, entry.in_base)
