"""The fast asyncio WebSocket, on aiohttp: its frames are parsed in C."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn, TypeAlias

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from yarl import URL

from ..errors import ConnectionLost
from ..streams.session import UpgradeRefused
from . import AsyncConnection
from .handshake import GOODBYE, LONGEST_REFUSAL, MESSAGE_LIMIT, USER_AGENT, Handshake

__all__ = ["AiohttpWebSocket", "connect_aiohttp"]

_TURN = 128
"""Messages that are handed over at once at most; then other tasks get their turn."""
_SWITCHED = 101
_FAREWELLS = 3
"""Turns of the loop until what was aborted behind TLS is gone."""

_Deliver: TypeAlias = Callable[[Sequence[str | bytes]], None]


async def connect_aiohttp(
    url: str,
    headers: Mapping[str, str],
    *,
    heard: Callable[[], None],
    timeout: float,  # noqa: ASYNC109 - all phases included
) -> AsyncConnection:
    """Open a WebSocket; see `AsyncConnect`."""
    shake = Handshake(url, headers, timeout)
    session = aiohttp.ClientSession(
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        middlewares=(_judge(shake),),
        ws_response_class=_Socket,
    )
    failure: Exception | None = None
    try:
        async with asyncio.timeout(timeout):
            socket = await session.ws_connect(
                url,
                headers=dict(headers),
                proxy=None if shake.proxy is None else URL(shake.proxy),
                ssl=shake.trust or True,
                compress=0,
                autoping=False,
                # What ends is told first, and takes its leave then.
                autoclose=False,
                max_msg_size=MESSAGE_LIMIT,
            )
            return AiohttpWebSocket(shake, session, socket, heard)
    except UpgradeRefused as refusal:
        failure = refusal.with_traceback(None)
    except (aiohttp.ClientError, OSError) as error:
        failure = shake.failed(getattr(error, "os_error", error))
    except BaseException:
        await _end(session)
        raise
    await _end(session)
    failure.__context__ = None
    raise failure


async def _end(session: aiohttp.ClientSession) -> None:
    """Close, and let the loop see it off: one that ends now would leave sockets open."""
    await session.close()
    for _ in range(_FAREWELLS):
        await asyncio.sleep(0)


def _judge(shake: Handshake) -> Any:
    """A middleware that takes every answer but an upgrade for a refusal.

    aiohttp would follow a redirect, with our signature, and not show a refusal's body.
    """

    async def judge(
        request: aiohttp.ClientRequest, handler: ClientHandlerType
    ) -> aiohttp.ClientResponse:
        answer = await handler(request)
        if answer.status == _SWITCHED:
            return answer
        body = await answer.content.read(LONGEST_REFUSAL)
        answer.close()
        raise shake.refused(answer.status, answer.headers.items(), body)

    return judge


class _Socket(aiohttp.ClientWebSocketResponse):
    """Lets see whether more has arrived, so that it is taken at one go."""

    def __init__(
        self,
        reader: Any,
        writer: Any,
        protocol: Any,
        response: Any,
        *more: Any,
        **rest: Any,
    ) -> None:
        super().__init__(reader, writer, protocol, response, *more, **rest)
        # aiohttp has no word for it: without this, messages are taken one by one.
        self.waiting = getattr(reader, "_buffer", ())
        self.read = reader.read
        self.transport = response.connection.transport


class AiohttpWebSocket:
    """An open WebSocket; see `AsyncConnection`."""

    def __init__(
        self,
        shake: Handshake,
        session: aiohttp.ClientSession,
        socket: Any,
        heard: Callable[[], None],
    ) -> None:
        self._shake = shake
        self._session = session
        self._socket = socket
        self._heard = heard
        self._farewell: int = aiohttp.WSCloseCode.OK

    async def run(self, deliver: _Deliver) -> NoReturn:
        """Hand over messages as they arrive, until the connection or ``deliver`` fails."""
        socket = self._socket
        receive, read, waiting = socket.receive, socket.read, socket.waiting
        text = aiohttp.WSMsgType.TEXT
        while True:
            message = await receive()
            if message.type is not text:
                await self._control(message)
                continue
            batch: list[str | bytes] = [message.data]
            # What else has arrived: `receive` does more, but for such messages nothing.
            while waiting and len(batch) < _TURN and waiting[0][0].type is text:
                batch.append((await read()).data)
            deliver(batch)
            if len(batch) >= _TURN:
                await asyncio.sleep(0)

    async def send(self, text: str) -> None:
        """Send a message."""
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, OSError) as error:
            lost = self._shake.lost(None, error)
        else:
            return
        raise lost

    async def close(self) -> None:
        """Say goodbye (1000) and release the socket; closing twice is allowed."""
        try:
            # The library's own limit begins anew with each message that still comes.
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE):
                    await self._socket.close(code=self._farewell)
        finally:
            # TLS would wait for the other side to take its leave as well.
            self._socket.transport.abort()
            await _end(self._session)

    async def _control(self, message: Any) -> None:
        kinds = aiohttp.WSMsgType
        if message.type is kinds.PING:
            self._heard()
            await self._pong(message.data)
        elif message.type is kinds.PONG:
            self._heard()
        elif message.type is kinds.BINARY:
            self._farewell = aiohttp.WSCloseCode.UNSUPPORTED_DATA
            raise self._shake.lost(self._farewell, "a binary message")
        else:
            raise self._ending(message)

    async def _pong(self, data: bytes) -> None:
        try:
            await self._socket.pong(data)
        except (aiohttp.ClientError, OSError) as error:
            lost = self._shake.lost(None, error)
        else:
            return
        raise lost

    def _ending(self, message: Any) -> ConnectionLost:
        if message.type is aiohttp.WSMsgType.ERROR:
            code = getattr(message.data, "code", None)
            return self._shake.lost(code, message.data)
        if message.type is aiohttp.WSMsgType.CLOSE:
            return self._shake.lost(message.data or None, message.extra or "")
        # The socket is gone: aiohttp reports 1006 for it, which nobody sent.
        return self._shake.lost(None)
