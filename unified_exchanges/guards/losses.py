"""The loss of a day: equity now, less the first that was seen of the UTC day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from .. import fork
from ..errors import GuardTripped
from ..money import EXACT, ZERO, text

__all__ = ["DayLoss"]


class DayLoss:
    """Equity as it was looked at, held against a limit; threads may share it."""

    def __init__(self, limit: Decimal) -> None:
        self._limit = limit
        self._lock = fork.lock()
        self._day: date | None = None
        self._first = self._now = ZERO

    @staticmethod
    def day_of(seconds: float) -> date:
        """The UTC day of a moment."""
        return datetime.fromtimestamp(seconds, UTC).date()

    def look(self, day: date, first: Decimal, equity: Decimal) -> None:
        """Take a look at the equity, and the first of its day."""
        with self._lock:
            self._day, self._first, self._now = day, first, equity

    def is_of(self, day: date) -> bool:
        """Whether there was a look on that day."""
        with self._lock:
            return self._day == day

    @property
    def is_reached(self) -> bool:
        """Whether the limit is lost."""
        with self._lock:
            return EXACT.subtract(self._first, self._now) >= self._limit

    def check(self, about: object) -> None:
        """Refuse what opens once the limit is lost."""
        with self._lock:
            lost = EXACT.subtract(self._first, self._now)
            first, now, day = self._first, self._now, self._day
        if lost < self._limit:
            return
        message = (
            f"{about} would open a position, and {text(lost)} dollars were lost on {day} "
            f"(UTC): equity was {text(first)} and is {text(now)}, and the limit is "
            f"{text(self._limit)}. Nothing was sent; cancels, and orders that only "
            "close, go on. If it is meant, make the exchange with "
            "guards=GuardPolicy(max_daily_loss=...)"
        )
        raise GuardTripped(
            message, guard="max_daily_loss", limit=self._limit, value=lost
        )
