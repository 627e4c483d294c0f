"""What is known of the orders of one account, as it is asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from .. import fork
from ..clock import Clock
from ..models import TrackedOrder
from ..money import ZERO, total
from ..watching.memory import Memory
from .entry import Entry
from .exposures import Exposures
from .register import Register

__all__ = ["OrderBoard"]

_LONG: Final = 3600
"""Seconds for which an order that did not show is looked for in the lists of new ones."""


class OrderBoard:
    """Every order that is known, by either id; threads may share it."""

    def __init__(
        self, clock: Clock, *, first_outcome: str | None, in_flight: float = 0
    ) -> None:
        self.lock = fork.rlock()
        self.memory = Memory()
        """What was known when, for who begins to watch."""
        self._in_flight = in_flight
        self._clock = clock
        self._first = first_outcome
        self._entries = Register(clock, self._forgotten)

    @property
    def first_outcome(self) -> str | None:
        """The outcome in which all is told; None where each has a book of its own."""
        return self._first

    @property
    def exposures(self) -> Exposures:
        """What is at risk; to be asked under the lock."""
        return self._entries.exposures

    def _forgotten(self, entry: Entry) -> None:
        """An order is not known any more."""

    def find(
        self, *, order_id: str | None = None, client_order_id: str | None = None
    ) -> Entry | None:
        """An order by either id."""
        with self.lock:
            found = None if order_id is None else self._entries.by_id(order_id)
            if found is None and client_order_id is not None:
                found = self._entries.by_key(client_order_id)
            return found

    def look(
        self, *, order_id: str | None = None, client_order_id: str | None = None
    ) -> TrackedOrder | None:
        """What is known of an order, by either id."""
        with self.lock:
            found = self.find(order_id=order_id, client_order_id=client_order_id)
            return None if found is None else found.view()

    def __len__(self) -> int:
        return len(self._entries)

    def views(self) -> list[TrackedOrder]:
        """All that is known: what is done, then what may still fill, each oldest first."""
        with self.lock:
            return [entry.view() for entry in self._entries]

    def undone(self) -> list[TrackedOrder]:
        """All that may still fill, and what is not known to have ended."""
        with self.lock:
            return [entry.view() for entry in self._entries.live]

    def count_unresolved(self) -> int:
        """How many there are of which it is not known whether the venue has them."""
        with self.lock:
            return sum(entry.is_unresolved for entry in self._entries.live)

    def at_risk(self, market_id: str | None = None) -> Decimal:
        """Dollars at risk in what may still fill, of one market or of all."""
        with self.lock:
            if market_id is not None:
                return self._entries.exposures.orders.get(market_id, ZERO)
            return total(self._entries.exposures.orders.values())

    def risks(self) -> dict[str, Decimal]:
        """Dollars at risk by market."""
        with self.lock:
            return dict(self._entries.exposures.orders)

    # -- what a read should ask for -------------------------------------------------

    @property
    def strangers(self) -> frozenset[str]:
        """Ids of orders that the venue has and has not shown: their fills at most."""
        with self.lock:
            unseen = (x.order_id for x in self._entries if x.order is None)
            return frozenset(name for name in unseen if name is not None)

    @property
    def missing_since(self) -> float | None:
        """When the first unresolved order was sent, if not long ago.

        By our wall clock as it is now, which may have been set since.
        """
        with self.lock:
            now = self._clock.monotonic()
            live = self._entries.live
            ages = (now - x.sent_at for x in live if x.is_unresolved)
            oldest = max((age for age in ages if age < _LONG), default=None)
            return None if oldest is None else self._clock.now() - oldest
