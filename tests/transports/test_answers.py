"""What comes back whole, in both flavours: whatever its status, nothing interpreted."""

from __future__ import annotations

import base64
import gzip
import ssl
import time
from contextlib import suppress
from pathlib import Path

import pytest

from unified_exchanges.errors import BadRequest, ConnectionLost, NetworkError
from unified_exchanges.flow import Request
from unified_exchanges.transports import AsyncTransport, Transport
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

from .conftest import Client, Server
from .rawserver import Behaviour, Visit, http
from .test_failures import caught, closed_port


def always(*data: bytes) -> Behaviour:
    def behave(visit: Visit) -> None:
        while visit.read():
            visit.write(*data)

    return behave


def in_turn(*answers: bytes) -> Behaviour:
    def behave(visit: Visit) -> None:
        for answer in answers:
            visit.read()
            visit.write(answer)
        visit.wait()

    return behave


def closing_after_each(visit: Visit) -> None:
    visit.read()
    visit.write(http())


def test_both_are_what_the_drivers_ask_for() -> None:
    assert isinstance(BlockingTransport(), Transport)
    assert isinstance(AioTransport(), AsyncTransport)


def test_a_request_goes_out_as_it_was_given(client: Client, serve: Server) -> None:
    server = serve(always(http()))
    query = (("z", "1"), ("a", "b c/ü"), ("a", "2"))
    body = b'{"price":"0.5500"}'
    headers = {"KALSHI-ACCESS-KEY": "key", "Content-Type": "application/json"}
    client.send(Request("POST", server.url + "/v2/x%2Fy", query, headers, body))
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    assert first == "POST /v2/x%2Fy?z=1&a=b+c%2F%C3%BC&a=2 HTTP/1.1"
    assert sent == body
    fields = {name.lower(): value for name, value in (h.split(": ", 1) for h in rest)}
    assert fields["kalshi-access-key"] == "key"
    assert fields["content-type"] == "application/json"
    assert fields["content-length"] == "18"
    assert fields["accept-encoding"] == "gzip"
    assert fields["host"] == f"127.0.0.1:{server.port}"


def test_an_answer_has_its_status_lower_cased_headers_and_exact_bytes(
    client: Client, serve: Server
) -> None:
    server = serve(always(http(b"\x00\xff{", "409 Conflict", "X-Request-ID: Ab")))
    response = client.send(Request("POST", server.url, body=b"{}"))
    assert (response.status, response.body) == (409, b"\x00\xff{")
    assert response.headers["x-request-id"] == "Ab"
    assert 0 < response.elapsed < 5


def test_elapsed_is_in_seconds_and_up_to_the_last_byte(
    client: Client, serve: Server
) -> None:
    def late(visit: Visit) -> None:
        visit.read()
        visit.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
        visit.drip([b"", b"}"], 0.05)

    response = client.send(Request("GET", serve(late).url))
    assert 0.04 < response.elapsed < 2


@pytest.mark.parametrize("status", ["429 Too Many", "500 Oops", "503 Away", "401 No"])
def test_a_refusal_is_an_answer_and_is_asked_for_once(
    client: Client, serve: Server, status: str
) -> None:
    server = serve(always(http(b"no", status, "Retry-After: 0")))
    response = client.send(Request("GET", server.url))
    assert (response.status, response.body) == (int(status[:3]), b"no")
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 Go"])
def test_fault_45_a_redirect_is_handed_back_and_not_followed(
    client: Client, serve: Server, status: str
) -> None:
    elsewhere = serve(always(http()))
    server = serve(always(http(b"", status, f"Location: {elsewhere.url}/stolen")))
    response = client.send(Request("GET", server.url, (), {"KALSHI-ACCESS-KEY": "k"}))
    assert response.status == int(status[:3])
    assert elsewhere.connections == 0


def test_fault_45_a_page_of_html_with_200_is_handed_on(
    client: Client, serve: Server
) -> None:
    server = serve(always(http(b"<html>", "200 OK", "Content-Type: text/html")))
    response = client.send(Request("GET", server.url))
    assert (response.status, response.body) == (200, b"<html>")


