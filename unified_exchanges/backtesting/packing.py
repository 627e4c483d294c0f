"""Events in memory on their way to other processes: as few and as plain parts as can be.

A book as a model takes as long to pickle as a recording takes to read it.  Most of that is
its levels, each of two Decimals: here each is told once, and a book has their numbers.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import attrs

from ..models import Level, OrderBook
from ..paper import PaperEvent

__all__ = ["PackedEvents"]

Event: TypeAlias = "tuple[int, PaperEvent]"

_PAIR: Final = 2
"""Parts of an event with its time; a run tells what is none."""
_PLAIN: Final = tuple(
    field.name
    for field in attrs.fields(OrderBook)
    if field.name not in {"bids", "asks", "_freshness"}
)


class PackedEvents:
    """Events that are packed when it is pickled; what is unpickled is a list of them.

    >>> pickle.loads(pickle.dumps(PackedEvents([])))
    []
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return _unpacked, (_packed(self._events),)


def _packed(events: Sequence[Event]) -> bytes:
    levels = _Levels()
    found: list[Any] = []
    for told in events:
        packed = _of_book(told, levels)
        # In a list is what is as it was given.
        found.append([told] if packed is None else packed)
    return pickle.dumps((levels.written, found), pickle.HIGHEST_PROTOCOL)


def _of_book(told: Any, levels: _Levels) -> tuple[Any, ...] | None:
    moment, event = told if len(told) == _PAIR else (0, None)
    # A stale book has more to tell: how old it is.
    if type(event) is not OrderBook or event.stale or event.is_polled:
        return None
    bids, asks = levels.numbers(event.bids), levels.numbers(event.asks)
    if bids is None or asks is None:
        return None
    return (moment, bids, asks, *[getattr(event, name) for name in _PLAIN])


def _unpacked(packed: bytes) -> list[Event]:
    written, found = pickle.loads(packed)  # noqa: S301 - from who started us
    levels = [Level(Decimal(price), Decimal(size)) for price, size in written]
    events: list[Event] = []
    for told in found:
        if isinstance(told, list):
            events += told
            continue
        moment, bids, asks, *rest = told
        book = OrderBook(
            bids=tuple([levels[n] for n in bids]),
            asks=tuple([levels[n] for n in asks]),
            **dict(zip(_PLAIN, rest, strict=True)),
        )
        events.append((moment, book))
    return events


class _Levels:
    """Levels by number: those that are alike to the last digit, zeros too, are one."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str]] = []
        self._by_text: dict[tuple[str, str], int] = {}
        self._by_id: dict[int, int] = {}
        """Books share levels that did not change; they live while they are packed."""

    def numbers(self, levels: Sequence[Level]) -> list[int] | None:
        """Of the levels of a side; None where one of them is not plain."""
        found = []
        for level in levels:
            number = self._by_id.get(id(level))
            if number is None:
                number = self._number(level)
                if number is None:
                    return None
                self._by_id[id(level)] = number
            found.append(number)
        return found

    def _number(self, level: Level) -> int | None:
        price, size = level.price, level.size
        if type(level) is not Level or not type(price) is type(size) is Decimal:
            return None
        told = (str(price), str(size))
        number = self._by_text.setdefault(told, len(self.written))
        if number == len(self.written):
            self.written.append(told)
        return number
