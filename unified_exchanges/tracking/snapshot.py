"""A read of positions: which fills it surely has in it, and which it surely has not.

A read may lag, by some seconds at most, and what fills while it is made may or may not be
in it.  So there are fills of which it says nothing.
"""

from __future__ import annotations

import attrs

from ..watching.known import LAG
from .entry import Entry

__all__ = ["Snapshot"]


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Snapshot:
    """When positions were read, on our monotonic clock and in the order of what was known.

    With ``since`` it has all that was known then, and all that had happened when it began:
    it was waited for until reads show that.
    """

    number: int
    began: float
    ended: float
    since: int | None = None
    lag: float = LAG
    """Seconds by which it may be late."""

    @property
    def shows(self) -> float:
        """Until when all that happened is surely in it."""
        return self.began - self.lag if self.since is None else self.began

    def has(self, entry: Entry) -> bool:
        """Whether all that filled of an order is surely in it."""
        is_known = self.since is not None and entry.filled_moment < self.since
        return is_known or entry.filled_at < self.shows

    def is_outlived(self, filled_at: float) -> bool:
        """Whether what had filled by then is in every read that begins as late."""
        return filled_at < self.began - self.lag

    def may_have(self, entry: Entry) -> bool:
        """Whether some of what is counted besides may be in it."""
        booking = entry.booking
        assert booking is not None
        if entry.is_ours and entry.born > self.number:
            return False
        return entry.beside_base < booking.size
