"""A venue on a socket: what arrives, what leaves, and how it ends."""

from __future__ import annotations

import gc
import gzip
import http.client
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing
from time import monotonic
from urllib.parse import urlsplit

import pytest

from unified_exchanges import BadRequest
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.faults import Fault, redirected, too_many_requests
from unified_exchanges.simulator.server import SimulatorServer

DATE = "Fri, 20 Nov 2026 18:40:00 GMT"
BODY = b'{"a": 1, "and": "so on"}'


class Venue:
    """Remembers what reached it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.lags: list[float] = []

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        self.requests.append(request)
        self.lags.append(lag)
        if request.method == "DELETE":
            return Response(204, {"date": DATE})
        return Response(200, {"date": DATE, "content-type": "application/json"}, BODY)


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def server(venue: Venue) -> Iterator[SimulatorServer]:
    with SimulatorServer(venue) as server:
        yield server


def connect(
    server: SimulatorServer, timeout: float = 5.0
) -> http.client.HTTPConnection:
    parts = urlsplit(server.url)
    assert parts.hostname is not None
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def ask(
    server: SimulatorServer,
    method: str = "GET",
    path: str = "/x",
    body: bytes | None = None,
    timeout: float = 5.0,
) -> tuple[http.client.HTTPResponse, bytes]:
    with closing(connect(server, timeout)) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response, response.read()


def test_an_answer_arrives_as_the_venue_gave_it(server: SimulatorServer) -> None:
    response, body = ask(server)
    assert (response.status, body) == (200, BODY)
    assert response.getheader("date") == DATE
    assert response.getheader("content-type") == "application/json"


def test_a_request_arrives_as_it_was_sent(
    server: SimulatorServer, venue: Venue
) -> None:
    with closing(connect(server)) as connection:
        headers = {"X-Key": "1"}
        connection.request("POST", "/a%20b?x=1&y=%2F&x=", b"{}", headers)
        connection.getresponse().read()
    [request] = venue.requests
    assert urlsplit(request.url).path == "/a%20b"
    assert request.query == (("x", "1"), ("y", "/"), ("x", ""))
    assert (request.method, request.body, request.headers["x-key"]) == (
        "POST",
        b"{}",
        "1",
    )


def test_an_answer_without_a_body_has_none(server: SimulatorServer) -> None:
    response, body = ask(server, "DELETE")
    assert (response.status, body) == (204, b"")


def test_a_connection_is_used_again(server: SimulatorServer) -> None:
    with closing(connect(server)) as connection:
        for _ in range(3):
            connection.request("GET", "/x")
            assert connection.getresponse().read() == BODY


def test_many_threads_are_answered(server: SimulatorServer, venue: Venue) -> None:
    threads = [threading.Thread(target=ask, args=(server,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(venue.requests) == 8


def test_whoever_holds_the_lock_is_alone(server: SimulatorServer, venue: Venue) -> None:
    thread = threading.Thread(target=ask, args=(server,))
    with server.lock:
        thread.start()
        thread.join(0.05)
        assert venue.requests == []
    thread.join()
    assert len(venue.requests) == 1


def test_a_port_that_is_taken_is_told(server: SimulatorServer, venue: Venue) -> None:
    port = urlsplit(server.url).port
    assert port is not None
    other = SimulatorServer(venue, port=port)
    with pytest.raises(OSError, match="address already in use"):
        other.start()


def test_after_the_end_nobody_answers(venue: Venue) -> None:
    with SimulatorServer(venue) as server:
        ask(server)
    with pytest.raises(ConnectionRefusedError):
        ask(server)


def test_it_serves_from_its_start_until_it_is_stopped(venue: Venue) -> None:
    server = SimulatorServer(venue)
    server.start()
    try:
        ask(server)
        with pytest.raises(BadRequest, match="is served already: stop it"):
            server.start()
        ask(server)
    finally:
        server.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(server)
    with server:
        ask(server)
    assert len(venue.requests) == 3


def test_an_open_connection_does_not_hold_up_the_end(venue: Venue) -> None:
    with SimulatorServer(venue) as server:
        connection = connect(server)
        connection.request("GET", "/x")
        connection.getresponse().read()
        started = monotonic()
    assert monotonic() - started < 2
    connection.close()


def test_a_client_that_comes_at_the_very_end_leaves_no_socket_open() -> None:
    class Ending(Venue):
        """Stops its server in the moment in which others come."""

        def handle(self, request: Request, *, lag: float = 0.0) -> Response:
            clients.extend(socket.create_connection(place) for _ in range(5))
            server.stop()
            return super().handle(request, lag=lag)

    clients: list[socket.socket] = []
    with SimulatorServer(Ending()) as server:
        parts = urlsplit(server.url)
        assert parts.hostname is not None
        assert parts.port is not None
        place = parts.hostname, parts.port
        assert ask(server)[0].status == 200
    # Left open, it would be a ResourceWarning.
    gc.collect()
    for client in clients:
        client.close()


def test_it_runs_in_the_foreground_until_it_is_stopped(venue: Venue) -> None:
    server, ready = SimulatorServer(venue), threading.Event()
    thread = threading.Thread(target=server.run_forever, kwargs={"ready": ready})
    thread.start()
    assert ready.wait(5)
    assert ask(server)[0].status == 200
    server.stop()
    thread.join(5)
    assert not thread.is_alive()
    server.stop()


# Faults on the wire


def test_fault_02_a_drop_is_a_reset(server: SimulatorServer, venue: Venue) -> None:
    server.faults.add(Fault("drop"))
    with pytest.raises(ConnectionResetError):
        ask(server)
    assert len(venue.requests) == 1


def test_fault_03_a_drop_before_the_commit_does_not_reach_the_venue(
    server: SimulatorServer, venue: Venue
) -> None:
    server.faults.add(Fault("drop", commits=False))
    with pytest.raises(ConnectionResetError):
        ask(server)
    assert venue.requests == []


def test_fault_04_a_stall_never_answers(server: SimulatorServer, venue: Venue) -> None:
    server.faults.add(Fault("stall"))
    with pytest.raises(TimeoutError):
        ask(server, timeout=0.1)
    assert len(venue.requests) == 1


def test_a_stalled_connection_does_not_hold_up_the_end(venue: Venue) -> None:
    with SimulatorServer(venue) as server:
        server.faults.add(Fault("stall"))
        connection = connect(server)
        connection.request("GET", "/x")
        while not venue.requests:
            pass
        started = monotonic()
    assert monotonic() - started < 2
    connection.close()


def test_a_client_that_leaves_a_stalled_answer_disturbs_nobody(venue: Venue) -> None:
    with SimulatorServer(venue) as server:
        server.faults.add(Fault("stall"))
        with pytest.raises(TimeoutError):
            ask(server, timeout=0.05)
        assert ask(server)[1] == BODY


def test_what_never_began_can_be_stopped(venue: Venue) -> None:
    SimulatorServer(venue).stop()


def test_a_delay_takes_its_time(server: SimulatorServer) -> None:
    server.faults.add(Fault("delay", seconds=0.1))
    started = monotonic()
    assert ask(server)[1] == BODY
    assert monotonic() - started >= 0.1


def test_fault_08_a_truncated_answer_breaks_off(server: SimulatorServer) -> None:
    server.faults.add(Fault("truncate", keep=5))
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(server)
    assert caught.value.partial == BODY[:5]


def test_a_trickle_arrives_whole_in_the_end(server: SimulatorServer) -> None:
    server.faults.add(Fault("trickle", seconds=0.001))
    assert ask(server)[1] == BODY


def test_a_client_that_leaves_a_trickle_disturbs_nobody(
    server: SimulatorServer,
) -> None:
    server.faults.add(Fault("trickle", seconds=0.01))
    with closing(connect(server)) as connection:
        connection.request("GET", "/x")
        connection.getresponse()
    assert ask(server)[1] == BODY


def test_a_trickle_ends_with_the_server(venue: Venue) -> None:
    with SimulatorServer(venue) as server:
        server.faults.add(Fault("trickle", seconds=30))
        connection = connect(server)
        connection.request("GET", "/x")
        response = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    connection.close()


def test_a_garbled_answer_is_not_gzip(server: SimulatorServer) -> None:
    server.faults.add(Fault("garble"))
    response, body = ask(server)
    assert response.getheader("content-encoding") == "gzip"
    with pytest.raises((OSError, EOFError, zlib.error)):
        gzip.decompress(body)


def test_f17_a_duplicate_arrives_twice(server: SimulatorServer, venue: Venue) -> None:
    server.faults.add(Fault("duplicate"))
    assert ask(server)[0].status == 200
    assert len(venue.requests) == 2


def test_fault_09_a_429_and_a_redirect_are_answered_for_the_venue(
    server: SimulatorServer, venue: Venue
) -> None:
    server.faults.add(too_many_requests())
    server.faults.add(redirected("http://127.0.0.2/"))
    assert [ask(server)[0].status for _ in range(3)] == [429, 302, 200]
    assert len(venue.requests) == 1


def test_f7_the_date_can_be_off(server: SimulatorServer) -> None:
    server.faults.add(Fault("skew", seconds=3600))
    assert ask(server)[0].getheader("date") == "Fri, 20 Nov 2026 19:40:00 GMT"


def test_f20_reads_can_lag(server: SimulatorServer, venue: Venue) -> None:
    server.faults.add(Fault("lag", seconds=0.4))
    ask(server)
    assert venue.lags == [0.4]


def test_a_client_that_leaves_disturbs_nobody(server: SimulatorServer) -> None:
    parts = urlsplit(server.url)
    server.faults.add(Fault("delay", seconds=0.05))
    raw = socket.create_connection((parts.hostname, parts.port))
    raw.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    raw.close()
    assert ask(server)[1] == BODY
