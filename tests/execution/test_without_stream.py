"""An exit whose stream tells nothing: it reads the book itself, sells, and says so."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

from tests.execution.test_run_exit import (
    Run,
    is_watched,
    orders_of,
    other,
    plan_at,
    tick_above,
)
from tests.watching.face import DRIVERS, MARKET, Face, Scene, soon
from unified_exchanges import AlertPolicy
from unified_exchanges.execution import ExitPlan, ExitState, Trigger

__all__ = ["other"]


class Road:
    """The way to a venue, on which its socket may be refused, and be cut."""

    def __init__(self, port: int) -> None:
        self.is_open = True
        self._venue = "127.0.0.1", port
        self._streams: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/trade-api/v2"
        Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Cut the stream, and let no other through."""
        self.is_open = False
        for near in self._streams:
            with suppress(OSError):
                near.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                Thread(target=self._carry_up, args=[near], daemon=True).start()

    def _carry_up(self, near: socket.socket) -> None:
        with suppress(OSError), near:
            first = near.recv(65536)
            is_stream = b"upgrade: websocket" in first.lower()
            if is_stream and not self.is_open:
                return
            if is_stream:
                self._streams.append(near)
            with socket.create_connection(self._venue) as far:
                far.sendall(first)
                Thread(target=self._carry, args=(far, near), daemon=True).start()
                self._carry(near, far)

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while told := source.recv(65536):
                target.sendall(told)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as scene:
        scene.buy("5")
        yield scene


@pytest.fixture
def road(scene: Scene) -> Iterator[Road]:
    made = Road(scene.port)
    yield made
    made.close()


@pytest.fixture(params=DRIVERS)
def face(scene: Scene, road: Road, request: pytest.FixtureRequest) -> Face:
    alerts = AlertPolicy(stream_ms=500)
    return scene.face(request.param, environment=road.url, alerts=alerts)


def stop(scene: Scene) -> ExitPlan:
    """A stop that the book as it is sets off."""
    bid = scene.trader.fetch_order_book(MARKET).bid.price
    return plan_at(
        None,  # type: ignore[arg-type]
        stop_loss=bid,
        max_slippage="0.2",
    )


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [x.getMessage() for x in caplog.records if x.levelno >= logging.WARNING]


def test_fault_35_a_stop_fires_where_the_stream_is_never_reached(
    scene: Scene, road: Road, face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    road.shut()
    record = Run(face, stop(scene), timeout=20.0).wait()
    assert (record.state, record.trigger) == (ExitState.FILLED, Trigger.STOP_LOSS)
    assert len(orders_of(scene, record)) == 1
    told = "\n".join(warnings(caplog))
    assert f"exit 'exit': no stream tells the book of {MARKET}" in told
    assert "it is read over REST every 2 s" in told
    assert "stream: down" in told


def test_fault_35_a_stop_fires_where_the_stream_is_lost_for_good(
    scene: Scene, road: Road, face: Face, other: Any
) -> None:
    plan = stop(scene)
    better = other.create_order(MARKET, "yes", "buy", tick_above(scene, other), 5)
    run = Run(face, plan, timeout=20.0)
    assert soon(lambda: is_watched(scene))
    assert soon(lambda: face.exchange.stream_health().state == "live")
    road.shut()
    assert soon(lambda: face.exchange.stream_health().state != "live")
    assert run.is_running
    other.cancel_order(better.order_id)
    record = run.wait()
    assert (record.state, record.trigger) == (ExitState.FILLED, Trigger.STOP_LOSS)


def test_fault_35_the_health_names_a_stream_that_is_followed_and_never_live(
    scene: Scene, road: Road, face: Face
) -> None:
    road.shut()
    plan = plan_at(Decimal("0.99"))
    run = Run(face, plan, timeout=6.0)
    reason = "the stream that is followed has never been live"

    def reasons() -> str:
        return "; ".join(face.exchange.health().reasons)

    assert soon(lambda: reason in reasons())
    assert not face.exchange.health().is_healthy
    assert any("without the stream" in x for x in face.exchange.health().alerts)
    road.is_open = True
    assert soon(lambda: reasons() == "")
    road.shut()
    assert soon(
        lambda: "the stream that is followed has not been live for" in reasons()
    )
    assert run.wait().state is ExitState.ARMED
    # Nobody follows anything any more, so nothing is missed.
    assert soon(lambda: reasons() == "")


def test_fault_35_an_exit_that_can_read_nothing_says_so_and_goes_on(
    scene: Scene, road: Road, face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    road.shut()
    plan = stop(scene)
    scene.fault("answer", status=503, path="/orderbook", count=8)
    record = Run(face, plan, timeout=30.0).wait()
    assert record.state is ExitState.FILLED
    told = "\n".join(warnings(caplog))
    assert "could not be read" in told
    assert "it sells nothing until then" in told


class Gauges:
    """An observer that shows what it follows."""

    def __init__(self) -> None:
        self.reads: dict[str, Any] = {}

    def count(self, *_: object) -> None:
        pass

    def record(self, *_: object) -> None:
        pass

    def follow(self, metric: Any, read: Any) -> Any:
        self.reads[metric.name] = read
        return lambda: None


@pytest.mark.parametrize("driver", ["blocking", "websockets"])
def test_fault_35_an_observer_sees_how_long_the_stream_is_gone(
    scene: Scene, road: Road, driver: str
) -> None:
    seen = Gauges()
    face = scene.face(driver, environment=road.url, observer=seen)

    def outage() -> float:
        ((_, seconds),) = seen.reads["stream.outage"]()
        return float(seconds)

    assert outage() == 0
    road.shut()
    watch = face.watch("order_book", MARKET)
    assert soon(lambda: outage() > 0.2)
    road.is_open = True
    watch.next()
    assert soon(lambda: outage() == 0)
