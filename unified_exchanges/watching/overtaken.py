"""Orders of which a fill was told and not the state that goes with it.

A stream tells a fill and the new state of its order in two messages, in either order, and
may lose the one about the state.  So it is waited for a moment, and then the state is told
as the fills make it: the order goes on being what whoever keeps count of it says it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Final

from ..clock import Clock
from ..models import Order
from .account import Account

__all__ = ["PATIENCE", "Overtaken"]

PATIENCE: Final = 2.0
"""Seconds that the stream may take to tell of an order after its fill."""


class Overtaken:
    """Decides when the state of an order will not come any more."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self._due: dict[str, float] = {}

    def look(self, order_id: str) -> bool:
        """Something was told of an order; whether its state is waited for from now on."""
        if not self._account.is_overtaken(order_id):
            self._due.pop(order_id, None)
            return False
        if order_id in self._due:
            return False
        self._due[order_id] = self._clock.monotonic() + PATIENCE
        return True

    def delay(self) -> float:
        """Seconds until there may be something to tell; infinite if nothing is awaited."""
        if not self._due:
            return inf
        return max(0.0, min(self._due.values()) - self._clock.monotonic())

    def states(self) -> Iterator[Order]:
        """The states that did not come in time, as the fills make them."""
        now = self._clock.monotonic()
        for name in [name for name, due in self._due.items() if due <= now]:
            del self._due[name]
            found = self._account.overtake(name)
            if found is not None:
                yield found
