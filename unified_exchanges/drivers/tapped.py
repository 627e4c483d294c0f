"""Transports and connections to which a tap listens, if there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from ..errors import NetworkError
from ..flow import Request, Response
from ..streams.session import Dial
from ..tap import Tap, Taps
from ..transports import AsyncConnection, AsyncTransport, Connection, Transport

__all__ = ["AsyncTapped", "Tapped", "async_tapped", "ended", "tapped"]


class Tapped:
    """A blocking transport that lets the tap of the moment hear."""

    def __init__(self, transport: Transport, taps: Taps) -> None:
        self._transport = transport
        self._taps = taps
        taps.has_streams = getattr(transport, "has_streams", True)

    def send(self, request: Request) -> Response:
        """Perform the request, as the transport does."""
        tap = self._taps.tap
        if tap is None:
            return self._transport.send(request)
        began = tap.begun()
        try:
            response = self._transport.send(request)
        except BaseException as error:
            tap.unanswered(request, error, began)
            raise
        tap.answered(request, response, began)
        return response

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._transport.sleep(seconds)

    def close(self) -> None:
        """Release the connections."""
        self._transport.close()


class AsyncTapped:
    """An async transport that lets the tap of the moment hear."""

    def __init__(self, transport: AsyncTransport, taps: Taps) -> None:
        self._transport = transport
        self._taps = taps
        taps.has_streams = getattr(transport, "has_streams", True)

    async def send(self, request: Request) -> Response:
        """Perform the request, as the transport does."""
        tap = self._taps.tap
        if tap is None:
            return await self._transport.send(request)
        began = tap.begun()
        try:
            response = await self._transport.send(request)
        except BaseException as error:
            # Also when it is cancelled: it may have left.
            tap.unanswered(request, error, began)
            raise
        tap.answered(request, response, began)
        return response

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._transport.sleep(seconds)

    async def close(self) -> None:
        """Release the connections."""
        await self._transport.close()


def tapped(connection: Connection, dial: Dial) -> Connection:
    """A connection that was just opened, with the tap of the moment, if there is one."""
    tap = dial.taps.tap
    return connection if tap is None else _Tapped(connection, tap, dial.url)


def async_tapped(connection: AsyncConnection, dial: Dial) -> AsyncConnection:
    """As `tapped`, for an event loop."""
    tap = dial.taps.tap
    return connection if tap is None else _AsyncTapped(connection, tap, dial.url)


def ended(connection: Connection | AsyncConnection, reason: str) -> None:
    """Let the tap hear why a connection is of no use any more, before it is closed."""
    if isinstance(connection, _Tapped | _AsyncTapped):
        connection.ended(reason)


class _Tapped:
    def __init__(self, connection: Connection, tap: Tap, url: str) -> None:
        self._connection = connection
        self._tap = tap
        self._number = tap.opened(url)
        self._is_over = False

    def recv(self, timeout: float) -> Sequence[str | bytes]:
        try:
            frames = self._connection.recv(timeout)
        except NetworkError as error:
            self.ended(str(error))
            raise
        if frames:
            self._tap.told(self._number, "in", frames)
        return frames

    def ended(self, reason: str) -> None:
        # Only the first knows why.
        is_first, self._is_over = not self._is_over, True
        if is_first:
            self._tap.closed(self._number, reason)

    def wake(self) -> None:
        self._connection.wake()

    def send(self, text: str) -> None:
        # Before it leaves: an answer must not seem to come first.
        self._tap.told(self._number, "out", (text,))
        self._connection.send(text)

    def close(self) -> None:
        self._connection.close()
        self.ended("closed")


class _AsyncTapped:
    def __init__(self, connection: AsyncConnection, tap: Tap, url: str) -> None:
        self._connection = connection
        self._tap = tap
        self._number = tap.opened(url)
        self._is_over = False

    async def run(self, deliver: Callable[[Sequence[str | bytes]], None]) -> NoReturn:
        tap, number = self._tap, self._number

        def heard(frames: Sequence[str | bytes]) -> None:
            tap.told(number, "in", frames)
            deliver(frames)

        try:
            await self._connection.run(heard)
        except NetworkError as error:
            self.ended(str(error))
            raise

    def ended(self, reason: str) -> None:
        # Only the first knows why.
        is_first, self._is_over = not self._is_over, True
        if is_first:
            self._tap.closed(self._number, reason)

    async def send(self, text: str) -> None:
        # Before it leaves: an answer must not seem to come first.
        self._tap.told(self._number, "out", (text,))
        await self._connection.send(text)

    async def close(self) -> None:
        await self._connection.close()
        self.ended("closed")
