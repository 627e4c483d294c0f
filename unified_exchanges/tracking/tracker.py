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
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from threading import RLock
from typing import Final

from ..clock import Clock
from ..models import (
    Fill,
    Intended,
    Order,
    PositionDifference,
    Settlement,
    Side,
    Subject,
    TrackedOrder,
)
from ..money import EXACT, ZERO, complement, total
from ..watching.known import KnownFills, KnownOrders
from ..watching.reconciler import News
from .entry import Change, Entry
from .holdings import Holdings, Reading

__all__ = ["OrderTracker"]

_log = logging.getLogger(__name__)

_MOST_DONE: Final = 10_000
_MOST_LIVE: Final = 200_000
"""How many orders are kept, that are done and that are not.

No venue lets one account keep so many open (Kalshi: 200,000), so those beyond ended
unseen.
"""


_LONG: Final = 3600
"""Seconds for which an order that did not show is looked for in the lists of new ones."""


class OrderTracker:
    """What is known of the orders of one account, by one client.

    ``first_outcome`` is the outcome in which all is told where outcomes share one book;
    ``moves_position`` says of a fill whether it surely moves the positions that are read.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        first_outcome: str | None,
        moves_position: Callable[[Fill], bool] = lambda _: True,
    ) -> None:
        self.lock = RLock()
        self._clock = clock
        self._first = first_outcome
        self._moves_position = moves_position
        self._began = datetime.fromtimestamp(clock.now(), UTC)
        self._orders = KnownOrders()
        self._fills = KnownFills()
        self._live: OrderedDict[Entry, None] = OrderedDict()
        self._done: OrderedDict[Entry, None] = OrderedDict()
        """What may still fill and what may not, each oldest first."""
        self._by_id: dict[str, Entry] = {}
        self._by_key: dict[str, Entry] = {}
        self._at_risk: dict[str, Decimal] = {}
        self._holdings = Holdings(first_outcome)
        self.waits = 0
        """How many wait for an order."""

    # -- what this client does ------------------------------------------------------

    def intend(self, intent: Intended) -> None:
        """Take down an order that is about to be sent: from now on it is exposure."""
        side, price = self._told_first(intent.outcome, intent.side, intent.price)
        with self.lock:
            entry = self._by_key.get(intent.client_order_id)
            if entry is None:
                entry = self._new(intent.market_id, self._first or intent.outcome, side)
                self._name(entry, None, intent.client_order_id)
            if entry.order is None:
                entry.side, entry.price, entry.size = side, price, intent.size
            entry.is_ours = True
            entry.is_refused = entry.is_absent = False
            entry.sending += 1
            entry.sent_at = self._clock.now()
            self._settle(entry)

    def accepted(self, client_order_id: str) -> None:
        """The call that sent it came back; the order itself is told besides."""
        self._answered(client_order_id)

    def refused(self, client_order_id: str) -> None:
        """It was refused for good, and is not at the venue."""
        self._answered(client_order_id, is_refused=True)

    def doubted(self, client_order_id: str) -> None:
        """Its answer was lost: it may be at the venue."""
        self._answered(client_order_id, is_doubted=True)

    def absent(self, client_order_id: str, market_id: str | None = None) -> None:
        """It was looked for with patience since its answer was lost, and is not there.

        ``market_id`` is where, None for everywhere.
        """
        with self.lock:
            entry = self._by_key.get(client_order_id)
            if entry is None or market_id not in (None, entry.market_id):
                return
            if entry.is_doubted and not entry.sending:
                entry.is_doubted, entry.is_absent = False, True
                self._settle(entry)

    def _answered(
        self, key: str, *, is_refused: bool = False, is_doubted: bool = False
    ) -> None:
        with self.lock:
            entry = self._by_key.get(key)
            if entry is None:
                return
            entry.sending = max(0, entry.sending - 1)
            entry.is_refused = is_refused
            entry.is_doubted = is_doubted
            self._settle(entry)

    def cancelling(self, order_id: str) -> None:
        """A cancel of it is on its way."""
        with self.lock:
            entry = self._known(order_id)
            if entry is not None:
                entry.cancels += 1
                self._settle(entry)

    def cancel_ended(self, order_id: str, *, is_lost: bool) -> None:
        """A cancel came back; ``is_lost``: whether it took effect is not known."""
        with self.lock:
            entry = self._known(order_id)
            if entry is not None:
                entry.cancels = max(0, entry.cancels - 1)
                if is_lost:
                    entry.cancel_lost_at = self._clock.monotonic()
                self._settle(entry)

    def changing(
        self,
        order_id: str,
        *,
        outcome: str | None,
        price: Decimal | None,
        size: Decimal | None,
    ) -> None:
        """A change of it is on its way: the dearer of both terms is at risk."""
        with self.lock:
            entry = self._known(order_id)
            if entry is None:
                return
            if price is not None and outcome not in (None, entry.outcome):
                price = complement(price)
            entry.change = Change(price, size)
            entry.change_lost_at = None
            self._settle(entry)

    def change_ended(self, order_id: str, *, is_lost: bool) -> None:
        """A change came back; ``is_lost``: whether it took effect is not known."""
        with self.lock:
            entry = self._known(order_id)
            if entry is None:
                return
            if is_lost:
                entry.change_lost_at = self._clock.monotonic()
            else:
                entry.change = entry.change_lost_at = None
            self._settle(entry)

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
            entry = self._of(told.order_id, told.client_order_id, told.market_id)
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
            self._name(entry, told.order_id, told.client_order_id)
            entry.is_ours |= is_ours
            if news is not None:
                entry.order = news
            if told.is_open and read_at is not None:
                shown = entry.shown_open_at
                entry.shown_open_at = read_at if shown is None else max(shown, read_at)
            self._settle(entry)

    def fill(self, fill: Fill) -> None:
        """Take a fill; one that was counted before changes nothing."""
        told = fill if self._first is None else fill.in_terms_of(self._first)
        with self.lock:
            key = told.client_order_id
            entry = self._of(told.order_id, key, told.market_id)
            if entry is None and told.created_at < self._began:
                return
            if not self._fills.take(told):
                return
            if entry is None:
                entry = self._new(told.market_id, told.outcome, told.side)
                entry.order = self._orders.find(told.order_id)
                _log.info(
                    "a fill of order %s on %s, which was not placed here",
                    told.order_id,
                    told.market_id,
                )
            self._name(entry, told.order_id, key)
            entry.fills = EXACT.add(entry.fills, told.size)
            if self._moves_position(told):
                self._holdings.fill(told)
            else:
                self._holdings.give_up(told.market_id)
            self._settle(entry)

    def settled(self, settlement: Settlement) -> None:
        """Take a settlement: what was held of the market was paid out."""
        with self.lock:
            self._holdings.settled(settlement)

    def hear_order(self, order: Order) -> None:
        """The stream told of an order."""
        self.order(order)

    def hear_fill(self, fill: Fill) -> None:
        """The stream told of a fill."""
        self.fill(fill)

    def reconciled(self, news: News) -> bool:
        """Take a read of the account; whether it gives cause for another.

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
            if not news.has_positions or Subject.FILLS not in news.subjects:
                return False
            told: dict[str, Decimal] = {}
            for held in state.positions:
                signed = held.exposure(self._first or held.outcome)
                before = told.get(held.market_id, ZERO)
                told[held.market_id] = EXACT.add(before, signed)
            now = datetime.fromtimestamp(self._clock.now(), UTC)
            return self._holdings.compare(Reading(told, news.began, news.ended, now))

    def fills_lost(self) -> None:
        """Fills are not followed any more."""
        with self.lock:
            self._holdings.pause()

    # -- what is known --------------------------------------------------------------

    def find(
        self, *, order_id: str | None = None, client_order_id: str | None = None
    ) -> Entry | None:
        """An order by either id."""
        with self.lock:
            found = None if order_id is None else self._by_id.get(order_id)
            if found is None and client_order_id is not None:
                found = self._by_key.get(client_order_id)
            return found

    def look(
        self, *, order_id: str | None = None, client_order_id: str | None = None
    ) -> TrackedOrder | None:
        """What is known of an order, by either id."""
        with self.lock:
            found = self.find(order_id=order_id, client_order_id=client_order_id)
            return None if found is None else found.view()

    def __len__(self) -> int:
        return len(self._live) + len(self._done)

    def views(self) -> list[TrackedOrder]:
        """All that is known: what is done, then what may still fill, each oldest first."""
        with self.lock:
            return [entry.view() for entry in (*self._done, *self._live)]

    def undone(self) -> list[TrackedOrder]:
        """All that may still fill, and what is not known to have ended."""
        with self.lock:
            return [entry.view() for entry in self._live]

    def at_risk(self, market_id: str | None = None) -> Decimal:
        """Dollars at risk in what may still fill, of one market or of all."""
        with self.lock:
            if market_id is not None:
                return self._at_risk.get(market_id, ZERO)
            return total(self._at_risk.values())

    def risks(self) -> dict[str, Decimal]:
        """Dollars at risk by market."""
        with self.lock:
            return {name: x for name, x in self._at_risk.items() if x}

    def position(self, market_id: str) -> Decimal | None:
        """Signed contracts that the fills make; None where nothing was read to begin from."""
        with self.lock:
            return self._holdings.derived(market_id)

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

    # -- what a read should ask for -------------------------------------------------

    @property
    def open_orders(self) -> list[Order]:
        """The orders that were open when last shown: a read should show what they are."""
        with self.lock:
            return self._orders.open

    @property
    def strangers(self) -> frozenset[str]:
        """Ids of orders of which only fills were seen."""
        with self.lock:
            both = (*self._done, *self._live)
            unseen = (x.order_id for x in both if x.order is None and x.fills)
            return frozenset(name for name in unseen if name is not None)

    @property
    def missing_since(self) -> float | None:
        """When the first unresolved order was sent, by our wall clock, if not long ago."""
        with self.lock:
            now = self._clock.now()
            sent = (x.sent_at for x in self._live if x.order is None and x.is_doubted)
            return min((at for at in sent if at > now - _LONG), default=None)

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
                self._forget_old()

    # -- entries --------------------------------------------------------------------

    def _told_first(
        self, outcome: str, side: Side, price: Decimal
    ) -> tuple[Side, Decimal]:
        if self._first in (None, outcome):
            return side, price
        return side.opposite, complement(price)

    def _known(self, order_id: object) -> Entry | None:
        # What a caller gave may be anything: the venue refuses it.
        return self._by_id.get(order_id) if isinstance(order_id, str) else None

    def _is_history(self, order: Order) -> bool:
        changed = order.updated_at or order.created_at
        return not order.is_open and changed is not None and changed < self._began

    def _of(self, order_id: str, key: str | None, market_id: str) -> Entry | None:
        """The entry of an order; two that turn out to be one become one."""
        found = self._by_id.get(order_id)
        other = None if key is None else self._of_key(key, order_id, market_id)
        if found is None or other is None or found is other:
            return found or other
        # Its fills came before anybody could tell that it is the one that was sent.
        self._merge(found, other)
        return other

    def _of_key(self, key: str, order_id: str, market_id: str) -> Entry | None:
        """The entry of a client order id, unless another order has that."""
        found = self._by_key.get(key)
        if found is None or found.order_id not in (None, order_id):
            return None
        return found if found.market_id == market_id else None

    def _merge(self, gone: Entry, kept: Entry) -> None:
        kept.fills = EXACT.add(kept.fills, gone.fills)
        kept.order = kept.order or gone.order
        kept.wakes += gone.wakes
        # Who waits for the one waits for the other from here.
        gone.wakes, gone.heir = kept.wakes, kept
        self._drop(gone)

    def _adopt(self, order: Order, *, is_ours: bool) -> Entry:
        if not is_ours:
            _log.info(
                "order %s on %s was not placed here", order.order_id, order.market_id
            )
        return self._new(order.market_id, order.outcome, order.side)

    def _new(self, market_id: str, outcome: str, side: Side) -> Entry:
        entry = Entry(market_id=market_id, outcome=outcome, side=side)
        self._live[entry] = None
        if len(self._live) > _MOST_LIVE:
            oldest = next(x for x in self._live if not x.wakes)
            _log.warning("too many open orders to keep count of: %s", oldest.view())
            self._drop(oldest)
        return entry

    def _name(self, entry: Entry, order_id: str | None, key: str | None) -> None:
        if order_id is not None:
            entry.order_id = order_id
            self._by_id[order_id] = entry
        if key is not None:
            entry.client_order_id = key
            self._by_key.setdefault(key, entry)

    def _settle(self, entry: Entry) -> None:
        """Something about an order changed: bring the sums up to date, wake who waits."""
        self._count(entry, entry.at_risk)
        # What only fills tell of is not known to be open either.
        is_done = entry.is_over or (entry.order is None and entry.size is None)
        if is_done and entry in self._live:
            del self._live[entry]
            self._done[entry] = None
            self._forget_old()
        elif not is_done and entry in self._done:
            del self._done[entry]
            self._live[entry] = None
        for wake in tuple(entry.wakes):
            wake()

    def _count(self, entry: Entry, at_risk: Decimal) -> None:
        if at_risk == entry.counted:
            return
        before = self._at_risk.get(entry.market_id, ZERO)
        now = EXACT.add(EXACT.subtract(before, entry.counted), at_risk)
        entry.counted = at_risk
        if now:
            self._at_risk[entry.market_id] = now
        else:
            self._at_risk.pop(entry.market_id, None)

    def _forget_old(self) -> None:
        while len(self._done) > _MOST_DONE:
            oldest = next((x for x in self._done if not x.wakes), None)
            if oldest is None:
                return
            self._drop(oldest)

    def _drop(self, entry: Entry) -> None:
        self._count(entry, ZERO)
        self._live.pop(entry, None)
        self._done.pop(entry, None)
        if entry.order_id is not None and self._by_id.get(entry.order_id) is entry:
            del self._by_id[entry.order_id]
            self._orders.forget_open(entry.order_id)
        key = entry.client_order_id
        if key is not None and self._by_key.get(key) is entry:
            del self._by_key[key]
