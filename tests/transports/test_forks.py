"""A forked child has connections of its own, and says nothing on those of its parent."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.forking import forked, in_child
from unified_exchanges import fork
from unified_exchanges.drivers.blocking import BlockingDriver
from unified_exchanges.errors import BadRequest, ConnectionLost
from unified_exchanges.flow import Page, Request, Start
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

from .conftest import Awaited, Client, Server
from .rawserver import RawServer, Visit, http

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

ROOT = Path(__file__).parents[2]


def echo(visit: Visit) -> None:
    """Answer with the path that was asked for, as slowly as a venue."""
    while request := visit.read():
        path = request.split(b" ")[1]
        visit.server.closing.wait(30 if path == b"/slow" else 0.01)
        visit.write(http(path))


@pytest.fixture(params=["plain", "tls"])
def server(
    request: pytest.FixtureRequest,
    serve: Server,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> RawServer:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return serve(echo, tls if request.param == "tls" else None)


def ask(client: Client, server: RawServer, *paths: str) -> list[str]:
    return [
        client.send(Request("GET", server.url + path)).body.decode() for path in paths
    ]


def in_this_process(client: Client) -> Client:
    """The same transport; in a child of an async one on a loop of the child's own."""
    if not isinstance(client, Awaited):
        return client
    mine = Awaited()
    mine.transport = client.transport
    return mine


def sockets_to(server: RawServer) -> int:
    """How many connections to a server this process has."""
    found = 0
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            copy = os.dup(int(path.name))
            with socket.socket(fileno=copy) as sock:
                peer = sock.getpeername()
                # A socket between processes has a text as its peer.
                found += isinstance(peer, tuple) and peer[1] == server.port
    return found


@pytest.mark.parametrize("round_", range(5))
def test_parent_and_child_get_the_answers_to_their_own_requests(
    client: Client, server: RawServer, round_: int
) -> None:
    del round_
    ask(client, server, "/first")
    mine = [f"/parent/{n}" for n in range(6)]
    theirs = [f"/child/{n}" for n in range(6)]
    wait = forked(lambda: ask(in_this_process(client), server, *theirs))
    assert ask(client, server, *mine) == mine
    assert wait() == theirs
    assert server.connections == 2


def test_a_child_that_closes_leaves_the_parent_s_connection_as_it_was(
    client: Client, server: RawServer
) -> None:
    ask(client, server, "/first")

    def leave() -> None:
        in_this_process(client).close()
        gc.collect()

    in_child(leave)
    assert ask(client, server, "/again") == ["/again"]
    assert server.connections == 1


def test_a_child_that_drops_it_leaves_the_parent_s_connection_as_it_was(
    server: RawServer,
) -> None:
    held: list[Any] = [BlockingTransport(), Awaited()]
    for client in held:
        ask(client, server, "/first")

    def leave() -> None:
        runner = held[1]._runner
        runner.get_loop()
        held.clear()
        gc.collect()

    in_child(leave)
    for client in held:
        assert ask(client, server, "/again") == ["/again"]
        client.close()
    held[1].end()
    assert server.connections == 2


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_child_holds_no_connection_of_its_parent_open(server: RawServer) -> None:
    client = BlockingTransport()
    slow = Request("GET", server.url + "/slow")
    busy = threading.Thread(target=client.send, args=(slow,))
    busy.start()
    while not server.requests:
        time.sleep(0.001)
    ask(client, server, "/idle")
    assert (sockets_to(server), in_child(lambda: sockets_to(server))) == (2, 0)
    server.closing.set()
    busy.join()
    client.close()


def test_a_fork_in_a_request_leaves_it_to_the_parent(server: RawServer) -> None:
    client = BlockingTransport()
    read, write = os.pipe()
    children: list[int] = []

    def check() -> None:
        children.append(os.fork())

    told = b"nothing"
    try:
        told = client.send(Request("POST", server.url + "/order", check=check)).body
    except ConnectionLost as lost:
        told = f"lost, sent {lost.sent}".encode()
    finally:
        if children == [0]:
            os.write(write, told)
            os._exit(0)
    os.waitpid(children[0], 0)
    assert (told, os.read(read, 100)) == (b"/order", b"lost, sent True")
    assert len(server.requests) == 1
    os.close(read)
    os.close(write)
    client.close()


# -- what other threads of the parent were doing ---------------------------------------


def held_by_another_thread(*locks: Any) -> Iterator[None]:
    """Have a thread hold locks until the next turn."""
    taken, go = threading.Event(), threading.Event()

    def hold() -> None:
        for lock in locks:
            lock.acquire()
        taken.set()
        go.wait()
        for lock in locks:
            lock.release()

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait()
    yield
    go.set()
    holder.join()


def test_a_child_waits_for_no_thread_that_only_the_parent_has(
    server: RawServer,
) -> None:
    client = BlockingTransport()
    ask(client, server, "/first")
    # Nothing else may hold the pool: its end is what would wait.
    adapter: Any = client._adapter
    routes: Any = client._routes.values()
    locks = [client._lock, adapter.poolmanager.pools.lock]
    locks += [route.pool.pool.mutex for route in routes]
    del adapter, routes
    for _ in held_by_another_thread(*locks):
        assert in_child(lambda: ask(client, server, "/child")) == ["/child"]
        in_child(client.close)
    assert ask(client, server, "/again") == ["/again"]
    client.close()


