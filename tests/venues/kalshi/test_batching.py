"""Batches: a result for each order, whatever becomes of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.venues.kalshi.blotter import (
    BATCH,
    GONE,
    ONCE,
    ORDERS,
    PLACED,
    RAIN,
    posts,
    rain,
    resting,
    sent,
)
from tests.venues.kalshi.desk import (
    Desk,
    body,
    desk,
    orders,
    refusal,
)
from unified_exchanges.errors import (
    BadRequest,
    ConnectionLost,
    InsufficientFunds,
    InvalidOrder,
    OrderUnknown,
    PermissionDenied,
)
from unified_exchanges.models import OrderRequest
from unified_exchanges.policy import LimitPolicy, RetryPolicy


def asked(*keys: str, **terms: Any) -> list[OrderRequest]:
    wanted = {"outcome": "yes", "side": "buy", "price": "0.30", "size": 10, **terms}
    return [
        OrderRequest(market_id="RAIN", client_order_id=key, **wanted) for key in keys
    ]


def entry(key: str | None, **fields: Any) -> dict[str, Any]:
    return {**PLACED, "order_id": f"o-{key}", "client_order_id": key, **fields}


def refused_entry(key: str, code: str) -> dict[str, Any]:
    return {"client_order_id": key, "error": {"code": code, "message": code}}


def batch_with(answer: Any, retry: RetryPolicy | None = None, **more: Any) -> Desk:
    settings = {} if retry is None else {"retry": retry}
    return desk({**rain(), BATCH: answer, **more}, **settings)


def test_fault_20_entries_are_matched_by_their_ids_whatever_their_order() -> None:
    place = batch_with({"orders": [entry("b"), entry("a")]})
    results = place.kalshi.create_orders(asked("a", "b"))
    assert [r.order.order_id for r in results if r.order] == ["o-a", "o-b"]


def test_fault_20_entries_without_ids_are_matched_by_their_place() -> None:
    place = batch_with({"orders": [entry(None, order_id="1"), entry(None)]})
    results = place.kalshi.create_orders(asked("a", "b"))
    assert [r.order.order_id for r in results if r.order] == ["1", "o-None"]


def test_fault_20_a_refused_entry_leaves_the_others() -> None:
    place = batch_with(
        {"orders": [refused_entry("a", "insufficient_balance"), entry("b")]}
    )
    one, two = place.kalshi.create_orders(asked("a", "b"))
    assert isinstance(one.error, InsufficientFunds)
    assert one.error.client_order_id == "a"
    assert two.order is not None


def test_f10_a_refused_entry_s_id_may_be_used_again() -> None:
    place = batch_with(
        [
            body({"orders": [refused_entry("a", "insufficient_balance")]}),
            body({"orders": [entry("a")]}),
        ]
    )
    place.kalshi.create_orders(asked("a"))
    assert place.kalshi.create_orders(asked("a"))[0].order is not None


def test_fault_20_a_doubtful_entry_is_sent_again_by_its_id() -> None:
    place = batch_with(
        {"orders": [refused_entry("a", "internal_server_error"), entry("b")]}
    )
    one, two = place.kalshi.create_orders(asked("a", "b"))
    assert one.order is not None
    assert two.order is not None
    assert posts(place) == 1
    assert sent(place)["client_order_id"] == "a"


def test_fault_20_a_doubtful_entry_that_stays_lost_is_unknown() -> None:
    place = batch_with(
        {"orders": [refused_entry("a", "internal_server_error")]},
        ONCE,
        **{ORDERS: GONE},
    )
    (one,) = place.kalshi.create_orders(asked("a"))
    assert isinstance(one.error, OrderUnknown)


def test_fault_07_an_entry_whose_id_is_taken_is_looked_up() -> None:
    place = batch_with(
        {"orders": [refused_entry("mine", "order_already_exists")]},
        **{"/portfolio/orders": orders(resting())},
    )
    (one,) = place.kalshi.create_orders(asked("mine"))
    assert one.order is not None
    assert one.order.order_id == "o1"


def test_fault_20_a_batch_that_is_refused_whole_refuses_each() -> None:
    place = batch_with(refusal(403, "permission_denied"))
    results = place.kalshi.create_orders(asked("a", "b"))
    assert [type(r.error) for r in results] == [PermissionDenied] * 2
    assert [r.error.client_order_id for r in results if r.error] == ["a", "b"]
    assert results[0].error is not results[1].error


def test_fault_01_a_batch_that_never_left_is_sent_again() -> None:
    refused = ConnectionLost("refused", sent=False)
    place = batch_with([refused, body({"orders": [entry("a")]})])
    (one,) = place.kalshi.create_orders(asked("a"))
    assert one.order is not None
    assert place.asked.count(BATCH) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"orders": [entry("a")]},
        {"orders": [entry("a"), entry("someone-else")]},
        {"orders": [entry("a"), {"client_order_id": "b", "order_id": "o"}]},
        {"nothing": []},
        ConnectionLost("gone"),
    ],
)
def test_fault_20_a_batch_answered_with_nonsense_is_resolved_one_by_one(
    answer: Any,
) -> None:
    place = batch_with(answer, ONCE)
    results = place.kalshi.create_orders(asked("a", "b"))
    assert [r.error for r in results] == [None, None]
    assert posts(place) == 2


def test_fault_20_a_lost_batch_that_stays_lost_is_unknown_entry_by_entry() -> None:
    place = batch_with(ConnectionLost("gone"), ONCE, **{ORDERS: GONE})
    results = place.kalshi.create_orders(asked("a", "b"))
    assert [type(r.error) for r in results] == [OrderUnknown] * 2
    assert [r.error.client_order_id for r in results if r.error] == ["a", "b"]


def test_an_id_that_stands_twice_in_a_batch_is_refused_the_second_time() -> None:
    place = batch_with({"orders": [entry("a")]})
    one, two = place.kalshi.create_orders(asked("a", "a"))
    assert one.order is not None
    assert isinstance(two.error, InvalidOrder)
    assert "twice" in str(two.error)


def test_fault_07_an_id_sent_before_is_looked_up_and_not_sent_in_a_batch() -> None:
    place = desk(rain(**{"/portfolio/orders": orders(resting())}))
    place.kalshi.create_order(*RAIN, client_order_id="mine")
    (one,) = place.kalshi.create_orders(asked("mine"))
    assert one.order is not None
    assert BATCH not in place.asked


def test_an_id_sent_before_that_is_nowhere_is_unknown_in_a_batch() -> None:
    place = desk(rain())
    place.kalshi.venue.sent.begin("mine", "gtc", object())
    (one,) = place.kalshi.create_orders(asked("mine"))
    assert isinstance(one.error, OrderUnknown)


def test_a_batch_is_cut_to_what_the_bucket_holds() -> None:
    def made(_: dict[str, str]) -> Any:
        wanted = json.loads(place.transport.requests[-1].body or b"")["orders"]
        return {"orders": [entry(x["client_order_id"]) for x in wanted]}

    limits = LimitPolicy(discover=False, buckets={"write": (1000.0, 30.0)})
    place = desk({**rain(), BATCH: made}, limits=limits)
    results = place.kalshi.create_orders(asked(*(str(n) for n in range(7))))
    assert [r.error for r in results] == [None] * 7
    assert place.asked.count(BATCH) == 3


def test_what_is_no_order_request_is_refused_unsent() -> None:
    place = desk(rain())
    with pytest.raises(BadRequest, match="OrderRequest"):
        place.kalshi.create_orders([{"market_id": "RAIN"}])  # type: ignore[list-item]
    assert place.asked == []
