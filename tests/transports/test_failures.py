"""What goes wrong between us and a venue, in both flavours: one table of it."""

from __future__ import annotations

import gzip
import logging
import pickle
import socket
import ssl
import time
import traceback
from collections.abc import Iterator
from itertools import repeat

import attrs
import pytest

from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    NetworkError,
    RequestTimeout,
)
from unified_exchanges.flow import Request
from unified_exchanges.transports.body import ANSWER_LIMIT

from .conftest import Client, Server
from .rawserver import Behaviour, Visit, http

CANARY = "canary-key-5f2c"
HEADERS = {"KALSHI-ACCESS-KEY": CANARY, "KALSHI-ACCESS-SIGNATURE": f"{CANARY}+sig=="}
SHORT = 0.15
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@attrs.frozen
class Row:
    """A fault, what the server does, and what the caller must be told."""

    fault: str
    behaviour: Behaviour
    error: type[NetworkError] = ConnectionLost
    sent: bool = True
    tls: bool = False
    timeout: float = 5.0


def after_reading(*data: bytes) -> Behaviour:
    def behave(visit: Visit) -> None:
        visit.read()
        visit.write(*data)

    return behave


def reset_while_reading(visit: Visit) -> None:
    visit.sock.recv(1)
    visit.reset()


def read_then_reset(visit: Visit) -> None:
    visit.read()
    visit.reset()


def silent(visit: Visit) -> None:
    visit.read()
    visit.wait()


def deaf(visit: Visit) -> None:
    visit.server.closing.wait(5)


def slow_headers(visit: Visit) -> None:
    visit.read()
    visit.write(OK)
    visit.drip(repeat(b"X"), 0.03)


def slow_body(visit: Visit) -> None:
    visit.read()
    visit.write(OK, b"Content-Length: 1000\r\n\r\n")
    visit.drip(repeat(b"x"), 0.03)


def endless_informational(visit: Visit) -> None:
    visit.read()
    visit.drip(repeat(b"HTTP/1.1 102 Processing\r\n\r\n"), 0.03)


def endless_headers(visit: Visit) -> None:
    visit.read()
    visit.write(OK)
    for number in range(100_000):
        visit.write(f"X-Header-{number}: 1\r\n".encode())


def endless_body(visit: Visit) -> None:
    visit.read()
    visit.write(CHUNKED)
    block = bytes(1 << 20)
    for _ in range(66):
        visit.write(b"100000\r\n", block, b"\r\n")


def bomb() -> bytes:
    body = gzip.compress(bytes(ANSWER_LIMIT + 1), compresslevel=1)
    return http(body, "200 OK", "Content-Encoding: gzip")


GZIP = ("200 OK", "Content-Encoding: gzip")
ROWS = [
    Row("02 drops after committing", after_reading()),
    Row("03 resets after reading", read_then_reset),
    Row("03 resets while reading", reset_while_reading),
    Row("04 never answers", silent, RequestTimeout, timeout=SHORT),
    Row("08 truncated body", after_reading(http(b"{}", length=99))),
    Row("08 truncated chunks", after_reading(CHUNKED, b"5\r\nab")),
    Row("08 no last chunk", after_reading(CHUNKED, b"2\r\n{}\r\n")),
    Row("08 senseless chunk", after_reading(CHUNKED, b"zz\r\n{}\r\n")),
    Row("45 gzip garbage", after_reading(http(b"not gzip", *GZIP))),
    Row("45 gzip cut", after_reading(http(gzip.compress(b"{}" * 99)[:-9], *GZIP))),
    Row("45 status line", after_reading(b"HELLO\r\n\r\n")),
    Row("45 slow headers", slow_headers, RequestTimeout, timeout=SHORT),
    Row("45 slow body", slow_body, RequestTimeout, timeout=SHORT),
    Row("45 endless 1xx", endless_informational, RequestTimeout, timeout=SHORT),
    Row("45 endless headers", endless_headers),
    Row("45 long header", after_reading(OK, b"X: ", b"x" * 200_000, b"\r\n\r\n")),
    Row("40 declares too much", after_reading(http(length=ANSWER_LIMIT + 1))),
    Row("40 sends too much", endless_body),
    Row("40 compressed bomb", after_reading(bomb())),
    Row("46 unknown certificate", silent, sent=False, tls=True),
]


@pytest.fixture(params=ROWS, ids=lambda row: row.fault.replace(" ", "-"))
def row(request: pytest.FixtureRequest) -> Row:
    return request.param


def caught(client: Client, request: Request) -> NetworkError:
    with pytest.raises(NetworkError) as caught:
        client.send(request)
    return caught.value


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_f17_a_fault_is_told_by_class_and_whether_bytes_left_and_nothing_is_sent_again(
    client: Client, serve: Server, tls: ssl.SSLContext, row: Row, method: str
) -> None:
    server = serve(row.behaviour, tls if row.tls else None)
    request = Request(method, server.url + "/orders", timeout=row.timeout)
    started = time.monotonic()
    error = caught(client, request)
    assert (type(error), error.sent) == (row.error, row.sent)
    assert error.maybe_executed == (row.sent and method != "GET")
    assert error.request == f"{method} /orders"
    assert f"127.0.0.1:{server.port}" in str(error)
    assert time.monotonic() - started < row.timeout + 1
    assert len(server.requests) <= 1
    assert server.connections == 1


