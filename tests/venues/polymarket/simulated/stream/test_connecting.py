"""Connections: pings, ends, frames that come twice, and every fault there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from unified_exchanges.clock import VirtualClock
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.faults import FaultyStream, StreamFault, StreamPlan
from unified_exchanges.simulator.server import SimulatorServer

from ..trader import Trader
from .conftest import credentials
from .listener import Listener


def test_a_ping_is_answered_with_a_word(polymarket, market: Listener) -> None:
    market.session.receive("PING")
    market.session.receive(b"PING")
    assert market.frames() == ["PONG", "PONG"]


@pytest.mark.parametrize("data", ["what", b"\xff", "[]", "1", "{}"])
def test_what_cannot_be_read_is_lost(market: Listener, data) -> None:
    market.session.receive(data)
    assert market.frames() == []


def test_there_are_two_sockets(polymarket) -> None:
    answer = polymarket.connect(Request("GET", "ws://127.0.0.1/ws/none"))
    assert isinstance(answer, Response)
    assert answer.status == 404


def test_who_does_not_subscribe_is_closed(polymarket, clock, fed) -> None:
    quiet = Listener(polymarket, "/ws/market")
    busy = Listener(polymarket, "/ws/market")
    busy.say(assets_ids=[fed.tokens[0]], type="market")
    clock.advance(10.1)
    quiet.frames()
    busy.frames()
    assert (quiet.session.closing, busy.session.closing) == (1000, None)
    assert polymarket.sessions == [busy.session]
    quiet.session.receive("PING")
    assert quiet.frames() == []
    quiet.session.close()


def test_frames_may_come_twice(polymarket, ada: Trader, fed) -> None:
    polymarket.settings.duplicates = 2
    listener = Listener(polymarket, "/ws/market")
    listener.say(assets_ids=list(fed.tokens), type="market")
    ada.placed(fed, "BUY", "0.4", "10")
    first, second, third = listener.frames()
    assert first != second == third


def test_refusals_and_failures_have_no_frame(market: Listener) -> None:
    market.session.refuse("{}", 1)
    market.session.fail(1, 1)
    assert market.frames() == []


def test_news_wake_whoever_waits_once(polymarket, ada: Trader, fed, market) -> None:
    woken: list[int] = []
    market.session.wake = lambda: woken.append(1)
    ada.placed(fed, "BUY", "0.4", "10")
    ada.placed(fed, "BUY", "0.4", "10")
    assert woken == [1]
    market.frames()
    market.session.hang_up()
    assert (woken, market.session.closing) == ([1, 1], 1001)


# Faults


@pytest.fixture
def broken(polymarket, ada: Trader, fed) -> Any:
    """A session behind faults; the frames that come of two orders."""

    def heard(*faults: StreamFault) -> tuple[FaultyStream, list[Any]]:
        session = polymarket.connect(Request("GET", "ws://127.0.0.1/ws/market"))
        plan = StreamPlan(faults, rng=Random(1))
        stream = FaultyStream(session, plan, VirtualClock())
        command = {"assets_ids": list(fed.tokens), "type": "market"}
        stream.receive(json.dumps(command))
        stream.receive("PING")
        ada.placed(fed, "BUY", "0.4", "10")
        ada.placed(fed, "BUY", "0.41", "10")
        return stream, stream.data_to_send()

    return heard


def kinds(frames: list[Any]) -> list[str]:
    return [f if f == "PONG" else f.split('"')[3] for f in frames]


CALM = ["book", "PONG", "price_change", "price_change"]


def test_without_faults_all_frames_come(broken) -> None:
    assert kinds(broken()[1]) == CALM


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (StreamFault("drop", frame="price_change"), CALM[:3]),
        (StreamFault("drop", frame="book"), CALM[1:]),
        (StreamFault("drop", frame="PONG"), [CALM[0], *CALM[2:]]),
        (StreamFault("duplicate", frame="price_change"), [*CALM, CALM[3]]),
        (StreamFault("reorder", frame="book"), ["PONG", "book", *CALM[2:]]),
        (StreamFault("skip", frame="price_change"), CALM),
        (StreamFault("fail", frame="price_change"), CALM),
        (StreamFault("ignore", frame="market"), ["PONG"]),
        (StreamFault("refuse", frame="market"), ["PONG"]),
        (StreamFault("ignore", frame="PING"), [CALM[0], *CALM[2:]]),
    ],
)
def test_a_fault_meets_frames_by_their_kind(broken, fault, expected) -> None:
    assert kinds(broken(fault)[1]) == expected


def test_a_fault_meets_a_market(broken, fed) -> None:
    fault = StreamFault("drop", market=fed.condition_id, count=None)
    assert kinds(broken(fault)[1]) == ["PONG"]
    fault = StreamFault("drop", market="0x1", count=None)
    assert kinds(broken(fault)[1]) == CALM


def test_the_first_object_of_a_list_is_altered(broken) -> None:
    fault = StreamFault("alter", frame="book", field="asset_id", value="5")
    [books, *_] = broken(fault)[1]
    assert [b["asset_id"] == "5" for b in json.loads(books)] == [True, False]


def test_a_fault_closes_at_a_frame(broken) -> None:
    stream, frames = broken(StreamFault("close", frame="price_change"))
    assert (kinds(frames), stream.closing) == (CALM[:3], 1001)


# On the wire


@pytest.fixture
def url(polymarket) -> Iterator[str]:
    with SimulatorServer(polymarket) as server:
        yield server.url.replace("http", "ws", 1)


def test_a_market_is_followed_over_a_socket(url, ada: Trader, fed) -> None:
    with connect(url + "/ws/market") as socket:
        socket.send(json.dumps({"assets_ids": list(fed.tokens), "type": "market"}))
        assert len(json.loads(socket.recv(timeout=5))) == 2
        socket.send("PING")
        assert socket.recv(timeout=5) == "PONG"


def test_wrong_credentials_end_a_socket(url, ada: Trader) -> None:
    with connect(url + "/ws/user") as socket:
        auth = credentials(ada) | {"secret": "wrong"}
        socket.send(json.dumps({"auth": auth, "type": "user"}))
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)
        assert socket.close_code == 1008
