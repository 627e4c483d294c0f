"""Commands on their way to the venue on paper, in the order in which they take effect."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator

from .touched import Command

__all__ = ["Schedule"]


class Schedule:
    """Commands by their moments and turns; those that are held wait for their release."""

    def __init__(self, commands: Iterable[Command] = ()) -> None:
        self._heap = list(commands)
        heapq.heapify(self._heap)
        self._held: set[int] = set()

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Command]:
        return iter(self._heap)

    @property
    def first(self) -> Command | None:
        """What takes effect first; None if there is nothing but what is held."""
        if not self._held:
            return self._heap[0] if self._heap else None
        return min((x for x in self._heap if x[1] not in self._held), default=None)

    def put(self, command: Command) -> None:
        """Have one more."""
        heapq.heappush(self._heap, command)

    def drop(self, command: Command) -> None:
        """Have one less."""
        if self._heap[0] == command:
            heapq.heappop(self._heap)
            return
        self._heap.remove(command)
        heapq.heapify(self._heap)

    def hold(self, turns: Iterable[int]) -> None:
        """Let the commands of some turns wait, due or not."""
        self._held.update(turns)

    def release(self, moment: int, turns: Collection[int]) -> None:
        """Let them take effect at a moment, or when they are due if that is later."""
        self._held.difference_update(turns)
        self._heap = [
            (max(x[0], moment), *x[1:]) if x[1] in turns else x for x in self._heap
        ]
        heapq.heapify(self._heap)
