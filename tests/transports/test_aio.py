"""What only the async transport has to stand: loops, tasks, and aiohttp's own ideas."""

from __future__ import annotations

import asyncio
import gc
import ssl
import threading
import time
from pathlib import Path

import pytest

from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    NetworkError,
    RequestTimeout,
)
from unified_exchanges.flow import Request
from unified_exchanges.transports.aio import AioTransport

from .conftest import Server
from .rawserver import Visit, http
from .test_answers import always


async def test_requests_run_side_by_side(serve: Server) -> None:
    barrier = threading.Barrier(5, timeout=5)

    def together(visit: Visit) -> None:
        visit.read()
        barrier.wait()
        visit.write(http())

    server = serve(together)
    transport = AioTransport()
    asked = [transport.send(Request("GET", server.url)) for _ in range(5)]
    answers = await asyncio.gather(*asked)
    await transport.close()
    assert [answer.status for answer in answers] == [200] * 5


async def test_a_read_waits_for_others_within_its_own_time_and_an_order_for_none(
    serve: Server,
) -> None:
    server = serve(Visit.wait)
    transport = AioTransport(pool_size=1)
    first = asyncio.create_task(transport.send(Request("GET", server.url)))
    await asyncio.sleep(0.02)
    with pytest.raises(RequestTimeout) as caught:
        await transport.send(Request("GET", server.url, timeout=0.05))
    assert caught.value.sent is False
    with pytest.raises(RequestTimeout) as order:
        await transport.send(Request("POST", server.url, timeout=0.2))
    assert order.value.sent is True
    first.cancel()
    await asyncio.wait([first])
    # Whose turn it was, and who gave up, leave room for others.
    assert not transport._reads.locked()
    await transport.close()


async def test_fault_47_a_cancelled_request_drops_its_connection(serve: Server) -> None:
    arrived = threading.Event()
    hung_up = threading.Event()

    def waits(visit: Visit) -> None:
        visit.read()
        arrived.set()
        visit.wait()
        hung_up.set()

    server = serve(waits)
    transport = AioTransport()
    task = asyncio.create_task(transport.send(Request("POST", server.url)))
    await asyncio.to_thread(arrived.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(hung_up.wait, 5)
    await transport.close()


def test_a_second_event_loop_is_refused_at_once(serve: Server) -> None:
    server = serve(always(http()))
    transport = AioTransport()
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(transport.send(Request("GET", server.url)))
        with pytest.raises(BadRequest, match="event loop"):
            second.run(transport.send(Request("GET", server.url)))
        assert first.run(transport.send(Request("GET", server.url))).status == 200
        first.run(transport.close())


@pytest.mark.parametrize("is_secure", [False, True])
def test_fault_47_a_closed_transport_leaves_nothing_unclosed(
    serve: Server,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_secure: bool,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = serve(always(http()), tls if is_secure else None)

    async def use() -> None:
        transport = AioTransport()
        for _ in range(2):
            await transport.send(Request("GET", server.url))
        await transport.close()

    asyncio.run(use())
    # What was left unclosed warns when it is collected, and warnings are errors.
    gc.collect()


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "POST"])
async def test_f17_a_request_on_a_connection_that_breaks_is_not_sent_again(
    serve: Server, method: str
) -> None:
    def once_then_drop(visit: Visit) -> None:
        visit.read()
        visit.write(http())
        visit.read()

    server = serve(once_then_drop)
    transport = AioTransport()
    await transport.send(Request("GET", server.url))
    with pytest.raises(ConnectionLost) as caught:
        await transport.send(Request(method, server.url + "/orders/1"))
    await transport.close()
    assert caught.value.sent
    assert [request.split(b" ")[0] for request in server.requests] == [
        b"GET",
        method.encode(),
    ]


async def test_a_connection_that_ended_while_the_loop_was_busy_is_not_used(
    serve: Server,
) -> None:
    def closing_after_each(visit: Visit) -> None:
        visit.read()
        visit.write(http())

    server = serve(closing_after_each)
    transport = AioTransport()
    for _ in range(3):
        answer = await transport.send(Request("POST", server.url))
        assert answer.status == 200
        time.sleep(0.03)  # noqa: ASYNC251 - the loop is kept busy on purpose
    await transport.close()
    assert server.connections == 3


async def test_a_transport_is_made_without_a_loop_and_opens_on_first_use(
    serve: Server,
) -> None:
    server = serve(always(http()))
    transport = await asyncio.to_thread(AioTransport)
    assert (await transport.send(Request("GET", server.url))).status == 200
    await transport.close()


async def test_closing_fails_what_is_under_way(serve: Server) -> None:
    server = serve(Visit.wait)
    transport = AioTransport()
    task = asyncio.create_task(transport.send(Request("POST", server.url)))
    await asyncio.sleep(0.03)
    await transport.close()
    with pytest.raises(NetworkError) as caught:
        await task
    assert caught.value.sent
