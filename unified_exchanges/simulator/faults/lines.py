"""What is on its way to a client: in order, late, held back, or the end."""

from __future__ import annotations

from collections import deque
from math import inf

import attrs

from .frames import Frame

__all__ = ["Line"]


@attrs.define(kw_only=True, slots=True)
class _Item:
    """A frame, or the end with a close code; ``places``: how many it lets pass."""

    due: float
    frame: Frame = ""
    closing: int | None = None
    places: int = 0


class Line:
    """Frames between a venue and its client; times are those of a stopwatch."""

    def __init__(self) -> None:
        self.closing: int | None = None
        self.is_ending = False
        self._items: deque[_Item] = deque()
        self._held: list[_Item] = []
        self._late_until = self._silent_until = -inf
        self._kept_words: frozenset[str] = frozenset()

    @property
    def next_due(self) -> float | None:
        """When something comes by itself."""
        dues = [item.due for item in self._held]
        if self._items:
            dues.append(self._items[0].due)
        return min(dues, default=None)

    def send(self, frame: Frame, now: float) -> None:
        """Put a frame at the end; whatever has let enough others pass follows it."""
        is_lost = now < self._silent_until and frame not in self._kept_words
        if is_lost or self.is_ending:
            return
        due = max(now, self._late_until)
        self._items.append(_Item(due=due, frame=frame))
        for item in self._held:
            item.places -= 1
        freed = [item for item in self._held if item.places < 1]
        self._held = [item for item in self._held if item.places > 0]
        self._items.extend(attrs.evolve(item, due=due) for item in freed)

    def hold(self, frame: Frame, *, places: int, until: float) -> None:
        """Let so many others pass, but do not wait longer than that."""
        self._held.append(_Item(due=until, frame=frame, places=places))

    def delay(self, until: float) -> None:
        """Let all that is sent from now on come then."""
        self._late_until = max(self._late_until, until)

    def silence(self, until: float, keeps: frozenset[str] = frozenset()) -> None:
        """Lose what is on its way and what is sent before then, but for some words."""
        self._kept_words = keeps
        self._items.clear()
        self._held.clear()
        self._silent_until = max(self._silent_until, until)

    def end(self, code: int) -> None:
        """Nothing comes after what is in line but the end."""
        if not self.is_ending:
            self.is_ending = True
            due = self._items[-1].due if self._items else -inf
            self._items.append(_Item(due=due, closing=code))

    def arrivals(self, now: float) -> list[Frame]:
        """The frames that come now."""
        frames: list[Frame] = []
        while self._items and self._items[0].due <= now:
            item = self._items.popleft()
            if item.closing is not None:
                self.closing = item.closing
                self._held.clear()
            else:
                frames.append(item.frame)
        frames += [item.frame for item in self._held if item.due <= now]
        self._held = [item for item in self._held if item.due > now]
        return frames
