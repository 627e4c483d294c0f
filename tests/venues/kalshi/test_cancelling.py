"""Cancelling: no order is believed dead while it lives, and none alive that is dead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.venues.kalshi.blotter import GONE, ONCE, ORDERS, RAIN, rain, resting, sent
from tests.venues.kalshi.desk import (
    FRESHNESS,
    NOW,
    Desk,
    desk,
    market,
    order,
    orders,
    refusal,
    simulated_desk,
)
from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    ExchangeError,
    ExchangeNotAvailable,
    NetworkError,
    OrderNotFound,
    PermissionDenied,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from unified_exchanges.flow import Response
from unified_exchanges.models import OrderStatus
from unified_exchanges.policy import LimitPolicy, RetryPolicy

ONE = f"{ORDERS}/o1"
BATCH = f"{ORDERS}/batched"
READ = "/portfolio/orders/o1"
RECEIPT = {"order_id": "o1", "reduced_by": "10.00", "ts_ms": 1_795_200_001_000}
NOT_FOUND = refusal(404, "not_found")
BUSY = Response(429, {}, b'{"error":"too many requests"}')
OPEN = {"order": resting()}
DONE = {"order": order("o1")}
DEAD = {
    "order": resting(status="canceled", remaining_count_fp="0.00"),
}


def canceller(
    cancel: Any, read: Any = OPEN, retry: RetryPolicy | None = None, **more: Any
) -> Desk:
    settings = {} if retry is None else {"retry": retry}
    return desk(rain(**{ONE: cancel, READ: read, **more}), **settings)


def told(act: Any) -> UnifiedExchangesError:
    with pytest.raises(UnifiedExchangesError) as caught:
        act()
    return caught.value


# -- one -------------------------------------------------------------------------------


def test_fault_28_a_read_that_lags_behind_the_receipt_is_read_again() -> None:
    place = canceller(RECEIPT, [OPEN, OPEN, DEAD])
    ended = place.kalshi.cancel_order("o1")
    assert (ended.status, ended.filled, ended.remaining) == (
        OrderStatus.CANCELED,
        0,
        0,
    )
    assert place.asked[-3:] == [READ, FRESHNESS, READ]


def test_fault_28_a_read_that_stays_open_tells_no_fills_even_if_it_agrees() -> None:
    error = told(lambda: canceller(RECEIPT, OPEN).kalshi.cancel_order("o1"))
    assert "order o1 is cancelled (10 were taken off" in str(error)
    assert "it is not shown as cancelled yet" in str(error)
    assert error.maybe_executed


PARTLY = resting(status="canceled", initial_count_fp="14.00", fill_count_fp="4.00") | {
    "remaining_count_fp": "0.00"
}


def test_fault_28_a_receipt_that_disagrees_with_the_read_is_read_again() -> None:
    receipt = {**RECEIPT, "reduced_by": "4.00"}
    reads = [OPEN, OPEN, OPEN, OPEN, {"order": PARTLY}]
    place = canceller(receipt, reads)
    ended = place.kalshi.cancel_order("o1")
    assert (ended.status, ended.filled, ended.size) == (OrderStatus.CANCELED, 4, 14)
    assert place.transport.sleeps == [0.3, 0.6]


def test_fault_28_fills_that_cannot_be_read_are_not_made_up() -> None:
    receipt = {**RECEIPT, "reduced_by": "4.00"}
    error = told(lambda: canceller(receipt, OPEN).kalshi.cancel_order("o1"))
    assert type(error) is ExchangeError
    assert "order o1 is cancelled (4 were taken off" in str(error)
    assert error.maybe_executed


def test_fault_28_a_read_with_fewer_fills_than_are_known_is_too_old() -> None:
    known = {"order": resting(fill_count_fp="2.00", initial_count_fp="12.00")}
    place = canceller(RECEIPT, [known, OPEN, {"order": PARTLY}])
    assert place.kalshi.cancel_order("o1").filled == 4


def test_fault_28_an_order_topped_up_elsewhere_is_read_after_a_batch() -> None:
    place = several(receipts_of("o1"), **{READ: [OPEN, {"order": PARTLY}]})
    place.kalshi.fetch_order("o1")
    (result,) = place.kalshi.cancel_orders(["o1"])
    assert result.order is not None
    assert (result.order.filled, result.order.size) == (4, 14)


def test_fault_28_the_fills_of_a_batch_that_cannot_be_read_are_not_made_up() -> None:
    receipt = {"orders": [{**RECEIPT, "reduced_by": "4.00"}]}
    place = several(receipt, ONCE, **{READ: [OPEN, GONE]})
    (result,) = place.kalshi.cancel_orders(["o1"])
    assert result.order is None
    assert "is cancelled (4 were taken off" in str(result.error)


def test_fault_28_when_reads_fail_no_further_order_waits_for_them() -> None:
    place = several(receipts_of("o1", "o2"), ONCE)
    for one in ("o1", "o2"):
        place.kalshi.fetch_order(one)
        place.answers[f"/portfolio/orders/{one}"] = GONE
    before = len(place.asked)
    results = place.kalshi.cancel_orders(["o1", "o2"])
    assert all("is cancelled (10 were taken off" in str(r.error) for r in results)
    assert place.asked[before:] == [BATCH, READ]


def test_a_market_id_spares_the_look_before() -> None:
    place = canceller(RECEIPT, DEAD)
    place.kalshi.cancel_order("o1", market_id="RAIN")
    assert place.asked[0] == ONE
    assert place.queries(ONE) == [{"market_ticker": "RAIN"}]


def test_an_order_seen_before_is_cancelled_on_its_shard_at_once() -> None:
    place = canceller(RECEIPT, [{"order": resting(exchange_index=3)}, DEAD])
    place.kalshi.fetch_order("o1")
    place.kalshi.cancel_order("o1")
    assert place.asked[:2] == [READ, ONE]
    assert place.queries(ONE) == [{"exchange_index": "3"}]


def test_an_order_not_seen_before_is_cancelled_on_the_shard_of_its_market() -> None:
    # As it is once its answer has told its shard, which a stream may come before.
    known = {"market": market("RAIN", exchange_index=3)}
    place = canceller(RECEIPT, DEAD, **{"/markets/RAIN": known})
    place.kalshi.fetch_market("RAIN")
    place.kalshi.cancel_order("o1", market_id="RAIN")
    assert place.queries(ONE) == [{"exchange_index": "3"}]


def test_an_order_that_is_done_is_not_cancelled() -> None:
    place = canceller(RECEIPT, DONE)
    assert place.kalshi.cancel_order("o1").status is OrderStatus.CLOSED
    assert ONE not in place.asked


def test_an_order_that_is_nowhere_is_not_found_and_nothing_is_sent() -> None:
    place = canceller(RECEIPT, NOT_FOUND)
    assert isinstance(told(lambda: place.kalshi.cancel_order("o1")), OrderNotFound)
    assert ONE not in place.asked


@pytest.mark.parametrize("read", [DONE, DEAD])
def test_fault_17_a_404_is_a_question(read: Any) -> None:
    place = canceller(NOT_FOUND, [OPEN, read])
    ended = place.kalshi.cancel_order("o1")
    assert ended.status in (OrderStatus.CLOSED, OrderStatus.CANCELED)


def test_fault_17_a_404_is_a_question_also_where_its_body_is_cut_off() -> None:
    place = canceller(Response(404, {}, b'{"error":{"co'), [OPEN, DEAD])
    assert place.kalshi.cancel_order("o1").status is OrderStatus.CANCELED


def test_fault_17_a_404_of_an_order_that_reads_show_late_is_waited_out() -> None:
    place = canceller(NOT_FOUND, [OPEN, OPEN, OPEN, DEAD])
    assert place.kalshi.cancel_order("o1").status is OrderStatus.CANCELED
    assert place.transport.sleeps == [0.3, 0.6]


def test_fault_17_a_404_of_an_order_that_is_nowhere_is_not_found() -> None:
    place = canceller(NOT_FOUND, NOT_FOUND)
    act = lambda: place.kalshi.cancel_order("o1", market_id="RAIN")  # noqa: E731
    assert isinstance(told(act), OrderNotFound)


def test_an_order_that_rests_after_all_is_cancelled_on_the_shard_it_shows() -> None:
    shown = {"order": resting(exchange_index=2)}
    place = canceller([NOT_FOUND, RECEIPT], [*[shown] * 4, DEAD])
    ended = place.kalshi.cancel_order("o1", market_id="RAIN")
    assert ended.status is OrderStatus.CANCELED
    assert place.queries(ONE)[1] == {"exchange_index": "2"}


def test_an_order_that_kalshi_shows_and_does_not_find_counts_as_open() -> None:
    place = canceller(NOT_FOUND, OPEN)
    error = told(lambda: place.kalshi.cancel_order("o1", market_id="RAIN"))
    assert type(error) is ExchangeError
    assert "still counts" in str(error)


def test_a_second_cancel_that_is_lost_is_looked_into() -> None:
    place = canceller([NOT_FOUND, GONE], OPEN, ONCE)
    error = told(lambda: place.kalshi.cancel_order("o1", market_id="RAIN"))
    assert isinstance(error, ExchangeNotAvailable)
    assert error.maybe_executed


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ConnectionLost("gone"), NetworkError),
        (GONE, ExchangeNotAvailable),
        (Response(200, {}, b'{"order_'), VenueSchemaError),
        (BUSY, RateLimitExceeded),
    ],
)
def test_fault_19_a_lost_answer_leaves_the_order_counting_as_open(
    answer: Any, kind: type[UnifiedExchangesError]
) -> None:
    error = told(lambda: canceller(answer, OPEN, ONCE).kalshi.cancel_order("o1"))
    assert isinstance(error, kind)
    assert error.maybe_executed
    assert "counts as open" in str(error)


@pytest.mark.parametrize(
    "answer", [ConnectionLost("gone"), GONE, Response(200, {}, b'{"order_'), BUSY]
)
def test_fault_19_a_lost_answer_of_a_cancel_that_worked_is_a_cancel(
    answer: Any,
) -> None:
    place = canceller(answer, [OPEN, DEAD], ONCE)
    assert place.kalshi.cancel_order("o1").status is OrderStatus.CANCELED


def test_fault_19_a_lost_answer_and_a_failed_look_count_as_open() -> None:
    place = canceller(GONE, [OPEN, GONE], ONCE)
    assert "counts as open" in str(told(lambda: place.kalshi.cancel_order("o1")))


LATE_REFUSAL = refusal(403, "permission_denied")


@pytest.mark.parametrize(
    "last", [LATE_REFUSAL, ConnectionLost("refused", sent=False), NOT_FOUND]
)
def test_fault_19_one_lost_answer_leaves_a_cancel_in_doubt_whatever_came_later(
    last: Any,
) -> None:
    place = canceller([ConnectionLost("reset"), last], [OPEN, OPEN])
    error = told(lambda: place.kalshi.cancel_order("o1"))
    assert error.maybe_executed
    assert not isinstance(error, NetworkError) or error.sent


def test_fault_19_a_lost_answer_and_a_refusal_of_a_cancel_that_worked_is_a_cancel() -> (
    None
):
    place = canceller([ConnectionLost("reset"), LATE_REFUSAL], [OPEN, DEAD])
    assert place.kalshi.cancel_order("o1").status is OrderStatus.CANCELED


@pytest.mark.parametrize("read", [Response(200, {}, b"<html>"), GONE])
def test_fault_17_a_404_that_cannot_be_looked_into_is_in_doubt(read: Any) -> None:
    place = canceller(NOT_FOUND, [OPEN, read], ONCE)
    error = told(lambda: place.kalshi.cancel_order("o1"))
    assert error.maybe_executed
    assert "counts as open" in str(error)


def test_fault_17_a_lost_answer_and_an_order_that_is_nowhere_is_in_doubt() -> None:
    place = canceller([ConnectionLost("reset"), NOT_FOUND], NOT_FOUND)
    error = told(lambda: place.kalshi.cancel_order("o1", market_id="RAIN"))
    assert isinstance(error, OrderNotFound)
    assert error.maybe_executed


def test_fault_20_one_lost_answer_leaves_a_batch_of_cancels_in_doubt() -> None:
    place = several([ConnectionLost("reset"), LATE_REFUSAL])
    results = place.kalshi.cancel_orders(["o1", "o2"])
    errors = [r.error for r in results]
    assert all(e is not None and e.maybe_executed for e in errors)
    assert all("may or may not take effect" in str(e) for e in errors)


def test_a_refused_cancel_is_refused() -> None:
    place = canceller(refusal(403, "permission_denied"), OPEN)
    error = told(lambda: place.kalshi.cancel_order("o1"))
    assert isinstance(error, PermissionDenied)
    assert not error.maybe_executed


@pytest.mark.parametrize("read", [GONE, NOT_FOUND, [OPEN, GONE], [OPEN, NOT_FOUND]])
def test_a_cancel_that_is_acknowledged_and_cannot_be_read_says_what_happened(
    read: Any,
) -> None:
    place = canceller(RECEIPT, read, ONCE)
    error = told(lambda: place.kalshi.cancel_order("o1", market_id="RAIN"))
    assert "order o1 is cancelled (10 were taken off" in str(error)
    assert error.maybe_executed


@pytest.mark.parametrize("wrong", ["", "a/b", None, 7])
def test_an_id_that_is_none_is_refused_unsent(wrong: Any) -> None:
    place = canceller(RECEIPT)
    assert isinstance(told(lambda: place.kalshi.cancel_order(wrong)), BadRequest)
    assert place.asked == []


def test_a_cancel_names_the_subaccount_of_the_object() -> None:
    place = desk(rain(**{ONE: RECEIPT, READ: DEAD}), options={"subaccount": 4})
    place.kalshi.cancel_order("o1", market_id="RAIN")
    assert place.queries(ONE) == [{"market_ticker": "RAIN", "subaccount": "4"}]


# -- several ---------------------------------------------------------------------------


def life(order_id: str) -> list[Any]:
    """Reads of an order before its cancel and after."""
    return [{"order": {**x["order"], "order_id": order_id}} for x in (OPEN, DEAD)]


def several(batch: Any, retry: RetryPolicy | None = None, **more: Any) -> Desk:
    reads = {f"/portfolio/orders/o{n}": life(f"o{n}") for n in (1, 2)}
    settings = {} if retry is None else {"retry": retry}
    return desk(rain(**{BATCH: batch, **reads, **more}), **settings)


def receipts_of(*ids: str) -> dict[str, Any]:
    return {"orders": [{**RECEIPT, "order_id": one} for one in ids]}


def test_several_orders_are_cancelled_in_one_request() -> None:
    place = several(receipts_of("o1", "o2"))
    results = place.kalshi.cancel_orders(["o1", "o2", "o1"])
    assert [r.order_id for r in results] == ["o1", "o2", "o1"]
    assert {r.order.status for r in results if r.order} == {OrderStatus.CANCELED}
    assert sent(place) == {
        "orders": [
            {"order_id": "o1", "exchange_index": 0},
            {"order_id": "o2", "exchange_index": 0},
        ]
    }


@pytest.mark.parametrize("wrong", ["o1", 7, None, [""], ["a/b"], [7]])
def test_what_is_no_list_of_ids_is_refused_unsent(wrong: Any) -> None:
    place = several(receipts_of())
    assert isinstance(told(lambda: place.kalshi.cancel_orders(wrong)), BadRequest)
    assert place.asked == []


def test_fault_20_a_refused_entry_is_asked_about_alone() -> None:
    refused = {"order_id": "o2", "reduced_by": "0.00", "error": {"code": "not_found"}}
    place = several(
        {"orders": [RECEIPT, refused]},
        **{
            f"{ORDERS}/o2": NOT_FOUND,
            "/portfolio/orders/o2": [
                {"order": {**resting(), "order_id": "o2"}},
                {"order": order("o2")},
            ],
        },
    )
    one, two = place.kalshi.cancel_orders(["o1", "o2"])
    assert one.order is not None
    assert two.order is not None
    assert (one.order.status, two.order.status) == (
        OrderStatus.CANCELED,
        OrderStatus.CLOSED,
    )


@pytest.mark.parametrize(
    "batch",
    [
        Response(200, {}, b'{"orders": ['),
        {"orders": [RECEIPT]},
        {"orders": [{"order_id": "o1"}, {"order_id": "o2"}]},
        receipts_of("o2", "o1"),
    ],
)
def test_f19_an_answer_that_fits_no_order_proves_nothing(batch: Any) -> None:
    alone = {f"{ORDERS}/{one}": {**RECEIPT, "order_id": one} for one in ("o1", "o2")}
    place = several(batch, **alone)
    results = place.kalshi.cancel_orders(["o1", "o2"])
    assert [r.error for r in results] == [None, None]
    assert {f"{ORDERS}/o1", f"{ORDERS}/o2"} <= set(place.asked)


@pytest.mark.parametrize(
    ("batch", "maybe"),
    [
        (ConnectionLost("gone"), True),
        (ConnectionLost("refused", sent=False), False),
        (GONE, True),
        (refusal(403, "permission_denied"), False),
    ],
)
def test_a_batch_that_fails_fails_for_each_with_its_own_words(
    batch: Any, maybe: bool
) -> None:
    results = several(batch, ONCE).kalshi.cancel_orders(["o1", "o2"])
    errors = [r.error for r in results]
    assert all(e is not None and e.maybe_executed is maybe for e in errors)
    assert ["o1" in str(errors[0]), "o2" in str(errors[1])] == [True, True]


def test_one_order_that_fails_for_good_does_not_make_the_others_wait() -> None:
    refused = [
        {"order_id": one, "reduced_by": "0.00", "error": {"code": "internal_error"}}
        for one in ("o1", "o2")
    ]
    place = several({"orders": refused}, ONCE, **{f"{ORDERS}/o1": GONE, READ: OPEN})
    results = place.kalshi.cancel_orders(["o1", "o2"])
    assert all(isinstance(r.error, ExchangeNotAvailable) for r in results)
    assert f"{ORDERS}/o2" not in place.asked


def test_an_order_that_is_done_is_told_and_not_sent() -> None:
    place = several(
        receipts_of("o1"), **{"/portfolio/orders/o2": {"order": order("o2")}}
    )
    one, two = place.kalshi.cancel_orders(["o1", "o2"])
    assert [r.order.status for r in (one, two) if r.order] == ["canceled", "closed"]
    assert [item["order_id"] for item in sent(place)["orders"]] == ["o1"]


def test_an_unknown_order_leaves_the_others() -> None:
    place = several(receipts_of("o1"), **{"/portfolio/orders/o9": NOT_FOUND})
    one, nine = place.kalshi.cancel_orders(["o1", "o9"])
    assert one.order is not None
    assert isinstance(nine.error, OrderNotFound)


def test_cancels_are_cut_to_what_the_bucket_holds() -> None:
    limits = LimitPolicy(discover=False, buckets={"write": (1_000.0, 4.0)})

    def answer(_: dict[str, str]) -> Any:
        wanted = json.loads(place.transport.requests[-1].body or b"")["orders"]
        return receipts_of(*(item["order_id"] for item in wanted))

    reads = {f"/portfolio/orders/o{n}": life(f"o{n}") for n in range(5)}
    place = desk(rain(**{BATCH: answer, **reads}), limits=limits)
    results = place.kalshi.cancel_orders([f"o{n}" for n in range(5)])
    assert [r.error for r in results] == [None] * 5
    assert place.asked.count(BATCH) == 3


def many(count: int, **more: Any) -> Desk:
    """Orders o0, o1, … that were seen open and whose cancels have receipts."""
    ids = [f"o{n}" for n in range(count)]
    place = several(receipts_of(*ids), ONCE, **more)
    for one in ids:
        place.answers[f"/portfolio/orders/{one}"] = life(one)
        place.kalshi.fetch_order(one)
    return place


def ended_orders(*numbers: int) -> dict[str, Any]:
    return orders(*({**DEAD["order"], "order_id": f"o{n}"} for n in numbers))


def test_many_cancelled_orders_are_read_by_one_listing() -> None:
    place = many(6)
    place.answers["/portfolio/orders"] = ended_orders(*range(6))
    before = len(place.asked)
    results = place.kalshi.cancel_orders([f"o{n}" for n in range(6)])
    assert {r.order.status for r in results if r.order} == {OrderStatus.CANCELED}
    assert place.asked[before:] == [BATCH, FRESHNESS, "/portfolio/orders"]
    (query,) = place.queries("/portfolio/orders")
    assert (query["status"], query["min_ts"]) == ("canceled", str(int(NOW.timestamp())))


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ({"/portfolio/orders": ended_orders(0, 1, 2, 3)}, 2),
        ({"/portfolio/orders": GONE}, 6),
        ({FRESHNESS: GONE}, 6),
    ],
)
def test_what_a_listing_does_not_show_is_read_one_by_one(
    answers: dict[str, Any], asked: int
) -> None:
    place = many(6)
    place.answers.update(answers)
    before = len(place.asked)
    results = place.kalshi.cancel_orders([f"o{n}" for n in range(6)])
    assert {r.order.status for r in results if r.order} == {OrderStatus.CANCELED}
    single = [x for x in place.asked[before:] if x.startswith("/portfolio/orders/o")]
    assert len(single) == asked


def test_fault_28_when_reads_fail_cancelling_all_waits_for_one_of_them_only() -> None:
    rest = [{**resting(), "order_id": one} for one in ("o1", "o2")]
    place = sweep(
        [orders(*rest), orders()],
        receipts_of("o1", "o2"),
        ONCE,
        **{READ: GONE, "/portfolio/orders/o2": GONE},
    )
    report = place.kalshi.cancel_all_orders()
    assert (report.canceled, report.is_complete) == ((), False)
    assert len(report.errors) == 2
    assert place.asked.count(READ) == 2
    assert "/portfolio/orders/o2" not in place.asked


def test_cancelling_nothing_sends_nothing() -> None:
    place = several(receipts_of())
    assert place.kalshi.cancel_orders([]) == []
    assert place.asked == []


# -- all -------------------------------------------------------------------------------


def sweep(
    listings: list[Any], batch: Any, retry: RetryPolicy | None = None, **more: Any
) -> Desk:
    return several(batch, retry, **{"/portfolio/orders": listings, **more})


def test_p03_what_is_still_open_is_cancelled_again() -> None:
    one, two = resting(), {**resting(), "order_id": "o2"}
    place = sweep(
        [orders(one, two), orders(two), orders()],
        [receipts_of("o1", "o2"), receipts_of("o2")],
    )
    report = place.kalshi.cancel_all_orders()
    assert report.is_complete
    assert {o.order_id for o in report.canceled} == {"o1", "o2"}
    assert place.transport.sleeps == [0.3]


def test_p03_what_never_goes_is_told() -> None:
    place = sweep([orders(resting())], receipts_of("o1"))
    report = place.kalshi.cancel_all_orders()
    assert not report.is_complete
    assert [o.order_id for o in report.remaining] == ["o1"]
    assert report.canceled == ()


def test_an_order_that_goes_although_its_cancel_failed_is_cancelled() -> None:
    place = sweep(
        [orders(resting()), orders()], ConnectionLost("gone"), ONCE, **{READ: DEAD}
    )
    report = place.kalshi.cancel_all_orders()
    assert [o.status for o in report.canceled] == [OrderStatus.CANCELED]
    assert report.is_complete


def test_fault_28_what_ended_and_cannot_be_read_makes_the_report_incomplete() -> None:
    place = sweep(
        [orders(resting()), orders()], ConnectionLost("gone"), ONCE, **{READ: GONE}
    )
    report = place.kalshi.cancel_all_orders()
    assert (report.canceled, report.remaining) == ((), ())
    assert [type(error) for error in report.errors] == [ExchangeNotAvailable]
    assert not report.is_complete


@pytest.mark.parametrize(
    "stale", [GONE, NOT_FOUND, {"as_of_time": "2026-11-20T00:00:00Z"}]
)
def test_fault_28_an_empty_listing_that_is_not_fresh_is_no_success(stale: Any) -> None:
    place = sweep([orders()], receipts_of(), ONCE, **{FRESHNESS: stale})
    report = place.kalshi.cancel_all_orders()
    assert (report.canceled, report.remaining) == ((), ())
    assert "may not be shown yet" in str(report.errors[0])
    assert not report.is_complete


def test_fault_27_what_a_fresh_listing_shows_is_cancelled_although_the_first_had_not() -> (
    None
):
    place = sweep([orders(), orders(resting()), orders()], receipts_of("o1"))
    report = place.kalshi.cancel_all_orders()
    assert [o.order_id for o in report.canceled] == ["o1"]
    assert report.is_complete


def test_an_order_that_goes_and_cannot_be_found_any_more_is_left_out() -> None:
    place = sweep(
        [orders(resting()), orders()], ConnectionLost("gone"), ONCE, **{READ: NOT_FOUND}
    )
    report = place.kalshi.cancel_all_orders()
    assert (report.canceled, report.is_complete) == ((), True)


def test_when_nothing_can_be_cancelled_the_report_says_why() -> None:
    place = sweep([orders(resting())], refusal(403, "permission_denied"))
    report = place.kalshi.cancel_all_orders()
    assert [o.order_id for o in report.remaining] == ["o1"]
    assert [type(error) for error in report.errors] == [PermissionDenied]


def test_fault_25_what_is_left_and_cannot_be_read_is_no_success() -> None:
    place = sweep([orders(resting()), GONE], receipts_of("o1"), ONCE)
    error = told(place.kalshi.cancel_all_orders)
    assert isinstance(error, ExchangeNotAvailable)
    assert "of 1 cancels before 1 took effect" in str(error)
    assert error.maybe_executed


def test_a_scope_narrows_what_is_cancelled() -> None:
    place = sweep([orders()], receipts_of())
    place.kalshi.cancel_all_orders(
        market_id="RAIN", params={"subaccount": 2, "exchange_index": 1}
    )
    asked = place.queries("/portfolio/orders")[0]
    assert (asked["ticker"], asked["subaccount"], asked["exchange_index"]) == (
        "RAIN",
        "2",
        "1",
    )


@pytest.mark.parametrize("params", [{"status": "all"}, {"subaccount": "2"}])
def test_a_scope_that_kalshi_has_not_is_refused_unsent(params: Any) -> None:
    place = sweep([orders()], receipts_of())
    error = told(lambda: place.kalshi.cancel_all_orders(params=params))
    assert isinstance(error, BadRequest)
    assert place.asked == []


def test_with_nothing_open_nothing_is_sent() -> None:
    place = sweep([orders()], receipts_of())
    report = place.kalshi.cancel_all_orders()
    assert (report.canceled, report.remaining, report.is_complete) == ((), (), True)
    assert BATCH not in place.asked


def test_an_order_placed_by_this_object_needs_no_look_before_its_cancel() -> None:
    place = canceller(RECEIPT, DEAD)
    place.kalshi.create_order(*RAIN, client_order_id="mine")
    place.kalshi.cancel_order("o1")
    assert place.asked[-2:] == [ONE, READ]


@pytest.mark.parametrize("is_read", [False, True])
def test_a_cancel_has_the_same_words_whether_or_not_its_order_was_read_since(
    *, is_read: bool
) -> None:
    # Else a replay that reads at another moment would ask for what was never recorded.
    place = simulated_desk(history=False)
    [market] = place.kalshi.fetch_markets(limit=1)
    name = market.market_id
    made = place.kalshi.create_order(name, "yes", "buy", market.grid.lowest, 1)
    if is_read:
        assert place.kalshi.fetch_orders(market_id=name)
    place.kalshi.cancel_order(made.order_id)
    [asked] = place.queries(f"{ORDERS}/{made.order_id}")
    assert asked == {"exchange_index": str(made.shard)}
