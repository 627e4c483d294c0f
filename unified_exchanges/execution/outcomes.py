"""What became of the legs of a hedge: looked up until it is known, and what it cost."""

from __future__ import annotations

import logging
from decimal import ROUND_CEILING, Context, Decimal
from itertools import chain, repeat
from typing import Final

import attrs

from ..errors import JournalError, OrderNotFound, UnifiedExchangesError
from ..flow import AskIntent, Flow, Sleep, collect
from ..models import Fill, Intent, Order
from ..money import EXACT, ZERO, total, total_if_known
from ..venue import Venue
from .desk import Desk
from .report import LegReport, LegState
from .settling import Settlement, settlement_of

__all__ = ["SHOWN", "found_out", "looked_up", "may_have_left", "priced", "state_of"]

_log = logging.getLogger(__name__)

_CEILING: Final = Context(prec=60, rounding=ROUND_CEILING)
_PATIENCE: Final = (0.0, 0.2, 0.4, 0.8, 1.6)
"""Seconds before each look for what should be there: reads may lag."""
_LONGEST: Final = 60.0
"""Seconds for which an order is looked for: somewhat more than it may be on its way."""
SHOWN: Final = 10.0
"""Seconds for which the fills of all legs together are waited for."""


def found_out(desk: Desk, leg: LegReport) -> Flow[LegReport]:
    """A leg of which nobody knew, once somebody does; the same after a minute."""
    if leg.state is not LegState.UNKNOWN:
        return leg
    clock = desk.venue.clock
    end = clock.monotonic() + _LONGEST
    for wait in chain(_PATIENCE, repeat(_PATIENCE[-1])):
        if clock.monotonic() + wait > end:
            break
        if wait:
            yield Sleep(wait)
        try:
            found = yield from looked_up(desk, leg)
        except UnifiedExchangesError as error:
            _log.debug("looking for a leg of a hedge goes on: %s", error)
            continue
        if found.state is not LegState.UNKNOWN:
            return found
    return leg


def may_have_left(desk: Desk, key: str | None) -> Flow[bool]:
    """Whether an order was about to leave: the journal tells of all that were.

    A refusal is in doubt too where nobody could ask whether its id was used before.
    """
    if key is None:
        return True
    try:
        return (yield AskIntent(desk.venue.account, key)) is not None
    except JournalError:
        return True


def looked_up(desk: Desk, leg: LegReport) -> Flow[LegReport]:
    """A leg as one look finds its order."""
    venue, key, market_id = desk.venue, leg.client_order_id, leg.market_id
    if leg.order is not None:
        order = yield from desk.looking(leg.order.order_id, market_id=market_id)
    elif key is not None:
        # It proves of an order that can no longer arrive that there is none.
        yield from venue.glance()
        intent = yield AskIntent(venue.account, key)
        if isinstance(intent, Intent) and not intent.may_be_an_order:
            message = f"order {key} is proven not to be there: {intent.detail}"
            absent = OrderNotFound(message, venue=venue.id, client_order_id=key)
            return attrs.evolve(leg, state=LegState.REFUSED, error=absent)
        order = yield from desk.looking(client_order_id=key, market_id=market_id)
    else:
        return leg
    order = order.in_terms_of(leg.outcome)
    return attrs.evolve(
        leg, state=state_of(order), order=order, filled=order.filled, error=None
    )


def state_of(order: Order) -> LegState:
    """What an order has become of a leg."""
    if order.is_open:
        # An immediate order that rests is none: nobody knows what it will become.
        return LegState.UNKNOWN
    if order.filled == order.size:
        return LegState.FILLED
    return LegState.PARTIAL if order.filled else LegState.UNFILLED


def priced(venue: Venue, leg: LegReport, end: float) -> Flow[LegReport]:
    """A leg with what its fills cost, exactly where the venue shows them all by ``end``.

    What failed on chain after it matched is taken off: it never filled.
    """
    leg = yield from _standing(venue, leg)
    bought = yield from _fills(venue, leg.order, leg.filled, end)
    sold = yield from _fills(venue, leg.unwinding, leg.unwound, end)
    fees = total_if_known(fill.fee for fill in (*(bought or ()), *(sold or ())))
    if bought is None or sold is None or fees is None:
        cost = EXACT.multiply(leg.filled, leg.limit)
        share = EXACT.multiply(leg.most, leg.filled)
        most = _CEILING.divide(share, leg.size)
        fees = EXACT.subtract(most, cost)
        return attrs.evolve(leg, cost=cost, fees=fees, is_exact=False)
    mine = [fill.in_terms_of(leg.outcome) for fill in (*bought, *sold)]
    return attrs.evolve(
        leg,
        cost=EXACT.minus(total(fill.proceeds for fill in mine)),
        fees=fees,
    )


def _standing(venue: Venue, leg: LegReport) -> Flow[LegReport]:
    """A leg by its fills as they stand, where what matched may still fail."""
    bought = yield from _settled(venue, leg.order, leg.filled)
    sold = yield from _settled(venue, leg.unwinding, leg.unwound)
    filled = EXACT.subtract(leg.filled, bought.failed)
    state = leg.state
    if bought.failed and state is not LegState.UNKNOWN:
        state = LegState.PARTIAL if filled else LegState.UNFILLED
    return attrs.evolve(
        leg,
        state=state,
        filled=filled,
        unwound=EXACT.subtract(leg.unwound, sold.failed),
        reverted=EXACT.add(bought.failed, sold.failed),
        pending=EXACT.add(bought.pending, sold.pending),
    )


def _settled(venue: Venue, order: Order | None, filled: Decimal) -> Flow[Settlement]:
    """How much of what an order filled stands; what is not shown may fail too."""
    if order is None or not filled or not venue.settles_late:
        return Settlement(final=filled)
    try:
        shown = yield from settlement_of(
            venue, order.market_id, order.order_id, since=order.created_at
        )
    except UnifiedExchangesError as error:
        _log.info("whether order %s settled was not read: %s", order.order_id, error)
        return Settlement(pending=filled)
    sure = EXACT.add(shown.final, shown.failed)
    return attrs.evolve(shown, pending=max(ZERO, EXACT.subtract(filled, sure)))


def _fills(
    venue: Venue, order: Order | None, filled: Decimal, end: float
) -> Flow[list[Fill] | None]:
    """All fills of an order, or None if the venue does not show them in time."""
    if order is None or not filled:
        return []
    for wait in _PATIENCE:
        if venue.clock.monotonic() + wait > end:
            break
        if wait:
            yield Sleep(wait)
        try:
            listing = venue.fetch_fills(order_id=order.order_id)
            found = yield from collect(listing)
        except UnifiedExchangesError:
            continue
        if total(fill.size for fill in found) == filled:
            return found
    return None
