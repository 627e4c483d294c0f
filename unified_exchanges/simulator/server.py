"""A simulated venue on a real socket: aiohttp on loopback, in a thread of its own.

The venue is asked by one request at a time, so it needs no locks; whoever reaches into
it from outside while the server runs takes `SimulatorServer.lock`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from aiohttp import web

from ..errors import BadRequest
from ..flow import Request, Response
from .connection import Connection, reset
from .faults import Delivery, FaultPlan, StreamPlan, Venue, tell
from .sessions import Session, StreamingVenue

__all__ = ["SimulatorServer"]

_START_SECONDS = 10.0
_TICK_SECONDS = 0.05
_PARTING_SECONDS = 1.0
_ARRIVING_TURNS = 3
"""How often the loop goes round until who was accepted is connected."""


class SimulatorServer:
    """Serves a venue as long as it is entered, or from `start` to `stop`.

    ``port`` 0 takes a free one; `url` says which, without a path. Faults of the
    ``faults`` plan are performed on the wire, those of ``stream_faults`` on WebSockets.
    A venue that is a `StreamingVenue` is
    served on WebSockets too, with a Ping every ``heartbeat`` seconds; as long as one is
    open the venue is told the time twenty times a second.

    >>> from unified_exchanges.flow import Response
    >>> class Echo:
    ...     def handle(self, request, *, lag=0.0):
    ...         return Response(200, {}, request.method.encode())
    >>> import urllib.request
    >>> with SimulatorServer(Echo()) as server:
    ...     with urllib.request.urlopen(server.url + "/any") as answer:
    ...         answer.read()
    b'GET'
    """

    def __init__(
        self,
        simulated: Venue,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: FaultPlan | None = None,
        stream_faults: StreamPlan | None = None,
        heartbeat: float = 10.0,
    ) -> None:
        self.faults = faults or FaultPlan()
        self.stream_faults = stream_faults or StreamPlan()
        self.lock = threading.RLock()
        """Held while the venue answers."""
        self._venue = simulated
        self._host = host
        self._port = port
        self._heartbeat = heartbeat
        self._connections: dict[Connection, asyncio.Task[object] | None] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """Where it listens: scheme, host and port."""
        return f"http://{self._host}:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve in a thread of its own until `stop`; `url` is known from here on.

        It is for where ``with`` does not reach, as from one cell of a notebook to another.
        Raises `BadRequest` while it serves, OSError for a port that is taken.
        """
        if self._thread is not None and self._thread.is_alive():
            raise BadRequest(f"{self.url} is served already: stop it, or make another")
        self._started.clear()
        self._thread = threading.Thread(
            target=self._run, name="simulated-venue", daemon=True
        )
        self._thread.start()
        self._started.wait(_START_SECONDS)
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def run_forever(self, *, ready: threading.Event | None = None) -> None:
        """Serve in this thread until interrupted or until `stop`.

        ``ready`` is set as soon as `url` is known.
        """
        asyncio.run(self._serve(ready))

    def stop(self) -> None:
        """End serving, from any thread; wait for the end of one that `start` began."""
        loop, ending, thread = self._loop, self._ending, self._thread
        if loop is not None and ending is not None and not loop.is_closed():
            loop.call_soon_threadsafe(ending.set)
        # The venue may stop its own server.
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve(None))
        except OSError as error:
            # Such as a port that is taken: raised where the server was entered.
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self, ready: threading.Event | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        server = web.Server(self._answer, access_log=None)
        runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=0.2)
        await runner.setup()
        try:
            listening = await self._loop.create_server(server, self._host, self._port)
            self._port = listening.sockets[0].getsockname()[1]
            self._started.set()
            if ready is not None:
                ready.set()
            try:
                await self._ending.wait()
            finally:
                await _stop_listening(listening)
        finally:
            await self._part()
            await runner.cleanup()

    async def _part(self) -> None:
        """Close what is connected; whoever does not answer is left."""
        leaving = [asyncio.create_task(c.go_away()) for c in self._connections]
        serving = [task for task in self._connections.values() if task is not None]
        if leaving:
            await asyncio.wait([*leaving, *serving], timeout=_PARTING_SECONDS)
        for connection in self._connections:
            connection.abandon()

    async def _answer(self, incoming: web.BaseRequest) -> web.StreamResponse:
        body = await incoming.read() if incoming.can_read_body else None
        request = _request(incoming, body)
        fault = self.faults.take(incoming.method, incoming.path)
        venue = self._venue
        is_answered = fault is None or fault.kind == "delay"
        if isinstance(venue, StreamingVenue) and is_answered and _upgrades(incoming):
            if fault is not None:
                await self._pass(fault.seconds)
            return await self._connect(venue, incoming, request)
        with self.lock:
            delivery = tell(self._venue, request, fault)
        if fault is None and delivery.response is not None:
            return _whole(delivery.response)
        return await self._deliver(incoming, delivery)

    async def _connect(
        self, venue: StreamingVenue, incoming: web.BaseRequest, request: Request
    ) -> web.StreamResponse:
        with self.lock:
            session = venue.connect(request)
        if isinstance(session, Response):
            return _whole(session)
        try:
            return await self._serve_stream(venue, incoming, session)
        finally:
            with self.lock:
                session.close()

    async def _serve_stream(
        self, venue: StreamingVenue, incoming: web.BaseRequest, session: Session
    ) -> web.StreamResponse:
        transport = incoming.transport
        if transport is None or transport.is_closing():
            # The client left meanwhile.
            return web.Response()
        connection = Connection(
            session,
            transport,
            self.stream_faults,
            self.lock,
            heartbeat=self._heartbeat,
        )
        answer = await connection.upgrade(incoming)
        self._connections[connection] = asyncio.current_task()
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick(venue))
        try:
            await connection.serve()
        finally:
            del self._connections[connection]
            if not self._connections:
                self._ticking.cancel()
                self._ticking = None
        return answer

    async def _tick(self, venue: StreamingVenue) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            with self.lock:
                venue.advance()
            for connection in self._connections:
                connection.look()

    async def _deliver(
        self, incoming: web.BaseRequest, delivery: Delivery
    ) -> web.StreamResponse:
        if delivery.delay:
            await self._pass(delivery.delay)
        if delivery.ending == "stalled":
            await self._pass(None)
        response, transport = delivery.response, incoming.transport
        if response is not None and delivery.ending == "whole":
            return _whole(response)
        # The sender may have left in the meantime.
        if transport is not None and response is None:
            reset(transport)
        elif transport is not None and response is not None:
            await self._break_off(transport, response, delivery)
        return web.Response()

    async def _break_off(
        self,
        transport: asyncio.Transport,
        response: Response,
        delivery: Delivery,
    ) -> None:
        """Write by hand what no well-behaved server would."""
        transport.write(_head(response))
        if delivery.ending == "truncated":
            transport.write(response.body[: delivery.keep])
        else:
            for byte in response.body:
                if transport.is_closing() or self._is_ending:
                    break
                transport.write(bytes([byte]))
                await self._pass(delivery.pace)
        transport.close()

    @property
    def _is_ending(self) -> bool:
        return self._ending is not None and self._ending.is_set()

    async def _pass(self, seconds: float | None) -> None:
        """Wait so long, or without end; the end of the server ends it."""
        if self._ending is None:
            return
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return


