"""Since when a stream that is followed tells nothing."""

from __future__ import annotations

__all__ = ["Outage"]


class Outage:
    """Whether a stream that is followed is not live, and since when; time is an argument.

    >>> outage = Outage()
    >>> outage.began(10.0)
    >>> outage.began(11.0)
    >>> outage.lasted(12.5), outage.was_live
    (2.5, False)
    >>> outage.ended()
    >>> outage.lasted(13.0), outage.was_live
    (0.0, True)
    """

    __slots__ = ("_since", "was_live")

    def __init__(self) -> None:
        self.was_live = False
        """Whether it ever told anything."""
        self._since: float | None = None

    @property
    def is_on(self) -> bool:
        """Whether something is followed, and nothing told."""
        return self._since is not None

    def began(self, now: float) -> None:
        """Nothing is told any more, or yet; what has begun goes on."""
        if self._since is None:
            self._since = now

    def ended(self) -> None:
        """All that is followed is told."""
        self._since = None
        self.was_live = True

    def unwanted(self) -> None:
        """Nothing is followed any more."""
        self._since = None

    def lasted(self, now: float) -> float:
        """Seconds since it began, 0 if there is none."""
        since = self._since
        return 0.0 if since is None else now - since
