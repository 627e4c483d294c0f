"""News of orders that a run over its own recording has yet to place.

A timer may ring a little later there than it did live, so that the stream has told of an
order by when it is decided.  Told then, it would be somebody else's: at risk beside itself,
and its fills none of the run's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, TypeVar

import attrs

from ..models import Fill, Order
from ..models.streams import AccountState
from ..streams.protocol import StreamEvent
from .answers import Answers, Entry

__all__ = ["COMMANDS", "LATE", "Early"]

LATE: Final = 2_000_000_000
"""Nanoseconds by which a command may be decided later than it was sent then."""
COMMANDS: Final = (LATE, 60_000_000_000)
"""Nanoseconds before and after now in which a command may have been sent when it was recorded.

A moment passed there between a decision and its request, more where many were under way.
"""

T = TypeVar("T")

_Tell = Callable[[Iterable[StreamEvent]], None]


class Early:
    """Keeps such news until the order is placed, or would be too late.

    ``later`` acts after so many nanoseconds.  All of it is called under the lock of the
    timeline.
    """

    def __init__(
        self, answers: Answers, later: Callable[[int, Callable[[], None]], None]
    ) -> None:
        self._answers = answers
        self._later = later
        self.is_on = False
        """Whether a run goes on."""
        self._kept: dict[str, _Kept] = {}

    def begin(self) -> None:
        """A run begins, which places what was placed."""
        self.is_on = True

    def end(self) -> None:
        """It has ended: nobody places the rest."""
        self.is_on = False
        for order_id in [*self._kept]:
            self._release(order_id)

    def hear(self, tell: _Tell, events: Iterable[StreamEvent]) -> None:
        """Tell what is not kept, at once."""
        if self.is_on:
            events = (x for x in events if not self._keeps(tell, x))
        tell(events)

    def read(self, tell: _Tell, found: T) -> T:
        """What a stream has read by itself, of the account without what is kept.

        It may be the only one to tell of that: then it is told as if it had come.
        """
        if not (self.is_on and isinstance(found, AccountState)):
            return found
        fills = tuple(x for x in found.fills if not self._keeps_read(tell, x))
        orders = tuple(x for x in found.orders if not self._keeps_read(tell, x))
        return attrs.evolve(found, orders=orders, fills=fills)

    def _keeps_read(self, tell: _Tell, read: Order | Fill) -> bool:
        kept = self._kept.get(read.order_id)
        if kept is not None and kept.has(read):
            return True
        # It may be one of long ago.
        return self._keeps(tell, read, is_new=False)

    def awaits(self, order_id: str) -> bool:
        """Whether the run has yet to place an order: by then its venue has none such."""
        found = self._answers.placing(order_id, None, LATE, is_new=False)
        return self.is_on and found is not None

    def placed(self, entry: Entry) -> None:
        """The run was given what was recorded: news of it come next."""
        for order_id, kept in self._kept.items():
            if kept.number != entry.number:
                continue
            # Where two answers were lost it may as well be that of the other.
            other = self._answers.placing(order_id, kept.client_order_id, LATE)
            if other is None:
                self._later(0, partial(self._release, order_id))
            else:
                kept.number = other.number

    def _keeps(self, tell: _Tell, event: StreamEvent, *, is_new: bool = True) -> bool:
        if not isinstance(event, Order | Fill):
            return False
        kept = self._kept.get(event.order_id)
        if kept is None:
            ids = event.order_id, event.client_order_id
            entry = self._answers.placing(*ids, LATE, is_new=is_new)
            if entry is None:
                return False
            kept = self._kept[event.order_id] = _Kept(
                entry.number, event.client_order_id
            )
            self._later(LATE, partial(self._release, event.order_id))
        # Also what comes once it is placed, and before those are told.
        kept.news.append((tell, event))
        return True

    def _release(self, order_id: str) -> None:
        kept = self._kept.pop(order_id, None)
        for tell, event in () if kept is None else kept.news:
            key = self._answers.alias(event.client_order_id)
            tell([attrs.evolve(event, client_order_id=key)])


@attrs.define
class _Kept:
    """News of an order, and the number of what answered its place, as far as is known."""

    number: int
    client_order_id: str | None
    news: list[tuple[_Tell, Order | Fill]] = attrs.field(factory=list)

    def has(self, read: Order | Fill) -> bool:
        """Whether the stream has told this, or what is as new."""
        told = [x for _, x in self.news if type(x) is type(read)]
        if isinstance(read, Fill):
            return any(isinstance(x, Fill) and x.fill_id == read.fill_id for x in told)
        times = [x.updated_at for x in told if isinstance(x, Order) and x.updated_at]
        newest = max(times, default=None)
        return newest is not None and not (read.updated_at and read.updated_at > newest)
