"""Transports that answer in memory, and the guard that keeps the network out."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    NetworkError,
    RequestTimeout,
)
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.faults import (
    Fault,
    FaultPlan,
    redirected,
    too_many_requests,
    unavailable,
)
from unified_exchanges.testing import (
    AsyncScriptedTransport,
    ScriptedTransport,
    SocketBlocked,
    socket_guard,
)
from unified_exchanges.transports import AsyncTransport, Transport
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

from .transports.rawserver import RawServer, Visit, http

GET = Request("GET", "https://venue.test/markets")
POST = Request("POST", "https://venue.test/orders", body=b"{}", timeout=3.0)
OK = Response(200, {}, b"{}")


class Awaited:
    """The async transport, awaited from blocking code."""

    def __init__(self, *arguments: object, **options: object) -> None:
        self.inner = AsyncScriptedTransport(*arguments, **options)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def send(self, request: Request) -> Response:
        return asyncio.run(self.inner.send(request))

    def sleep(self, seconds: float) -> None:
        asyncio.run(self.inner.sleep(seconds))

    def close(self) -> None:
        asyncio.run(self.inner.close())


Make = Callable[..., ScriptedTransport]


@pytest.fixture(params=[ScriptedTransport, Awaited], ids=["blocking", "aio"])
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


class CountingVenue:
    """Counts the orders it carries out."""

    def __init__(self) -> None:
        self.orders = 0
        self.lags: list[float] = []

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        self.lags.append(lag)
        self.orders += request.method == "POST"
        body = f'{{"orders":{self.orders}}}'.encode()
        return Response(200, {"date": "Sat, 21 Nov 2026 10:00:00 GMT"}, body)


def test_both_are_what_the_drivers_ask_for() -> None:
    assert isinstance(ScriptedTransport([]), Transport)
    assert isinstance(AsyncScriptedTransport([]), AsyncTransport)


# -- scripts ---------------------------------------------------------------------------


def test_answers_are_given_in_order_and_requests_noted(make: Make) -> None:
    transport = make([OK, Response(404)])
    assert [transport.send(GET).status, transport.send(POST).status] == [200, 404]
    assert transport.requests == [GET, POST]


def test_an_error_in_a_script_is_raised(make: Make) -> None:
    error = ConnectionLost("gone", sent=False)
    transport = make([error, OK])
    with pytest.raises(ConnectionLost) as caught:
        transport.send(GET)
    assert caught.value is error
    assert transport.send(GET) == OK


def test_an_answer_may_be_made_from_the_request(make: Make) -> None:
    transport = make([lambda request: Response(200, {}, request.method.encode())])
    assert transport.send(POST).body == b"POST"


def test_a_request_beyond_the_script_fails_the_test_and_is_no_network_error(
    make: Make,
) -> None:
    transport = make([])
    with pytest.raises(AssertionError, match="GET https://venue"):
        transport.send(GET)


def test_what_was_not_asked_for_is_counted(make: Make) -> None:
    transport = make([OK, OK, OK])
    transport.send(GET)
    assert transport.remaining == 2


def test_a_closed_transport_says_so(make: Make) -> None:
    transport = make([OK])
    transport.close()
    transport.close()
    with pytest.raises(BadRequest, match="closed"):
        transport.send(GET)


# -- time ------------------------------------------------------------------------------


def test_sleeping_moves_the_clock_instead_of_waiting(make: Make) -> None:
    clock = VirtualClock(1000.0)
    transport = make([], clock=clock)
    transport.sleep(3600)
    transport.sleep(0.5)
    assert (clock.now(), transport.sleeps) == (4600.5, [3600, 0.5])


def test_an_answer_that_takes_time_says_how_long(make: Make) -> None:
    clock = VirtualClock()

    def slow(_: Request) -> Response:
        clock.advance(1.5)
        return OK

    assert make([slow], clock=clock).send(POST).elapsed == 1.5


def test_an_answer_after_the_timeout_is_a_timeout(make: Make) -> None:
    clock = VirtualClock()

    def slow(_: Request) -> Response:
        clock.advance(3.5)
        return OK

    with pytest.raises(RequestTimeout) as caught:
        make([slow], clock=clock).send(POST)
    assert caught.value.sent


async def test_sleepers_side_by_side_share_the_time() -> None:
    transport = AsyncScriptedTransport([])
    started = transport.clock.monotonic()
    await asyncio.gather(transport.sleep(2), transport.sleep(3), transport.sleep(1))
    assert transport.clock.monotonic() - started == 3


async def test_other_tasks_run_while_a_request_is_made() -> None:
    transport = AsyncScriptedTransport([OK])
    order: list[str] = []

    async def ask() -> None:
        order.append("asking")
        await transport.send(GET)
        order.append("answered")

    async def other() -> None:
        order.append("other")

    await asyncio.gather(ask(), other())
    assert order == ["asking", "other", "answered"]


# -- venues and faults -----------------------------------------------------------------


def test_a_venue_answers_in_memory(make: Make) -> None:
    assert make(CountingVenue()).send(POST).body == b'{"orders":1}'


@pytest.mark.parametrize(
    ("fault", "orders"), [(Fault("drop"), 1), (Fault("drop", commits=False), 0)]
)
def test_fault_02_and_03_a_dropped_answer_leaves_the_venue_as_planned(
    make: Make, fault: Fault, orders: int
) -> None:
    venue = CountingVenue()
    transport = make(venue, faults=FaultPlan([fault]))
    with pytest.raises(ConnectionLost) as caught:
        transport.send(POST)
    assert (venue.orders, caught.value.sent) == (orders, True)
    assert transport.send(POST).status == 200


def test_fault_04_a_stall_takes_the_whole_timeout(make: Make) -> None:
    venue = CountingVenue()
    transport = make(venue, faults=FaultPlan([Fault("stall")]))
    started = transport.clock.monotonic()
    with pytest.raises(RequestTimeout):
        transport.send(POST)
    assert transport.clock.monotonic() - started == 3.0
    assert venue.orders == 1


def test_a_delay_moves_the_clock(make: Make) -> None:
    plan = FaultPlan([Fault("delay", seconds=2.0)])
    assert make(CountingVenue(), faults=plan).send(POST).elapsed == 2.0


def test_a_duplicate_arrives_twice(make: Make) -> None:
    plan = FaultPlan([Fault("duplicate")])
    transport = make(CountingVenue(), faults=plan)
    assert transport.send(POST).body == b'{"orders":2}'
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "fault", [Fault("truncate"), Fault("garble"), Fault("trickle", seconds=9.0)]
)
def test_fault_08_and_45_half_an_answer_is_a_network_error(
    make: Make, fault: Fault
) -> None:
    venue = CountingVenue()
    with pytest.raises(NetworkError) as caught:
        make(venue, faults=FaultPlan([fault])).send(POST)
    assert (venue.orders, caught.value.sent) == (1, True)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (too_many_requests(), 429),
        (unavailable(503), 503),
        (unavailable(502), 502),
        (redirected("https://elsewhere.test/"), 302),
    ],
)
def test_fault_06_and_09_an_error_page_comes_instead_of_the_venue_s_answer(
    make: Make, fault: Fault, status: int
) -> None:
    venue = CountingVenue()
    transport = make(venue, faults=FaultPlan([fault]))
    assert transport.send(POST).status == status
    assert venue.orders == 0


def test_fault_28_a_lagging_read_is_asked_of_the_venue(make: Make) -> None:
    venue = CountingVenue()
    make(venue, faults=FaultPlan([Fault("lag", seconds=15.0)])).send(GET)
    assert venue.lags == [15.0]


def test_faults_spoil_scripts_as_well(make: Make) -> None:
    transport = make([OK, OK], faults=FaultPlan([Fault("drop", nth=2)]))
    assert transport.send(GET) == OK
    with pytest.raises(ConnectionLost):
        transport.send(GET)


def test_threads_are_served_one_at_a_time() -> None:
    venue = CountingVenue()
    transport = ScriptedTransport(venue)
    threads = [
        threading.Thread(target=lambda: [transport.send(POST) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (venue.orders, len(transport.requests)) == (400, 400)


# -- the guard -------------------------------------------------------------------------


def test_f16_a_guard_stops_a_connection_from_any_thread() -> None:
    blocked: list[SocketBlocked] = []

    def connect() -> None:
        try:
            socket.create_connection(("127.0.0.1", 9))
        except SocketBlocked as error:
            blocked.append(error)

    with socket_guard():
        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
    assert len(blocked) == 1


def test_f16_a_guard_stops_both_real_transports_and_is_not_taken_for_a_dead_host() -> (
    None
):
    request = Request("POST", "http://127.0.0.1:9/orders")
    with socket_guard():
        blocking = BlockingTransport()
        with pytest.raises(SocketBlocked):
            blocking.send(request)
        blocking.close()
        with pytest.raises(SocketBlocked):
            asyncio.run(send_once(request))


async def send_once(request: Request) -> Response:
    transport = AioTransport()
    try:
        return await transport.send(request)
    finally:
        await transport.close()


@pytest.mark.parametrize("name", ["venue.test", "localhost"])
def test_a_guard_stops_looking_up_names(name: str) -> None:
    with socket_guard(), pytest.raises(SocketBlocked):
        socket.getaddrinfo(name, 443)
    with socket_guard(), pytest.raises(SocketBlocked):
        BlockingTransport().send(Request("GET", f"http://{name}/"))


def test_a_guard_stops_datagrams() -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as sock,
        socket_guard(),
        pytest.raises(SocketBlocked),
    ):
        sock.sendto(b"x", ("127.0.0.1", 9))


def answering(visit: Visit) -> None:
    while request := visit.read():
        visit.write(http(request[:3]))


def test_a_guard_lets_through_what_it_lists() -> None:
    with RawServer(answering) as server:
        request = Request("GET", server.url)
        transport = BlockingTransport()
        with socket_guard(["127.0.0.1"]):
            assert transport.send(request).body == b"GET"
        with socket_guard([f"127.0.0.1:{server.port}"]):
            assert transport.send(request).body == b"GET"
        transport.close()
        fresh = BlockingTransport()
        with socket_guard(["127.0.0.1:9"]), pytest.raises(SocketBlocked):
            fresh.send(request)


def test_nested_guards_allow_what_all_of_them_allow() -> None:
    with (
        socket_guard(["127.0.0.1"]),
        socket_guard(["192.0.2.1"]),
        pytest.raises(SocketBlocked),
    ):
        socket.create_connection(("127.0.0.1", 9))


def test_after_a_guard_the_network_is_back() -> None:
    with RawServer(answering) as server:
        with socket_guard():
            pass
        socket.create_connection(("127.0.0.1", server.port)).close()
