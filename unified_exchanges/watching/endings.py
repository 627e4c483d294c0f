"""Finding out over REST how markets ended, where the stream may not tell it.

A venue may settle a market and lose the one message about it, for which nobody would wait
in vain: so the markets whose lives are followed by name are looked up now and then, and
after whatever the stream may have lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from math import inf
from typing import Final

import attrs

from ..errors import AuthenticationError, NotRecorded, PermissionDenied
from ..models import MarketChange, MarketStatus
from ..streams.protocol import StreamProtocol
from ..venue import Venue
from .job import Job

__all__ = ["Endings"]

_log = logging.getLogger(__name__)

_SOON: Final = 1.0
"""Seconds that the stream may take to tell it first."""
_AGAIN: Final = 15.0
"""Seconds after which a read does not lag behind what gave cause for the one before."""
_LEAST: Final = 5.0
"""Seconds between two looks at a market at least, however often the line breaks."""
_BATCH: Final = 100
"""Markets that are looked up in one job."""
_LONGEST: Final = 60.0
"""Seconds at most between tries of a read that fails."""


@attrs.define(slots=True, eq=False)
class _Life:
    """A market that had not ended when it was looked up last, and when to look again."""

    due: float
    looked_at: float = -inf
    asked_at: float = -inf
    """When something gave cause to look last."""
    looks_twice: bool = True
    """Whether a read may lag behind that."""
    failures: int = 0


class Endings:
    """Decides when to look, and which change is news.

    ``followed`` are the markets whose lives somebody follows by name; ``tell`` is given the
    changes that were read.
    """

    def __init__(
        self,
        protocol: StreamProtocol,
        venue: Venue,
        *,
        followed: Callable[[], Collection[str]],
        tell: Callable[[MarketChange], None],
        has_work: Callable[[], None],
    ) -> None:
        self._is_needed = not protocol.tells_endings
        self._venue = venue
        self._clock = venue.clock
        self._followed = followed
        self._tell = tell
        self._has_work = has_work
        self._every = venue.settings.stream.reconcile or inf
        self._lives: dict[str, _Life] = {}
        self._ended: dict[str, MarketChange] = {}
        """What was told last of the end of each market that is followed by name."""
        self._is_running = False

    # -- when -----------------------------------------------------------------------

    def ask(self, market_ids: Iterable[str]) -> None:
        """Somebody follows these markets, or something of them may have been lost."""
        if not self._is_needed:
            return
        now = self._clock.monotonic()
        for name in market_ids:
            if self.is_known(name):
                continue
            life = self._lives.setdefault(name, _Life(inf))
            life.looks_twice = True
            life.asked_at = now
            life.due = min(life.due, max(now + _SOON, life.looked_at + _LEAST))
        if self._lives and not self._is_running:
            self._has_work()

    def lost(self, market_ids: Collection[str] = ()) -> None:
        """The stream may have lost something of these markets, or of any."""
        followed = self._followed()
        self.ask([x for x in market_ids or followed if x in followed])

    def forget(self) -> None:
        """Somebody has left: what nobody follows any more is looked up no more."""
        followed = self._followed()
        for known in (self._lives, self._ended):
            for name in [x for x in known if x not in followed]:
                del known[name]

    def delay(self) -> float:
        """Seconds until there may be something to do; infinite if nothing is planned."""
        if self._is_running or not self._lives:
            return inf
        due = min(life.due for life in self._lives.values())
        return max(0.0, due - self._clock.monotonic())

    def job(self) -> Job[list[MarketChange]] | None:
        """The look that is due; those that wait longest come first."""
        if self._is_running or self.delay() > 0:
            return None
        now = self._clock.monotonic()
        due = [name for name, life in self._lives.items() if life.due <= now]
        ids = sorted(due, key=lambda name: self._lives[name].due)[:_BATCH]
        self._is_running = True

        def done(changes: list[MarketChange]) -> None:
            self._is_running = False
            self._plan(ids, now)
            for change in changes:
                if change.market_id in self._followed():
                    self._tell(change)

        def failed(error: Exception) -> None:
            self._is_running = False
            _log.info("whether the watched markets have ended was not read: %s", error)
            if isinstance(error, AuthenticationError | PermissionDenied | NotRecorded):
                # It would fail again; what is wrong with the key the stream tells.
                for name in ids:
                    self._lives.pop(name, None)
            else:
                self._put_off(ids)

        return Job(self._venue.settled_markets(ids), done, failed)

    def _plan(self, ids: Iterable[str], began: float) -> None:
        now = self._clock.monotonic()
        for life in map(self._lives.get, ids):
            if life is None:
                continue
            life.looked_at = began
            life.failures = 0
            if life.asked_at > began:
                # Meanwhile: of that it may not know.
                life.due = max(now + _SOON, began + _LEAST)
                continue
            wait = min(_AGAIN, self._every) if life.looks_twice else self._every
            life.due = now + wait
            life.looks_twice = False

    def _put_off(self, ids: Iterable[str]) -> None:
        now = self._clock.monotonic()
        for life in map(self._lives.get, ids):
            if life is not None:
                life.failures += 1
                wait = min(_LONGEST, 2.0 ** min(life.failures, 6))
                life.due = now + max(_LEAST, wait)

    # -- what is told ---------------------------------------------------------------

    def known(self, market_id: str) -> MarketChange | None:
        """How a market ended, if that was told since somebody follows it by name."""
        return self._ended.get(market_id)

    def is_known(self, market_id: str) -> bool:
        """Whether it was told what a market pays."""
        ended = self._ended.get(market_id)
        return ended is not None and ended.value is not None

    def is_news(self, change: MarketChange) -> bool:
        """Whether a change is to be told: an end that was told already is not.

        One that says what the market pays is news after one that did not.
        """
        name = change.market_id
        is_end = change.status is MarketStatus.SETTLED
        if not (self._is_needed and is_end) or name not in self._followed():
            return True
        told = self._ended.get(name)
        if told is not None and change.value in {None, told.value}:
            return False
        self._ended[name] = change
        if change.value is None:
            self.ask([name])
        else:
            self._lives.pop(name, None)
        return True