@pytest.mark.parametrize(
    "answer",
    [
        http(gzip.compress(b"{}" * 5000), "200 OK", "Content-Encoding: gzip"),
        http(
            gzip.compress(b"{}" * 2000) + gzip.compress(b"{}" * 3000),
            "200 OK",
            "Content-Encoding: GZIP",
        ),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1388\r\n" + b"{}" * 2500 + b"\r\n1388\r\n" + b"{}" * 2500 + b"\r\n0\r\n\r\n",
        http(b"{}" * 5000, "200 OK", "Content-Encoding: identity"),
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + http(b"{}" * 5000),
    ],
    ids=["gzip", "gzip in two", "chunked", "identity", "after hints"],
)
def test_a_body_arrives_whole_however_it_is_packed(
    client: Client, serve: Server, answer: bytes
) -> None:
    response = client.send(Request("GET", serve(always(answer)).url))
    assert response.body == b"{}" * 5000


def test_an_encoding_that_was_not_asked_for_is_an_error(
    client: Client, serve: Server
) -> None:
    server = serve(always(http(b"xx", "200 OK", "Content-Encoding: br")))
    error = caught(client, Request("GET", server.url))
    assert "not asked for" in str(error)


def test_a_body_that_ends_with_the_connection_is_whole(
    client: Client, serve: Server
) -> None:
    def until_closed(visit: Visit) -> None:
        visit.read()
        visit.write(b"HTTP/1.1 200 OK\r\n\r\n", b"{}" * 5000)

    response = client.send(Request("GET", serve(until_closed).url))
    assert response.body == b"{}" * 5000


def test_an_answer_may_have_no_body(client: Client, serve: Server) -> None:
    server = serve(always(b"HTTP/1.1 204 No Content\r\n\r\n"))
    for _ in range(2):
        response = client.send(Request("DELETE", server.url))
        assert (response.status, response.body) == (204, b"")
    assert server.connections == 1


def test_a_connection_is_used_again(client: Client, serve: Server) -> None:
    server = serve(always(http()))
    for _ in range(5):
        client.send(Request("GET", server.url))
    assert (server.connections, len(server.requests)) == (1, 5)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_closed_while_idle_is_noticed_before_anything_is_sent(
    client: Client, serve: Server, method: str
) -> None:
    server = serve(closing_after_each)
    for _ in range(3):
        assert client.send(Request(method, server.url)).status == 200
        time.sleep(0.02)
    assert (server.connections, len(server.requests)) == (3, 3)


def test_bytes_after_an_answer_do_not_become_the_next_answer(
    client: Client, serve: Server
) -> None:
    poisoned = http(b"{}") + http(b"poison")
    server = serve(in_turn(poisoned, http(b"second")))
    assert client.send(Request("GET", server.url)).body == b"{}"
    with suppress(ConnectionLost):
        assert client.send(Request("GET", server.url)).body != b"poison"


def test_cookies_are_not_kept(client: Client, serve: Server) -> None:
    server = serve(always(http(b"{}", "200 OK", "Set-Cookie: session=abc; Path=/")))
    client.send(Request("GET", server.url))
    client.send(Request("GET", server.url))
    assert b"cookie" not in server.requests[1].lower()


