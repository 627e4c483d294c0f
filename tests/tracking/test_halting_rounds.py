"""What shows while a halt looks is found, whichever of its requests it comes after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import unified_exchanges as ux
from unified_exchanges.flow import Request, Response

from .stage import FREE, MARKET, ORDERS, Stage

REQUESTS = range(1, 7)
"""More than a halt makes before it is sure."""


@pytest.fixture(params=["blocking", "async"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(request.param, journal=tmp_path / "orders.db")
    made.client.fetch_market(MARKET)
    yield made
    made.restart()


def after(stage: Stage, number: int, act: Callable[[], object]) -> None:
    """Let something happen once so many requests were answered."""
    venue = stage.ground.venue
    serve, left = venue.handle, [number]

    def handle(request: Request) -> Response:
        answer = serve(request)
        left[0] -= 1
        if not left[0]:
            venue.handle = serve  # type: ignore[method-assign]
            act()
        return answer

    venue.handle = handle  # type: ignore[method-assign]


def is_sure(report: ux.HaltReport, stage: Stage) -> bool:
    """Whether it says that all is closed; then it must be."""
    if report.is_complete:
        assert stage.elsewhere.fetch_open_orders() == []
    return report.is_complete


@pytest.mark.parametrize("number", REQUESTS)
def test_fault_24_an_order_answered_while_a_halt_verifies_is_canceled(
    stage: Stage, number: int
) -> None:
    switch = stage.client.exchange.venue.switch
    token = switch.enter("an order")

    def answer() -> None:
        stage.elsewhere.create_order(MARKET, "yes", "buy", "0.01", 5)
        switch.leave(token)

    after(stage, number, answer)
    report = stage.client.halt("because", deadline=5.0)
    # It is not answered before the rounds end, where they ask less than that.
    assert is_sure(report, stage) is (report.under_way == ())


@pytest.mark.parametrize("cancel", [True, False])
def test_fault_24_a_halt_whose_time_is_up_before_it_is_sure_says_so(
    stage: Stage, *, cancel: bool
) -> None:
    switch = stage.client.exchange.venue.switch
    token = switch.enter("an order")
    rests = stage.bid().order_id if not cancel else None

    def answer() -> None:
        stage.elsewhere.create_order(MARKET, "yes", "buy", "0.01", 5)
        switch.leave(token)

    after(stage, 3 if cancel else 1, answer)
    report = stage.client.halt("because", cancel=cancel, deadline=0.1)
    assert [x.order_id for x in report.remaining] == [rests] * (not cancel)
    (error,) = report.errors
    assert "time was up before another look" in error.message
    assert not report.is_complete
    assert stage.client.halt("because").is_complete
    assert stage.elsewhere.fetch_open_orders() == []


def test_fault_24_a_lost_raw_write_does_not_keep_a_halt_from_canceling_again(
    stage: Stage,
) -> None:
    resting = stage.bid()
    stage.fault("drop", method="POST", path=ORDERS, commits=False, count=1)
    with pytest.raises(ux.UnifiedExchangesError) as lost:
        stage.client.request("POST", ORDERS, body={"ticker": MARKET})
    assert lost.value.maybe_executed
    stage.fault("drop", method="DELETE", commits=False, count=1)
    seen: list[float] = []

    def look() -> None:
        seen.append(stage.clock.monotonic())
        assert stage.elsewhere.fetch_open_orders() == []

    began = stage.clock.monotonic()
    stage.at(5.0, look)
    report = stage.client.halt("because", deadline=20.0)
    assert [x - began < 10 for x in seen] == [True]
    assert [x.order_id for x in report.canceled] == [resting.order_id]
    assert report.remaining == ()
    assert (len(report.under_way), report.is_complete) == (1, False)
    assert stage.client.halt("because", deadline=40.0).is_complete


def test_fault_24_a_halt_waits_for_an_answer_only_so_long_as_to_go_on_canceling(
    stage: Stage,
) -> None:
    stage.bid()
    switch = stage.client.exchange.venue.switch
    token = switch.enter("an order")
    stage.fault("drop", method="DELETE", commits=False, count=1)
    stage.at(5.0, lambda: switch.leave(token))
    began = stage.clock.monotonic()
    report = stage.client.halt("because", deadline=20.0)
    assert (len(report.canceled), report.under_way) == (1, ())
    assert report.is_complete
    assert stage.clock.monotonic() - began < 10


def test_fault_24_12_a_journal_that_cannot_be_read_leaves_what_rests_to_be_canceled(
    stage: Stage, tmp_path: Path
) -> None:
    resting = stage.bid()
    for path in tmp_path.iterdir():
        path.write_bytes(b"no database" * 200)
    report = stage.client.halt("because", deadline=5.0)
    assert [x.order_id for x in report.canceled] == [resting.order_id]
    assert not report.is_complete


@pytest.mark.parametrize("number", REQUESTS)
def test_fault_24_12_an_order_that_others_find_while_a_halt_looks_is_canceled(
    stage: Stage, number: int, tmp_path: Path
) -> None:
    stage.fault("drop", method="POST", path=ORDERS, commits=False, count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    with pytest.raises(ux.OrderUnknown):
        stage.bid(client_order_id="lost")
    stage.ground.requests.clear()
    other = stage.ground.trader("blocking", journal=tmp_path / "orders.db", limits=FREE)

    def find() -> None:
        stage.elsewhere.create_order(
            MARKET, "yes", "buy", "0.01", 5, client_order_id="lost"
        )
        found = other.reconcile().found
        assert [x.client_order_id for x in found] == ["lost"]

    after(stage, number, find)
    assert is_sure(stage.client.halt("because", deadline=60.0), stage)
    other.close()


def test_fault_24_the_first_halt_of_those_who_share_a_journal_is_that_of_all(
    stage: Stage,
) -> None:
    other = stage.another()
    first = stage.client.halt("first")
    assert other.halt("second").reason == "first"
    assert other.exchange.halted == stage.client.exchange.halted
    assert (other.exchange.halted.reason, other.exchange.halted.at) == (
        "first",
        first.halted_at,
    )
    other.do(other.exchange.aclose if other.is_async else other.exchange.close)


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_a_halt_that_may_not_cancel_tells_what_is_open_as_it_is_read(
    flavour: str, tmp_path: Path
) -> None:
    stage = Stage(flavour, journal=tmp_path / "orders.db")
    order = stage.bid()
    stage.client = looker = stage.another(guards=ux.GuardPolicy(read_only=True))
    report = looker.halt("because", deadline=5.0)
    assert [x.order_id for x in report.remaining] == [order.order_id]
    assert not report.is_complete
    assert any(isinstance(x, ux.ReadOnly) for x in report.errors)
    stage.restart()
