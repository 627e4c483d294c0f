"""The kill switch of one exchange object: once thrown, no order leaves any more.

It takes no lock and does no I/O, so that a signal handler may throw it.  What is about to
leave says so first and looks at the switch then; who throws the switch looks afterwards at
what had said so.  So whichever comes first, one of them sees the other.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from math import inf

from .clock import Clock
from .models import Halt

__all__ = ["Switch"]

_log = logging.getLogger(__name__)


class Switch:
    """Whether orders may leave, and which requests for orders are on their way."""

    def __init__(self, clock: Clock, venue: str) -> None:
        self._clock = clock
        self._venue = venue
        self._leaving: dict[object, tuple[object, float]] = {}
        """What has left, and until when it may count, on the monotonic clock."""
        self.thrown: Halt | None = None
        """The halt of this object."""
        self.heard: Halt | None = None
        """The halt that the journal last told of, by whatever process."""

    @property
    def halt(self) -> Halt | None:
        """Why no order leaves, None if they may."""
        return self.thrown or self.heard

    def throw(self, reason: object) -> Halt:
        """Let no order leave from now on; the first reason stays."""
        known = self.thrown
        if known is not None:
            return known
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        halt = Halt(reason=str(reason).strip() or "no reason was given", at=now)
        self.thrown = halt
        _log.critical("%s: halted, no order leaves: %s", self._venue, halt.reason)
        return halt

    def lift(self, reason: str) -> None:
        """Let orders leave again."""
        if self.halt is not None:
            _log.warning("%s: orders may leave again: %s", self._venue, reason)
        self.thrown = self.heard = None

    def check(self, about: object) -> None:
        """Refuse what would bring or change an order."""
        if self.thrown is not None:
            raise self.thrown.refusal(about, self._venue)

    def enter(self, about: object, token: object | None = None) -> object:
        """Say that a request for an order leaves now, or be refused; see `leave`.

        Who gives the token can take that back also if it is interrupted in here.
        """
        token = object() if token is None else token
        self._leaving[token] = about, inf
        if self.thrown is not None:
            del self._leaving[token]
            raise self.thrown.refusal(about, self._venue)
        return token

    def leave(self, token: object) -> None:
        """Say that it has been answered, or is given up, or never entered."""
        self._leaving.pop(token, None)

    def linger(self, token: object, seconds: float) -> None:
        """Say that nobody waits for its answer any more, and how long it may yet arrive."""
        found = self._leaving.get(token)
        if found is not None:
            self._leaving[token] = found[0], self._clock.monotonic() + seconds

    @property
    def is_awaiting(self) -> bool:
        """Whether a call still waits for the answer to what has left."""
        return any(until == inf for _, until in list(self._leaving.values()))

    @property
    def under_way(self) -> tuple[str, ...]:
        """What has left and may still arrive: it is not answered yet, or never will be."""
        now = self._clock.monotonic()
        # Copied in one go: threads come and leave meanwhile.
        known = list(self._leaving.items())
        for token, (_, until) in known:
            if until <= now:
                self._leaving.pop(token, None)
        return tuple(str(about) for _, (about, until) in known if until > now)