def test_netrc_is_not_read(
    client: Client, serve: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(always(http()))
    client.send(Request("GET", server.url))
    assert b"authorization" not in server.requests[0].lower()


def test_a_closed_transport_says_so_and_may_be_closed_again(
    client: Client, serve: Server
) -> None:
    server = serve(always(http()))
    client.send(Request("GET", server.url))
    client.close()
    client.close()
    with pytest.raises(BadRequest, match="closed"):
        client.send(Request("GET", server.url))


def test_a_transport_that_never_sent_anything_can_be_closed(client: Client) -> None:
    client.close()


def test_sleeping_waits(client: Client) -> None:
    started = time.monotonic()
    client.sleep(0.02)
    assert time.monotonic() - started > 0.015


# -- the environment -------------------------------------------------------------------


def test_fault_46_a_dead_proxy_sent_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    error = caught(client, Request("POST", "http://venue.test/orders"))
    assert (type(error), error.sent) == (ConnectionLost, False)


def test_fault_46_a_proxy_that_refuses_the_tunnel_sent_nothing(
    client: Client, serve: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(always(http(b"", "407 Proxy Authentication Required")))
    monkeypatch.setenv("https_proxy", proxy.url)
    headers = {"KALSHI-ACCESS-KEY": "canary"}
    error = caught(client, Request("POST", "https://venue.test/orders", (), headers))
    assert error.sent is False
    assert b"canary" not in proxy.requests[0]


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_a_proxy_of_the_environment_is_used_with_its_password(
    client: Client, serve: Server, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    proxy = serve(always(http(b"by proxy")))
    monkeypatch.setenv(variable, f"127.0.0.1:{proxy.port}")
    if variable == "http_proxy":
        monkeypatch.setenv(variable, f"http://me:pass@127.0.0.1:{proxy.port}")
    request = Request("GET", "http://venue.test/orders", (("a", "1"),))
    assert client.send(request).body == b"by proxy"
    assert proxy.requests[0].startswith(b"GET http://venue.test/orders?a=1 HTTP/1.1")
    if variable == "http_proxy":
        assert base64.b64encode(b"me:pass") in proxy.requests[0]


def test_a_tunnel_through_a_proxy_verifies_the_venue(
    client: Client,
    serve: Server,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def tunnel(visit: Visit) -> None:
        visit.read()
        visit.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        inner = Visit(visit.server, tls.wrap_socket(visit.sock, server_side=True))
        inner.read()
        inner.write(http(b"inside"))
        inner.sock.close()

    proxy = serve(tunnel)
    monkeypatch.setenv("https_proxy", f"http://me:pass@127.0.0.1:{proxy.port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    headers = {"KALSHI-ACCESS-KEY": "canary"}
    answer = client.send(Request("GET", "https://venue.test/orders", (), headers))
    assert answer.body == b"inside"
    assert proxy.requests[0].startswith(b"CONNECT venue.test:443")
    assert base64.b64encode(b"me:pass") in proxy.requests[0]
    assert b"canary" not in proxy.requests[0]
    assert b"canary" in proxy.requests[1]
    assert base64.b64encode(b"me:pass") not in proxy.requests[1]


@pytest.mark.parametrize(
    "proxy", ["ftp://me:secret@127.0.0.1:1", "http://me:secret@:99999"]
)
def test_a_proxy_that_cannot_be_used_is_a_bad_request_without_its_password(
    client: Client, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises((BadRequest, NetworkError)) as caught:
        client.send(Request("GET", "http://venue.test/"))
    assert "secret" not in str(caught.value)


def test_this_machine_is_reached_without_a_proxy(
    client: Client, serve: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    server = serve(always(http()))
    assert client.send(Request("GET", server.url)).status == 200


def test_no_proxy_is_honoured(
    client: Client, serve: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(always(http(b"by proxy")))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", ".invalid")
    name = f"{'a' * 64}.invalid"
    assert caught(client, Request("GET", f"http://{name}/")).sent is False
    assert proxy.connections == 0


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_fault_46_the_environment_may_say_whom_to_trust(
    client: Client,
    serve: Server,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, str(certificate))
    server = serve(always(http()), tls)
    assert client.send(Request("GET", server.url)).status == 200


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_fault_46_the_environment_cannot_turn_verification_off(
    client: Client,
    serve: Server,
    tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PYTHONHTTPSVERIFY"):
        monkeypatch.setenv(variable, value)
    server = serve(always(http()), tls)
    with pytest.raises((ConnectionLost, BadRequest)):
        client.send(Request("GET", server.url))
    assert server.requests == []


def test_a_certificate_of_another_name_is_refused(
    client: Client,
    serve: Server,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = serve(always(http()), tls)
    url = server.url.replace("127.0.0.1", "localhost")
    error = caught(client, Request("GET", url))
    assert (error.sent, server.requests) == (False, [])
