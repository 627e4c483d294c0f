"""The asyncio WebSocket, on websockets.asyncio.

Messages are handed on from where the library has parsed them: its own queue and
`recv()` would cost a third more, and one more turn of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn, TypeAlias, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import OPEN

from ..errors import ConnectionLost, NetworkError
from ..streams.session import UpgradeRefused
from . import AsyncConnection
from .handshake import (
    GOODBYE,
    MESSAGE_LIMIT,
    USER_AGENT,
    Handshake,
    broken_by,
    quiet_logger,
)
from .messages import Messages, NotText

__all__ = ["AioWebSocket", "connect_aio"]


_Deliver: TypeAlias = Callable[[Sequence[str | bytes]], None]


async def connect_aio(
    url: str,
    headers: Mapping[str, str],
    *,
    heard: Callable[[], None],
    timeout: float,  # noqa: ASYNC109 - all phases included
) -> AsyncConnection:
    """Open a WebSocket; see `AsyncConnect`."""
    shake = Handshake(url, headers, timeout)
    return AioWebSocket(shake, await _open(shake, heard))


class _Client(ClientConnection):
    """Hands over the messages of each read at once."""

    def __init__(
        self, *arguments: Any, heard: Callable[[], None], shake: Handshake, **more: Any
    ) -> None:
        super().__init__(*arguments, **more)
        self.heard = heard
        self.shake = shake
        self.deliver: _Deliver | None = None
        self.ended: asyncio.Future[None] = self.loop.create_future()
        self._waiting: list[bytes] = []
        self._messages = Messages(self._waiting.append)

    async def handshake(self, *arguments: Any, **more: Any) -> None:
        """Turn a refusal into ours here, before a redirect would be followed."""
        try:
            await super().handshake(*arguments, **more)
        except InvalidStatus as error:
            answer = error.response
        else:
            return
        body = bytes(answer.body or b"")
        raise self.shake.refused(answer.status_code, answer.headers.raw_items(), body)

    def data_received(self, data: bytes) -> None:
        """Take what was read."""
        super().data_received(data)
        self.heard()
        self.hand_over()
        if self.protocol.state is not OPEN:
            self._end(None)

    def process_event(self, event: Any) -> None:
        """Take one frame."""
        if self.response is None or not isinstance(event, Frame):
            super().process_event(event)
        elif event.opcode in DATA_OPCODES and not self.ended.done():
            try:
                self._messages.take(event)
            except NotText as failure:
                self.protocol.fail(failure.code, failure.reason)
                self.send_data()
                self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the socket."""
        super().connection_lost(exc)
        self._end(None)

    def hand_over(self) -> None:
        """Deliver what has arrived, once somebody takes it."""
        waiting, deliver = self._waiting, self.deliver
        if not waiting or deliver is None:
            return
        try:
            deliver(waiting)
        except Exception as error:  # noqa: BLE001 - raised by `run`
            self._end(error)
        # Emptied in place, as `Messages` holds it.
        waiting.clear()

    def _end(self, error: Exception | None) -> None:
        if self.ended.done() or self.response is None:
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)


class AioWebSocket:
    """An open WebSocket; see `AsyncConnection`."""

    def __init__(self, shake: Handshake, client: _Client) -> None:
        self._shake = shake
        self._client = client

    async def run(self, deliver: _Deliver) -> NoReturn:
        """Hand over messages as they arrive, until the connection or ``deliver`` fails."""
        client = self._client
        client.deliver = deliver
        try:
            client.hand_over()
            await client.ended
        finally:
            client.deliver = None
        raise self._lost()

    async def send(self, text: str) -> None:
        """Send a message."""
        try:
            await self._client.send(text)
        except ConnectionClosed:
            pass
        else:
            return
        raise self._lost()

    async def close(self) -> None:
        """Say goodbye (1000) and release the socket; closing twice is allowed."""
        client = self._client
        client.deliver = None
        try:
            # The library's own limit does not hold while it waits to write.
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE):
                    await client.close(CloseCode.NORMAL_CLOSURE)
        finally:
            client.transport.abort()
            # Otherwise a loop that ends now would leave the socket open.
            await client.wait_closed()

    def _lost(self) -> ConnectionLost:
        protocol = self._client.protocol
        close = protocol.close_rcvd or protocol.close_sent
        if close is not None:
            return self._shake.lost(close.code, close.reason)
        reason = broken_by(self._client) or protocol.parser_exc or ""
        return self._shake.lost(None, reason)


async def _open(shake: Handshake, heard: Callable[[], None]) -> _Client:
    make = partial(_Client, heard=heard, shake=shake)
    options: dict[str, Any] = {}
    if shake.is_secure:
        options["ssl"] = shake.trust
    if (proxy_trust := shake.proxy_trust) is not None:
        options["proxy_ssl"] = proxy_trust
    error: NetworkError | UpgradeRefused
    try:
        return cast(
            "_Client",
            await connect(
                shake.url,
                additional_headers=shake.headers,
                user_agent_header=USER_AGENT,
                compression=None,
                proxy=shake.proxy,
                open_timeout=shake.timeout,
                ping_interval=None,
                close_timeout=GOODBYE,
                max_size=MESSAGE_LIMIT,
                logger=quiet_logger(),
                create_connection=cast("type[ClientConnection]", make),
                **options,
            ),
        )
    except (InvalidHandshake, ConnectionClosed, OSError, EOFError) as failure:
        error = shake.failed(failure)
    except UpgradeRefused as refusal:
        error = refusal
    # The library has aborted the connection: let the loop see it off.
    await asyncio.sleep(0)
    raise error.with_traceback(None)
