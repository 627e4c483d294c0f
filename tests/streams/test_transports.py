"""How a WebSocket is reached: certificates, proxies, and what is said when it is not."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.sync.server import ServerConnection, serve

from tests.transports.conftest import certificate, clean_environment, tls
from tests.transports.rawserver import RawServer, Visit, http
from unified_exchanges.errors import BadRequest, ConnectionLost, NetworkError
from unified_exchanges.streams.session import UpgradeRefused
from unified_exchanges.transports.aio_websocket import connect_aio
from unified_exchanges.transports.aiohttp_websocket import connect_aiohttp
from unified_exchanges.transports.handshake import Handshake, quiet_logger
from unified_exchanges.transports.websocket import connect_blocking

from .conftest import Open
from .runner import LoopThread
from .venue import Visit as VenueVisit

__all__ = ["certificate", "clean_environment", "tls"]

_RESET = struct.pack("ii", 1, 0)
"""Lingers for no time: what is closed so is reset."""


class Line:
    """A connection on any library, behind one blocking face."""

    def __init__(self, driver: str, url: str, timeout: float = 5.0) -> None:
        self._loop = None if driver == "blocking" else LoopThread()
        self._messages: list[Any] = []
        arguments: Any = {"heard": lambda: None, "timeout": timeout}
        try:
            if self._loop is None:
                self.made: Any = connect_blocking(url, {}, **arguments)
            else:
                connect: Any = (
                    connect_aio if driver == "websockets" else connect_aiohttp
                )
                self.made = self._loop.run(connect(url, {}, **arguments))
        except BaseException:
            self._stop()
            raise

    def echo(self, text: str) -> str:
        """Send a text; what comes back."""
        if self._loop is None:
            self.made.send(text)
            found = self.made.recv(5.0)[0]
        else:
            found = self._loop.run(self._echo(text))
        return found if isinstance(found, str) else found.decode()

    async def _echo(self, text: str) -> Any:
        found: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        reading = asyncio.create_task(
            self.made.run(lambda messages: found.set_result(messages[0]))
        )
        await self.made.send(text)
        try:
            return await found
        finally:
            reading.cancel()

    def send(self, text: str) -> None:
        if self._loop is None:
            self.made.send(text)
        else:
            self._loop.run(self.made.send(text))

    def close(self) -> None:
        if self._loop is None:
            self.made.close()
        else:
            self._loop.run(self.made.close())

    def end(self) -> None:
        self.close()
        self._stop()

    def _stop(self) -> None:
        if self._loop is not None:
            self._loop.stop()


@pytest.fixture
def line(driver: str, stack: ExitStack) -> Callable[..., Line]:
    def open_line(url: str, **settings: Any) -> Line:
        made = Line(driver, url, **settings)
        stack.callback(made.end)
        return made

    return open_line


def echo(connection: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        for message in connection:
            connection.send(message)


@pytest.fixture
def secure(tls: ssl.SSLContext) -> Iterator[str]:
    """An echo behind TLS, whose certificate nobody trusts by default."""
    with serve(echo, "127.0.0.1", 0, ssl=tls, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"wss://127.0.0.1:{server.socket.getsockname()[1]}/stream"
        server.shutdown()
        thread.join(5)


def test_fault_46_a_certificate_that_is_not_trusted_is_refused(
    secure: str, line: Callable[..., Line]
) -> None:
    with pytest.raises(NetworkError, match=r"(?i)certificate"):
        line(secure)


def test_fault_46_the_environment_may_say_whom_to_trust(
    secure: str,
    line: Callable[..., Line],
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert line(secure).echo("hello") == "hello"


def tunnel(visit: Visit) -> None:
    """A proxy that leads everywhere to one echo."""
    visit.read()
    port = int(visit.server.url.rpartition("#")[2])
    visit.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    with socket.create_connection(("127.0.0.1", port)) as other:
        back = threading.Thread(target=_copy, args=(other, visit.sock), daemon=True)
        back.start()
        _copy(visit.sock, other)
        back.join(5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_fault_46_a_proxy_of_the_environment_is_used(
    secure: str,
    line: Callable[..., Line],
    stack: ExitStack,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = stack.enter_context(RawServer(tunnel))
    address = proxy.url
    port = secure.rpartition(":")[2].partition("/")[0]
    proxy.url += f"#{port}"
    monkeypatch.setenv("HTTPS_PROXY", address.replace("://", "://user:canary-word@"))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = secure.replace("127.0.0.1", "venue.test")
    assert line(url).echo("hello") == "hello"
    assert proxy.requests[0].startswith(b"CONNECT venue.test:")
    assert b"Proxy-Authorization: Basic" in proxy.requests[0]


def test_fault_46_a_proxy_that_refuses_is_told_without_its_password(
    line: Callable[..., Line], stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(visit: Visit) -> None:
        visit.read()
        visit.write(http(b"", "407 Proxy Authentication Required"))

    proxy = stack.enter_context(RawServer(refuse))
    url = proxy.url.replace("://", "://user:canary-word@")
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(ConnectionLost, match=r"no connection to venue\.test") as caught:
        line("wss://venue.test/stream")
    assert "canary-word" not in str(caught.value)
    assert caught.value.sent is False


def test_fault_46_a_proxy_that_is_no_http_proxy_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:canary-word@127.0.0.1:1080")
    with pytest.raises(BadRequest, match="is not an HTTP proxy") as caught:
        Handshake("wss://venue.test/stream", {}, 5.0)
    assert "canary-word" not in str(caught.value)


def test_a_proxy_behind_tls_is_verified_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "https://127.0.0.1:8443")
    shake = Handshake("wss://venue.test/stream", {}, 5.0)
    assert isinstance(shake.proxy_trust, ssl.SSLContext)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:8080")
    assert Handshake("wss://venue.test/stream", {}, 5.0).proxy_trust is None


@pytest.mark.parametrize("is_reset", [False, True])
def test_a_server_that_hangs_up_at_once_is_a_connection_that_failed(
    line: Callable[..., Line], *, is_reset: bool
) -> None:
    """Whichever of both comes first: its end, or that what we ask for has left."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    visit, _ = server.accept()
                    if is_reset:
                        visit.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    visit.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        for _ in range(100):
            with pytest.raises(ConnectionLost):
                line(f"ws://127.0.0.1:{server.getsockname()[1]}/ws")
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize("url", ["http://venue.test", "venue.test", "ws:///path"])
def test_what_is_no_websocket_url_is_refused(url: str) -> None:
    with pytest.raises(BadRequest, match="is not an"):
        Handshake(url, {}, 5.0)