async def _stop_listening(server: asyncio.Server) -> None:
    """Take nobody in any more, and leave nobody who was about to be.

    A client that was accepted and has no transport yet when asyncio's server is closed is
    let lie with its socket open, as Python 3.11 has it.
    """
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        # Where a loop has no readers, it waits for clients otherwise.
        with suppress(NotImplementedError):
            loop.remove_reader(listener.fileno())
    for _ in range(_ARRIVING_TURNS):
        await asyncio.sleep(0)
    server.close()


def _request(incoming: web.BaseRequest, body: bytes | None) -> Request:
    path, _, query = incoming.raw_path.partition("?")
    return Request(
        incoming.method,
        f"http://{incoming.host}{path}",
        query=tuple(parse_qsl(query, keep_blank_values=True)) if query else (),
        headers=_lowered(incoming.headers),
        body=body or None,
    )


def _upgrades(incoming: web.BaseRequest) -> bool:
    return incoming.headers.get("upgrade", "").lower() == "websocket"


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _whole(response: Response) -> web.Response:
    return web.Response(
        status=response.status, headers=dict(response.headers), body=response.body
    )


def _head(response: Response) -> bytes:
    phrase = HTTPStatus(response.status).phrase
    lines = [f"HTTP/1.1 {response.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"content-length: {len(response.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1")
