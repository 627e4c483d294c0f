"""What a client does to its orders, and how each of that is answered, or is not."""

from __future__ import annotations

from decimal import Decimal
from threading import RLock

from ..clock import Clock
from ..models import Intended, Side
from ..money import complement
from .entry import Change, Entry
from .register import Register

__all__ = ["Commands"]


class Commands:
    """Takes down what is sent, from before it is sent, and what came of it."""

    def __init__(
        self, clock: Clock, *, first_outcome: str | None, arrives_within: float = 0
    ) -> None:
        self.lock = RLock()
        self._arrives_within = arrives_within
        self._clock = clock
        self._first = first_outcome
        self._entries = Register(self._forgotten)

    def _forgotten(self, entry: Entry) -> None:
        """An order is not known any more."""

    def intend(self, intent: Intended) -> None:
        """Take down an order that is about to be sent: from now on it is exposure."""
        side, price = self._told_first(intent.outcome, intent.side, intent.price)
        with self.lock:
            entry = self._entries.by_key(intent.client_order_id)
            if entry is None:
                entry = self._entries.new(
                    intent.market_id, self._first or intent.outcome, side
                )
                self._entries.name(entry, None, intent.client_order_id)
            if entry.order is None:
                entry.side, entry.price, entry.size = side, price, intent.size
            entry.is_ours = True
            entry.is_refused = entry.is_absent = False
            entry.sending += 1
            entry.sent_at = self._clock.now()
            entry.arrives_by = self._clock.monotonic() + self._arrives_within
            self._entries.settle(entry)

    def accepted(self, client_order_id: str) -> None:
        """The call that sent it came back; the order itself is told besides."""
        self._answered(client_order_id)

    def refused(self, client_order_id: str) -> None:
        """It was refused for good, and is not at the venue."""
        self._answered(client_order_id, is_refused=True)

    def doubted(self, client_order_id: str) -> None:
        """Its answer was lost: it may be at the venue."""
        self._answered(client_order_id, is_doubted=True)

    def absent(
        self,
        client_order_id: str,
        market_id: str | None = None,
        *,
        looked_at: float | None = None,
    ) -> None:
        """It was looked for with patience since its answer was lost, and is not there.

        ``market_id`` is where, None for everywhere.  ``looked_at`` is when the look
        began, on the monotonic clock, unless it is known that it can no longer arrive:
        until then, that it is not there proves nothing.
        """
        with self.lock:
            entry = self._entries.by_key(client_order_id)
            if entry is None or market_id not in (None, entry.market_id):
                return
            if looked_at is not None and looked_at < entry.arrives_by:
                return
            if entry.is_doubted and not entry.sending:
                entry.is_doubted, entry.is_absent = False, True
                self._entries.settle(entry)

    def _answered(
        self, key: str, *, is_refused: bool = False, is_doubted: bool = False
    ) -> None:
        with self.lock:
            entry = self._entries.by_key(key)
            if entry is None:
                return
            entry.sending = max(0, entry.sending - 1)
            entry.is_refused = is_refused
            entry.is_doubted = is_doubted
            self._entries.settle(entry)

    def cancelling(self, order_id: str) -> None:
        """A cancel of it is on its way."""
        with self.lock:
            entry = self._entries.by_id(order_id)
            if entry is not None:
                entry.cancels += 1
                self._entries.settle(entry)

    def cancel_ended(self, order_id: str, *, is_lost: bool) -> None:
        """A cancel came back; ``is_lost``: whether it took effect is not known."""
        with self.lock:
            entry = self._entries.by_id(order_id)
            if entry is not None:
                entry.cancels = max(0, entry.cancels - 1)
                if is_lost:
                    entry.cancel_lost_at = self._clock.monotonic()
                self._entries.settle(entry)

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
            entry = self._entries.by_id(order_id)
            if entry is None:
                return
            if price is not None and outcome not in (None, entry.outcome):
                price = complement(price)
            entry.change = Change(price, size)
            entry.change_lost_at = None
            self._entries.settle(entry)

    def change_ended(self, order_id: str, *, is_lost: bool) -> None:
        """A change came back; ``is_lost``: whether it took effect is not known."""
        with self.lock:
            entry = self._entries.by_id(order_id)
            if entry is None:
                return
            if is_lost:
                entry.change_lost_at = self._clock.monotonic()
            else:
                entry.change = entry.change_lost_at = None
            self._entries.settle(entry)

    def _told_first(
        self, outcome: str, side: Side, price: Decimal
    ) -> tuple[Side, Decimal]:
        if self._first in (None, outcome):
            return side, price
        return side.opposite, complement(price)
