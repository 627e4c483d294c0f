"""A session of a simulated venue on a WebSocket: its frames, pings and end."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager

from aiohttp import WSMsgType, web

from .sessions import Session

__all__ = ["Connection"]

_LARGEST_MESSAGE = 64 * 1024 * 1024
_GOING_AWAY = 1001
_HANDSHAKE_SECONDS = 0.5
"""How long the client may take to answer a close."""


class Connection:
    """Performs one session; the session is touched with the ``lock`` held only.

    A Ping frame with the body ``heartbeat`` goes out every ``heartbeat`` seconds.
    A slow reader makes frames wait in the session, which has a limit of its own.
    """

    def __init__(
        self,
        session: Session,
        lock: AbstractContextManager[object],
        *,
        heartbeat: float,
    ) -> None:
        self._session = session
        self._lock = lock
        self._heartbeat = heartbeat
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._socket = web.WebSocketResponse(
            timeout=_HANDSHAKE_SECONDS, autoping=False, max_msg_size=_LARGEST_MESSAGE
        )
        session.wake = self._wake

    async def run(self, request: web.BaseRequest) -> web.StreamResponse:
        """Upgrade, then serve until either side closes."""
        try:
            await self._socket.prepare(request)
            await self._serve()
        finally:
            with self._lock:
                self._session.close()
        return self._socket

    async def go_away(self) -> None:
        """Close because the server stops."""
        if self._socket.prepared:
            await self._socket.close(code=_GOING_AWAY, message=b"going away")

    async def _serve(self) -> None:
        tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._write()),
            asyncio.create_task(self._ping()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                with self._lock:
                    self._session.receive(message.data)

    async def _write(self) -> None:
        while True:
            self._news.clear()
            with self._lock:
                frames, closing = self._session.data_to_send(), self._session.closing
            for frame in frames:
                await self._socket.send_str(frame)
            if closing is not None:
                await self._socket.close(code=closing)
                return
            await self._news.wait()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat)
            await self._socket.ping(b"heartbeat")

    def _wake(self) -> None:
        # The venue may be driven from another thread, with the lock held.
        self._loop.call_soon_threadsafe(self._news.set)
