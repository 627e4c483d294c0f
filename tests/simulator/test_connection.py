"""A stream on a real socket: frames, pings, ends, and faults as the client sees them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from socket import create_connection
from time import monotonic
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.faults import Fault, StreamFault, unavailable
from unified_exchanges.simulator.server import SimulatorServer

from .stage import Stage, ToySession, frame

SOON = 5.0
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def server(stage: Stage) -> Iterator[SimulatorServer]:
    with SimulatorServer(stage, heartbeat=0.02) as server:
        yield server


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def opened(client, server, path="/ws", **options):
    """A connection that answers no Ping by itself."""
    url = server.url.replace("http", "ws") + path
    return client.ws_connect(url, autoping=False, **options)


async def until(holds) -> None:
    """Wait for another thread."""
    async with asyncio.timeout(SOON):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def next_frame(socket: ClientWebSocketResponse) -> aiohttp.WSMessage:
    """The next frame but for Pings."""
    async with asyncio.timeout(SOON):
        while True:
            message = await socket.receive()
            if message.type is not WSMsgType.PING:
                return message


async def no_frame_for(socket: ClientWebSocketResponse, seconds: float) -> bool:
    """Whether nothing at all comes, not even a Ping."""
    try:
        await socket.receive(timeout=seconds)
    except TimeoutError:
        return True
    return False


def say(server: SimulatorServer, session: ToySession, *frames: str) -> None:
    with server.lock:
        session.say(*frames)


# What arrives


async def test_frames_arrive_in_order_as_text(client, server, stage) -> None:
    async with opened(client, server) as socket:
        frames = [frame(seq=n) for n in range(500)]
        say(server, stage.sessions[0], *frames)
        got = [await next_frame(socket) for _ in frames]
    assert [message.data for message in got] == frames
    assert {message.type for message in got} == {WSMsgType.TEXT}


async def test_commands_arrive_as_text_and_as_bytes(client, server, stage) -> None:
    async with opened(client, server) as socket:
        await socket.send_str("hello")
        await socket.send_bytes(b"again")
        await until(lambda: len(stage.sessions[0].heard) == 2)
    assert stage.sessions[0].heard == ["hello", b"again"]


async def test_the_venue_sees_the_request_of_the_upgrade(client, server, stage) -> None:
    async with opened(client, server, "/ws?a=1", headers={"X-Key": "k"}):
        pass
    [request] = stage.requests
    assert (request.method, request.query) == ("GET", (("a", "1"),))
    assert request.headers["x-key"] == "k"


async def test_a_command_of_many_megabytes_is_taken(client, server, stage) -> None:
    large = "x" * (5 << 20)
    async with opened(client, server) as socket:
        await socket.send_str(large)
        await until(lambda: stage.sessions[0].heard)
    assert stage.sessions[0].heard == [large]


async def test_news_from_another_thread_arrive_at_once(client, server, stage) -> None:
    async with opened(client, server) as socket:
        waits = []
        for _ in range(20):
            started = monotonic()
            thread = threading.Thread(
                target=say, args=(server, stage.sessions[0], frame())
            )
            thread.start()
            await next_frame(socket)
            waits.append(monotonic() - started)
            thread.join()
    assert sorted(waits)[10] < 0.02


async def test_two_connections_are_served_side_by_side(client, server, stage) -> None:
    async with opened(client, server) as one, opened(client, server) as two:
        say(server, stage.sessions[1], frame("second"))
        say(server, stage.sessions[0], frame("first"))
        assert json.loads((await next_frame(one)).data)["type"] == "first"
        assert json.loads((await next_frame(two)).data)["type"] == "second"


# Pings


async def test_a_ping_with_the_body_heartbeat_comes_again_and_again(
    client, server
) -> None:
    async with opened(client, server) as socket, asyncio.timeout(SOON):
        messages = [await socket.receive() for _ in range(3)]
    seen = {(message.type, bytes(message.data)) for message in messages}
    assert seen == {(WSMsgType.PING, b"heartbeat")}


async def test_pings_of_the_client_are_answered(client, server) -> None:
    async with opened(client, server) as socket:
        await socket.ping(b"mine")
        message = await next_frame(socket)
    assert (message.type, bytes(message.data)) == (WSMsgType.PONG, b"mine")


async def test_a_pong_of_the_client_is_no_command(client, server, stage) -> None:
    async with opened(client, server) as socket:
        await socket.pong(b"heartbeat")
        await socket.send_str("hello")
        await until(lambda: stage.sessions[0].heard)
    assert stage.sessions[0].heard == ["hello"]


# Time


async def test_time_passes_for_the_venue_while_somebody_listens(
    client, server, stage
) -> None:
    async with opened(client, server):
        await until(lambda: stage.advances > 2)
    await until(lambda: stage.sessions[0].is_closed)
    await until(lambda: server._ticking is None)
    advances = stage.advances
    await asyncio.sleep(0.12)
    assert stage.advances == advances


# Ends


async def test_who_leaves_is_forgotten(client, server, stage) -> None:
    async with opened(client, server) as socket:
        await socket.close(code=4001)
        assert socket.close_code == 4001
    await until(lambda: stage.sessions[0].is_closed)
    assert server._connections == {}


async def test_who_vanishes_is_forgotten(client, server, stage) -> None:
    socket = await opened(client, server)
    socket._response.connection.transport.abort()
    await until(lambda: stage.sessions[0].is_closed)


async def test_the_venue_closes_with_a_code_after_all_it_said(
    client, server, stage
) -> None:
    async with opened(client, server) as socket:
        with server.lock:
            stage.sessions[0].closing = 4002
            stage.sessions[0].say(frame())
        assert (await next_frame(socket)).data == frame()
        await next_frame(socket)
        assert socket.close_code == 4002
    await until(lambda: stage.sessions[0].is_closed)


async def test_a_close_of_the_venue_waits_for_the_answer(client, server, stage) -> None:
    # The library answers before it hands a close over: here nobody asks it to.
    parts = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(HANDSHAKE)
    await reader.readuntil(b"\r\n\r\n")
    with server.lock:
        stage.sessions[0].closing = 1012
        stage.sessions[0].wake()
    while not (frame := await reader.readexactly(2)).startswith(b"\x88"):
        await reader.readexactly(frame[1])
    assert int.from_bytes(await reader.readexactly(frame[1])) == 1012
    await asyncio.sleep(0.1)
    writer.write(b"\x88\x82\x00\x00\x00\x00\x03\xf4")
    assert await reader.read() == b""
    writer.close()


async def test_a_server_that_stops_says_that_it_goes_away(client, stage) -> None:
    with SimulatorServer(stage) as server:
        socket = await opened(client, server)
        server.stop()
        await next_frame(socket)
        assert socket.close_code == 1001
    assert stage.sessions[0].is_closed


async def test_a_client_that_does_not_answer_does_not_hold_up_the_end(
    client, stage
) -> None:
    with SimulatorServer(stage) as server:
        await opened(client, server)
        started = monotonic()
    assert monotonic() - started < 2


async def test_an_error_of_the_venue_ends_that_connection_only(
    client, server, stage, caplog
) -> None:
    async with opened(client, server) as one, opened(client, server) as two:
        await one.send_str("boom")
        await next_frame(one)
        await until(lambda: stage.sessions[0].is_closed)
        say(server, stage.sessions[1], frame())
        assert (await next_frame(two)).data == frame()
    await until(lambda: "LookupError" in caplog.text)


async def test_a_client_that_reads_nothing_does_not_hold_up_the_end(stage) -> None:
    with SimulatorServer(stage) as server:
        parts = urlsplit(server.url)
        raw = create_connection((parts.hostname, parts.port))
        raw.sendall(HANDSHAKE)
        await until(lambda: stage.sessions)
        say(server, stage.sessions[0], *[frame(msg="x" * 100_000)] * 300)
        await asyncio.sleep(0.1)
        started = monotonic()
    assert monotonic() - started < 3
    raw.close()


# Upgrades


def test_an_upgrade_that_is_none_is_refused_and_forgotten(server, stage) -> None:
    parts = urlsplit(server.url)
    with create_connection((parts.hostname, parts.port)) as raw:
        raw.sendall(HANDSHAKE.replace(b"Key:", b"Lock:"))
        assert raw.recv(100).startswith(b"HTTP/1.1 400")
    assert stage.sessions[0].is_closed


async def test_the_venue_may_refuse(client, server) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await opened(client, server, "/refused")
    assert caught.value.status == 401


async def test_without_an_upgrade_the_venue_answers_as_ever(client, server) -> None:
    async with client.get(server.url + "/ws") as answer:
        assert (answer.status, await answer.text()) == (404, "no such thing")


async def test_a_venue_without_a_stream_answers_as_ever(client) -> None:
    class Quiet:
        def handle(self, request: Request, *, lag: float = 0.0) -> Response:
            return Response(200, {}, b"{}")

    with (
        SimulatorServer(Quiet()) as server,
        pytest.raises(WSServerHandshakeError) as caught,
    ):
        await opened(client, server)
    assert caught.value.status == 200


async def test_upgrades_are_refused_as_often_as_planned(client, server, stage) -> None:
    server.faults.add(unavailable(401, path="/ws", count=2))
    for _ in range(2):
        with pytest.raises(WSServerHandshakeError) as caught:
            await opened(client, server)
        assert caught.value.status == 401
    async with opened(client, server):
        assert len(stage.sessions) == 1


async def test_an_upgrade_can_be_late(client, server) -> None:
    server.faults.add(Fault("delay", path="/ws", seconds=0.1))
    started = monotonic()
    async with opened(client, server):
        assert monotonic() - started >= 0.1


async def test_who_leaves_before_a_late_upgrade_is_forgotten(server, stage) -> None:
    server.faults.add(Fault("delay", path="/ws", seconds=0.1))
    parts = urlsplit(server.url)
    with create_connection((parts.hostname, parts.port)) as raw:
        raw.sendall(HANDSHAKE)
    await until(lambda: stage.sessions and stage.sessions[0].is_closed)


async def test_an_upgrade_can_be_lost(client, server) -> None:
    # The client asks again by itself.
    server.faults.add(Fault("drop", path="/ws", count=None))
    with pytest.raises(aiohttp.ClientError):
        await opened(client, server)


# Faults


async def heard(client, server, stage, *frames: str, count: int):
    """The first frames that come of what is said."""
    async with opened(client, server) as socket:
        say(server, stage.sessions[-1], *frames)
        return [await next_frame(socket) for _ in range(count)], socket


async def test_a_dropped_and_a_doubled_frame_on_the_wire(client, server, stage) -> None:
    server.stream_faults.add(StreamFault("drop"))
    server.stream_faults.add(StreamFault("duplicate", nth=2))
    frames = [frame(seq=n) for n in range(3)]
    got, _ = await heard(client, server, stage, *frames, count=3)
    assert [m.data for m in got] == [frames[1], frames[1], frames[2]]


async def test_a_late_frame_comes_by_itself(client, server, stage) -> None:
    server.stream_faults.add(StreamFault("delay", seconds=0.1))
    started = monotonic()
    await heard(client, server, stage, frame(), count=1)
    assert 0.1 <= monotonic() - started < 1


async def test_a_binary_frame_is_one(client, server, stage) -> None:
    server.stream_faults.add(StreamFault("binary"))
    [got], _ = await heard(client, server, stage, frame(), count=1)
    assert (got.type, got.data) == (WSMsgType.BINARY, frame().encode())


async def test_text_that_is_not_utf_8_ends_the_connection(
    client, server, stage
) -> None:
    server.stream_faults.add(StreamFault("garble"))
    [got], socket = await heard(client, server, stage, frame(), count=1)
    assert (got.type, socket.close_code) == (WSMsgType.ERROR, 1007)


async def test_a_snapshot_of_five_megabytes_arrives(client, server, stage) -> None:
    server.stream_faults.add(StreamFault("inflate"))
    async with opened(client, server, max_msg_size=0) as socket:
        say(server, stage.sessions[0], frame(msg={}))
        got = await next_frame(socket)
    assert len(got.data) > 5 << 20


async def test_a_connection_is_closed_with_any_code(client, server, stage) -> None:
    server.stream_faults.add(StreamFault("close", code=4321))
    _, socket = await heard(client, server, stage, frame(), count=2)
    assert socket.close_code == 4321


async def test_a_connection_is_closed_at_an_age(client, server) -> None:
    server.stream_faults.add(StreamFault("close", after=0.05))
    async with opened(client, server) as socket:
        await next_frame(socket)
        assert socket.close_code == 1001


async def test_a_reset_has_no_close_frame(client, server, stage) -> None:
    server.stream_faults.add(StreamFault("reset"))
    got, socket = await heard(client, server, stage, frame(), count=2)
    assert got[1].type in {WSMsgType.CLOSED, WSMsgType.ERROR}
    assert socket.close_code == 1006


async def test_silence_with_pings_is_broken_by_pings_only(
    client, server, stage
) -> None:
    server.stream_faults.add(StreamFault("silence", pings=True, seconds=60))
    async with opened(client, server) as socket:
        say(server, stage.sessions[0], frame())
        message = await socket.receive(timeout=SOON)
        assert message.type is WSMsgType.PING
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await next_frame(socket)


async def test_silence_without_pings_and_pongs_is_silence(
    client, server, stage
) -> None:
    server.stream_faults.add(StreamFault("silence", after=0, seconds=60))
    async with opened(client, server) as socket:
        await until(lambda: server.stream_faults.struck)
        while not await no_frame_for(socket, 0.1):
            pass
        await socket.ping()
        assert await no_frame_for(socket, 0.1)
        # It still reads.
        await socket.send_str("hello")
        await until(lambda: stage.sessions[0].heard)


async def test_a_half_open_connection_takes_no_close(client, server, stage) -> None:
    server.stream_faults.add(StreamFault("half_open", after=0, seconds=60))
    timeout = aiohttp.ClientWSTimeout(ws_close=0.1)  # pyright: ignore[reportCallIssue]
    socket = await opened(client, server, timeout=timeout)
    await until(lambda: server.stream_faults.struck)
    await socket.send_str("hello")
    await socket.ping()
    await socket.close()
    assert socket.close_code == 1006
    assert stage.sessions[0].heard == []
    # The client is gone for good, and that is noticed.
    await until(lambda: stage.sessions[0].is_closed)


async def test_a_half_open_connection_does_not_hold_up_the_end(client, stage) -> None:
    with SimulatorServer(stage) as server:
        server.stream_faults.add(StreamFault("half_open", after=0, seconds=60))
        socket = await opened(client, server)
        await until(lambda: server.stream_faults.struck)
        started = monotonic()
    assert monotonic() - started < 2
    await next_frame(socket)
    assert socket.close_code == 1006


async def test_a_half_open_connection_can_recover(client, server, stage) -> None:
    server.stream_faults.add(StreamFault("half_open", after=0, seconds=0.1))
    async with opened(client, server) as socket:
        await until(lambda: server.stream_faults.struck)
        await asyncio.sleep(0.15)
        await socket.send_str("hello")
        await until(lambda: stage.sessions[0].heard)
