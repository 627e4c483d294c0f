"""Exits on a real socket, in both flavours: breaks of the stream, restarts, timeouts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import unified_exchanges as ux
from tests.watching.face import DRIVERS, FREE, MARKET, Face, Scene, soon
from unified_exchanges.execution import (
    ExitPlan,
    ExitRecord,
    ExitState,
    Trigger,
    async_run_exit,
    run_exit,
)
from unified_exchanges.simulator.faults import StreamFault
from unified_exchanges.venues.kalshi.simulated import generate_key

CREATES = {"method": "POST", "path": "portfolio/events/orders"}
OTHER_KEY = generate_key("ed25519")


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as scene:
        yield scene


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def face(scene: Scene, driver: str) -> Face:
    return scene.face(driver)


@pytest.fixture
def other(scene: Scene) -> Iterator[Any]:
    """Somebody else on the same market."""
    with scene.server.lock:
        key = scene.kalshi.add_account(public_key=OTHER_KEY.public_key)
    account = {
        **scene.account,
        "api_key": key.key_id,
        "private_key": OTHER_KEY.private_pem,
    }
    with ux.exchange("kalshi", **account, limits=FREE) as other:
        yield other


class Run:
    """An exit that runs in a thread of its own."""

    def __init__(self, face: Face, plan: ExitPlan, **settings: Any) -> None:
        self.record: ExitRecord | None = None
        self.error: BaseException | None = None
        run: Callable[..., Any] = run_exit if face.loop is None else async_run_exit

        def work() -> None:
            try:
                done = face.do(lambda: run(face.exchange, plan, **settings))
            except BaseException as error:  # noqa: BLE001 - told to the test
                self.error = error
            else:
                self.record = done

        self._thread = threading.Thread(target=work, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def wait(self) -> ExitRecord:
        self._thread.join(10)
        assert self.error is None
        assert self.record is not None
        return self.record


def tick_above(scene: Scene, other: Any) -> Decimal:
    """A price that nobody bids yet, still below the best ask."""
    ask = scene.trader.fetch_order_book(MARKET).ask
    other.create_order(MARKET, "yes", "buy", ask.price, ask.size, time_in_force="ioc")
    book = scene.trader.fetch_order_book(MARKET)
    market = scene.trader.fetch_market(MARKET)
    price: Decimal = book.bid.price + market.grid.step_at(book.bid.price)
    assert price < book.ask.price
    return price


def plan_at(price: Decimal, **fields: Any) -> ExitPlan:
    made: dict[str, Any] = {
        "name": "exit",
        "market_id": MARKET,
        "outcome": "yes",
        "size": 5,
        "take_profit": price,
        **fields,
    }
    return ExitPlan(**made)


def is_watched(scene: Scene) -> bool:
    return ("orderbook_delta", MARKET) in scene.subscriptions


def orders_of(scene: Scene, record: ExitRecord) -> list[Any]:
    return [
        order
        for order in scene.trader.fetch_orders(market_id=MARKET)
        if order.client_order_id == record.client_order_id
    ]


def test_it_waits_for_its_price_and_sells(
    scene: Scene, driver: str, other: Any, tmp_path: Path
) -> None:
    scene.buy("5")
    price = tick_above(scene, other)
    first = scene.face(driver, journal=tmp_path / "orders.db")
    run = Run(first, plan_at(price))
    assert soon(lambda: is_watched(scene))
    assert run.is_running
    other.create_order(MARKET, "yes", "buy", price, 5)
    record = run.wait()
    assert (record.state, record.trigger, record.price) == (
        ExitState.FILLED,
        Trigger.TAKE_PROFIT,
        price,
    )
    assert scene.trader.fetch_positions(market_id=MARKET) == []
    assert soon(lambda: not is_watched(scene))
    # A restart finds it over, and sends nothing.
    second = scene.face(driver, journal=tmp_path / "orders.db")
    again = Run(second, plan_at(price)).wait()
    assert (again, len(orders_of(scene, record))) == (record, 1)


def test_fault_35_it_goes_on_after_the_connection_broke(
    scene: Scene, face: Face, other: Any
) -> None:
    scene.buy("5")
    price = tick_above(scene, other)
    run = Run(face, plan_at(price))
    assert soon(lambda: is_watched(scene))
    scene.frames.add(StreamFault("reset", frame=".*"))
    scene.bid("1")
    assert soon(lambda: face.exchange.stream_health().connections == 2)
    assert run.is_running
    other.create_order(MARKET, "yes", "buy", price, 5)
    record = run.wait()
    assert (record.state, len(orders_of(scene, record))) == (ExitState.FILLED, 1)


def test_fault_31_what_was_missed_does_not_sell(
    scene: Scene, face: Face, other: Any
) -> None:
    scene.buy("5")
    price = tick_above(scene, other)
    run = Run(face, plan_at(price))
    assert soon(lambda: is_watched(scene))
    # The bid that would sell is never told, and the next message shows that.
    scene.frames.add(StreamFault("drop", frame="orderbook_delta"))
    missed = other.create_order(MARKET, "yes", "buy", price, 5)
    other.cancel_order(missed.order_id)
    assert soon(lambda: face.exchange.stream_health().gaps >= 1)
    assert soon(lambda: face.exchange.stream_health().state == "live")
    assert run.is_running
    assert len(scene.trader.fetch_positions(market_id=MARKET)) == 1
    other.create_order(MARKET, "yes", "buy", price, 5)
    assert run.wait().state is ExitState.FILLED


def test_fault_09_a_quiet_book_does_not_hold_an_order_that_was_refused_for_now(
    scene: Scene, face: Face
) -> None:
    scene.buy("5")
    bid = scene.trader.fetch_order_book(MARKET).bid
    # Twice: by the first book, and by the same book again.
    scene.fault("answer", status=429, commits=False, **CREATES, count=2)
    record = Run(face, plan_at(bid.price), timeout=10.0).wait()
    assert record.state is ExitState.FILLED


def test_fault_09_a_refusal_that_was_none_does_not_make_two(
    scene: Scene, face: Face
) -> None:
    scene.buy("10")
    bid = scene.trader.fetch_order_book(MARKET).bid
    # Carried out, and yet answered as if it had not been.
    scene.fault("answer", status=429, **CREATES, count=1)
    record = Run(face, plan_at(bid.price), timeout=10.0).wait()
    assert (record.state, len(orders_of(scene, record))) == (ExitState.FILLED, 1)
    assert scene.trader.fetch_positions(market_id=MARKET)[0].size == 5


def test_fault_09_a_timeout_ends_trying_again_too(scene: Scene, face: Face) -> None:
    scene.buy("5")
    bid = scene.trader.fetch_order_book(MARKET).bid
    scene.fault("answer", status=429, commits=False, **CREATES, count=99)
    record = Run(face, plan_at(bid.price), timeout=0.2).wait()
    assert record.state is ExitState.ARMED


def test_without_an_order_in_time_it_comes_back_armed(scene: Scene, face: Face) -> None:
    scene.buy("5")
    plan = plan_at(Decimal("0.99"))
    record = Run(face, plan, timeout=0.3).wait()
    assert (record.state, record.remaining) == (ExitState.ARMED, 5)
    assert len(scene.trader.fetch_positions(market_id=MARKET)) == 1


def test_a_busy_book_does_not_outlast_its_time(
    scene: Scene, face: Face, other: Any
) -> None:
    over = threading.Event()

    def busy() -> None:
        while not over.is_set():
            order = other.create_order(MARKET, "yes", "buy", "0.02", 1)
            other.cancel_order(order.order_id)

    spam = threading.Thread(target=busy)
    spam.start()
    try:
        began = time.monotonic()
        record = Run(face, plan_at(Decimal("0.99")), timeout=1.0).wait()
        assert (record.state, time.monotonic() - began < 4) == (ExitState.ARMED, True)
    finally:
        over.set()
        spam.join()


@pytest.mark.parametrize("timeout", [-1, "5", True])
def test_a_timeout_is_checked_before_anything_is_written(
    scene: Scene, face: Face, timeout: Any
) -> None:
    run = Run(face, plan_at(Decimal("0.99")), timeout=timeout)
    assert soon(lambda: not run.is_running)
    assert isinstance(run.error, ux.BadRequest)
    # Nothing stands under its name: other terms are another exit, not a changed one.
    record = Run(face, plan_at(Decimal("0.98")), timeout=0.3).wait()
    assert record.state is ExitState.ARMED


def test_an_exchange_that_is_closed_ends_it_with_an_error(
    scene: Scene, face: Face
) -> None:
    scene.buy("5")
    run = Run(face, plan_at(Decimal("0.99")))
    assert soon(lambda: is_watched(scene))
    face.do(face.exchange.close if face.loop is None else face.exchange.aclose)
    assert soon(lambda: not run.is_running)
    assert isinstance(run.error, ux.UnifiedExchangesError)
