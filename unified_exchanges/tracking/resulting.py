"""What is at risk in one market, as the guards count it, of what was read just now."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ..guards.worst import Claim
from ..models import Order, Position, Side
from ..money import EXACT, ZERO, total
from .booking import Booking
from .lots import Held

__all__ = ["exposure_of"]


def exposure_of(
    positions: Iterable[Position],
    orders: Iterable[Order],
    *,
    first_outcome: str | None,
    besides: Iterable[tuple[str, Claim]] = (),
) -> Decimal:
    """Dollars at risk at most in one market: `OrderTracker.exposure` of nothing unseen.

    ``orders`` are those that may fill; ``besides`` are claims that are no open orders, by
    the outcome in which they are told.  ``first_outcome`` is that in which all is told
    where outcomes share one book, None where each has its own.
    """
    held: dict[str, Held] = {}
    claims: dict[str, list[Claim]] = {}
    sizes: dict[str, tuple[Decimal, Decimal]] = {}
    for x in positions:
        outcome = first_outcome or x.outcome
        size, cost = sizes.get(outcome, (ZERO, ZERO))
        size, cost = EXACT.add(size, x.exposure(outcome)), EXACT.add(cost, x.cost)
        sizes[outcome] = size, cost
    for outcome, (size, cost) in sizes.items():
        held[outcome] = Held()
        if size:
            side = Side.BUY if size > ZERO else Side.SELL
            held[outcome].sides[side].add(Booking.even(side, abs(size), cost))
    for order in orders:
        told = order.in_terms_of(first_outcome or order.outcome)
        claim = Claim(told.side, told.price, told.remaining, bool(told.reduce_only))
        claims.setdefault(told.outcome, []).append(claim)
    for outcome, claim in besides:
        claims.setdefault(outcome, []).append(claim)
    return total(
        (held.get(outcome) or Held()).worst(claims.get(outcome, ()))
        for outcome in {*held, *claims}
    )
