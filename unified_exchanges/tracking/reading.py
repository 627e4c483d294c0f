"""Reads of positions that show all that is known to have filled, where a venue tells that."""

from __future__ import annotations

from ..errors import UnifiedExchangesError
from ..flow import Flow
from ..models import Position
from ..venue import Venue
from ..venue.journaling import Journaling
from .tracker import OrderTracker

__all__ = ["catch_up", "read_positions"]


def catch_up(
    venue: Journaling, tracker: OrderTracker
) -> Flow[UnifiedExchangesError | None]:
    """Wait until reads show what is known to have happened; why they may not, else None."""
    # What a stream told may be later than all that was answered.
    until = max(venue.venue_now(), tracker.filled_until)
    return (yield from venue.until_fresh(until))


def read_positions(
    venue: Venue,
    tracker: OrderTracker,
    flow: Flow[list[Position]],
    market_id: str | None,
) -> Flow[list[Position]]:
    """Read all positions, or those of a market, and tell the tracker.

    If something filled so lately that a read may lack it, or was shown by one that waited,
    this one waits too.  Where that fails it is made all the same, and the tracker finds out
    what it can.
    """
    moment, began = tracker.moment(), venue.clock.monotonic()
    since = None
    is_ahead = tracker.is_ahead(market_id, began)
    if is_ahead and isinstance(venue, Journaling) and not venue.positions_lag:
        stale = yield from catch_up(venue, tracker)
        since = moment if stale is None else None
    held = yield from flow
    tracker.held(held, began=began, since=since, market_id=market_id)
    return held
