"""The entries of all orders: found by either id, summed up by market, bounded in number."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from ..clock import Clock
from ..models import Side
from ..money import EXACT
from .entry import Entry
from .exposures import Exposures

__all__ = ["Register"]

_log = logging.getLogger(__name__)

_MOST_DONE: Final = 10_000
_MOST_LIVE: Final = 200_000
"""How many orders are kept, that are done and that are not.

No venue lets one account keep so many open (Kalshi: 200,000), so those beyond ended
unseen.
"""


class Register:
    """Every order that is known; ``forgotten`` is called with one that is not any more."""

    def __init__(self, clock: Clock, forgotten: Callable[[Entry], None]) -> None:
        self.live: OrderedDict[Entry, None] = OrderedDict()
        self.done: OrderedDict[Entry, None] = OrderedDict()
        """What may still fill and what may not, each oldest first."""
        self.exposures = Exposures()
        """What is at risk."""
        self._clock = clock
        self._forgotten = forgotten
        self._by_id: dict[str, Entry] = {}
        self._by_key: dict[str, Entry] = {}

    def __len__(self) -> int:
        return len(self.live) + len(self.done)

    def __iter__(self) -> Iterator[Entry]:
        yield from self.done
        yield from self.live

    # -- finding --------------------------------------------------------------------

    def by_id(self, order_id: object) -> Entry | None:
        """The entry of a venue's id, which may be anything that a caller gave."""
        return self._by_id.get(order_id) if isinstance(order_id, str) else None

    def by_key(self, client_order_id: str) -> Entry | None:
        """The entry of one of our ids."""
        return self._by_key.get(client_order_id)

    def of(self, order_id: str, key: str | None, market_id: str) -> Entry | None:
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
        kept.settled = EXACT.add(kept.settled, gone.settled)
        kept.failed_seen = EXACT.add(kept.failed_seen, gone.failed_seen)
        kept.failed_fills += gone.failed_fills
        kept.fills_value = EXACT.add(kept.fills_value, gone.fills_value)
        kept.fills_at = max(kept.fills_at, gone.fills_at)
        if kept.order is None:
            kept.order, kept.order_at = gone.order, gone.order_at
        kept.wakes += gone.wakes
        # Who waits for the one waits for the other from here.
        gone.wakes, gone.heir = kept.wakes, kept
        self._drop(gone, is_counted=False)

    # -- coming and going -----------------------------------------------------------

    def new(self, market_id: str, outcome: str, side: Side) -> Entry:
        """An entry for an order that nobody has heard of."""
        born = self.exposures.moment()
        entry = Entry(
            market_id=market_id,
            outcome=outcome,
            side=side,
            born=born,
            settles_late=self.exposures.settles_late,
        )
        self.live[entry] = None
        if len(self.live) > _MOST_LIVE:
            # What the venue has never shown may be exposure that nobody else knows of.
            shown = (x for x in self.live if x.order is not None and not x.wakes)
            oldest = next(shown, None)
            if oldest is not None:
                _log.warning("too many open orders to keep count of: %s", oldest.view())
                self.forget(oldest)
        return entry

    def name(self, entry: Entry, order_id: str | None, key: str | None) -> None:
        """Find an entry by these ids from now on."""
        if order_id is not None:
            entry.order_id = order_id
            self._by_id[order_id] = entry
        if key is not None:
            entry.client_order_id = key
            self._by_key.setdefault(key, entry)

    def settle(self, entry: Entry) -> None:
        """Something about an order changed: bring the sums up to date, wake who waits."""
        self.exposures.note(entry, self._clock.monotonic())
        # What only fills tell of is not known to be open either.
        is_done = entry.is_over or (entry.order is None and entry.size is None)
        if is_done and entry in self.live:
            del self.live[entry]
            self.done[entry] = None
            self.forget_old()
        elif not is_done and entry in self.done:
            del self.done[entry]
            self.live[entry] = None
        for wake in tuple(entry.wakes):
            wake()

    def forget_old(self) -> None:
        """Keep no more of those that are done than there is room for."""
        while len(self.done) > _MOST_DONE:
            oldest = next((x for x in self.done if not x.wakes), None)
            if oldest is None:
                return
            self.forget(oldest)

    def forget(self, entry: Entry) -> None:
        """Know an order no more; what it filled still counts."""
        self._drop(entry, is_counted=True)
        self._forgotten(entry)

    def _drop(self, entry: Entry, *, is_counted: bool) -> None:
        self.exposures.drop(entry, is_counted=is_counted)
        self.live.pop(entry, None)
        self.done.pop(entry, None)
        for ids, name in (
            (self._by_id, entry.order_id),
            (self._by_key, entry.client_order_id),
        ):
            if name is not None and ids.get(name) is entry:
                del ids[name]
