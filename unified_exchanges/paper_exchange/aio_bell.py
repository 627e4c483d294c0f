"""The connection to the broker for an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from ..paper.broker import PaperBroker

__all__ = ["AsyncBell"]


class AsyncBell:
    """A connection without a socket, in the running loop."""

    def __init__(self, broker: PaperBroker) -> None:
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Event()
        broker.events.hang(self._ring)

    def _ring(self) -> None:
        # A loop that is closed has nobody who listens.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._rung.set)

    async def run(self, deliver: Callable[[Sequence[str | bytes]], None]) -> NoReturn:
        """Hand over that there is news, whenever there is."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            deliver(("news",))

    async def send(self, text: str) -> None:
        """Nobody listens."""

    async def close(self) -> None:
        """Take it down."""
        self._broker.events.take_down(self._ring)
