"""What a client does to its orders, and how each of that is answered, or is not."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from decimal import Decimal

from ..models import Intended, Intent, IntentState, Order, ReconcileReport, Side
from ..money import complement
from .board import OrderBoard

__all__ = ["Commands"]


class Commands(OrderBoard):
    """Takes down what is sent, from before it is sent, and what came of it."""

    @abstractmethod
    def order(
        self,
        order: Order,
        *,
        at: float | None = None,
        read_at: float | None = None,
        is_ours: bool = False,
        is_wanted: bool = False,
    ) -> None:
        """Take a state of an order."""

    def intend(self, intent: Intended) -> None:
        """Take down an order that is about to be sent: from now on it is exposure."""
        side, price = self.told_first(intent.outcome, intent.side, intent.price)
        with self.lock:
            entry = self._entries.by_key(intent.client_order_id)
            if entry is None:
                entry = self._entries.new(
                    intent.market_id, self._first or intent.outcome, side
                )
                self._entries.name(entry, None, intent.client_order_id)
                entry.placed = self.memory.moment()
            # First: only who sends is refused, so an interrupt below is undone.
            entry.sending += 1
            if entry.order is None:
                entry.side, entry.price, entry.size = side, price, intent.size
            entry.is_ours = True
            entry.is_reducing, entry.purse = intent.reduce_only, intent.purse
            entry.is_refused = entry.is_absent = False
            entry.sent_at = self._clock.monotonic()
            entry.arrives_by = self._clock.monotonic() + self._in_flight
            entry.is_recalled = False
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

    # -- what a journal tells -------------------------------------------------------

    def recalled(self, intents: Sequence[Intent]) -> list[str]:
        """These are all that the journal has unresolved: they are exposure too.

        What it told of before and tells no more another process has ended.  It counts
        until it is known how: get the ids to ask the journal for (see `ended_elsewhere`).
        """
        with self.lock:
            self._take_up(intents)
            keys = {x.client_order_id for x in intents}
            return [
                key
                for x in self._entries.live
                if x.is_recalled and x.is_unresolved
                if (key := x.client_order_id) is not None and key not in keys
            ]

    def ended_elsewhere(self, intent: Intent) -> None:
        """Another process has found out what became of an intent; the journal tells it.

        If it is an order it counts until a read shows how that stands.
        """
        key = intent.client_order_id
        with self.lock:
            entry = self._entries.by_key(key)
            if entry is None or not (entry.is_recalled and entry.is_unresolved):
                return
            if intent.state is IntentState.PLACED:
                entry.is_doubted = False
                if intent.order_id is not None:
                    # Fills or a listing may have told of it before.
                    entry = self._entries.of(intent.order_id, key, entry.market_id)
                    assert entry is not None
                    self._entries.name(entry, intent.order_id, key)
            elif intent.state.is_resolved:
                entry.is_doubted = False
                entry.is_refused = intent.state is IntentState.REFUSED
                entry.is_absent = not entry.is_refused
            self._entries.settle(entry)

    def resolved(self, report: ReconcileReport, *, read_at: float) -> None:
        """The journal's intents were looked for, from ``read_at`` on at the earliest."""
        with self.lock:
            for order in report.found:
                self.order(order, read_at=read_at, is_ours=True, is_wanted=True)
            for intent in report.absent:
                self.absent(intent.client_order_id)
            self._take_up(report.unknown)

    def _take_up(self, intents: Iterable[Intent]) -> None:
        for intent in intents:
            entry = self._entries.by_key(intent.client_order_id)
            side, price = self.told_first(intent.outcome, intent.side, intent.price)
            if entry is None:
                entry = self._entries.new(
                    intent.market_id, self._first or intent.outcome, side
                )
                self._entries.name(entry, None, intent.client_order_id)
                # One of its own nets with nothing here, which says too much, never too little.
                entry.purse = str(intent.params.get("subaccount") or "")
                # From here on it ages by the monotonic clock, whatever ours is set to.
                age = self._clock.now() - intent.written_at.timestamp()
                entry.sent_at = self._clock.monotonic() - max(0.0, age)
                # Written before it is told of, whatever clock says when.
                entry.arrives_by = self._clock.monotonic() + intent.lasts
                entry.is_recalled = entry.is_doubted = True
            if entry.order is None:
                # Others may have been meant to leave with its id, and did not.
                entry.side, entry.price, entry.size = side, price, intent.size
                entry.is_reducing = bool(intent.params.get("reduce_only"))
            entry.is_ours = True
            self._entries.settle(entry)

    def _answered(
        self, key: str, *, is_refused: bool = False, is_doubted: bool = False
    ) -> None:
        with self.lock:
            entry = self._entries.by_key(key)
            if entry is None or (is_refused and not entry.sending):
                # It was interrupted before it was taken down: what was known stays.
                return
            entry.sending = max(0, entry.sending - 1)
            if not is_refused:
                entry.is_refused, entry.is_doubted = False, is_doubted
            elif not (entry.sending or entry.is_doubted):
                # It tells nothing of another sending with the same id.
                entry.is_refused = True
            if entry.order is None:
                # Else it stands as the venue shows it, whatever a call came to.
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

    def changing(self, after: Order) -> None:
        """An edit that is to make an order so is on its way: the dearer terms count."""
        with self.lock:
            entry = self._entries.by_id(after.order_id)
            if entry is not None:
                told = after.in_terms_of(entry.outcome)
                arrives_by = self._clock.monotonic() + self._in_flight
                entry.changes.begin(told.price, told.size, arrives_by)
                self._entries.settle(entry)

    def change_ended(self, after: Order, *, is_lost: bool) -> None:
        """An edit came back; ``is_lost``: whether it took effect is not known."""
        with self.lock:
            entry = self._entries.by_id(after.order_id)
            if entry is None:
                return
            told = after.in_terms_of(entry.outcome)
            if is_lost:
                entry.changes.lost(told.price, told.size)
            else:
                entry.changes.answered(told.price, told.size)
            self._entries.settle(entry)

    def told_first(
        self, outcome: str, side: Side, price: Decimal
    ) -> tuple[Side, Decimal]:
        """Side and price as they are told here."""
        if self._first in (None, outcome):
            return side, price
        return side.opposite, complement(price)
