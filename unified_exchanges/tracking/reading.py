"""Reads, such that a tracker learns what they show.

Those of positions show all that is known to have filled, where a venue tells that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ..clock import Clock
from ..errors import OrderNotFound, UnifiedExchangesError
from ..flow import Done, Flow, Outcome, Page, Pages, advance
from ..models import Fill, Order, Position, Settlement
from ..venue import Venue
from ..venue.journaling import Journaling
from .tracker import OrderTracker

__all__ = ["TrackedReads", "catch_up"]

T = TypeVar("T")


def catch_up(
    venue: Journaling, tracker: OrderTracker
) -> Flow[UnifiedExchangesError | None]:
    """Wait until reads show what is known to have happened; why they may not, else None."""
    # What a stream told may be later than all that was answered.
    until = max(venue.venue_now(), tracker.filled_until)
    return (yield from venue.until_fresh(until))


def _read_positions(
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


class TrackedReads:
    """Reads of one venue that tell a tracker."""

    def __init__(self, tracker: OrderTracker, clock: Clock) -> None:
        self.tracker = tracker
        self._clock = clock

    def reading_order(
        self,
        flow: Flow[Order],
        client_order_id: str | None,
        market_id: str | None = None,
    ) -> Flow[Order]:
        """A read of one order; not found by our id once it cannot arrive, it is absent."""
        began = self._clock.monotonic()
        try:
            order = yield from flow
        except OrderNotFound as error:
            key = client_order_id
            if key is not None and not error.maybe_executed:
                self.tracker.absent(key, market_id, looked_at=began)
            raise
        self.tracker.order(order, read_at=began)
        return order

    def listing_orders(self, pages: Pages[Order]) -> Pages[Order]:
        """A listing of orders.  What is not in it is not over for that."""
        return _seeing(pages, self._took_orders())

    def listing_fills(self, pages: Pages[Fill]) -> Pages[Fill]:
        """A listing of fills, newest first; they are counted oldest first of each page."""
        return _seeing(pages, self._take_fills)

    def reading_fills(self, flow: Flow[list[Fill]]) -> Flow[None]:
        """A read of fills, also of those that failed to settle."""
        for fill in (yield from flow):
            self.tracker.fill(fill)

    def listing_settlements(self, pages: Pages[Settlement]) -> Pages[Settlement]:
        """A listing of settlements."""
        return _seeing(pages, self._take_settlements)

    def reading_positions(
        self,
        flow: Flow[list[Position]],
        venue: Venue,
        *,
        market_id: str | None,
        is_whole: bool,
    ) -> Flow[list[Position]]:
        """A read of positions; ``is_whole``: of all of the market, or all there are."""
        if not is_whole:
            return (yield from flow)
        return (yield from _read_positions(venue, self.tracker, flow, market_id))

    def learn(self, told: Order | Fill | Settlement) -> None:
        """Something was told of the account, by neither a stream nor an answer."""
        if isinstance(told, Fill):
            self.tracker.fill(told)
        elif isinstance(told, Settlement):
            self.tracker.settled(told)
        else:
            self.tracker.order(told)

    def _took_orders(self) -> Callable[[list[Order]], None]:
        began = self._clock.monotonic()

        def take(orders: list[Order]) -> None:
            for order in orders:
                self.tracker.order(order, read_at=began)

        return take

    def _take_fills(self, fills: list[Fill]) -> None:
        for fill in reversed(fills):
            self.tracker.fill(fill)

    def _take_settlements(self, settlements: Iterable[Settlement]) -> None:
        for settlement in settlements:
            self.tracker.settled(settlement)


def _seeing(pages: Pages[T], see: Callable[[list[T]], None]) -> Pages[T]:
    """Hand on a listing, and show each page of it before it is handed on."""
    outcome: Outcome | BaseException = None
    try:
        while not isinstance(step := advance(pages, outcome), Done):
            if isinstance(step, Page):
                see(step.items)
            try:
                outcome = yield step
            except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
                outcome = error
    finally:
        pages.close()
