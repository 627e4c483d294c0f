"""What became of orders on paper, on its way to one who follows them."""

from __future__ import annotations

from collections import deque

import attrs

from ..models import Fill, Order

__all__ = ["PaperSession"]


@attrs.define(eq=False)
class PaperSession:
    """News of an account in order, each with the moment from which on it may be told."""

    _waiting: deque[tuple[int, Order | Fill]] = attrs.field(factory=deque)

    def put(self, moment: int, news: Order | Fill) -> None:
        """Let news wait until a moment."""
        self._waiting.append((moment, news))

    def take(self, moment: int) -> list[Order | Fill]:
        """What may be told by a moment."""
        told: list[Order | Fill] = []
        while self._waiting and self._waiting[0][0] <= moment:
            told.append(self._waiting.popleft()[1])
        return told

    @property
    def due(self) -> int | None:
        """When the next may be told; None if nothing waits."""
        return self._waiting[0][0] if self._waiting else None
