"""Who is followed for a book that several streams tell, each a little earlier or later."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

import attrs

from ..models import OrderBook
from ..paper.orders import nanoseconds

__all__ = ["LATE", "Followed", "nanoseconds_of"]

LATE: Final = 2_000_000_000
"""Nanoseconds by which a recorder is late at most, where no time of the venue tells it."""
_MILLISECOND: Final = 1_000_000

_Seen: TypeAlias = tuple[int, OrderBook]
"""A book, and when it was received."""


@attrs.define(slots=True, eq=False)
class Followed:
    """A book that was told, by whom, and what the other streams know of it.

    ``leader`` is the stream that is followed; None while nobody is.  ``told`` was told last,
    ``known`` is what each of the others told last, if it neither ended nor had a gap since.

    Who follows on must not tell the past again, or what was taken of a book could be taken
    twice.  So it must be as far: it tells what was told last, or something newer.  That goes
    by the venue's time.  Numbers do not tell: each connection has its own.  A book without a
    time of the venue, such as one that has the time of its receipt instead, is taken to be
    late by `LATE` at most.

    An equal book is not the one that was told last if a book comes and goes.  It is if it is
    the same receipt, as where a recording is given twice, or if the venue's time tells it
    from the book that was told ``before``.
    """

    leader: int | None
    told: _Seen
    before: _Seen | None = None
    known: dict[int, _Seen] = attrs.field(factory=dict)
    _left: int | None = None
    """Who was followed until a gap, and when that came: the same holds for it."""
    _since: int = 0

    @property
    def is_followed(self) -> bool:
        """Whether somebody is followed."""
        return self.leader is not None

    def leads(self, number: int, seen: _Seen) -> bool:
        """Whether a stream is followed from what it tells now on."""
        if self.leader is None and self._may_lead(number, seen):
            if number == self._left:
                # In one moment of the venue a book may go, and come again.
                self.before = self.told
            self.leader, self.told, self._left = number, seen, None
            return True
        self.known[number] = seen
        return False

    def lose(self, moment: int) -> None:
        """Who is followed tells of a gap."""
        self._left, self._since, self.leader = self.leader, moment, None

    def hand_over(self) -> bool:
        """Who was followed has ended: follow the one that is the furthest, if one is as far.

        Gives whether that told something newer, which was passed over.
        """
        fit = [
            (_earliest(seen), -seen[0], -number)
            for number, seen in self.known.items()
            if self._is_as_far(seen)
        ]
        self.leader = -max(fit)[2] if fit else None
        if self.leader is None:
            return False
        seen = self.known.pop(self.leader)
        is_newer = not self._is_told(seen)
        self.told = seen
        return is_newer

    def _may_lead(self, number: int, seen: _Seen) -> bool:
        if self._left is None:
            return self._is_as_far(seen)
        # What a stream tells after its own gap is newer.
        return number == self._left or (seen[0] > self._since and self._is_as_far(seen))

    def _is_as_far(self, seen: _Seen) -> bool:
        return _earliest(seen) > _latest(self.told) or self._is_told(seen)

    def _is_told(self, seen: _Seen) -> bool:
        """Whether a book is the one that was told last, or stands for it."""
        a, b = seen[1], self.told[1]
        if (a.timestamp, a.bids, a.asks) != (b.timestamp, b.bids, b.asks):
            return False
        if seen[0] == self.told[0]:
            return True
        moment = _venue_time(seen)
        if moment is None or _venue_time(self.told) is None:
            return False
        # Of several in one moment of the venue, it may be an earlier one.
        return self.before is None or (_venue_time(self.before) or moment) < moment


def nanoseconds_of(moment: datetime | None) -> int | None:
    """A time of the venue; None where there is none that can be compared."""
    return None if moment is None or moment.tzinfo is None else nanoseconds(moment)


def _earliest(seen: _Seen) -> int:
    """When the book was so at the earliest, by the venue's clock."""
    found = _venue_time(seen)
    return seen[0] - LATE if found is None else found


def _latest(seen: _Seen) -> int:
    found = _venue_time(seen)
    return seen[0] if found is None else found


def _venue_time(seen: _Seen) -> int | None:
    """The time that the venue gave a book; None if it is that of its receipt."""
    found = nanoseconds_of(seen[1].timestamp)
    is_receipt = found is not None and found // _MILLISECOND == seen[0] // _MILLISECOND
    return None if is_receipt else found
