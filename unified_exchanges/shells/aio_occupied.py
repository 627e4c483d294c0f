"""Who is in an exchange of a loop for long, and ends before it is closed; see `occupied`."""

from __future__ import annotations

import asyncio
from typing import Final

from .. import fork
from .occupied import closed

__all__ = ["AsyncOccupied"]

_inside: Final[set[asyncio.Task[object] | None]] = set()
"""Tasks that are in any exchange: they can wait for none, as others may wait for them."""


class AsyncOccupied:
    """Who is in an exchange of a loop, each with its task."""

    def __init__(self) -> None:
        self._left = asyncio.Event()
        self._runs: dict[object, asyncio.Task[object] | None] = {}
        self._is_closing = False
        fork.in_child(self, AsyncOccupied._forget)

    def is_closing(self) -> bool:
        """Whether somebody closes it: all are to end."""
        return self._is_closing

    def enter(self, who: object) -> None:
        """Be in it, until `leave`.  Raises `BadRequest` once somebody closes it."""
        if self._is_closing:
            raise closed()
        self._runs[who] = asyncio.current_task()
        _inside.add(self._runs[who])

    def leave(self, who: object) -> None:
        """Be in it no more; who was not may call it, too."""
        _inside.discard(self._runs.pop(who, None))
        self._left.set()

    async def vacate(self) -> None:
        """Ask all to end, and wait for those of other tasks.

        Cancelled once it waits on, as they are ending, and twice no more.  Who is in a run
        itself waits for nobody.
        """
        self._is_closing = True
        cancelled: asyncio.CancelledError | None = None
        while self._runs and asyncio.current_task() not in _inside:
            self._left.clear()
            try:
                await self._left.wait()
            except asyncio.CancelledError as error:
                if cancelled is not None:
                    raise
                cancelled = error
        if cancelled is not None:
            raise cancelled

    def _forget(self) -> None:
        self._runs = {}
