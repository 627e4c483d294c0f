"""When what failed for now is tried again, and how often that is told.  Pure."""

from __future__ import annotations

from math import inf
from typing import Final

__all__ = ["PAUSE", "Patience", "Rarely"]

PAUSE: Final = 0.5
"""Seconds until something that failed for now is tried again, the first time."""
_LONGEST: Final = 10.0
"""Seconds between two tries at most, unless the venue asks for more."""
_CALM: Final = 60.0
"""Seconds without a failure after which the next one is a first one."""
_FIRST: Final = 30.0
"""Seconds after which the same thing is told again; then ever more."""


class Rarely:
    """Whether to tell of something that lasts: at once, after 30, 60, 120 … seconds."""

    def __init__(self) -> None:
        self._what: object = None
        self._since = self._told_at = 0.0

    def is_due(self, what: object, now: float) -> bool:
        """Whether ``what`` is to be told now; something else than before always is."""
        if what != self._what:
            self._what, self._since = what, now
        elif now - self._told_at < max(_FIRST, self._told_at - self._since):
            return False
        self._told_at = now
        return True

    def over(self) -> None:
        """What was told lasts no more."""
        self._what = None


class Patience:
    """Waits ever longer between tries, whatever else happens meanwhile."""

    def __init__(self) -> None:
        self._wait = PAUSE
        self._failed_at = self._not_before = -inf

    def failed(self, now: float, at_least: float = 0.0) -> None:
        """A try failed for now; ``at_least`` is how long the venue asks to wait."""
        is_first = now - self._failed_at > max(_CALM, self._wait)
        self._wait = PAUSE if is_first else min(self._wait * 2, _LONGEST)
        self._failed_at = now
        self._not_before = now + max(self._wait, at_least)

    def left(self, now: float) -> float:
        """Seconds until it may be tried again; 0 if it may now."""
        return max(self._not_before - now, 0.0)