def test_a_lock_is_free_in_a_child_whoever_holds_it() -> None:
    plain, nested = fork.lock(), fork.rlock()
    for _ in held_by_another_thread(plain, nested):
        assert in_child(
            lambda: (plain.acquire(timeout=1), nested.acquire(timeout=1))
        ) == (
            True,
            True,
        )


def test_a_lock_that_the_forking_thread_may_take_again_stays_its_own() -> None:
    nested = fork.rlock()

    def enter() -> str:
        nested.release()
        with pytest.raises(RuntimeError):
            nested.release()
        return "released once"

    with nested:
        assert in_child(enter) == "released once"


# -- forks that Python does not see ----------------------------------------------------

UNSEEN = """
import asyncio, ctypes, os, sys
from unified_exchanges.flow import Request
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

flavour, url = sys.argv[1:]
if flavour == "blocking":
    transport = BlockingTransport()
    send, close = transport.send, transport.close
else:
    transport = AioTransport()
    runner = asyncio.Runner()
    send = lambda request: runner.run(transport.send(request))
    close = lambda: runner.run(transport.close())
send(Request("GET", url + "/first"))
child = ctypes.PyDLL(None).fork()
if not child:
    runner = asyncio.Runner()
    paths = [f"/child/{n}" for n in range(6)]
    told = [send(Request("GET", url + path)).body.decode() for path in paths]
    close()
    os._exit(0 if told == paths else 1)
paths = [f"/parent/{n}" for n in range(6)]
assert [send(Request("GET", url + path)).body.decode() for path in paths] == paths
assert os.waitpid(child, 0)[1] == 0
assert send(Request("GET", url + "/last")).body == b"/last"
close()
"""


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_a_fork_that_python_is_not_told_of_is_noticed_all_the_same(
    server: RawServer, flavour: str
) -> None:
    command = [sys.executable, "-c", UNSEEN, flavour, server.url]
    done = subprocess.run(command, cwd=ROOT, check=False, timeout=60)
    assert (done.returncode, server.connections) == (0, 2)


LEAVING = """
import asyncio, os, sys
from unified_exchanges.flow import Request
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

transports = BlockingTransport(), AioTransport()
runner = asyncio.Runner()
def ask(path):
    request = Request("GET", sys.argv[1] + path)
    told = transports[0].send(request), runner.run(transports[1].send(request))
    assert [x.body.decode() for x in told] == [path, path]
ask("/first")
child = os.fork()
if not child:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
ask("/again")
transports[0].close()
runner.run(transports[1].close())
"""


def test_a_child_whose_interpreter_ends_says_nothing_for_the_parent(
    server: RawServer,
) -> None:
    command = [sys.executable, "-c", LEAVING, server.url]
    done = subprocess.run(
        command, cwd=ROOT, check=False, timeout=60, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr, server.connections) == (0, "", 2)


# -- event loops -----------------------------------------------------------------------


def test_the_parent_s_event_loop_is_refused_in_a_child(server: RawServer) -> None:
    client = Awaited()
    ask(client, server, "/first")

    def go_on() -> str:
        with pytest.raises(BadRequest, match=r"asyncio.run\(\) anew"):
            ask(client, server, "/child")
        # Twice removed it is still another process's.
        return str(in_child(refused))

    def refused() -> str:
        with pytest.raises(BadRequest, match="stayed in the process"):
            ask(client, server, "/grandchild")
        return "refused"

    assert in_child(go_on) == "refused"
    assert ask(client, server, "/again") == ["/again"]
    client.close()
    client.end()


async def test_a_child_of_a_running_loop_is_told_to_run_its_own(
    serve: Server,
) -> None:
    server = serve(echo)
    transport = AioTransport()
    request = Request("GET", server.url + "/first")
    await transport.send(request)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        told = body = "nothing"
        try:
            with pytest.raises(BadRequest) as refused:
                await transport.send(request)
            told = str(refused.value)
            body = asyncio.run(transport.send(request)).body.decode()
        finally:
            os.write(write, f"{told} {body}".encode())
            os._exit(0)
    await asyncio.to_thread(os.waitpid, child, 0)
    told = os.read(read, 1000).decode()
    assert "stayed in the process that was forked" in told
    assert told.endswith(" /first")
    assert (await transport.send(request)).body == b"/first"
    await transport.close()
    os.close(read)
    os.close(write)


# -- requests that were begun ahead ----------------------------------------------------


def test_a_page_that_was_asked_for_before_the_fork_is_asked_for_again_in_a_child(
    server: RawServer,
) -> None:
    def listing() -> Any:
        begun = yield Start(Request("GET", server.url + "/ahead"))
        yield Page(["first"])
        try:
            answer = yield begun
        except ConnectionLost as lost:
            answer = yield Request("GET", f"{server.url}/{lost.maybe_executed}")
        yield Page([answer.body.decode()])

    driver = BlockingDriver(BlockingTransport())
    items = driver.pages(listing())
    assert next(items) == "first"
    wait = forked(lambda: list(items))
    assert list(items) == ["/ahead"]
    assert wait() == ["/False"]
    driver.close()
