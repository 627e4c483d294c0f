"""The states of the orders of a run, told once the fills are told that they count."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ..models import Order
from .desk import Desk
from .own import Own
from .strategy import Strategy
from .timers import NEVER

__all__ = ["States"]

_log = logging.getLogger("unified_exchanges.strategies")


class States:
    """Those that came and wait: for fills, or for an answer that may make them void."""

    def __init__(self, strategy: Strategy, desk: Desk) -> None:
        self._strategy = strategy
        self._desk = desk
        self._waiting: dict[str, Own] = {}
        self.is_over = False
        """Whether the strategy is told nothing any more."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_holding(self) -> bool:
        """Whether one waits for fills, or for the one that counts those that were told."""
        return any(own.held for own in self._waiting.values())

    @property
    def is_overdue(self) -> bool:
        """Whether all that wait for fills have done so for too long."""
        moment = self._desk.moment
        return all(x.is_overdue(moment) for x in self._waiting.values() if x.held)

    def delay(self, own: Own, order: Order) -> None:
        """Have one wait for the answer to what was sent."""
        own.came_early(order, self._desk.moment)
        self._waiting[own.place.key] = own

    def put(self, own: Own, order: Order) -> None:
        """Tell one, as soon as the fills are told that it counts."""
        if self.is_over:
            self.booked(own)
            return
        own.came(order, self._desk.moment)
        self._waiting[own.place.key] = own
        self.tell(own)

    def tell_at_once(self, own: Own, order: Order) -> None:
        """Tell one that no fill can belong to."""
        self._tell(own, order)

    def tell(self, own: Own) -> None:
        """Tell those of an order that wait no more."""
        if self.is_over:
            return
        while (order := own.next()) is not None:
            self._tell(own, order)
        self._settle(own)

    def _tell(self, own: Own, order: Order) -> None:
        self._desk.told_order(order, own.place.key)
        self._strategy.on_order(self._desk, order)

    def _settle(self, own: Own) -> None:
        if not (own.held or own.early):
            self._waiting.pop(own.place.key, None)

    def unanswered(self) -> list[Order]:
        """Those that have waited too long for an answer."""
        moment = self._desk.moment
        return [x for own in self._waiting.values() for x in own.unanswered(moment)]

    def release(self, *, is_last: bool = False) -> None:
        """Tell those that have waited too long for fills, or all: ``is_last``.

        What their fills lack is noted.  Where that raises, the rest is told the next time.
        """
        moment = NEVER if is_last else self._desk.moment
        for own in list(self._waiting.values()):
            self.tell(own)
            order = own.overdue(moment)
            if order is not None:
                self.note(own)
                self._tell(own, order)
                self.tell(own)

    def asks(self) -> list[Own]:
        """The orders whose fills are to be read now, as they did not come."""
        moment = self._desk.moment
        return [own for own in self._waiting.values() if own.asks(moment)]

    # -- the end -----------------------------------------------------------------------

    def await_fills(self, owns: Iterable[Own]) -> None:
        """Wait for the fills of the newest state of each of these, told or not."""
        self._waiting.clear()
        for own in owns:
            own.hold(self._desk.moment)
            if own.held:
                self._waiting[own.place.key] = own

    def booked(self, own: Own) -> None:
        """A fill or a state of an order came: after the end nothing more is waited for."""
        if self.is_over and own.agrees:
            self._waiting.pop(own.place.key, None)

    def note(self, own: Own) -> None:
        """Say what the fills of an order lack, if that was not said."""
        trouble = own.trouble()
        if trouble is not None:
            self._desk.log(trouble)
            _log.warning("%s", trouble)
