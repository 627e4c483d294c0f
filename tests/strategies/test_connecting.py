"""An order that has no connection to leave by has not left: it can still be taken back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from unified_exchanges import Market, Order, exchange
from unified_exchanges.strategies import Desk, Failure, Strategy

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .test_permit import Posts
from .test_replayed import replayed
from .test_replayed_trouble import live as performed
from .test_replayed_unsent import lowest_bid, named


class Road:
    """The only way to a venue, which may be cut, and mended."""

    def __init__(self, at: Stage) -> None:
        there = urlsplit(at.account["environment"])
        assert there.hostname is not None
        self._venue = there.hostname, there.port
        self._lock = threading.Lock()
        self._carried: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._port = self._listening.getsockname()[1]
        self._listen()
        at.account["environment"] = f"http://127.0.0.1:{self._port}{there.path}"

    def cut(self) -> None:
        """Let nobody connect any more, nor go on."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            carried, self._carried = self._carried, []
        for each in carried:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def mend(self) -> None:
        """Let all through again."""
        self._listening = socket.create_server(("127.0.0.1", self._port))
        self._listen()

    def _listen(self) -> None:
        threading.Thread(
            target=self._accept, args=[self._listening], daemon=True
        ).start()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(self._venue)
                with self._lock:
                    self._carried += near, far
                for way in ((near, far), (far, near)):
                    threading.Thread(target=_carry, args=way, daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while told := source.recv(65536):
            target.sendall(told)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param, enforce_limits=False) as at:
        yield at


class Cut(Strategy):
    """Places an order when the venue is out of reach, and cancels it or stops meanwhile.

    Soon after that the venue is within reach again.
    """

    def __init__(self, market: Market, road: Road | None, *, stops: bool) -> None:
        self.market = market
        self.markets = [market.market_id]
        self.road = road
        self.stops = stops
        self.told: list[tuple[Any, ...]] = []
        self.key = ""

    def on_start(self, desk: Desk) -> None:
        # By then the streams are there.
        desk.timer("place", timedelta(seconds=1))

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "end":
            desk.stop()
        elif name == "place":
            if self.road is not None:
                self.road.cut()
            first, low = self.market.outcomes[0].label, self.market.grid.lowest
            self.key = desk.place(self.market.market_id, first, "buy", low, 5_000)
            desk.timer("meanwhile", timedelta(seconds=0.4))
        else:
            if self.road is not None:
                threading.Timer(0.3, self.road.mend).start()
            if self.stops:
                desk.stop()
            else:
                desk.cancel(self.key)
                # What were sent all the same would be told by then.
                desk.timer("end", timedelta(seconds=3))

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append((order.order_id, str(order.status), order.size))

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.told.append((failure.command, failure.error))


@pytest.mark.parametrize("stops", [False, True], ids=["canceled", "stopped"])
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_order_that_could_not_connect_is_taken_back(
    at: Stage, flavour: str, stops: bool, tmp_path: Path
) -> None:
    path, journal = tmp_path / "cut.jsonl", str(tmp_path / "orders.journal")
    road, posts = Road(at), Posts(at)
    live = Cut(lowest_bid(at), road, stops=stops)
    real = performed(flavour, live, at, path, journal=journal)
    assert posts.came == []
    assert real.failures == real.left_orders == ()
    assert named(real.unsent) == ([("Place", 1)] if stops else [])
    assert live.told == ([] if stops else [("", "canceled", 5_000)])
    with exchange(at.venue, **at.account, journal=journal) as ex:
        assert ex.unresolved_intents() == []
    for other in FLAVOURS:
        strategy = Cut(live.market, None, stops=stops)
        again = replayed(other, strategy, path)
        assert again.failures == again.left_orders == ()
        assert named(again.unsent) == named(real.unsent)
        assert strategy.told == live.told
