"""Waiting for an order without a stream: by reading, at a sane rate, in both flavours."""

from __future__ import annotations

import asyncio
import pickle
from decimal import Decimal
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.models import OrderState, OrderStatus
from unified_exchanges.tracking.calls import TrackedCalls
from unified_exchanges.tracking.waiting import Wait

from .samples import Plan, fill, order, tracker_of
from .stage import MARKET, ORDERS, Quiet, Stage


@pytest.fixture(params=["blocking", "async"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(request.param)


def cancelling(stage: Stage, placed: Any) -> Any:
    return lambda: stage.elsewhere.cancel_order(placed.order_id)


def reads_of(stage: Stage, placed: Any) -> int:
    asked = [x.url for x in stage.client.transport.requests if x.method == "GET"]
    return len([x for x in asked if x.endswith(f"/orders/{placed.order_id}")])


def test_an_order_that_is_done_is_returned_without_a_request(stage: Stage) -> None:
    bought = stage.buy("3")
    before = len(stage.client.transport.requests)
    assert stage.client.wait_filled(bought, 0) == bought
    assert stage.client.wait_done(bought).filled == 3
    assert len(stage.client.transport.requests) == before


def test_an_order_is_waited_for_until_it_ends(stage: Stage) -> None:
    placed = stage.bid()
    stage.at(3, cancelling(stage, placed))
    ended = stage.client.wait_done(placed, 60)
    assert (ended.order_id, ended.status) == (placed.order_id, "canceled")
    assert stage.orders.find(order_id=placed.order_id).state == "canceled"


def test_an_order_is_waited_for_until_it_fills(stage: Stage) -> None:
    placed = stage.client.create_order(MARKET, "yes", "buy", "0.5", 2)
    stage.at(
        2,
        lambda: stage.elsewhere.edit_order(
            placed.order_id, outcome="yes", price=stage.ask
        ),
    )
    filled = stage.client.wait_filled(placed, 60)
    assert (filled.status, filled.filled) == ("closed", 2)


def test_an_order_comes_back_in_the_terms_in_which_it_was_given(stage: Stage) -> None:
    placed = stage.client.create_order(MARKET, "no", "buy", "0.01", 5)
    stage.at(1, cancelling(stage, placed))
    ended = stage.client.wait_done(placed, 60)
    assert (ended.outcome, ended.side, ended.price) == ("no", "buy", placed.price)
    assert stage.client.wait_done(placed.order_id, 0).outcome == "yes"


def test_an_order_that_ends_unfilled_is_an_error_that_says_how(stage: Stage) -> None:
    placed = stage.bid()
    stage.at(1, cancelling(stage, placed))
    with pytest.raises(ux.OrderNotFilled, match="canceled, 0 filled; it will not") as e:
        stage.client.wait_filled(placed, 60)
    assert e.value.tracked.order.status is OrderStatus.CANCELED
    assert (e.value.client_order_id, e.value.retryable) == (
        placed.client_order_id,
        False,
    )


def test_time_that_is_up_is_an_error_that_says_where_it_stands(stage: Stage) -> None:
    placed = stage.bid()
    before = stage.clock.monotonic()
    with pytest.raises(ux.OrderNotDone, match=r"open, 0 filled, after 7 s") as caught:
        stage.client.wait_filled(placed, 7)
    assert stage.clock.monotonic() - before == 7
    error = caught.value
    assert (error.tracked.state, error.retryable) == ("open", True)
    assert not error.maybe_executed
    assert pickle.loads(pickle.dumps(error)).tracked == error.tracked


def test_reads_become_ever_less_often(stage: Stage) -> None:
    placed = stage.bid()
    with pytest.raises(ux.OrderNotDone):
        stage.client.wait_done(placed, 60)
    assert reads_of(stage, placed) == 18
    assert (stage.client.exchange.orders._tracker.waits, len(stage.orders)) == (0, 1)


def test_an_order_nobody_has_heard_of_is_read_first(stage: Stage) -> None:
    placed = stage.elsewhere.create_order(MARKET, "yes", "buy", "0.01", 2)
    stage.at(1, cancelling(stage, placed))
    assert stage.client.wait_done(placed.order_id, 60).status == "canceled"
    with pytest.raises(ux.OrderNotFound):
        stage.client.wait_done("00000000-0000-4000-8000-000000000000", 60)


def test_an_order_that_ended_long_ago_can_be_waited_for(stage: Stage) -> None:
    placed = stage.elsewhere.create_order(MARKET, "yes", "buy", "0.01", 2)
    stage.elsewhere.cancel_order(placed.order_id)
    stage.clock.advance(100)
    late = stage.ground.trader("async" if stage.client.is_async else "blocking")
    assert late.wait_done(placed.order_id, 60).status == "canceled"
    assert len(late.exchange.orders) == 1


def test_fault_04_an_unresolved_order_is_waited_for_by_our_id(stage: Stage) -> None:
    stage.fault("drop", method="POST", path=ORDERS, count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    with pytest.raises(ux.OrderUnknown):
        stage.buy("3")
    (lost,) = stage.orders.unresolved
    stage.ground.requests.clear()
    filled = stage.client.wait_filled(lost, 60)
    assert (filled.client_order_id, filled.filled) == (lost.client_order_id, 3)
    assert (stage.creates, stage.orders.unresolved) == (1, [])


def test_fault_03_an_unresolved_order_that_is_not_there_ends_the_wait(
    stage: Stage,
) -> None:
    stage.fault("drop", method="POST", path=ORDERS, commits=False, count=None)
    with pytest.raises(ux.OrderUnknown):
        stage.bid()
    (lost,) = stage.orders.unresolved
    with pytest.raises(ux.OrderNotFilled, match="absent"):
        stage.client.wait_done(lost, 60)


def test_fault_25_reads_that_fail_are_tried_again(stage: Stage) -> None:
    placed = stage.bid()
    stage.fault("answer", method="GET", path="/portfolio/orders", count=3)
    stage.at(2, cancelling(stage, placed))
    assert stage.client.wait_done(placed, 60).status == "canceled"


def test_a_read_that_will_not_succeed_ends_the_wait(stage: Stage) -> None:
    placed = stage.bid()
    stage.fault(
        "answer",
        method="GET",
        path="/portfolio/orders",
        status=401,
        count=None,
        body=b"{}",
    )
    with pytest.raises(ux.AuthenticationError):
        stage.client.wait_done(placed, 60)


def test_what_no_read_should_meet_ends_the_wait(stage: Stage) -> None:
    placed = stage.bid()

    def broken() -> None:
        message = "a bug"
        raise RuntimeError(message)

    stage.at(1, broken)
    with pytest.raises(RuntimeError, match="a bug"):
        stage.client.wait_done(placed, 60)


@pytest.mark.parametrize("awaited", [b"o1", 7, ["o1"]])
def test_what_is_no_order_cannot_be_waited_for(stage: Stage, awaited: Any) -> None:
    with pytest.raises(ux.BadRequest, match="what is waited for"):
        stage.client.wait_done(awaited, 1)


@pytest.mark.parametrize("timeout", [-1, "1", True, float("nan")])
def test_what_is_no_timeout_is_refused(stage: Stage, timeout: Any) -> None:
    with pytest.raises(ux.BadRequest, match="timeout must be seconds"):
        stage.client.wait_done("o1", timeout)


def test_waiting_is_emulated_where_orders_can_be_read(stage: Stage) -> None:
    assert stage.client.exchange.has["wait_filled"] == "emulated"


@pytest.mark.parametrize("make", [ux.exchange, ux.async_exchange])
def test_without_a_key_the_wait_says_so(make: Any) -> None:
    kalshi = make("kalshi", environment="demo")

    async def done() -> Any:
        waiting = kalshi.wait_done(order(), 5)
        return await waiting if make is ux.async_exchange else waiting

    with pytest.raises(ux.AuthenticationError):
        asyncio.run(done())


def test_without_a_stream_there_is_nothing_to_follow(stage: Stage) -> None:
    with pytest.raises(ux.NotSupported):
        follow(stage)


def follow(stage: Stage) -> None:
    done = stage.orders.follow()
    if stage.client.is_async:
        asyncio.run(done)


# -- the wait itself -------------------------------------------------------------------


def wait_of(
    timeout: float | None = 30.0, **plan: Any
) -> tuple[Wait, TrackedCalls, Any]:
    tracker, clock = tracker_of()
    tracker.intend(Plan(**plan))
    entry = tracker.find(client_order_id="c-o1")
    assert entry is not None
    venue = Quiet(ux.exchange("kalshi", environment="demo", clock=clock).venue.settings)
    wait = Wait(tracker, entry, venue, outcome="yes", timeout=timeout, for_fill=True)
    return wait, TrackedCalls(tracker, clock), clock


def test_while_a_stream_tells_an_order_is_seldom_read() -> None:
    wait, _, clock = wait_of(None)
    clock.advance(1)
    assert (wait.is_due(is_told=False), wait.is_due(is_told=True)) == (True, False)
    assert (wait.delay(is_told=False), wait.delay(is_told=True)) == (0, 1)
    clock.advance(20)
    assert wait.is_due(is_told=True)


def test_an_order_that_filled_by_its_fills_is_read_at_once_to_be_whole() -> None:
    wait, _, clock = wait_of()
    wait.tracker.fill(fill(at=1, size=Decimal(10), client_order_id="c-o1"))
    assert (wait.now.state, wait.result()) == (OrderState.FILLED, None)
    clock.advance(0.5)
    assert wait.is_due(is_told=True)
    wait.tracker.order(order(filled=10, at=2))
    assert wait.result() == order(filled=10, at=2)


def test_many_who_wait_read_less_often_each() -> None:
    wait, _, clock = wait_of()
    wait.tracker.waits = 100
    clock.advance(20)
    assert not wait.is_due(is_told=False)
    clock.advance(6)
    assert wait.is_due(is_told=False)


def test_one_read_is_made_at_a_time() -> None:
    wait, calls, clock = wait_of()
    clock.advance(5)
    wait.read_again(calls)
    assert not wait.is_due(is_told=False)
    assert wait.delay(is_told=False) == 1


def test_trouble_with_reads_does_not_end_a_wait_that_a_stream_serves() -> None:
    wait, _, _ = wait_of()
    wait.trouble = ux.AuthenticationError("who are you")
    assert wait.result(is_told=True) is None
    with pytest.raises(ux.AuthenticationError):
        wait.result()


def test_a_recording_that_was_not_asked_about_now_is_waited_for() -> None:
    wait, _, _ = wait_of()
    wait.trouble = ux.NotRecorded("not at this moment")
    wait.looked(None)
    assert wait.result() is None


def test_what_else_a_read_of_a_recording_meets_is_told() -> None:
    wait, _, _ = wait_of()
    wait.looked(LookupError("of the library"))
    with pytest.raises(LookupError):
        wait.result()


def test_an_unresolved_order_whose_time_is_up_may_have_been_executed() -> None:
    wait, _, clock = wait_of()
    wait.tracker.doubted("c-o1")
    clock.advance(30)
    with pytest.raises(ux.OrderNotDone) as caught:
        wait.result()
    assert caught.value.maybe_executed


def test_a_refused_order_is_not_waited_for() -> None:
    wait, _, _ = wait_of()
    wait.tracker.refused("c-o1")
    with pytest.raises(ux.OrderNotFilled, match="refused"):
        wait.result()


def test_a_wait_goes_on_for_what_an_order_turns_out_to_be() -> None:
    wait, _, _ = wait_of()
    wait.tracker.fill(fill(at=1, size=Decimal(4)))
    other = wait.tracker.find(order_id="o1")
    assert other is not None
    wait.entry = other
    wait.tracker.order(order(filled=10, at=2))
    assert wait.result() == order(filled=10, at=2)
