"""Edits of one order whose outcome is not known: each counts until something proves it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import attrs

from ..watching.known import LAG

__all__ = ["Change", "Changes"]


@attrs.define(slots=True, eq=False)
class Change:
    """The terms of one edit: a limit in dollars, and the total with what has filled."""

    price: Decimal
    size: Decimal
    arrives_by: float = 0
    """Our monotonic clock when it is not on its way any more."""
    is_lost: bool = False
    """Whether its answer was given up: nobody waits for it any more."""

    def has(self, price: Decimal, size: Decimal) -> bool:
        """Whether these are its terms."""
        return self.price == price and self.size == size


class Changes:
    """Edits that may have taken effect, or may yet.

    Those with the same terms are interchangeable, so an edit is known by its terms.  That
    one was answered, or refused, tells nothing of another whose answer was lost: that may
    be on its way, and come later.
    """

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending: tuple[Change, ...] = ()

    def __iter__(self) -> Iterator[Change]:
        return iter(self._pending)

    def __bool__(self) -> bool:
        return bool(self._pending)

    @property
    def are_lost(self) -> bool:
        """Whether an answer is missing that nobody waits for any more."""
        return any(x.is_lost for x in self._pending)

    def begin(self, price: Decimal, size: Decimal, arrives_by: float) -> None:
        """An edit is about to leave."""
        self._pending += (Change(price, size, arrives_by),)

    def answered(self, price: Decimal, size: Decimal) -> None:
        """An edit was made or refused for good: the order tells which."""
        self._remove(self._under_way(price, size))

    def lost(self, price: Decimal, size: Decimal) -> None:
        """The answer of an edit was given up."""
        found = self._under_way(price, size)
        if found is not None:
            found.is_lost = True

    def shown(self, price: Decimal, size: Decimal) -> None:
        """The order has come to have these terms.

        It took the edit that has them; one under way is told of by its own answer.
        """
        if self._under_way(price, size) is None:
            self._remove(next((x for x in self if x.has(price, size)), None))

    def read(self, began: float) -> None:
        """A read that began then shows the order: with what had arrived well before.

        What still may arrive is not disproved by it, and a read may lag.
        """
        self._pending = tuple(
            x for x in self if not x.is_lost or began < x.arrives_by + LAG
        )

    def _under_way(self, price: Decimal, size: Decimal) -> Change | None:
        mine = (x for x in self if not x.is_lost and x.has(price, size))
        return next(mine, None)

    def _remove(self, change: Change | None) -> None:
        self._pending = tuple(x for x in self if x is not change)
