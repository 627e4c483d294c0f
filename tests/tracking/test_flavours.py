"""The tracker and its waits on real sockets: both flavours and all libraries."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import unified_exchanges as ux
from tests.watching.face import DRIVERS, MARKET, Face, Scene, soon
from unified_exchanges.policy import RetryPolicy
from unified_exchanges.simulator.faults import StreamFault, unavailable

ORDERS = "/portfolio/events/orders$"
ACCOUNT = {("user_orders", "*"), ("fill", "*")}
LONG = 20.0


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as scene:
        yield scene


@pytest.fixture(params=DRIVERS)
def face(request: pytest.FixtureRequest, scene: Scene) -> Face:
    return scene.face(request.param)


def orders(face: Face) -> Any:
    return face.exchange.orders


def follow(face: Face) -> None:
    face.do(orders(face).follow)


def is_following(scene: Scene) -> bool:
    return scene.subscriptions >= ACCOUNT


def is_told(face: Face) -> bool:
    hub = face.exchange._hubs.get("")
    return hub is not None and face.do(lambda: hub.is_told)


def after(seconds: float, act: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


class Waiting(threading.Thread):
    """A wait in a thread of its own, as of another part of the program."""

    def __init__(self, face: Face, method: str, *args: Any) -> None:
        super().__init__(daemon=True)
        self.face, self.method, self.args = face, method, args
        self.result: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.face.call(self.method, *self.args)
        except (RuntimeError, ux.UnifiedExchangesError) as error:
            self.result = error

    def outcome(self) -> Any:
        self.join(LONG)
        assert not self.is_alive()
        return self.result


# -- following -------------------------------------------------------------------------


def test_nothing_is_opened_until_somebody_asks(scene: Scene, face: Face) -> None:
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    assert orders(face).find(order_id=resting.order_id).state == "open"
    assert face.call("wait_done", scene_done(scene), 0).status == "canceled"
    assert (len(scene.kalshi.sessions), face.exchange._hubs) == (0, {})


def scene_done(scene: Scene) -> Any:
    return scene.trader.cancel_order(scene.bid().order_id)


def test_following_a_book_subscribes_to_nothing_else(scene: Scene, face: Face) -> None:
    watch = face.watch("order_book", MARKET)
    watch.next()
    assert scene.subscriptions == {("orderbook_delta", MARKET)}


def test_what_a_watch_of_orders_hears_the_tracker_hears(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("orders")
    assert soon(lambda: ("user_orders", "*") in scene.subscriptions)
    resting = scene.bid("4")
    watch.until(lambda x: x.order_id == resting.order_id)
    found = orders(face).find(order_id=resting.order_id)
    assert (found.state, found.is_external) == ("open", True)


def test_fault_23_orders_and_fills_of_elsewhere_are_adopted(
    scene: Scene, face: Face
) -> None:
    follow(face)
    follow(face)
    assert soon(lambda: is_told(face))
    assert scene.subscriptions == ACCOUNT
    bought = scene.buy("3")
    assert soon(lambda: orders(face).find(order_id=bought.order_id) is not None)
    found = orders(face).find(order_id=bought.order_id)
    assert (found.is_external, found.market_id) == (True, MARKET)
    assert soon(lambda: orders(face).position(MARKET) == 3)
    assert orders(face).differences == ()


def test_an_order_that_ended_unseen_before_it_was_followed_is_read(
    scene: Scene, face: Face
) -> None:
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    scene.trader.cancel_order(resting.order_id)
    assert orders(face).exposure() > 0
    follow(face)
    assert soon(lambda: orders(face).exposure() == 0)
    assert orders(face).find(order_id=resting.order_id).state == "canceled"


def test_unwatching_leaves_the_tracker_and_unfollowing_ends_it(
    scene: Scene, face: Face
) -> None:
    face.do(orders(face).unfollow)
    follow(face)
    assert soon(lambda: is_following(scene))
    watch = face.watch("fills")
    face.call("unwatch")
    with pytest.raises(ux.BadRequest):
        watch.next()
    assert is_following(scene)
    face.do(orders(face).unfollow)
    assert soon(lambda: scene.subscriptions == set())


# -- waiting ---------------------------------------------------------------------------


def test_a_wait_ends_as_soon_as_the_stream_tells(scene: Scene, face: Face) -> None:
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    waiting = Waiting(face, "wait_done", resting, LONG)
    assert soon(lambda: is_told(face))
    began = time.monotonic()
    scene.trader.cancel_order(resting.order_id)
    ended = waiting.outcome()
    assert (ended.status, ended.order_id) == ("canceled", resting.order_id)
    assert time.monotonic() - began < 2
    assert orders(face)._tracker.waits == 0


def test_a_wait_for_a_fill_gives_the_order_as_it_ended(
    scene: Scene, face: Face
) -> None:
    ask = scene.trader.fetch_order_book(MARKET).ask.price
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    waiting = Waiting(face, "wait_filled", resting, LONG)
    assert soon(lambda: is_told(face))
    scene.trader.edit_order(resting.order_id, outcome="yes", price=ask)
    filled = waiting.outcome()
    assert (filled.status, filled.filled, filled.size) == ("closed", 5, 5)
    assert soon(lambda: orders(face).position(MARKET) == 5)


def test_time_that_is_up_leaves_nothing_behind(scene: Scene, face: Face) -> None:
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    with pytest.raises(ux.OrderNotDone) as caught:
        face.call("wait_filled", resting, 0.2)
    assert caught.value.tracked.state == "open"
    entry = orders(face)._tracker.find(order_id=resting.order_id)
    assert (entry.wakes, orders(face)._tracker.waits) == ([], 0)


def test_many_waits_share_one_subscription(scene: Scene, face: Face) -> None:
    placed = [scene.bid(str(size)) for size in range(1, 9)]
    waits = [Waiting(face, "wait_done", x.order_id, LONG) for x in placed]
    assert soon(lambda: is_told(face) and orders(face)._tracker.waits == len(waits))
    assert (len(scene.kalshi.sessions), scene.subscriptions) == (1, ACCOUNT)
    scene.trader.cancel_all_orders()
    assert [x.outcome().status for x in waits] == ["canceled"] * len(waits)


def test_a_wait_that_is_cancelled_leaves_nothing_behind(scene: Scene) -> None:
    face = scene.face("websockets")
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    assert face.loop is not None
    entry = orders(face)._tracker.find(order_id=resting.order_id)
    assert face.loop.run(_cancelled(face.exchange, resting)) == 0
    assert (entry.wakes, orders(face)._tracker.waits) == ([], 0)


async def _cancelled(exchange: Any, order: Any) -> int:
    """How many tasks are left of a wait that is cancelled while it reads."""
    import asyncio

    await exchange.orders.follow()
    await asyncio.sleep(0.3)
    before = len(asyncio.all_tasks())
    exchange._driver, kept = _Stalled(), exchange._driver
    wait = asyncio.create_task(exchange.wait_done(order.order_id, 30))
    await asyncio.sleep(0.1)
    exchange._hubs[""]._feed.protocol.is_connected = False
    await asyncio.sleep(1.5)
    wait.cancel()
    await asyncio.wait([wait])
    exchange._driver = kept
    return len(asyncio.all_tasks()) - before


def test_what_no_read_should_meet_ends_a_wait(scene: Scene, face: Face) -> None:
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    exchange, broken = face.exchange, _Broken(face.exchange._driver)
    follow(face)
    exchange._driver = broken
    waiting = Waiting(face, "wait_done", resting, LONG)
    scene.go_down()
    assert str(waiting.outcome()) == "a bug"
    exchange._driver = broken.kept
    scene.come_up()


class _Broken:
    """A driver that fails as none should, but for what needs no answer."""

    def __init__(self, kept: Any) -> None:
        self.kept = kept

    def run(self, flow: Any) -> Any:
        result: Any = None
        try:
            flow.send(None)
            result = _bug()
        except StopIteration as done:
            result = done.value
        except RuntimeError as error:
            result = error
        flow.close()
        if inspect.iscoroutinefunction(self.kept.run):
            return _given(result)
        if isinstance(result, RuntimeError):
            raise result
        return result


def _bug() -> None:
    message = "a bug"
    raise RuntimeError(message)


async def _given(result: Any) -> Any:
    if isinstance(result, RuntimeError):
        raise result
    return result


class _Stalled:
    """A driver of which no answer comes, but to what needs none."""

    async def run(self, flow: Any) -> Any:
        import asyncio

        try:
            step = flow.send(None)
        except StopIteration as done:
            return done.value
        assert step is not None
        try:
            return await asyncio.sleep(60)
        finally:
            flow.close()


# -- what is lost ----------------------------------------------------------------------


@pytest.mark.parametrize("driver", DRIVERS)
def test_fault_04_a_fill_on_the_stream_ends_a_wait_for_an_unanswered_order(
    scene: Scene, driver: str
) -> None:
    face = scene.face(driver, timeout=1.0, retry=RetryPolicy(attempts=1))
    follow(face)
    assert soon(lambda: is_told(face))
    ask = scene.trader.fetch_order_book(MARKET).ask.price
    scene.fault("stall", method="POST", path=ORDERS)
    create = Waiting(face, "create_order", MARKET, "yes", "buy", ask, 2)
    assert soon(lambda: [x.state for x in orders(face)] == ["filled"])
    assert create.is_alive()
    (tracked,) = orders(face)
    assert (tracked.is_external, tracked.filled) == (False, 2)
    filled = face.call("wait_filled", tracked, LONG)
    assert (filled.filled, filled.client_order_id) == (2, tracked.client_order_id)
    # The answer was lost, and the order looked up by the key: it is the same.
    assert create.outcome().order_id == filled.order_id
    assert len(orders(face)) == 1


def test_fault_05_an_answer_after_the_caller_gave_up_makes_no_second_order(
    scene: Scene, face: Face
) -> None:
    follow(face)
    assert soon(lambda: is_told(face))
    late = scene.face(
        "blocking", timeout=0.3, retry=RetryPolicy(attempts=1, order_deadline=0.3)
    )
    scene.fault("delay", method="POST", path=ORDERS, seconds=0.8)
    scene.requests.add(unavailable(method="GET", path="/portfolio/orders", count=8))
    with pytest.raises(ux.OrderUnknown):
        late.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    (lost,) = orders(late).unresolved
    scene.requests.clear()
    follow(late)
    assert soon(lambda: orders(late).unresolved == [])
    (found,) = orders(late)
    assert (found.state, found.client_order_id) == ("open", lost.client_order_id)
    assert soon(lambda: len(orders(face)) == 1)
    assert next(iter(orders(face))).is_external


def test_fault_33_a_wait_does_not_hang_on_a_message_that_was_lost(
    scene: Scene, face: Face
) -> None:
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    follow(face)
    assert soon(lambda: is_told(face))
    scene.frames.add(StreamFault("drop", frame="user_order", count=None))
    waiting = Waiting(face, "wait_done", resting, LONG)
    assert soon(lambda: orders(face)._tracker.waits == 1)
    scene.trader.cancel_order(resting.order_id)
    # A gap is noticed later, as on a line that breaks.
    scene.frames.add(StreamFault("reset", frame="fill"))
    scene.buy("1")
    assert waiting.outcome().status == "canceled"


def test_fault_33_who_is_told_that_time_is_up_had_the_order_read_before(
    scene: Scene, face: Face
) -> None:
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    follow(face)
    assert soon(lambda: is_told(face))
    scene.frames.add(StreamFault("drop", frame="user_order", count=None))
    waiting = Waiting(face, "wait_done", resting, 2.5)
    assert soon(lambda: orders(face)._tracker.waits == 1)
    scene.trader.cancel_order(resting.order_id)
    assert waiting.outcome().status == "canceled"


def test_fault_35_a_wait_goes_on_by_reading_while_there_is_no_stream(
    scene: Scene, face: Face
) -> None:
    resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
    waiting = Waiting(face, "wait_done", resting, LONG)
    assert soon(lambda: is_told(face))
    scene.requests.add(unavailable(path="/ws/", count=None))
    scene.frames.add(StreamFault("reset", frame=".*"))
    scene.bid("1")
    assert soon(lambda: not is_told(face))
    scene.trader.cancel_order(resting.order_id)
    assert waiting.outcome().status == "canceled"


def test_closing_ends_a_wait(scene: Scene) -> None:
    for driver in ("blocking", "websockets"):
        face = scene.face(driver)
        resting = face.call("create_order", MARKET, "yes", "buy", "0.01", 5)
        waiting = Waiting(face, "wait_done", resting, LONG)
        assert soon(lambda face=face: is_told(face))
        closing = face.exchange.close if driver == "blocking" else face.exchange.aclose
        face.do(closing)
        assert isinstance(waiting.outcome(), ux.BadRequest)
