"""What measures the messages that one consumer is handed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain, cycle, repeat
from typing import Final

__all__ = ["Delivery", "everything", "nothing", "samples"]

_SAMPLE: Final = 64
"""Where nobody observes, one message of so many is measured, and a few at first: the
alert needs no more."""
_FIRST: Final = 16
_MOMENTS: Final = {
    "order_book": "timestamp",
    "ticker": "timestamp",
    "trades": "created_at",
    "orders": "updated_at",
    "fills": "created_at",
    "positions": "updated_at",
    "market_status": "timestamp",
}
"""The venue's time of what is told, by subject."""


class Delivery:
    """Measures what one consumer is handed: all of it, or a sample.

    ``turns`` says for one item after the other whether it is to be measured.  An iterator
    is asked, as most are not: a call would cost more than handing the item out may.
    ``delivered`` is told the subject, the venue's time and ``since`` when the consumer
    came.
    """

    __slots__ = ("_attribute", "_delivered", "_since", "_subject", "turns")

    def __init__(
        self,
        delivered: Callable[[str, datetime, float], None],
        subject: str,
        since: float,
        turns: Iterator[bool],
    ) -> None:
        self.turns = turns
        self._delivered = delivered
        self._subject = subject
        self._since = since
        self._attribute = _MOMENTS[subject]

    def measure(self, item: object) -> None:
        """Take what is about to be handed out."""
        moment = getattr(item, self._attribute, None)
        if moment is not None:
            self._delivered(self._subject, moment, self._since)


def everything() -> Iterator[bool]:
    """The turns of whoever wants all."""
    return repeat(object=True)


def nothing() -> Iterator[bool]:
    """The turns where nobody wants to know."""
    return repeat(object=False)


def samples() -> Iterator[bool]:
    """A few at first, then one of many.

    >>> turns = samples()
    >>> sum(next(turns) for _ in range(16 + 64))
    17
    """
    return chain([True] * _FIRST, cycle([*[False] * (_SAMPLE - 1), True]))
