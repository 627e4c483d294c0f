"""What each call of a client teaches its tracker, in both flavours."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.flow import (
    Done,
    Judged,
    Judging,
    Leaving,
    Page,
    Request,
    Response,
    advance,
)
from unified_exchanges.tracking.calls import TrackedCalls
from unified_exchanges.tracking.gate import Gate

from .samples import Plan, news, order, position, settlement, tracker_of
from .stage import FREE, MARKET, ONCE, ORDERS, Stage


@pytest.fixture(params=["blocking", "async"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(request.param)


def states(stage: Stage) -> list[str]:
    return [str(x.state) for x in stage.orders]


# -- creates ---------------------------------------------------------------------------


def test_an_order_that_was_placed_is_tracked(stage: Stage) -> None:
    placed = stage.bid()
    found = stage.orders.find(order_id=placed.order_id)
    assert found == stage.orders.find(client_order_id=placed.client_order_id)
    assert (found.state, found.is_external, found.order) == ("open", False, placed)
    assert stage.orders.exposure(MARKET) == stage.orders.exposure() == Decimal("0.05")
    assert stage.orders.exposures == {MARKET: Decimal("0.05")}
    assert (stage.orders.open, stage.orders.unresolved) == ([found], [])
    assert repr(stage.orders) == "<orders: 1 known, 1 not done>"


def test_an_order_for_no_is_tracked_in_yes_terms(stage: Stage) -> None:
    stage.client.create_order(MARKET, "no", "buy", "0.01", 5)
    (found,) = stage.orders
    assert (found.side, found.price, found.at_risk) == (
        "sell",
        Decimal("0.99"),
        Decimal("0.05"),
    )


def test_an_order_that_filled_at_once_is_no_exposure(stage: Stage) -> None:
    stage.buy("3", time_in_force="ioc")
    (found,) = stage.orders
    assert (found.state, found.filled) == ("filled", 3)
    assert (stage.orders.exposure(), stage.orders.open) == (0, [])


def test_an_order_that_the_venue_refuses_is_refused(stage: Stage) -> None:
    with pytest.raises(ux.UnifiedExchangesError):
        stage.client.create_order(MARKET, "yes", "buy", "0.5", 10_000_000)
    assert all(x.is_done for x in stage.orders)
    stage.fault(
        "answer", method="POST", path=ORDERS, commits=False, status=400, body=b"{}"
    )
    with pytest.raises(ux.UnifiedExchangesError):
        stage.bid()
    assert states(stage)[-1] == "refused"
    assert stage.orders.exposure() == 0


def test_what_was_never_sent_is_not_tracked(stage: Stage) -> None:
    with pytest.raises(ux.InvalidPrice):
        stage.client.create_order(MARKET, "yes", "buy", "0.00001", 1)
    assert len(stage.orders) == 0


def test_fault_02_a_lost_answer_leaves_an_unresolved_order_until_it_is_looked_up(
    stage: Stage,
) -> None:
    stage.fault("drop", method="POST", path=ORDERS, count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    with pytest.raises(ux.OrderUnknown) as caught:
        stage.bid()
    (found,) = stage.orders.unresolved
    key = caught.value.client_order_id
    assert (found.state, found.client_order_id) == ("unresolved", key)
    assert (stage.orders.exposure(), stage.orders.open) == (Decimal("0.05"), [])
    stage.ground.requests.clear()
    stage.client.fetch_order(client_order_id=key)
    assert (states(stage), stage.orders.unresolved) == (["open"], [])
    assert not next(iter(stage.orders)).is_external


def test_fault_03_an_order_that_is_not_there_is_proven_absent(stage: Stage) -> None:
    stage.fault("drop", method="POST", path=ORDERS, commits=False, count=None)
    with pytest.raises(ux.OrderUnknown) as caught:
        stage.bid()
    assert states(stage) == ["unresolved"]
    with pytest.raises(ux.OrderNotFound):
        stage.client.fetch_order(client_order_id=caught.value.client_order_id)
    # Somewhere in between it may still be on its way.
    assert (states(stage), stage.orders.exposure()) == (["unresolved"], Decimal("0.05"))
    stage.clock.advance(ONCE.order_deadline + ONCE.order_grace)
    with pytest.raises(ux.OrderNotFound):
        stage.client.fetch_order(client_order_id=caught.value.client_order_id)
    assert (states(stage), stage.orders.exposure()) == (["absent"], 0)


@pytest.mark.parametrize(
    ("arrived", "expected"), [(True, ["open"]), (False, ["absent"])]
)
def test_fault_12_what_reconciling_finds_out_is_known_of_the_orders(
    stage: Stage, arrived: bool, expected: list[str]
) -> None:
    stage.fault("drop", method="POST", path=ORDERS, commits=arrived, count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    with pytest.raises(ux.OrderUnknown):
        stage.bid()
    stage.ground.requests.clear()
    stage.client.reconcile()
    assert (states(stage), stage.orders.unresolved) == (expected, [])


def test_fault_12_what_another_process_found_out_is_read(
    stage: Stage, tmp_path: Path
) -> None:
    settings = {"limits": FREE, "retry": ONCE, "journal": str(tmp_path / "orders.db")}
    flavour = "async" if stage.client.is_async else "blocking"
    stage.client = stage.ground.trader(flavour, **settings)
    other = stage.ground.trader("blocking", **settings)
    stage.fault("drop", method="POST", path=ORDERS, commits=False, count=None)
    with pytest.raises(ux.OrderUnknown):
        stage.bid()
    assert len(other.reconcile().absent) == 1
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    assert stage.client.reconcile() == ux.ReconcileReport()
    assert states(stage) == ["absent"]
    stage.ground.requests.clear()
    assert stage.client.reconcile() == ux.ReconcileReport()
    assert states(stage) == ["absent"]


def test_fault_12_an_id_whose_order_was_changed_since_is_no_refusal(
    stage: Stage,
) -> None:
    placed = stage.bid("5", client_order_id="mine")
    stage.elsewhere.edit_order(placed.order_id, size="6")
    stage.client = stage.client.another(limits=FREE, retry=ONCE)
    with pytest.raises(ux.DuplicateOrderId):
        stage.bid("5", client_order_id="mine")
    assert states(stage) == ["unresolved"]
    stage.client.reconcile()
    assert (states(stage), stage.orders.open[0].size) == (["open"], 6)


def test_fault_28_reads_that_lag_prove_no_absence(stage: Stage) -> None:
    stage.fault("drop", method="POST", path=ORDERS, commits=False, count=None)
    with pytest.raises(ux.OrderUnknown) as caught:
        stage.bid()
    stage.fault("answer", path="user_data_timestamp", count=None)
    with pytest.raises(ux.OrderNotFound) as missed:
        stage.client.fetch_order(client_order_id=caught.value.client_order_id)
    assert (states(stage), missed.value.maybe_executed) == (["unresolved"], True)


def test_fault_20_each_entry_of_a_batch_ends_on_its_own(stage: Stage) -> None:
    def asked(price: str, size: str) -> ux.OrderRequest:
        return ux.OrderRequest(
            market_id=MARKET, outcome="yes", side="buy", price=price, size=size
        )

    batch = [asked("0.01", "1"), asked("0.5", "10000000"), asked("0.02", "1")]
    results = stage.client.create_orders(batch)
    assert [x.order is not None for x in results] == [True, False, True]
    assert [x.state for x in stage.orders.open] == ["open", "open"]
    assert stage.orders.exposure() == Decimal("0.03")


def test_fault_20_an_entry_that_never_left_says_nothing_of_the_others(
    stage: Stage,
) -> None:
    bad, good = (
        ux.OrderRequest(
            market_id=MARKET, outcome="yes", side="buy", price=price, size=1
        )
        for price in ("0.00001", "0.01")
    )
    refusal = b'{"orders": [{"error": {"code": "insufficient_balance"}}]}'
    stage.fault("answer", path="/batched", status=201, body=refusal, commits=False)
    results = stage.client.create_orders([bad, good])
    assert [type(x.error) for x in results] == [ux.InvalidPrice, ux.InsufficientFunds]
    assert states(stage) == ["refused"]


def test_fault_20_a_batch_that_fails_whole_leaves_what_it_sent_unresolved(
    stage: Stage,
) -> None:
    stage.fault("drop", method="POST", path="/orders", count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    asked = ux.OrderRequest(
        market_id=MARKET, outcome="yes", side="buy", price="0.01", size=1
    )
    (result,) = stage.client.create_orders([asked])
    assert isinstance(result.error, ux.OrderUnknown)
    assert states(stage) == ["unresolved"]


def test_closing_a_position_is_a_create(stage: Stage) -> None:
    stage.buy("3")
    stage.clock.advance(1)
    closed = stage.client.close_position(MARKET, price="0.01")
    assert closed is not None
    found = stage.orders.find(order_id=closed.order_id)
    assert (found.state, found.is_external) == ("filled", False)
    stage.clock.advance(1)
    assert stage.client.close_position(MARKET, price="0.01") is None
    assert len(stage.orders) == 2


# -- what is given up half-way ---------------------------------------------------------


def calls() -> TrackedCalls:
    tracker, clock = tracker_of()
    return TrackedCalls(tracker, clock)


def sending(*plans: Plan) -> Any:
    yield Leaving(plans)
    yield Request("POST", "https://toy.test/orders")
    return order(is_ours=True)


def test_fault_47_an_order_that_was_interrupted_is_unresolved() -> None:
    made = calls()
    for wrapped in (
        made.creating(sending(Plan())),
        made.creating_many(sending(Plan(client_order_id="c-o2"))),
    ):
        assert advance(wrapped, None) == Judging()
        assert isinstance(advance(wrapped, None), Judged)
        assert isinstance(advance(wrapped, None), Request)
        wrapped.close()
    assert [x.state for x in made.tracker.views()] == ["unresolved", "unresolved"]


def failing(error: Exception, *plans: Plan) -> Any:
    yield Leaving(plans)
    raise error


def test_an_error_about_another_order_leaves_what_was_sent_unresolved() -> None:
    made = calls()
    wrapped = made.creating(failing(ux.OrderRejected("no"), Plan()))
    assert advance(wrapped, None) == Judging()
    assert isinstance(advance(wrapped, None), Judged)
    with pytest.raises(ux.OrderRejected):
        advance(wrapped, None)
    assert [x.state for x in made.tracker.views()] == ["unresolved"]


def test_an_answer_under_another_key_leaves_what_was_sent_unresolved() -> None:
    made = calls()

    def answered() -> Any:
        yield Leaving((Plan(client_order_id="c-o9"),))
        return order()

    wrapped = made.creating(answered())
    assert advance(wrapped, None) == Judging()
    assert isinstance(advance(wrapped, None), Judged)
    assert advance(wrapped, None).value.order_id == "o1"
    assert {str(x.state) for x in made.tracker.views()} == {"unresolved", "open"}


def test_failures_pass_through_a_listing_unchanged() -> None:
    met: list[Any] = []

    def listing() -> Any:
        try:
            yield Request("GET", "https://toy.test")
        except ux.ConnectionLost as error:
            met.append(error)
        yield Page([order()])

    made = calls()
    seen = made.listing_orders(listing())
    advance(seen, None)
    lost = ux.ConnectionLost("gone")
    assert advance(seen, lost) == Page([order()])
    assert isinstance(advance(seen, None), Done)
    assert (met, len(made.tracker)) == ([lost], 1)


def test_settlements_are_taken_from_listings() -> None:
    def listing() -> Any:
        yield Page([settlement(at=50)])

    made = calls()
    made.tracker.reconciled(news(began=10, positions=[position("A", 3)]))
    seen = made.listing_settlements(listing())
    advance(seen, None)
    assert made.tracker.position("A") == 0


def test_steps_and_failures_pass_through_unchanged() -> None:
    made = calls()
    met: list[Any] = []

    def patient() -> Any:
        met.append((yield Request("GET", "https://toy.test")))
        try:
            yield Request("GET", "https://toy.test")
        except ux.ConnectionLost as error:
            met.append(error)
        return None

    wrapped = made.creating(patient())
    advance(wrapped, None)
    advance(wrapped, Response(200))
    lost = ux.ConnectionLost("gone")
    assert advance(wrapped, lost).value is None
    assert met == [Response(200), lost]


def test_without_a_gate_all_is_taken_down() -> None:
    made = calls()
    resting = order("o1", size=Decimal(5), remaining=Decimal(5))
    made.tracker.order(resting)

    def flow() -> Any:
        yield Leaving(
            changes=((resting, order("o1", size=Decimal(9), remaining=Decimal(9))),)
        )
        yield Request("POST", "https://toy.test/amend")
        return resting

    made.show_books(lambda _: None)
    wrapped = made.changing(flow())
    # What leaves is taken down on the way to the request.
    assert advance(wrapped, None) == Judging()
    assert isinstance(advance(wrapped, None), Judged)
    assert isinstance(advance(wrapped, None), Request)
    assert made.tracker.at_risk() == Decimal("3.6")
    assert isinstance(advance(wrapped, Response(200)), Done)
    assert made.tracker.at_risk() == Decimal("2.0")


def test_orders_that_leave_together_are_refused_together(stage: Stage) -> None:
    gate = Gate(made := calls().tracker, stage.client.exchange.venue)
    plans = Plan(size=Decimal(1)), Plan(client_order_id="c-o2", size=Decimal(3_000_000))
    with pytest.raises(ux.GuardTripped):
        stage.client.do(lambda: run(gate.admit(Leaving(plans)), stage))
    assert [str(x.state) for x in made.views()] == ["refused"]
    assert made.exposure().total == 0


def run(flow: Any, stage: Stage) -> Any:
    return stage.client.exchange.run(flow)


# -- changes and cancels ---------------------------------------------------------------


def test_a_change_is_tracked(stage: Stage) -> None:
    placed = stage.bid("5")
    stage.client.edit_order(placed.order_id, size=2)
    assert stage.orders.exposure() == Decimal("0.02")
    stage.client.edit_order(placed.order_id, outcome="no", price="0.98")
    assert stage.orders.exposure() == Decimal("0.04")
    assert stage.orders.unresolved == []


@pytest.mark.parametrize("price", ["a fortune", "2"])
def test_fault_21_a_change_that_is_refused_leaves_what_was(
    stage: Stage, price: str
) -> None:
    placed = stage.bid("5")
    with pytest.raises(ux.BadRequest):
        stage.client.edit_order(placed.order_id, outcome="yes", price=price)
    assert (states(stage), stage.orders.exposure()) == (["open"], Decimal("0.05"))
    assert stage.orders.unresolved == []


def test_fault_21_a_change_that_finds_an_order_ended_lets_the_tracker_know(
    stage: Stage,
) -> None:
    placed = stage.bid("5")
    stage.elsewhere.cancel_order(placed.order_id)
    with pytest.raises(ux.InvalidOrder, match="canceled"):
        stage.client.edit_order(placed.order_id, size=2)
    assert (states(stage), stage.orders.exposure()) == (["canceled"], 0)


def test_fault_21_a_change_that_comes_too_late_lets_the_tracker_know(
    stage: Stage,
) -> None:
    placed = stage.bid("5")

    def cancel() -> object:
        return stage.elsewhere.cancel_order(placed.order_id)

    # With the second request, which is the change: the first reads the order.
    stage.at(0, lambda: stage.at(0, cancel))
    with pytest.raises(ux.InvalidOrder, match="canceled"):
        stage.client.edit_order(placed.order_id, outcome="yes", price="0.02", size=2)
    assert (states(stage), stage.orders.exposure()) == (["canceled"], 0)


def test_fault_21_a_change_whose_answer_is_lost_is_doubtful(stage: Stage) -> None:
    placed = stage.bid("5")
    stage.fault("drop", method="POST", path="/amend", commits=False, count=None)
    # The read before the change succeeds, the one after does not.
    stage.fault("answer", method="GET", path="/portfolio/orders", nth=2, count=None)
    with pytest.raises(ux.UnifiedExchangesError) as caught:
        stage.client.edit_order(placed.order_id, size=9, outcome="yes", price="0.02")
    assert caught.value.maybe_executed
    (found,) = stage.orders.unresolved
    assert (found.state, stage.orders.exposure()) == ("open", Decimal("0.18"))
    stage.ground.requests.clear()
    stage.clock.advance(25)
    # The venue shows it as it was, and the change may still arrive.
    stage.client.fetch_open_orders()
    assert stage.orders.exposure() == Decimal("0.18")
    stage.clock.advance(15)
    stage.client.fetch_open_orders()
    assert (stage.orders.unresolved, stage.orders.exposure()) == ([], Decimal("0.05"))


def test_fault_21_a_change_that_is_refused_forgets_none_that_was_lost(
    stage: Stage,
) -> None:
    placed = stage.bid("5")
    stage.fault("drop", method="POST", path="/amend", commits=False, count=1)
    # The read before the change succeeds, the one after does not.
    stage.fault("answer", method="GET", path="/portfolio/orders", nth=2, count=1)
    with pytest.raises(ux.UnifiedExchangesError):
        stage.client.edit_order(placed.order_id, size=9, outcome="yes", price="0.02")
    body = b'{"error": {"code": "invalid_parameters"}}'
    stage.fault("answer", path="/amend", status=400, body=body, commits=False)
    with pytest.raises(ux.BadRequest) as refused:
        stage.client.edit_order(placed.order_id, size=7, outcome="yes", price="0.01")
    assert not refused.value.maybe_executed
    assert stage.orders.exposure() == Decimal("0.18")
    assert [x.order_id for x in stage.orders.unresolved] == [placed.order_id]
    stage.ground.requests.clear()
    stage.clock.advance(40)
    stage.client.fetch_open_orders()
    assert (stage.orders.unresolved, stage.orders.exposure()) == ([], Decimal("0.05"))


def test_fault_21_a_change_that_succeeds_forgets_none_that_was_lost(
    stage: Stage,
) -> None:
    placed = stage.bid("5")
    stage.fault("drop", method="POST", path="/amend", commits=False, count=1)
    stage.fault("answer", method="GET", path="/portfolio/orders", nth=2, count=1)
    with pytest.raises(ux.UnifiedExchangesError):
        stage.client.edit_order(placed.order_id, size=9, outcome="yes", price="0.02")
    stage.client.edit_order(placed.order_id, size=2, outcome="yes", price="0.01")
    # It may have been on its way all the time, and come after the second.
    assert stage.orders.exposure() == Decimal("0.18")


def test_fault_21_a_lost_change_counts_against_the_caps_of_the_next(
    stage: Stage,
) -> None:
    stage.client = stage.another(
        guards=ux.GuardPolicy(max_market_exposure=Decimal("0.20"))
    )
    placed = stage.bid("5")
    stage.fault("drop", method="POST", path="/amend", commits=False, count=1)
    stage.fault("answer", method="GET", path="/portfolio/orders", nth=2, count=1)
    with pytest.raises(ux.UnifiedExchangesError):
        stage.client.edit_order(placed.order_id, size=9, outcome="yes", price="0.02")
    # Nine at 0.02, and eleven more of the other terms at 0.01.
    with pytest.raises(ux.GuardTripped) as tripped:
        stage.client.edit_order(placed.order_id, size=20, outcome="yes", price="0.01")
    assert tripped.value.value == Decimal("0.29")


def test_a_cancelled_order_is_no_exposure(stage: Stage) -> None:
    placed = stage.bid()
    stage.client.cancel_order(placed.order_id)
    assert (states(stage), stage.orders.exposure()) == (["canceled"], 0)


def test_fault_17_a_cancel_that_was_sent_twice_is_a_cancelled_order(
    stage: Stage,
) -> None:
    placed = stage.bid()
    stage.fault("duplicate", method="DELETE")
    stage.client.cancel_order(placed.order_id)
    assert states(stage) == ["canceled"]


def test_fault_18_a_cancel_that_met_a_fill_ends_with_its_fills(stage: Stage) -> None:
    stage.buy("2")
    placed = stage.bid("5")
    stage.elsewhere.cancel_order(placed.order_id)
    stage.clock.advance(1)
    ended = stage.client.cancel_order(placed.order_id)
    found = stage.orders.find(order_id=placed.order_id)
    assert (found.state, found.order) == ("canceled", ended)
    bought = next(iter(stage.orders))
    assert stage.client.cancel_order(bought.order_id).status == "closed"
    assert stage.orders.find(order_id=bought.order_id).state == "filled"


def test_fault_19_a_cancel_that_is_not_answered_is_pending_and_counts(
    stage: Stage,
) -> None:
    placed = stage.bid()
    stage.fault("drop", method="DELETE", commits=False, count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    with pytest.raises(ux.UnifiedExchangesError) as caught:
        stage.client.cancel_order(placed.order_id)
    assert caught.value.maybe_executed
    (found,) = stage.orders.unresolved
    assert (found.state, found.at_risk) == ("cancel pending", Decimal("0.05"))
    assert stage.orders.open == [found]
    stage.ground.requests.clear()
    stage.clock.advance(10)
    stage.client.fetch_order(placed.order_id)
    assert (states(stage), stage.orders.unresolved) == (["open"], [])


def test_fault_19_cancels_of_several_end_each_on_their_own(stage: Stage) -> None:
    placed = [stage.bid(size) for size in ("1", "2")]
    ids = [x.order_id for x in placed]
    results = stage.client.cancel_orders([*ids, "nope"])
    assert [x.error is None for x in results] == [True, True, False]
    assert states(stage) == ["canceled", "canceled"]
    again = stage.bid("3")
    stage.fault("drop", method="DELETE", commits=False, count=None)
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    stage.client.cancel_orders([again.order_id])
    assert [x.state for x in stage.orders.unresolved] == ["cancel pending"]


@pytest.mark.parametrize("ids", [None, "abc", [7]])
def test_what_is_no_list_of_ids_is_for_the_venue_to_refuse(
    stage: Stage, ids: Any
) -> None:
    with pytest.raises(ux.BadRequest):
        stage.client.cancel_orders(ids)


def test_cancelling_all_ends_all(stage: Stage) -> None:
    stage.bid("1")
    stage.elsewhere.create_order(MARKET, "yes", "buy", "0.01", 2)
    report = stage.client.cancel_all_orders(market_id=MARKET)
    assert report.is_complete
    assert states(stage) == ["canceled", "canceled"]
    assert sorted(x.is_external for x in stage.orders) == [False, True]


def test_fault_19_a_cancel_of_all_that_fails_leaves_cancels_pending(
    stage: Stage,
) -> None:
    stage.bid("1")
    stage.fault("drop", method="DELETE", commits=False, count=None)
    report = stage.client.cancel_all_orders()
    assert len(report.remaining) == 1
    assert [x.state for x in stage.orders.unresolved] == ["cancel pending"]
    stage.fault("answer", method="GET", path="/portfolio/orders", count=None)
    with pytest.raises(ux.UnifiedExchangesError):
        stage.client.cancel_all_orders()
    assert states(stage) == ["cancel pending"]


# -- reads -----------------------------------------------------------------------------


def test_fault_23_orders_of_elsewhere_are_adopted_from_listings(stage: Stage) -> None:
    stage.elsewhere.create_order(MARKET, "yes", "buy", "0.01", 2)
    for name in ("fetch_open_orders", "fetch_orders", "fetch_closed_orders"):
        getattr(stage.client, name)()
    (found,) = stage.orders
    assert (found.is_external, found.at_risk) == (True, Decimal("0.02"))
    assert stage.client.take(1, "iter_orders")[0].order_id == found.order_id


def test_fault_23_fills_of_elsewhere_are_adopted(stage: Stage) -> None:
    stage.clock.advance(1)
    bought = stage.elsewhere.create_order(
        MARKET, "yes", "buy", stage.ask, 2, time_in_force="ioc"
    )
    stage.client.take(1, "iter_fills")
    (found,) = stage.orders
    assert (found.order_id, found.filled) == (bought.order_id, 2)
    assert (found.is_external, found.state) == (True, "unknown")
    stage.fills()
    assert len(stage.orders) == 1


def test_fault_22_fills_that_are_read_again_count_once(stage: Stage) -> None:
    stage.buy("3")
    for _ in range(2):
        assert stage.fills()
    assert next(iter(stage.orders)).filled == 3


def test_fault_27_an_order_that_is_missing_in_a_listing_stays_open(
    stage: Stage,
) -> None:
    stage.bid()
    body = b'{"orders": [], "cursor": ""}'
    stage.fault("answer", method="GET", path="/portfolio/orders", status=200, body=body)
    assert stage.client.fetch_open_orders() == []
    assert states(stage) == ["open"]
    assert stage.orders.exposure() == Decimal("0.05")


def test_settlements_are_read_without_harm(stage: Stage) -> None:
    assert stage.client.fetch_settlements() == []
    assert (stage.orders.position(MARKET), stage.orders.differences) == (None, ())
    assert stage.orders.compared_at is None
