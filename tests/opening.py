"""The clock of a venue on a socket, which was founded at the last full minute."""

from __future__ import annotations

from unified_exchanges.clock import SystemClock

__all__ = ["OpeningClock"]

_MINUTE = 60.0


class OpeningClock(SystemClock):
    """The machine's clock; until ``open`` it stands where the minute began.

    Venues that are founded in one minute begin alike, so that all but the first two are
    copies. What was due since then happens with the first request.
    """

    __slots__ = ("_founded",)

    def __init__(self) -> None:
        now = super().now()
        self._founded: float | None = now - now % _MINUTE

    def now(self) -> float:
        return super().now() if self._founded is None else self._founded

    def open(self) -> None:
        """Run, as of now."""
        self._founded = None
