"""The async transport: one aiohttp session, without what it does by itself.

aiohttp sends GET, PUT and DELETE a second time when the connection breaks after the
first; that is switched off here, since a cancel that is sent twice answers 404 although
it worked.  Redirects, cookies and netrc are off as well.
"""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from math import ceil
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import aiohttp
import attrs
from aiohttp.client_middlewares import ClientHandlerType
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from .. import fork
from ..errors import BadRequest
from ..flow import Request, Response
from .body import UnusableAnswer, check_size, decode
from .failure import explain, invalid, is_plain
from .network import proxy_for, trust

__all__ = ["AioTransport"]

_HEADERS = {"User-Agent": "unified-exchanges", "Accept-Encoding": "gzip"}
_RESENT_BY_AIOHTTP = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_IDLE = 50.0
_BUFFER = 1024 * 1024
"""Bytes that may wait to be read: aiohttp's 64 KiB stop the socket 20 times a page."""
_FOREVER = 1e9


class AioTransport:
    """Performs requests on one event loop, which is the loop of the first request.

    ``pool_size`` is how many reads may be on their way at once, each over a connection of its
    own; further ones wait, within their own time.  What changes something waits for none of
    them: reads that are not answered hold up no order and no cancel.  A request's
    ``timeout`` bounds all of it: waiting, the look-up of the name, the connection, TLS, the
    headers and the whole body.

    >>> async def main() -> None:
    ...     transport = AioTransport()
    ...     await transport.close()
    >>> asyncio.run(main())
    """

    def __init__(self, *, pool_size: int = 100) -> None:
        self._pool_size = pool_size
        self._reads = asyncio.Semaphore(pool_size)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._parents_loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None
        self._routes: dict[str, _Route] = {}
        self._timeouts: dict[int, aiohttp.ClientTimeout] = {}
        self._closed = False
        fork.in_child(self, AioTransport._leave_to_parent)

    async def send(self, request: Request) -> Response:
        """Perform the request once, whatever its status.

        Raises `NetworkError` when no whole answer arrived; ``sent`` is False only if no
        byte of the request left.  Raises `BadRequest` on another event loop than the
        first one.
        """
        started = time.monotonic()
        attempt = _Attempt(request.check)
        _attempt.set(attempt)
        session = self._opened()
        try:
            if not request.is_read:
                return await self._perform(session, request, started)
            if self._reads.locked():
                async with asyncio.timeout(request.timeout):
                    await self._reads.acquire()
            else:
                await self._reads.acquire()
            try:
                return await self._perform(session, request, started)
            finally:
                self._reads.release()
        except (aiohttp.ClientError, OSError, ValueError, UnusableAnswer) as broken:
            error: BaseException = getattr(broken, "os_error", broken)
        if isinstance(error, ValueError) and (refusal := invalid(request)):
            failure: Exception = refusal
        else:
            late = isinstance(error, TimeoutError)
            late = late or time.monotonic() - started >= request.timeout
            failure = explain(request, error, sent=attempt.connected, late=late)
        # The exception just caught leads to the request's headers through its frames.
        del error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait without holding up the loop."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the connections; requests under way fail."""
        fork.notice()
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _leave_to_parent(self) -> None:
        """Begin without connections, and on another loop, in a forked child.

        Closing a session there would end the parent's connections and touch its loop.
        """
        session, self._session = self._session, None
        self._reads = asyncio.Semaphore(self._pool_size)
        self._parents_loop, self._loop = self._loop or self._parents_loop, None
        if session is not None:
            session.detach()

    async def _perform(
        self, session: aiohttp.ClientSession, request: Request, started: float
    ) -> Response:
        left = request.timeout - (time.monotonic() - started)
        if left <= 0:
            message = "the deadline has passed"
            raise TimeoutError(message)
        if not is_plain(request):
            message = "a header is not plain ASCII"
            raise ValueError(message)
        url = request.target
        end = url.find("/", url.find("//") + 2)
        origin = url[:end] if end > 0 else url
        route = self._routes.get(origin) or self._open(request, origin)
        method = request.method
        async with session.request(
            method,
            URL(url, encoded=True),
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            timeout=self._timeout(left),
            proxy=route.proxy,
            ssl=route.trust,
            middlewares=_ONCE if method in _RESENT_BY_AIOHTTP else (),
        ) as answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            body = await _read(answer, headers.get("content-length", ""))
            if coding := headers.get("content-encoding"):
                replayed = type(answer) is not aiohttp.ClientResponse
                body = decode(coding, body, replayed=replayed)
            return Response(answer.status, headers, body, time.monotonic() - started)

    def _opened(self) -> aiohttp.ClientSession:
        fork.notice()
        loop = _own_loop(self._parents_loop)
        if self._closed:
            message = "this transport is closed; make a new exchange"
            raise BadRequest(message)
        if self._session is None:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=0, keepalive_timeout=_IDLE),
                headers=_HEADERS,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                # Its own inflating takes half a gzip stream for a whole one.
                auto_decompress=False,
                read_bufsize=_BUFFER,
            )
        elif self._loop is not loop:
            message = (
                "this exchange belongs to the event loop of its first request; make one"
                " exchange per loop, and keep asyncio.run() around all of its use"
            )
            raise BadRequest(message)
        return self._session

    def _open(self, request: Request, origin: str) -> _Route:
        if refusal := invalid(request):
            raise refusal
        parts = urlsplit(origin)
        proxy = proxy_for(parts.scheme, parts.hostname or "", parts.port)
        if proxy is not None and not proxy.startswith(("http://", "https://")):
            # A proxy's URL may hold a password, so it is not shown.
            message = f"the proxy that the environment names for {parts.scheme} is not"
            message += " an HTTP proxy, and cannot be used by the async exchange"
            raise BadRequest(message)
        route = _Route(
            proxy=None if proxy is None else URL(proxy),
            trust=trust() if parts.scheme == "https" else True,
        )
        self._routes[origin] = route
        return route

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        # What is left of a deadline varies without end: up to the next hundredth.
        hundredths = ceil(seconds * 100)
        timeout = self._timeouts.get(hundredths)
        if timeout is None:
            # Above the threshold aiohttp would round a deadline up to a whole second.
            timeout = aiohttp.ClientTimeout(
                total=hundredths / 100, ceil_threshold=_FOREVER
            )
            if len(self._timeouts) < 64:  # noqa: PLR2004 - the usual ones come early
                self._timeouts[hundredths] = timeout
        return timeout


