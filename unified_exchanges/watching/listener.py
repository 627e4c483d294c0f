"""Who hears all that a stream and its reads tell of an account, beside the watches."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

from ..models import Fill, Order
from .memory import Memory

if TYPE_CHECKING:
    from .reconciler import News

__all__ = ["Listener"]


class Listener(Protocol):
    """Keeps count of an account; it is called under the lock of the stream."""

    @property
    def memory(self) -> Memory:
        """What was known when, by whatever this client was told."""
        ...

    @property
    def open_orders(self) -> Collection[Order]:
        """The orders that it believes to be open: a read shows what became of them."""
        ...

    @property
    def strangers(self) -> frozenset[str]:
        """Ids of orders that it has not seen and wants read."""
        ...

    @property
    def unexplained(self) -> frozenset[str]:
        """Markets whose positions it does not understand: they may have been paid out."""
        ...

    @property
    def missing_since(self) -> float | None:
        """Our wall clock of the first order that may be at the venue and was not shown."""
        ...

    def hear_order(self, order: Order) -> None:
        """The stream told of an order."""
        ...

    def hear_fill(self, fill: Fill) -> None:
        """The stream told of a fill."""
        ...

    def reconciled(self, news: News) -> float | None:
        """A read succeeded; in how many seconds another one tells more, if it does."""
        ...

    def fills_lost(self) -> None:
        """Fills are not followed any more."""
        ...
