"""Selling back what a hedge has bought, once a leg of it has failed."""

from __future__ import annotations

import logging
from decimal import Decimal

import attrs

from ..errors import (
    DuplicateOrderId,
    OrderUnknown,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from ..flow import Flow, Sleep
from ..models import OrderRequest, Side, TimeInForce
from .desk import Desk, ended
from .hedges import sale_key
from .report import LegReport, is_doubtful

__all__ = ["sell_back"]

_log = logging.getLogger(__name__)

_LONGEST = 60.0
"""Seconds for which sales are tried that are refused for now."""
_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
"""Seconds between two rounds of sales, at first and at last: each doubles it."""


def sell_back(
    desk: Desk, legs: list[LegReport], slippage: Decimal, name: str
) -> Flow[None]:
    """Sell what has filled of a hedge; a sale that is refused for now is tried again.

    What refused a leg, a limit of speed, refuses the sale a moment later too.
    """
    sales = {
        index: _sale(leg, slippage, sale_key(name, index + 1))
        for index, leg in enumerate(legs)
        if leg.filled
    }
    yield from _sell_all(desk, legs, sales)
    # Last, so that one that is held back does not keep the others waiting.
    for index, leg in enumerate(legs):
        if leg.unwinding is not None:
            sold = yield from ended(desk, leg.unwinding)
            legs[index] = attrs.evolve(leg, unwinding=sold, unwound=sold.filled)


def _sell_all(
    desk: Desk, legs: list[LegReport], sales: dict[int, OrderRequest]
) -> Flow[None]:
    clock = desk.venue.clock
    end, pause = clock.monotonic() + _LONGEST, _PAUSE
    while sales:
        again: dict[int, OrderRequest] = {}
        asked = 0.0
        # Round after round: a leg that waits must not keep the others waiting.
        for index, sale in sales.items():
            legs[index] = yield from _sold(desk, sale, legs[index])
            error = legs[index].unwinding_error
            if error is None or not error.retryable or is_doubtful(error):
                continue
            # Under the same id: should it be there after all, no second one is made.
            again[index] = sale
            if isinstance(error, RateLimitExceeded):
                asked = max(asked, error.retry_after or 0.0)
        sales, wait = again, max(pause, asked)
        if not sales or clock.monotonic() + wait > end:
            return
        _log.warning("%d sales back of a hedge are tried again", len(sales))
        yield Sleep(wait)
        # No guard counts what only closes: so this must not press.
        pause = min(2 * pause, _LONGEST_PAUSE)


def _sale(leg: LegReport, slippage: Decimal, key: str) -> OrderRequest:
    """Sell what a leg bought at once, as far as the bound allows."""
    return OrderRequest(
        market_id=leg.market_id,
        outcome=leg.outcome,
        side=Side.SELL,
        price=None,
        size=leg.filled,
        type="market",
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
        max_slippage=slippage,
        client_order_id=key,
    )


def _sold(desk: Desk, sale: OrderRequest, leg: LegReport) -> Flow[LegReport]:
    try:
        sold = yield from desk.placing(sale)
    except UnifiedExchangesError as error:
        key = sale.client_order_id
        if isinstance(error, DuplicateOrderId) and key is not None:
            # An earlier sending, said not to have been placed, has arrived after all.
            return (yield from _found_sold(desk, key, leg))
        return attrs.evolve(leg, unwinding_error=error)
    return attrs.evolve(leg, unwinding=sold, unwound=sold.filled, unwinding_error=None)


def _found_sold(desk: Desk, key: str, leg: LegReport) -> Flow[LegReport]:
    try:
        sold = yield from desk.looking(client_order_id=key, market_id=leg.market_id)
    except UnifiedExchangesError as error:
        message = f"the sale back {key} is at the venue, and cannot be read: {error}"
        lost = OrderUnknown(message, venue=desk.venue.id, client_order_id=key)
        return attrs.evolve(leg, unwinding_error=lost)
    sold = sold.in_terms_of(leg.outcome)
    return attrs.evolve(leg, unwinding=sold, unwound=sold.filled, unwinding_error=None)
