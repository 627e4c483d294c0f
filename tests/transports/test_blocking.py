"""What only the blocking transport has to stand: threads, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from unified_exchanges.errors import ConnectionLost, NetworkError
from unified_exchanges.flow import Request
from unified_exchanges.transports.blocking import BlockingTransport

from .conftest import Server
from .rawserver import Visit, http
from .test_answers import always


@pytest.fixture
def transport() -> Iterator[BlockingTransport]:
    made = BlockingTransport(pool_size=8)
    yield made
    made.close()


def echo(visit: Visit) -> None:
    while request := visit.read():
        visit.write(http(request.split(b" ")[1]))


def test_eight_threads_share_one_transport(
    serve: Server, transport: BlockingTransport
) -> None:
    server = serve(echo)
    answers: dict[str, bytes] = {}

    def ask(thread: int) -> None:
        for number in range(20):
            path = f"/{thread}/{number}"
            answers[path] = transport.send(Request("GET", server.url + path)).body

    run_all([threading.Thread(target=ask, args=(n,)) for n in range(8)])
    assert {path: path.encode() for path in answers} == answers
    assert len(answers) == 160
    assert server.connections <= 8


def test_fault_47_an_interrupt_drops_the_connection_and_leaves_the_transport_usable(
    serve: Server, transport: BlockingTransport
) -> None:
    def silent_at_first(visit: Visit) -> None:
        visit.read()
        if visit.server.connections == 1:
            visit.wait()
        visit.write(http())

    server = serve(silent_at_first)
    main = threading.main_thread().ident or 0
    interrupt = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        transport.send(Request("POST", server.url))
    interrupt.join()
    assert transport.send(Request("GET", server.url)).status == 200
    assert (server.connections, len(server.requests)) == (2, 2)


def test_closing_while_a_request_is_under_way_lets_it_finish(serve: Server) -> None:
    arrived = threading.Event()
    go_on = threading.Event()

    def waits(visit: Visit) -> None:
        visit.read()
        arrived.set()
        go_on.wait(5)
        visit.write(http())

    server = serve(waits)
    transport = BlockingTransport()
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(transport.send(Request("GET", server.url)).status)

    thread = threading.Thread(target=ask)
    thread.start()
    arrived.wait(5)
    transport.close()
    go_on.set()
    thread.join()
    assert statuses == [200]


def test_proxies_are_looked_up_once_per_host(
    serve: Server, transport: BlockingTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(always(http(b"by proxy")))
    monkeypatch.setenv("http_proxy", proxy.url)
    transport.send(Request("GET", "http://venue.test/"))
    monkeypatch.delenv("http_proxy")
    assert transport.send(Request("GET", "http://venue.test/")).body == b"by proxy"
    with pytest.raises(NetworkError):
        transport.send(Request("GET", f"http://{'b' * 64}.test/"))


def test_more_threads_than_pooled_connections_are_served_all_the_same(
    serve: Server,
) -> None:
    server = serve(echo)
    transport = BlockingTransport(pool_size=1)
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(transport.send(Request("GET", server.url + "/x")).status)

    run_all([threading.Thread(target=ask) for _ in range(6)])
    transport.close()
    assert statuses == [200] * 6


def test_an_error_is_told_to_the_thread_that_asked(
    serve: Server, transport: BlockingTransport
) -> None:
    server = serve(Visit.read_and_leave)
    errors: list[NetworkError] = []

    def ask() -> None:
        try:
            transport.send(Request("POST", server.url))
        except NetworkError as error:
            errors.append(error)

    run_all([threading.Thread(target=ask) for _ in range(4)])
    assert [type(error) for error in errors] == [ConnectionLost] * 4
    assert len(server.requests) == 4


def run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_fault_47_a_forked_child_has_connections_of_its_own(
    serve: Server, transport: BlockingTransport
) -> None:
    """On a shared one each would read what the other was answered."""
    server = serve(echo)
    transport.send(Request("GET", server.url + "/before"))
    child = os.fork()
    if child == 0:
        try:
            path = "/child"
            told = transport.send(Request("GET", server.url + path)).body
            os._exit(0 if told == path.encode() else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert transport.send(Request("GET", server.url + "/after")).body == b"/after"
    # The parent's, and the child's: neither closed the other's.
    assert server.connections == 2
