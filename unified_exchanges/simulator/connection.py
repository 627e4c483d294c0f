"""A session of a simulated venue on a WebSocket: its frames, pings and end."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import AbstractContextManager, suppress

from aiohttp import WSMsgType, web

from ..clock import SystemClock
from .faults import FaultyStream, Frame, NotText, StreamPlan
from .faults.streams import ABNORMAL
from .sessions import Session

__all__ = ["Connection", "reset"]

_LARGEST_MESSAGE = 64 * 1024 * 1024
_NORMAL = 1000
_GOING_AWAY = 1001
_RESET = struct.pack("ii", 1, 0)
_LOOK_SECONDS = 0.05
_HANDSHAKE_SECONDS = 0.5
"""How long the client may take to answer a close."""


class Connection:
    """Performs one session and its faults; touched with the ``lock`` held only.

    A Ping frame with the body ``heartbeat`` goes out every ``heartbeat`` seconds.
    A slow reader makes frames wait in the session, which has a limit of its own.
    """

    def __init__(
        self,
        session: Session,
        transport: asyncio.Transport,
        plan: StreamPlan,
        lock: AbstractContextManager[object],
        *,
        heartbeat: float,
    ) -> None:
        self._clock = SystemClock()
        self._transport = transport
        self._stream = FaultyStream(session, plan, self._clock)
        self._lock = lock
        self._heartbeat = heartbeat
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._is_parting = False
        self._loop = asyncio.get_running_loop()
        self._socket = web.WebSocketResponse(
            timeout=_HANDSHAKE_SECONDS,
            autoping=False,
            autoclose=False,
            max_msg_size=_LARGEST_MESSAGE,
        )
        self._stream.wake = self._wake

    async def upgrade(self, request: web.BaseRequest) -> web.StreamResponse:
        """Begin; what is returned is the answer once all is over."""
        await self._socket.prepare(request)
        return self._socket

    async def go_away(self) -> None:
        """Close because the server stops."""
        if self._stream.is_reading:
            await self._close(_GOING_AWAY, b"going away")
        else:
            self._break_off()

    def abandon(self) -> None:
        """Leave a client that does not let itself be left."""
        self._transport.abort()

    def look(self) -> None:
        """See whether anything is due: time has passed."""
        self._news.set()

    async def serve(self) -> None:
        """Send, receive and ping until either side closes."""
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
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            self.abandon()
        for end in ends:
            # A client that left is no trouble, an error of the venue is.
            if isinstance(end, Exception) and not isinstance(end, ConnectionError):
                raise end

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.PING and self._stream.answers_pings:
                await self._socket.pong(message.data)
            elif message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                with self._lock:
                    self._stream.receive(message.data)
            await self._rest()
        await self._rest()
        if self._is_parting:
            await self._over.wait()
        else:
            await self._socket.close(code=self._socket.close_code or _NORMAL)

    async def _rest(self) -> None:
        """Read nothing as long as the venue is half open."""
        # Time ends it, or the client: neither is an event.
        while not self._stream.is_reading and not self._is_lost:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)

    async def _write(self) -> None:
        while True:
            self._news.clear()
            with self._lock:
                frames = self._stream.data_to_send()
                closing, due = self._stream.closing, self._stream.next_due
            for frame in frames:
                await self._send(frame)
            if closing == ABNORMAL:
                self._break_off()
                return
            if closing is not None:
                await self._close(closing)
                return
            await self._wait(due)

    async def _close(self, code: int, message: bytes = b"") -> None:
        """Close from our side: say so, and give the client time to answer."""
        self._is_parting = True
        await self._socket.close(code=code, message=message)
        self._over.set()

    async def _send(self, frame: Frame) -> None:
        if isinstance(frame, str):
            await self._socket.send_str(frame)
        elif isinstance(frame, NotText):
            await self._socket.send_frame(frame, WSMsgType.TEXT)
        else:
            await self._socket.send_bytes(frame)

    async def _wait(self, due: float | None) -> None:
        """Wait for news, or until something held back is due."""
        left = None if due is None else max(0.0, due - self._clock.monotonic())
        try:
            await asyncio.wait_for(self._news.wait(), left)
        except TimeoutError:
            return

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat)
            if self._stream.sends_pings:
                await self._socket.ping(b"heartbeat")

    @property
    def _is_lost(self) -> bool:
        return self._transport.is_closing()

    def _break_off(self) -> None:
        # The client may have left in the meantime.
        with suppress(OSError):
            reset(self._transport)

    def _wake(self) -> None:
        # The venue may be driven from another thread, with the lock held.
        self._loop.call_soon_threadsafe(self._news.set)


def reset(transport: asyncio.Transport) -> None:
    """Break a connection so that the other side sees a reset."""
    raw: socket.socket = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
