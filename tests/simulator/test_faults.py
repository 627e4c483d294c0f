"""What a fault plan picks, and what a sender then gets to see, without a socket."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import ConnectionLost, NetworkError, RequestTimeout
from unified_exchanges.flow import Request, Response
from unified_exchanges.simulator.faults import (
    Fault,
    FaultPlan,
    FaultyVenue,
    redirected,
    tell,
    too_many_requests,
    unavailable,
)

DATE = "Fri, 20 Nov 2026 18:40:00 GMT"
ASK = Request("POST", "http://127.0.0.1/orders", timeout=10.0)


class Venue:
    """Counts what reaches it."""

    def __init__(self) -> None:
        self.lags: list[float] = []

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        self.lags.append(lag)
        return Response(201, {"date": DATE}, f"answer {len(self.lags)}".encode())


def asked(*faults: Fault, request: Request = ASK) -> tuple[Venue, Any, VirtualClock]:
    """The venue, what came back (or was raised), and the clock."""
    venue, clock = Venue(), VirtualClock(0.0)
    faulty = FaultyVenue(venue, FaultPlan(faults), clock)
    try:
        return venue, faulty.handle(request), clock
    except NetworkError as error:
        return venue, error, clock


def test_without_a_fault_the_venue_answers() -> None:
    venue, response, _ = asked()
    assert (len(venue.lags), response.body) == (1, b"answer 1")


@pytest.mark.parametrize(("commits", "reached"), [(True, 1), (False, 0)])
def test_fault_02_a_drop_loses_the_answer_or_the_request(
    *, commits: bool, reached: int
) -> None:
    venue, error, _ = asked(Fault("drop", commits=commits))
    assert (type(error), len(venue.lags)) == (ConnectionLost, reached)
    assert (error.sent, error.maybe_executed) == (True, True)


def test_a_lost_read_cannot_have_been_executed() -> None:
    _, error, _ = asked(Fault("drop"), request=Request("GET", "http://127.0.0.1/x"))
    assert (error.maybe_executed, error.request) == (False, "GET /x")


@pytest.mark.parametrize(("commits", "reached"), [(True, 1), (False, 0)])
def test_fault_04_a_stall_ends_with_the_timeout(*, commits: bool, reached: int) -> None:
    venue, error, clock = asked(Fault("stall", commits=commits))
    assert (type(error), len(venue.lags)) == (RequestTimeout, reached)
    assert clock.monotonic() == ASK.timeout


def test_a_delay_takes_its_time() -> None:
    _, response, clock = asked(Fault("delay", seconds=3))
    assert (response.status, clock.monotonic()) == (201, 3)


def test_fault_05_a_delay_beyond_the_timeout_is_a_timeout() -> None:
    venue, error, clock = asked(Fault("delay", seconds=11))
    assert (type(error), len(venue.lags)) == (RequestTimeout, 1)
    assert clock.monotonic() == 10


def test_a_trickle_takes_a_pace_per_byte() -> None:
    _, _, clock = asked(Fault("trickle", seconds=0.5))
    assert clock.monotonic() == 0.5 * len(b"answer 1")


def test_fault_08_an_answer_that_breaks_off_is_a_lost_connection() -> None:
    venue, error, _ = asked(Fault("truncate", keep=3))
    assert (type(error), len(venue.lags)) == (ConnectionLost, 1)


def test_an_answer_that_is_not_gzip_is_a_lost_connection() -> None:
    assert isinstance(asked(Fault("garble"))[1], ConnectionLost)


def test_f17_a_duplicate_delivers_the_second_answer() -> None:
    venue, response, _ = asked(Fault("duplicate"))
    assert (len(venue.lags), response.body) == (2, b"answer 2")


def test_fault_09_a_429_does_not_reach_the_venue() -> None:
    venue, response, _ = asked(too_many_requests())
    assert (venue.lags, response.status) == ([], 429)
    assert response.body == b'{"error":"too many requests"}'


def test_fault_06_a_proxy_answers_in_html() -> None:
    _, response, _ = asked(unavailable(502))
    assert (response.status, response.headers["content-type"]) == (502, "text/html")


def test_fault_06_a_5xx_may_come_after_the_request_was_carried_out() -> None:
    venue, response, _ = asked(unavailable(500, commits=True))
    assert (len(venue.lags), response.status) == (1, 500)


def test_fault_44_a_redirect_leads_elsewhere() -> None:
    _, response, _ = asked(redirected("http://evil.test/"))
    assert (response.status, response.headers) == (
        302,
        {"location": "http://evil.test/"},
    )


@pytest.mark.parametrize(
    ("seconds", "date"),
    [(60, "Fri, 20 Nov 2026 18:41:00 GMT"), (-60, "Fri, 20 Nov 2026 18:39:00 GMT")],
)
def test_f7_the_date_can_be_off(seconds: int, date: str) -> None:
    _, response, _ = asked(Fault("skew", seconds=seconds))
    assert response.headers["date"] == date


def test_f20_a_lag_is_handed_to_the_venue() -> None:
    venue, _, _ = asked(Fault("lag", seconds=0.4))
    assert venue.lags == [0.4]


# Which requests are met


def kinds(plan: FaultPlan, *requests: tuple[str, str]) -> list[str | None]:
    met = [plan.take(method, path) for method, path in requests]
    return [fault and fault.kind for fault in met]


def test_a_fault_meets_its_method_and_path_once() -> None:
    plan = FaultPlan([Fault("drop", method="GET", path="/orders/[0-9]+$")])
    requests = [("POST", "/orders/1"), ("GET", "/orders"), ("GET", "/orders/1")]
    assert kinds(plan, *requests, ("GET", "/orders/1")) == [None, None, "drop", None]


def test_a_fault_waits_for_its_occurrence() -> None:
    plan = FaultPlan([Fault("drop", nth=2, count=2)])
    assert kinds(plan, *[("GET", "/")] * 4) == [None, "drop", "drop", None]


def test_a_fault_without_a_count_stays() -> None:
    plan = FaultPlan([Fault("drop", count=None)])
    assert kinds(plan, *[("GET", "/")] * 3) == ["drop"] * 3


def test_the_first_fault_that_is_due_wins() -> None:
    plan = FaultPlan([Fault("drop"), Fault("stall", count=2)])
    assert kinds(plan, *[("GET", "/")] * 4) == ["drop", "stall", "stall", None]


def test_chance_follows_the_seed() -> None:
    def draw(seed: int) -> list[str | None]:
        fault = Fault("drop", probability=0.5, count=None)
        return kinds(FaultPlan([fault], rng=Random(seed)), *[("GET", "/")] * 50)

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert 10 < draw(1).count("drop") < 40


def test_a_plan_can_grow_and_be_cleared_and_remembers() -> None:
    plan = FaultPlan()
    plan.add(Fault("drop", count=None))
    assert kinds(plan, ("GET", "/a")) == ["drop"]
    plan.clear()
    assert kinds(plan, ("GET", "/b")) == [None]
    assert [path for _, _, path in plan.struck] == ["/a"]


def test_a_garbled_answer_says_that_it_is_gzip() -> None:
    delivery = tell(Venue(), ASK, Fault("garble"))
    assert delivery.response is not None
    assert delivery.response.headers["content-encoding"] == "gzip"
