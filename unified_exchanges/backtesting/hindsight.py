"""A market that was read later, as it could be known before."""

from __future__ import annotations

import attrs

from ..models import MarketStatus
from ..paper import Contract, nanoseconds

__all__ = ["as_known"]

_DONE = (MarketStatus.CLOSED, MarketStatus.SETTLED)


def _is_hindsight(contract: Contract, moment: int) -> bool:
    """Whether a market was read after a moment, or nobody knows when."""
    return contract.read_at is None or nanoseconds(contract.read_at) > moment


def as_known(contract: Contract, moment: int) -> Contract:
    """A contract without what its market told only after a moment.

    That is everything that trading and the outcome change: result, settlement, quotes,
    volumes and the venue's own payload.  What had ended, or paused, is taken as open: the
    events tell the rest.

    Where hours are kept, the close of a market that has ended is when it did close, maybe
    early and because of what came true: it is None, until an event tells it.
    """
    if not _is_hindsight(contract, moment):
        return contract
    market = contract.market
    has_ended = market.status in _DONE
    was_paused = market.status is MarketStatus.PAUSED and contract.read_at is not None
    known = attrs.evolve(
        market,
        status=MarketStatus.OPEN if has_ended or was_paused else market.status,
        venue_status="",
        closes_at=None if has_ended and contract.keeps_hours else market.closes_at,
        bid=None,
        bid_size=None,
        ask=None,
        ask_size=None,
        last_price=None,
        previous_price=None,
        volume=None,
        volume_24h=None,
        open_interest=None,
        settled_at=None,
        result=None,
        settlement_price=None,
        raw_json=b"{}",
    )
    return attrs.evolve(contract, market=known)