def _own_loop(
    parents: asyncio.AbstractEventLoop | None,
) -> asyncio.AbstractEventLoop:
    """The running loop, unless a fork has copied it."""
    loop: asyncio.AbstractEventLoop | None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        # In a child there is none although this runs, if the loop ran when it was forked.
        loop = None
    if loop is None or loop is parents:
        message = (
            "this event loop stayed in the process that was forked; in the child run "
            "asyncio.run() anew, outside of the parent's loop"
        )
        raise BadRequest(message)
    return loop


@attrs.frozen(slots=True, eq=False, repr=False)
class _Route:
    """How a host is reached, found once."""

    proxy: URL | None
    trust: Any


@attrs.define(slots=True)
class _Attempt:
    """Whether the request under way had a connection to leave by, and may leave."""

    check: Callable[[], None] | None = None
    connected: bool = False


_attempt: ContextVar[_Attempt] = ContextVar("_attempt")


class _Lost(aiohttp.ClientError):
    """A broken connection, in a class that aiohttp does not answer by sending again."""


async def _once(
    request: aiohttp.ClientRequest, handler: ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        text = str(error) or type(error).__name__
    raise _Lost(text)


_ONCE = (_once,)


class _Connector(aiohttp.TCPConnector):
    """Hands out connections, having looked whether they are still good.

    When the loop was kept busy it has not noticed yet that the other side closed an idle
    connection; the end, or bytes that nobody asked for, wait in the socket.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._probes: WeakKeyDictionary[asyncio.BaseProtocol, _Probe] = (
            WeakKeyDictionary()
        )
        self._process = os.getpid()

    def __del__(self, *arguments: Any) -> None:
        # The base ends its connections, and takes them off the loop that is the parent's.
        if self._process == os.getpid():
            super().__del__(*arguments)

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None:
                break
            probe = self._probes.get(protocol)
            if probe is None:
                self._probes[protocol] = _probe(connection.transport)
                break
            if not probe():
                break
            connection.close()
        if attempt := _attempt.get(None):
            if attempt.check is not None:
                # A connection may have taken seconds: it may not be wanted any more.
                try:
                    attempt.check()
                except BaseException:
                    connection.release()
                    raise
            attempt.connected = True
        return connection


_Probe: TypeAlias = Callable[[], object]
"""Asks a socket without waiting: true when there is something to read."""


def _probe(transport: asyncio.Transport | None) -> _Probe:
    sock = transport.get_extra_info("socket") if transport else None
    if sock is None:
        return lambda: True
    if not hasattr(select, "poll"):
        return lambda: select.select([sock], [], [], 0)[0]
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return partial(poll.poll, 0)


async def _read(answer: aiohttp.ClientResponse, declared: str) -> bytes:
    check_size(int(declared) if declared.isdigit() else 0)
    content = answer.content
    body = await content.readany()
    if content.at_eof():
        return body
    chunks = [body]
    size = len(body)
    while chunk := await content.readany():
        chunks.append(chunk)
        size += len(chunk)
        check_size(size)
    return b"".join(chunks)
