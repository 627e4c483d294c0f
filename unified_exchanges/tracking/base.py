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
    known, whole = [*held.recent], held.net
    is_exact = live is not None and not held.vague
    held.clear()
    if size:
        side = Side.BUY if size > ZERO else Side.SELL
        held.sides[side].add(Booking.even(side, abs(size), cost))
    unsure = []
    for entry in known:
        entry.booking = None
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
