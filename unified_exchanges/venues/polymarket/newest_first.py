"""Orders from the newest to the oldest, of which some are read once it is their turn."""

from __future__ import annotations

from bisect import bisect_right, insort_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple

from ...models import Fill, Order
from .arguments import Span

__all__ = ["NewestFirst"]

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_END: Final = datetime.max.replace(tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_SLACK: Final = timedelta(minutes=1)
"""What an order's time may be off that the venue has not told yet: it is that of its
signing."""


class _Unread(NamedTuple):
    """An order that has to be read, and when it was made at the latest."""

    name: str
    latest: datetime


_LATEST: Final = attrgetter("latest")


class NewestFirst:
    """Orders of a span, by the time they were made; no more is read than is wanted."""

    def __init__(self, span: Span) -> None:
        since, until = span.since, span.until
        self._span = Span(
            None if since is None else since - _SLACK,
            None if until is None else until + _SLACK,
        )
        self._ready: list[Order] = []
        self._unread: list[_Unread] = []

    def add(self, orders: Iterable[Order]) -> None:
        """These are known as they stand."""
        for order in orders:
            insort_right(self._ready, order, key=_created)

    def expect(self, name: str, seen: Order | None, fills: Sequence[Fill]) -> None:
        """This one must be read, unless it was seen and is of another time."""
        if seen is None:
            # Some times are told in whole seconds.
            latest = min(fill.created_at for fill in fills) + _SECOND
        elif not self._span.holds(seen.created_at):
            return
        else:
            latest = _END if seen.created_at is None else seen.created_at + _SLACK
        insort_right(self._unread, _Unread(name, latest), key=_LATEST)

    def due(self) -> list[Order]:
        """Those that nothing which is not read yet can be newer than."""
        first = 0
        if self._unread:
            first = bisect_right(self._ready, self._unread[-1].latest, key=_created)
        due = self._ready[first:][::-1]
        del self._ready[first:]
        return due

    def next(self) -> str | None:
        """Which one must be read before the next is due; None if none is left."""
        return self._unread.pop().name if self._unread else None


def _created(order: Order) -> datetime:
    return order.created_at or _EPOCH
