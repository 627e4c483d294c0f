"""Who is in an exchange of a loop for long, and ends before it is closed; see `occupied`."""

from __future__ import annotations

import asyncio

from .. import fork

__all__ = ["AsyncOccupied"]


class AsyncOccupied:
    """Who is in an exchange of a loop, each with its task."""

    def __init__(self) -> None:
        self._left = asyncio.Event()
        self._inside: dict[object, asyncio.Task[object] | None] = {}
        self._closing = 0
        fork.in_child(self, AsyncOccupied._forget)

    def is_closing(self) -> bool:
        """Whether somebody waits for all to end."""
        return self._closing > 0

    def enter(self, who: object) -> None:
        """Be in it, until `leave`."""
        self._inside[who] = asyncio.current_task()

    def leave(self, who: object) -> None:
        """Be in it no more; who was not may call it, too."""
        self._inside.pop(who, None)
        self._left.set()

    async def vacate(self) -> None:
        """Ask all to end, and wait for those of other tasks.

        Cancelled once it waits on, as they are ending, and twice no more.
        """
        mine = asyncio.current_task()
        cancelled: asyncio.CancelledError | None = None
        self._closing += 1
        try:
            while {mine} < {mine, *self._inside.values()}:
                self._left.clear()
                try:
                    await self._left.wait()
                except asyncio.CancelledError as error:
                    if cancelled is not None:
                        raise
                    cancelled = error
        finally:
            self._closing -= 1
        if cancelled is not None:
            raise cancelled

    def _forget(self) -> None:
        self._inside, self._closing = {}, 0
