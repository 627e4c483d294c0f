"""A deadline for a whole flow."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.flavours import FLAVOURS, Rig
from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import ConnectionLost, RequestTimeout
from unified_exchanges.flow import Flow, Request, Response, Sleep
from unified_exchanges.venue.deadline import within

GET = Request("GET", "https://venue.test/", timeout=10.0)
OK = Response(200)


@pytest.fixture(params=FLAVOURS)
def rig(request: pytest.FixtureRequest) -> Rig:
    answers = [OK, ConnectionLost("reset"), OK, OK]
    return Rig(request.param, answers, VirtualClock())


def asking(waits: list[float]) -> Flow[int]:
    for seconds in waits:
        with suppress(ConnectionLost):
            yield GET
        yield Sleep(seconds)
    return len(waits)


def test_what_fits_goes_on_unchanged(rig: Rig) -> None:
    clock = rig.transport.clock
    flow = within(asking([1.0, 1.0]), clock, clock.monotonic() + 20)
    assert rig.run(flow) == 2
    assert [r.timeout for r in rig.requests] == [10.0, 10.0]


def test_a_request_may_take_what_is_left(rig: Rig) -> None:
    clock = rig.transport.clock
    rig.run(within(asking([0.5]), clock, clock.monotonic() + 3))
    assert [r.timeout for r in rig.requests] == [3.0]


def test_a_wait_ends_when_time_is_up_and_says_what_went_wrong_before(rig: Rig) -> None:
    clock = rig.transport.clock
    begun = clock.monotonic()
    with pytest.raises(RequestTimeout, match=r"before that: .*reset") as caught:
        rig.run(within(asking([1.0, 60.0]), clock, begun + 3))
    assert caught.value.sent is False
    assert clock.monotonic() == begun + 3


def test_nothing_is_begun_when_time_is_up(rig: Rig) -> None:
    clock = rig.transport.clock
    with pytest.raises(RequestTimeout, match="not begun"):
        rig.run(within(asking([1.0]), clock, clock.monotonic()))
    assert rig.requests == []


def waiting() -> Flow[None]:
    yield Sleep(1.0)


def test_no_wait_is_begun_when_time_is_up(rig: Rig) -> None:
    clock = rig.transport.clock
    with pytest.raises(RequestTimeout):
        rig.run(within(waiting(), clock, clock.monotonic()))
    assert rig.sleeps == []
