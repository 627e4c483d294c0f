"""A WebSocket server on loopback that does to each connection what a test says."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeAlias

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

__all__ = ["Behaviour", "VenueServer", "Visit", "answer"]


class Visit:
    """One connection, seen from the venue."""

    def __init__(self, server: VenueServer, socket: ServerConnection) -> None:
        self.server = server
        self.socket = socket

    def say(self, *texts: str) -> None:
        for text in texts:
            self.socket.send(text)

    def listen(self) -> str:
        """One command, confirmed."""
        text = str(self.socket.recv())
        self.server.commands.append(text)
        word, _, rest = text.partition(" ")
        if word == "follow":
            self.socket.send(f"ok {rest}")
        return text

    def serve(self) -> None:
        """Confirm commands until the other side leaves."""
        with suppress(ConnectionClosed):
            while True:
                self.listen()

    def cut(self) -> None:
        """End the connection as a network does."""
        self.socket.close_socket()

    def write(self, data: bytes) -> None:
        """Write bytes that no library would."""
        self.socket.socket.sendall(data)

    def hold(self) -> None:
        """Neither read nor write until the test is over."""
        self.server.closing.wait(20)


Behaviour: TypeAlias = Callable[[Visit], None]


def answer(status: int, *headers: tuple[str, str], body: str = "") -> Response:
    """Write down a refusal of the upgrade."""
    data = body.encode()
    fields = [("Content-Length", str(len(data))), *headers]
    return Response(status, HTTPStatus(status).phrase, Headers(fields), data)


class VenueServer:
    """Serves each connection in turn by a behaviour; the last one is for all that follow.

    A `Response` in place of a behaviour refuses the upgrade.
    """

    def __init__(self, *behaviours: Behaviour | Response) -> None:
        self.behaviours = list(behaviours)
        self.requests: list[Request] = []
        self.commands: list[str] = []
        self.codes: list[int | None] = []
        self.closing = threading.Event()
        self.changed = threading.Condition()
        self._server = serve(
            self._handle,
            "127.0.0.1",
            0,
            process_request=self._judge,
            compression=None,
            ping_interval=None,
            close_timeout=0.5,
            # It would show what a venue gets to see, and no client ever logs.
            logger=logging.Logger("venue", logging.CRITICAL),  # noqa: LOG001
        )
        port = self._server.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}/stream"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join(5)

    def wait(self, is_so: Callable[[], bool], seconds: float = 5.0) -> bool:
        with self.changed:
            return self.changed.wait_for(is_so, seconds)

    def _judge(self, _: ServerConnection, request: Request) -> Response | None:
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        step = self._step(len(self.requests) - 1)
        return step if isinstance(step, Response) else None

    def _step(self, number: int) -> Behaviour | Response:
        return self.behaviours[min(number, len(self.behaviours) - 1)]

    def _handle(self, socket: ServerConnection) -> None:
        request = socket.request
        assert request is not None
        number = next(n for n, each in enumerate(self.requests) if each is request)
        step = self._step(number)
        assert not isinstance(step, Response)
        with suppress(ConnectionClosed, OSError):
            step(Visit(self, socket))
        closed = socket.protocol.close_rcvd
        with self.changed:
            self.codes.append(None if closed is None else closed.code)
            self.changed.notify_all()