def test_fault_48_an_error_leads_to_no_secret(
    client: Client,
    serve: Server,
    tls: ssl.SSLContext,
    row: Row,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(row.behaviour, tls if row.tls else None)
    request = Request(
        "POST", server.url + "/orders", (), HEADERS, b'{"a":1}', row.timeout
    )
    error = caught(client, request)
    assert (error.__cause__, error.__context__) == (None, None)
    shown = [*everything_shown(error), caplog.text]
    assert [text for text in shown if CANARY in text] == []


def everything_shown(error: BaseException) -> Iterator[str]:
    yield repr(error)
    yield repr(vars(error))
    yield repr(pickle.dumps(error))
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "unified_exchanges" in frame.f_code.co_filename:
            yield repr(frame.f_locals)


def test_fault_01_a_refused_connection_sent_nothing(client: Client) -> None:
    error = caught(client, Request("POST", f"http://127.0.0.1:{closed_port()}/orders"))
    assert (type(error), error.sent, error.maybe_executed) == (
        ConnectionLost,
        False,
        False,
    )
    assert "Nothing was sent" in str(error)


def test_fault_01_a_name_without_an_address_sent_nothing(client: Client) -> None:
    error = caught(client, Request("POST", f"http://{'a' * 64}.invalid/orders"))
    assert error.sent is False


def test_fault_01_a_host_that_does_not_take_the_connection_sent_nothing(
    client: Client,
) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.settimeout(0)
            sock.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/orders"
        error = caught(client, Request("POST", url, timeout=SHORT))
        for sock in waiting:
            sock.close()
    assert (type(error), error.sent) == (RequestTimeout, False)


def test_fault_46_a_handshake_that_hangs_sent_nothing(
    client: Client, serve: Server
) -> None:
    server = serve(Visit.wait)
    url = server.url.replace("http:", "https:")
    error = caught(client, Request("POST", url, timeout=SHORT))
    assert (type(error), error.sent) == (RequestTimeout, False)


def test_fault_46_plain_text_in_place_of_tls_sent_nothing(
    client: Client, serve: Server
) -> None:
    server = serve(lambda visit: visit.write(http()))
    url = server.url.replace("http:", "https:")
    error = caught(client, Request("POST", url))
    assert (type(error), error.sent) == (ConnectionLost, False)


def test_a_slow_reader_of_the_request_holds_nobody_past_the_deadline(
    client: Client, serve: Server
) -> None:
    server = serve(deaf)
    started = time.monotonic()
    body = bytes(1_000_000)
    error = caught(client, Request("POST", server.url, body=body, timeout=SHORT))
    assert (type(error), error.sent) == (RequestTimeout, True)
    assert time.monotonic() - started < 1


def test_an_early_refusal_of_a_long_request_is_handed_on_or_told(
    client: Client, serve: Server
) -> None:
    def refuse(visit: Visit) -> None:
        visit.sock.recv(1000)
        visit.write(http(b"no", "413 Too Large", "Connection: close"))
        visit.server.closing.wait(5)

    started = time.monotonic()
    request = Request("POST", serve(refuse).url, body=bytes(1_000_000), timeout=SHORT)
    try:
        assert client.send(request).status == 413
    except NetworkError as error:
        assert error.sent  # noqa: PT017 - both endings are right
    assert time.monotonic() - started < 1


def test_a_deadline_that_has_passed_sends_nothing(
    client: Client, serve: Server
) -> None:
    server = serve(after_reading(http()))
    error = caught(client, Request("POST", server.url, timeout=0.0))
    assert (type(error), error.sent, server.connections) == (RequestTimeout, False, 0)


@pytest.mark.parametrize(
    "value",
    [f"{CANARY}\r\nX: 1", f"{CANARY}\n x", f"{CANARY}é", f"{CANARY}€", f"{CANARY}\0"],
)
def test_fault_48_a_header_that_http_cannot_carry_is_named_but_not_shown(
    client: Client, serve: Server, value: str
) -> None:
    server = serve(after_reading(http()))
    headers = {"X-Key": value}
    client.send(Request("GET", server.url))
    for _ in range(2):
        with pytest.raises(BadRequest, match="X-Key") as caught:
            client.send(Request("GET", server.url, (), headers))
        assert [t for t in everything_shown(caught.value) if CANARY in t] == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/x", "127.0.0.1/x", "http://", "http://127.0.0.1/a b"]
)
def test_what_is_no_url_is_a_bad_request(client: Client, url: str) -> None:
    with pytest.raises(BadRequest):
        client.send(Request("GET", url))


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])
