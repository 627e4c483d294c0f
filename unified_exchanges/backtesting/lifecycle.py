"""Who is followed for what a market does, of which several streams tell."""

from __future__ import annotations

from typing import Final, TypeAlias

import attrs

from ..models import MarketChange, MarketStatus
from .following import LATE, nanoseconds_of

__all__ = ["Lifecycle"]

_NEVER: Final = -1

_Seen: TypeAlias = tuple[int, MarketChange]
"""A change, and when it was received."""


@attrs.define(slots=True, eq=False)
class Lifecycle:
    """What a market does, such as to pause and to open, by whom it was told, and when.

    One stream is followed, the ``teller``: the first to tell a change, and whoever tells one
    that is newer for sure.  Few changes have a time of the venue, and each stream may be late
    by `LATE`: so long after what was told last an equal change may be that one, or the one
    before.  ``known`` is what each of the others told last.

    Once the teller has ended, or may have missed something, nobody is as far for sure before
    ``until``.  Meanwhile a market is rather paused than open: it pauses if any other stream
    says so, and opens only then, if the others say so still.  What one of them heard that has
    ended is not told: it may be what was told, and a market that has opened since would stay
    paused for good.
    """

    teller: int
    told: _Seen
    known: dict[int, _Seen] = attrs.field(factory=dict)
    until: int = _NEVER
    _since: int = _NEVER
    """When the teller was lost: what is told at that moment is weighed once all of it is."""

    @property
    def is_over(self) -> bool:
        """Whether the market is settled: after that nothing is newer."""
        return self.told[1].status is MarketStatus.SETTLED

    def leads(self, number: int, seen: _Seen) -> bool:
        """Whether a change is told; note it if it is not."""
        is_lost = self.until != _NEVER and seen[0] > self._since
        is_safer = is_lost and self._is_safer(seen)
        is_news = number == self.teller or is_safer or self._is_newer(seen)
        return self.tells(number, seen, is_news=is_news)

    def tells(self, number: int, seen: _Seen, *, is_news: bool) -> bool:
        """Follow a stream from what it tells on, if that is news; note it if it is not."""
        if is_news:
            self._follow(number, seen)
        else:
            self.known[number] = seen
        return is_news

    def lose(self, number: int, moment: int) -> bool:
        """A stream has ended, or may have missed something; whether it was followed."""
        self.known.pop(number, None)
        if number == self.teller:
            self.until, self._since = self.told[0] + LATE, moment
        return number == self.teller

    def hand_over(self, moment: int) -> MarketChange | None:
        """Follow another stream, if one is fit by now; gives what it has told newly."""
        fit = [
            (seen[1].status is MarketStatus.OPEN, -seen[0], number)
            for number, seen in self.known.items()
            if self._may_be_newer(seen)
        ]
        if self.until == _NEVER or not fit:
            return None
        number = min(fit)[2]
        last, (since, change) = self.told, self.known[number]
        if moment < self.until and not self._is_safer((since, change)):
            return None
        self._follow(number, (max(last[0], since), change))
        return None if _facts(change) == _facts(last[1]) else change

    def _follow(self, number: int, seen: _Seen) -> None:
        self.known.pop(number, None)
        if number != self.teller and self.until == _NEVER:
            self.known[self.teller] = self.told
        self.teller, self.told, self.until = number, seen, _NEVER

    def _is_safer(self, seen: _Seen) -> bool:
        is_open = self.told[1].status is MarketStatus.OPEN
        is_shut = seen[1].status is not MarketStatus.OPEN
        return is_open and is_shut and self._may_be_newer(seen)

    def _may_be_newer(self, seen: _Seen) -> bool:
        return seen[0] + LATE >= self.told[0] and self._passed(seen) >= 0

    def _is_newer(self, seen: _Seen) -> bool:
        # Kalshi's time is that at which each connection was sent it: it does not suffice.
        return seen[0] - LATE >= self.told[0] and self._passed(seen) > 0

    def _passed(self, seen: _Seen) -> int:
        """How much later it was by the venue's time; something, if that is not told."""
        if self.is_over:
            return -1
        then, now = (nanoseconds_of(x[1].timestamp) for x in (self.told, seen))
        return 1 if then is None or now is None else now - then


def _facts(change: MarketChange) -> MarketChange:
    return attrs.evolve(change, timestamp=None)
