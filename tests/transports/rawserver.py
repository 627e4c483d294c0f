"""A server that speaks bytes, not HTTP, so that it can misbehave at any of them."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeAlias

__all__ = ["Behaviour", "RawServer", "Visit", "http"]


class Visit:
    """One accepted connection."""

    def __init__(self, server: RawServer, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock

    def read(self) -> bytes:
        """Take one whole request; empty when the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self.sock.recv(65536)
            if not chunk:
                return b""
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        while len(body) < _declared(head):
            body += self.sock.recv(65536)
        self.server.requests.append(head + b"\r\n\r\n" + body)
        return self.server.requests[-1]

    def write(self, *data: bytes) -> None:
        self.sock.sendall(b"".join(data))

    def drip(self, data: Iterable[bytes], pause: float) -> None:
        """Send bit by bit until the client has had enough."""
        for bit in data:
            self.sock.sendall(bit)
            if self.server.closing.wait(pause):
                return

    def wait(self) -> None:
        """Say nothing until the client hangs up."""
        while not self.server.closing.is_set() and self.sock.recv(65536):
            pass

    def read_and_leave(self) -> None:
        """Take a request and hang up."""
        self.read()

    def reset(self) -> None:
        """Close with RST, as a host does that has lost the connection's state."""
        linger = struct.pack("ii", 1, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.sock.close()


Behaviour: TypeAlias = Callable[[Visit], None]


class RawServer:
    """Runs a behaviour for each connection, in a thread of its own."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.closing = threading.Event()
        self._behaviour = behaviour
        self._tls = tls
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _run(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._run(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        # The client leaving in the middle is what many of the tests are about.
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            self._open.append(sock)
            self._behaviour(Visit(self, sock))
        if sock in self._open:
            self._open.remove(sock)
        sock.close()


def http(
    body: bytes = b"{}", status: str = "200 OK", *headers: str, length: int = -1
) -> bytes:
    """Write down an answer; ``length`` lies about that of the body."""
    size = len(body) if length < 0 else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def _declared(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
