"""A machine whose clock is off, on a real socket: nothing is lost to who just came."""

from __future__ import annotations

import pytest

from unified_exchanges.clock import SystemClock
from unified_exchanges.simulator.faults import StreamFault

from .face import OTHER, Face, Scene


class Skewed(SystemClock):
    """A clock that is so many seconds ahead."""

    __slots__ = ("ahead",)

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def now(self) -> float:
        return super().now() + self.ahead


@pytest.fixture(params=[-0.9, -0.3, 0.0, 0.1, 0.3, 0.9, 5.0])
def clock(request: pytest.FixtureRequest) -> Skewed:
    return Skewed(request.param)


@pytest.fixture
def face(scene: Scene, clock: Skewed, driver: str) -> Face:
    return scene.face(driver, clock=clock)


def buy(face: Face) -> str:
    price = face.call("fetch_market", OTHER).grid.highest
    made = face.call("create_order", OTHER, "yes", "buy", price, 1, time_in_force="ioc")
    assert made.filled == 1
    order_id: str = made.order_id
    return order_id


@pytest.mark.parametrize("is_lossy", [False, True], ids=["told", "lost"])
def test_fault_44_22_the_first_fill_is_told_though_the_stream_is_slow_to_connect(
    scene: Scene, face: Face, is_lossy: bool
) -> None:
    scene.fault("delay", path="/ws/", seconds=0.3, count=None)
    if is_lossy:
        scene.frames.add(StreamFault("drop", frame="fill|user_order", count=None))
    face.call("fetch_market", OTHER)
    watches = face.watch("fills"), face.watch("orders")
    made = buy(face)
    assert [x.next().order_id for x in watches] == [made, made]


def test_fault_44_22_a_fill_that_was_answered_before_the_call_is_not_told(
    face: Face,
) -> None:
    buy(face)
    watches = face.watch("fills"), face.watch("orders")
    made = buy(face)
    for watch in watches:
        # Of an order there may be a state before its end.
        ends = watch.until(lambda x: not getattr(x, "is_open", False))
        assert {x.order_id for x in ends} == {made}
        assert watch.is_quiet(0.1)
