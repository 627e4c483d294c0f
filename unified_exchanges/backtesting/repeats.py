"""What several streams tell, each once, and for how long that has to be remembered."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from datetime import datetime
from typing import Final, TypeAlias

import attrs

from ..models import Trade
from .following import nanoseconds_of

__all__ = ["Repeats"]

_KEPT: Final = 600_000_000_000
"""Nanoseconds for which it is remembered who has told something."""
_LATE: Final = 540_000_000_000
"""A trade that is told by so much later than it happened may be forgotten already.  That is
less, as by up to a minute the clock of a recorder may be behind."""

_Span: TypeAlias = tuple[datetime, datetime]


@attrs.define(slots=True, eq=False)
class Repeats:
    """Who has told what first, of all that another stream may still repeat.

    Streams are late by seconds; only what was read over REST may come much later.  So trades
    are remembered for ten minutes, and of each stream and market from when to when those
    happened that it told: a later one that another stream may have told is taken to be told.
    Rather a trade is missed than counted twice.
    """

    _tellers: dict[Hashable, int] = attrs.field(factory=dict)
    _queue: deque[tuple[int, Hashable]] = attrs.field(factory=deque)
    _spans: dict[tuple[str, str], dict[int, _Span]] = attrs.field(factory=dict)

    def is_first(self, what: Hashable, number: int, moment: int, coming: int) -> bool:
        """Whether no other stream has told it; note that this one does now.

        ``coming`` is when any other tells something next: if that is late, none repeats this.
        """
        tellers, queue = self._tellers, self._queue
        while queue and queue[0][0] < moment - _KEPT:
            del tellers[queue.popleft()[1]]
        teller = tellers.get(what)
        if teller is None and coming <= moment + _KEPT:
            tellers[what] = number
            queue.append((moment, what))
        return teller in (None, number)

    def is_first_trade(
        self, trade: Trade, number: int, moment: int, coming: int
    ) -> bool:
        """The same of a trade."""
        key = trade.market_id, trade.outcome
        spans = self._spans.setdefault(key, {})
        if not self.is_first((*key, trade.trade_id), number, moment, coming):
            return False
        happened = trade.created_at
        if moment - (nanoseconds_of(happened) or moment) > _LATE:
            others = (x for teller, x in spans.items() if teller != number)
            if any(first <= happened <= last for first, last in others):
                return False
        first, last = spans.get(number, (happened, happened))
        spans[number] = min(first, happened), max(last, happened)
        return True