def test_headers_beyond_ascii_are_refused() -> None:
    with pytest.raises(BadRequest, match="header 'X-Key'"):
        Handshake("ws://127.0.0.1", {"X-Key": "é"}, 5.0)


def test_a_refusal_is_kept_with_its_headers_and_an_excerpt_of_its_body(
    line: Callable[..., Line], stack: ExitStack
) -> None:
    def refuse(visit: Visit) -> None:
        visit.read()
        visit.write(http(b"x" * 10_000, "429 Too Many", "Retry-After: 3"))

    server = stack.enter_context(RawServer(refuse))
    with pytest.raises(UpgradeRefused) as caught:
        line(server.url.replace("http", "ws"))
    refusal = caught.value
    assert (refusal.status, refusal.retry_after) == (429, 3.0)
    assert refusal.body == "x" * 4096
    assert str(refusal) == f"HTTP 429: {'x' * 200}"


def test_sending_on_a_connection_that_is_gone_is_a_lost_connection(
    venue: Open, line: Callable[..., Line]
) -> None:
    made = line(venue(VenueVisit.serve).url)
    made.close()
    made.close()
    with pytest.raises(ConnectionLost):
        made.send("hello")


def exhaust(made: Any) -> None:
    while True:
        made.recv(5.0)


def test_fault_40_a_message_before_the_end_is_not_lost_to_it(venue: Open) -> None:
    def tell(visit: VenueVisit) -> None:
        visit.listen()
        # A text, and in the same breath a frame of an opcode that does not exist.
        visit.write(b"\x81\x06before\x83\x00")
        visit.hold()

    made: Any = connect_blocking(venue(tell).url, {}, heard=lambda: None, timeout=5.0)
    client, asked = made._client, threading.Event()
    take = client.process_event

    def take_late(event: Any) -> None:
        asked.wait(5)
        take(event)

    client.process_event = take_late
    made.send("go on")
    while client.protocol.state is State.OPEN:
        time.sleep(0.001)
    threading.Timer(0.1, asked.set).start()
    try:
        assert made.recv(5.0) == [b"before"]
        with pytest.raises(ConnectionLost, match="with code 1002"):
            exhaust(made)
    finally:
        made.close()


def test_a_library_cannot_be_made_to_log_what_it_sends() -> None:
    logger = quiet_logger()
    assert logger.isEnabledFor(10) is False
    assert logger.isEnabledFor(30) is True
    assert logger.parent is not None
    assert logger.parent.name == "unified_exchanges.transports"
