"""How long a halt goes on, and what it says of what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from unified_exchanges.flow import Request, Response
from unified_exchanges.testing.conformance import Trader

from .stage import FREE, MARKET, ONCE, Stage


@pytest.fixture(params=["blocking", "async"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    made = Stage(request.param)
    made.client.fetch_market(MARKET)
    yield made
    made.restart()


def answer(stage: Stage, wanted: Callable[[Request], bool], count: int) -> None:
    """Let the next requests of a kind be told that they are not understood."""
    venue, left = stage.ground.venue, [count]
    serve = venue.handle

    def handle(request: Request) -> Response:
        if left[0] and wanted(request):
            left[0] -= 1
            return Response(400, {}, b'{"error":{"code":"bad","message":"no"}}')
        return serve(request)

    venue.handle = handle  # type: ignore[method-assign]


def other(stage: Stage, **settings: Any) -> Trader:
    return stage.ground.trader(stage.flavour, limits=FREE, retry=ONCE, **settings)


def test_a_halt_after_the_last_was_lifted_begins_anew(stage: Stage) -> None:
    first = stage.bid().order_id
    assert [x.order_id for x in stage.client.halt("one").canceled] == [first]
    stage.client.resume("looked")
    report = stage.client.halt("two")
    assert (report.reason, report.canceled, report.is_complete) == ("two", (), True)


def test_fault_24_25_positions_that_cannot_be_read_are_told_as_not_known(
    stage: Stage,
) -> None:
    resting = stage.bid().order_id
    answer(stage, lambda x: x.url.endswith("/portfolio/positions"), 1000)
    report = stage.client.halt("because")
    assert [x.order_id for x in report.canceled] == [resting]
    assert report.positions is None
    (error,) = report.errors
    assert "what is held is not known" in error.message


def test_what_time_does_not_heal_is_tried_three_times_with_growing_pauses(
    stage: Stage,
) -> None:
    client = other(stage, api_key="11111111-1111-4111-8111-111111111111")
    began = stage.clock.monotonic()
    assert client.halt("because", deadline=60.0).errors
    assert stage.clock.monotonic() - began == pytest.approx(0.1 + 0.25)


def test_what_is_refused_before_it_is_asked_is_not_tried_again(stage: Stage) -> None:
    stage.bid()
    client = other(stage, guards=None, live=False, environment="production")
    began = stage.clock.monotonic()
    report = client.halt("because", deadline=60.0)
    assert not report.is_complete
    assert stage.clock.monotonic() == began


def test_fault_24_a_cancel_that_the_venue_refuses_is_tried_again(stage: Stage) -> None:
    resting = stage.bid().order_id
    answer(stage, lambda x: x.method == "DELETE", 1)
    report = stage.client.halt("because")
    assert report.is_complete
    assert [x.order_id for x in report.canceled] == [resting]


def test_fault_24_a_cancel_that_the_venue_never_takes_is_told(stage: Stage) -> None:
    resting = stage.bid().order_id
    answer(stage, lambda x: x.method == "DELETE", 1000)
    report = stage.client.halt("because")
    assert not report.is_complete
    assert [x.order_id for x in report.remaining] == [resting]
    assert report.errors
