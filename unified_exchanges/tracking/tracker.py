"""`OrderTracker`: every order of one client, whatever tells of it and in which order.

What this client sends, what it is answered, what a stream tells and what is read over REST
end in one `Entry` for each order.  Nothing here does I/O; threads may share it.

An order of this client is known by its client order id from before it is sent, so that a
fill or a state that comes before the answer, or instead of it, finds it.  What is not of
this client is adopted and marked; what had ended before the tracker began is history, and
left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import inf
from typing import Final

from ..clock import Clock, ClockOffset
from ..errors import ArgumentsRequired
from ..models import (
    Exposure,
    Fill,
    FillState,
    Order,
    Position,
    PositionDifference,
    Settlement,
    Subject,
)
from ..money import EXACT, ZERO, text
from ..watching.known import KnownFills, KnownOrders
from ..watching.reconciler import News
from .commands import Commands
from .entry import Entry
from .holdings import Holdings, Reading
from .snapshot import Snapshot

__all__ = ["OrderTracker"]

_log = logging.getLogger(__name__)

_SKEW: Final = timedelta(seconds=30)
"""How far the venue's clock may be from ours; not known before the first answer."""
_APART: Final = 1.0
"""Seconds by which the clocks of one venue may differ, of fills and of answers."""


class OrderTracker(Commands):
    """What is known of the orders of one account, by one client.

    ``first_outcome`` is the outcome in which all is told where outcomes share one book;
    ``in_flight`` is for how many seconds an order may be on its way;
    ``moves_position`` says of a fill whether it surely moves the positions that are read;
    ``offset`` is what is known of the venue's clock, by default nothing;
    ``positions_late`` is by how many seconds reads of positions may be late;
    ``settles_late`` says that what matched may still fail.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        first_outcome: str | None,
        in_flight: float = 0,
        moves_position: Callable[[Fill], bool] = lambda _: True,
        offset: ClockOffset | None = None,
        positions_late: float | None = None,
        settles_late: bool = False,
    ) -> None:
        super().__init__(clock, first_outcome=first_outcome, in_flight=in_flight)
        if positions_late is not None:
            self._entries.exposures.lag = positions_late
        self._entries.exposures.settles_late = settles_late
        self._moves_position = moves_position
        self._offset = offset or ClockOffset(clock)
        # The venue's clock may be behind ours.
        self._began = datetime.fromtimestamp(clock.now(), UTC) - _SKEW
        self._orders = KnownOrders()
        self._fills = KnownFills()
        lag = self._entries.exposures.lag
        self._holdings = Holdings(first_outcome, lag=lag)
        self._positions_read_at: datetime | None = None
        self.filled_until = self._began
        """The venue's clock when the last happened of all that filled."""
        self.waits = 0
        """How many wait for an order."""

    # -- what is told ---------------------------------------------------------------

    def order(
        self,
        order: Order,
        *,
        at: float | None = None,
        read_at: float | None = None,
        is_ours: bool = False,
        is_wanted: bool = False,
    ) -> None:
        """Take a state of an order.

        ``is_wanted``: also one that had ended before the tracker began.
        ``read_at`` is when the read began that told it, on our monotonic clock; None
        means that it came by itself, in order.  ``at`` is when it came, by default now.
        """
        told = order if self._first is None else order.in_terms_of(self._first)
        now = self._clock.monotonic() if at is None else at
        with self.lock:
            entry = self._entries.of(
                told.order_id, told.client_order_id, told.market_id
            )
            if entry is None and self._is_history(told) and not (is_ours or is_wanted):
                return
            news = self._orders.take(told, at=now, read_at=read_at)
            if entry is None:
                if news is None and is_wanted:
                    news = self._orders.find(told.order_id)
                if news is None:
                    # It was done, and is forgotten.
                    return
                entry = self._adopt(told, is_ours=is_ours)
            self._entries.name(entry, told.order_id, told.client_order_id)
            entry.is_ours |= is_ours
            if news is not None:
                entry.take(news)
                if news.filled and news.updated_at is not None:
                    entry.order_at = self._moments(news.updated_at)[1]
                else:
                    entry.order_at = inf
                self.memory.order(news, placed=entry.placed)
            if told.is_open and read_at is not None and not told.is_inferred:
                entry.shown_open(read_at)
            self._entries.settle(entry)

    def fill(self, fill: Fill) -> None:
        """Take a fill; one that was counted before changes nothing."""
        told = fill if self._first is None else fill.in_terms_of(self._first)
        with self.lock:
            self._holdings.heard(told, self._venue_now())
            key = told.client_order_id
            entry = self._entries.of(told.order_id, key, told.market_id)
            is_failure = told.state is FillState.FAILED
            changed = self._orders.fail(told) if is_failure else None
            if entry is None and told.created_at < self._began:
                return
            ends, size = self._fills.ends(told), abs(told.size)
            is_news = self._fills.take(told)
            if entry is None:
                # What failed before anything else was told of it failed all the same.
                if not is_news and not (ends and is_failure):
                    return
                entry = self._meet(told)
            self._entries.name(entry, told.order_id, key)
            if changed is not None:
                entry.order = changed
            if ends:
                self._note_end(entry, told, size)
            if not is_news:
                if ends or changed is not None:
                    self._entries.settle(entry)
                return
            if is_failure:
                told = told.taken_back()
            self.memory.fill(told, placed=entry.placed)
            entry.fills = EXACT.add(entry.fills, told.size)
            value = EXACT.multiply(told.price, told.size)
            entry.fills_value = EXACT.add(entry.fills_value, value)
            if self._moves_position(told):
                self._holdings.fill(told)
                self._date(entry, told)
            else:
                self._holdings.give_up(told.market_id, told.outcome)
                entry.fills_at = inf
            self._entries.settle(entry)

    def fill_ended(self, fill: Fill) -> None:
        """Some read shows that a fill stands for good, or has failed.

        What is known of no order is left to the reads that are made for it.
        """
        with self.lock:
            if self._entries.by_id(fill.order_id) is not None:
                self.fill(fill)

    def _meet(self, fill: Fill) -> Entry:
        """An entry for an order of which nothing was told but a fill."""
        entry = self._entries.new(fill.market_id, fill.outcome, fill.side)
        entry.order = self._orders.find(fill.order_id)
        _log.info(
            "a fill of order %s on %s, which was not placed here",
            fill.order_id,
            fill.market_id,
        )
        return entry

    def _note_end(self, entry: Entry, fill: Fill, size: Decimal) -> None:
        """A fill stands for good, or has failed, which its order does not show."""
        if fill.state is FillState.FINAL:
            entry.settled = EXACT.add(entry.settled, size)
            return
        entry.failed_seen = EXACT.add(entry.failed_seen, size)
        entry.failed_fills += (fill.fill_id,)
        _log.warning(
            "%s of order %s to %s %s of %s failed to settle, and never filled: the order "
            "does not open again. Look at your positions",
            text(size),
            fill.order_id,
            fill.side,
            fill.outcome,
            fill.market_id,
        )

    def _date(self, entry: Entry, fill: Fill) -> None:
        """Take down when an order filled, to tell which reads of positions have that."""
        soonest, latest = self._moments(fill.created_at)
        entry.fills_at = max(entry.fills_at, latest)
        if soonest > self._entries.exposures.read_ended(fill.market_id):
            entry.beside_base = EXACT.add(entry.beside_base, fill.size)

    def _moments(self, shown: datetime) -> tuple[float, float]:
        """When that was by our monotonic clock, at the soonest and at the latest."""
        self.filled_until = max(self.filled_until, shown)
        soonest, latest = self._offset.moments(shown.timestamp())
        return soonest - _APART, latest + _APART

    def settled(self, settlement: Settlement) -> None:
        """Take a settlement: what was held of the market was paid out."""
        with self.lock:
            self._holdings.settled(settlement)
            self._entries.exposures.paid_out(settlement.market_id)

    def hear_order(self, order: Order) -> None:
        """The stream told of an order."""
        self.order(order)

    def hear_fill(self, fill: Fill) -> None:
        """The stream told of a fill."""
        self.fill(fill)

    def reconciled(self, news: News) -> float | None:
        """Take a read of the account; in how many seconds another one tells more.

        Only a read that was made while fills are followed is held against them.
        """
        state = news.state
        with self.lock:
            for order in state.orders:
                self.order(order, read_at=news.read_at)
            for fill in sorted(state.fills, key=lambda fill: fill.created_at):
                self.fill(fill)
            for settlement in state.settlements:
                self.settled(settlement)
            if news.has_positions:
                self.held(state.positions, began=news.read_at)
            if not news.has_positions or Subject.FILLS not in news.subjects:
                return None
            told: dict[tuple[str, str], Decimal] = {}
            for held in state.positions:
                first = self._first or held.outcome
                key = held.market_id, first
                told[key] = EXACT.add(told.get(key, ZERO), held.exposure(first))
            now = datetime.fromtimestamp(self._clock.now(), UTC)
            return self._holdings.compare(Reading(told, news.began, news.ended, now))

    def moment(self) -> int:
        """The number of now, among all that becomes known."""
        with self.lock:
            return self._entries.exposures.moment()

    def is_ahead(self, market_id: str | None, began: float) -> bool:
        """Whether more is known than a read of positions that begins then must show."""
        with self.lock:
            return self._entries.exposures.is_ahead(market_id, began)

    def unsettled(self, market_ids: Collection[str] | None) -> dict[str, datetime]:
        """Markets where a sale may yet fail to settle, and when the first was made."""
        found: dict[str, datetime] = {}
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        with self.lock:
            for entry in self._entries.exposures.unsettled():
                name, order = entry.market_id, entry.order
                made = None if order is None else order.created_at
                if market_ids is None or name in market_ids:
                    since = self._began if made is None else made
                    found[name] = min(since, found.get(name, now))
        return found

    @property
    def vague_markets(self) -> set[str]:
        """Markets of which the last read may have what filled of late, or not."""
        with self.lock:
            return self._entries.exposures.vague_markets

    def held(
        self,
        positions: Iterable[Position],
        *,
        began: float,
        since: int | None = None,
        market_id: str | None = None,
    ) -> None:
        """Take a read of all positions of a market, or of all there are.

        ``began`` is when it began, by the monotonic clock: it has what had filled well
        before.  With ``since``, a `moment`, it has all that was known then, since it was
        waited for until it showed that.
        """
        told = []
        for x in positions:
            first = self._first or x.outcome
            if x.size:
                told.append((x.market_id, first, x.exposure(first), x.cost))
        with self.lock:
            exposures = self._entries.exposures
            read = Snapshot(
                number=exposures.moment(),
                began=began,
                ended=self._clock.monotonic(),
                since=since,
                lag=exposures.lag,
            )
            exposures.read(told, read, market_id=market_id)
            self._positions_read_at = datetime.fromtimestamp(self._clock.now(), UTC)

    def fills_lost(self) -> None:
        """Fills are not followed any more."""
        with self.lock:
            self._holdings.pause()

    # -- what is known --------------------------------------------------------------

    def exposure(self, market_id: str | None = None) -> Exposure:
        """What guards judge by, of one market or of all."""
        with self.lock:
            found = self._entries.exposures.of(market_id)
            return Exposure(
                orders=found.orders,
                positions=found.position,
                read_at=self._positions_read_at,
            )

    def position(self, market_id: str, outcome: str | None = None) -> Decimal | None:
        """Signed contracts that the fills make; None where nothing was read to begin from.

        Where outcomes net they are told of the first one unless ``outcome`` is another.
        """
        wanted = self._first or outcome
        if wanted is None:
            message = (
                f"the position in {market_id}: name its outcome=, since each outcome is "
                "a position of its own on this venue"
            )
            raise ArgumentsRequired(message)
        with self.lock:
            derived = self._holdings.derived(market_id, wanted)
        if derived is None or outcome in (None, wanted):
            return derived
        return EXACT.minus(derived)

    @property
    def compared_at(self) -> datetime | None:
        """When positions were last held against the fills, by our clock."""
        with self.lock:
            return self._holdings.compared_at

    @property
    def differences(self) -> tuple[PositionDifference, ...]:
        """Positions that are not what the fills make of them."""
        with self.lock:
            return self._holdings.differences

    def _venue_now(self) -> datetime:
        now = self._clock.now() + self._offset.seconds
        return datetime.fromtimestamp(now, UTC)

    # -- what a read should ask for -------------------------------------------------

    @property
    def open_orders(self) -> list[Order]:
        """The orders that were open when last shown: a read should show what they are."""
        with self.lock:
            return self._orders.open

    @property
    def unexplained(self) -> frozenset[str]:
        """Markets whose position is not what the fills make of it."""
        with self.lock:
            return self._holdings.unexplained

    # -- waiting --------------------------------------------------------------------

    @contextmanager
    def waking(self, entry: Entry, wake: Callable[[], None]) -> Generator[None]:
        """Call ``wake``, under the lock, at each change of an order."""
        with self.lock:
            entry.wakes.append(wake)
            self.waits += 1
        try:
            yield
        finally:
            with self.lock:
                entry.wakes.remove(wake)
                self.waits -= 1
                self._entries.forget_old()

    # -- entries --------------------------------------------------------------------

    def _is_history(self, order: Order) -> bool:
        changed = order.updated_at or order.created_at
        return not order.is_open and changed is not None and changed < self._began

    def _forgotten(self, entry: Entry) -> None:
        if entry.order_id is not None:
            self._orders.forget_open(entry.order_id)

    def _adopt(self, order: Order, *, is_ours: bool) -> Entry:
        if not is_ours:
            _log.info(
                "order %s on %s was not placed here", order.order_id, order.market_id
            )
        return self._entries.new(order.market_id, order.outcome, order.side)
