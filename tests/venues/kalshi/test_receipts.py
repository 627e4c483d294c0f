"""Kalshi's short answers to writes, joined with what was asked."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.kalshi.test_drafts import drafted
from unified_exchanges.errors import VenueSchemaError
from unified_exchanges.models import OrderStatus
from unified_exchanges.venues.kalshi import receipts

CREATED = {
    "order_id": "o1",
    "client_order_id": "mine",
    "fill_count": "0.00",
    "remaining_count": "10.00",
    "ts_ms": 1_795_200_000_123,
}


def encode(content: Any) -> bytes:
    return json.dumps(content).encode()


def created(outcome: str = "yes", **fields: Any) -> Any:
    answer = {k: v for k, v in {**CREATED, **fields}.items() if v != "gone"}
    return receipts.created(
        drafted(outcome=outcome, client_order_id="mine"), encode(answer)
    )


@pytest.mark.parametrize(
    ("filled", "left", "status"),
    [
        ("0.00", "10.00", OrderStatus.OPEN),
        ("4.00", "6.00", OrderStatus.OPEN),
        ("10.00", "0.00", OrderStatus.CLOSED),
        ("4.00", "0.00", OrderStatus.CANCELED),
        ("0.00", "0.00", OrderStatus.CANCELED),
    ],
)
def test_where_an_order_stands_follows_from_its_counts(
    filled: str, left: str, status: OrderStatus
) -> None:
    made = created(fill_count=filled, remaining_count=left)
    assert (made.status, made.filled, made.remaining) == (
        status,
        Decimal(filled),
        Decimal(left),
    )


@pytest.mark.parametrize(("outcome", "wanted"), [("yes", "0.2950"), ("no", "0.7050")])
def test_p04_an_average_is_said_for_the_outcome_of_the_order(
    outcome: str, wanted: str
) -> None:
    fields = {"fill_count": "10.00", "remaining_count": "0.00"}
    made = created(outcome, average_fill_price="0.2950", **fields)
    assert made.average_price == Decimal(wanted)


def test_an_average_is_none_where_nothing_filled_or_none_is_told() -> None:
    assert created(average_fill_price="0.2950").average_price is None
    assert created(fill_count="1.00", remaining_count="9.00").average_price is None


def test_a_fee_is_nothing_where_nothing_filled_and_unknown_elsewhere() -> None:
    assert created().fee == 0
    assert created(fill_count="1.00", remaining_count="9.00").fee is None


def test_a_time_is_exact_to_the_millisecond() -> None:
    moment = created().created_at
    assert moment is not None
    assert moment.microsecond == 123_000
    assert created(ts_ms=None).created_at is None


@pytest.mark.parametrize("field", ["order_id", "fill_count", "remaining_count"])
def test_p08_a_receipt_without_a_field_is_an_error_that_names_it(field: str) -> None:
    with pytest.raises(VenueSchemaError, match=field):
        created(**{field: "gone"})


@pytest.mark.parametrize("value", ["x", "-1.00", "nan", None, 5, ""])
def test_f03_a_count_that_is_none_is_an_error(value: Any) -> None:
    with pytest.raises(VenueSchemaError, match="fill_count"):
        created(fill_count=value)


def amended(**fields: Any) -> Any:
    return receipts.amended(encode({"order_id": "o1", **fields}), created())


def test_an_amend_may_say_neither_what_is_left_nor_when() -> None:
    done = amended()
    assert (done.remaining, done.at) == (None, None)


def test_an_amend_with_counts_says_what_is_left() -> None:
    done = amended(remaining_count="1.00", ts_ms=1_795_200_005_000)
    assert done.remaining == 1
    assert done.at is not None


@pytest.mark.parametrize(
    ("filled", "told"),
    [
        ("4.00", {"remaining_count": "7.00"}),
        ("0.00", {"remaining_count": "7.00", "fill_count": "4.00"}),
        ("0.00", {"remaining_count": "11.00"}),
    ],
)
def test_fault_08_an_amend_leaves_no_more_than_has_not_filled(
    filled: str, told: dict[str, str]
) -> None:
    before = created(fill_count=filled, remaining_count="6.00")
    with pytest.raises(VenueSchemaError, match="filled of 10"):
        receipts.amended(encode({"order_id": "o1", **told}), before)


def test_an_amend_may_leave_what_has_not_filled() -> None:
    before = created(fill_count="4.00", remaining_count="6.00")
    body = encode({"order_id": "o1", "remaining_count": "4.00", "fill_count": "2.00"})
    assert receipts.amended(body, before).remaining == 4


def test_a_receipt_that_names_no_client_order_id_is_believed() -> None:
    assert created(client_order_id="gone").client_order_id == "mine"
    assert created(client_order_id="").client_order_id == "mine"


def test_p08_an_entry_that_is_neither_order_nor_refusal_is_an_error() -> None:
    body = encode({"orders": [{"client_order_id": "mine"}]})
    with pytest.raises(VenueSchemaError, match=r"orders\[\]"):
        receipts.batch(body, [drafted(client_order_id="mine")])


@pytest.mark.parametrize("error", [None, {"code": "x"}, {"code": "x", "message": "y"}])
def test_an_entry_is_refused_if_it_has_an_error(error: Any) -> None:
    body = encode({"orders": [{**CREATED, "error": error}]})
    (entry,) = receipts.batch(body, [drafted(client_order_id="mine")])
    assert (entry.order is None) is (error is not None)
    assert (entry.error is None) is (error is None)


def test_an_entry_of_a_batch_of_cancels_is_a_receipt_or_a_refusal() -> None:
    body = encode(
        {
            "orders": [
                {"order_id": "o1", "reduced_by": "3.00", "ts_ms": None},
                {"order_id": "o2", "reduced_by": "0.00", "error": {"code": "x"}},
            ]
        }
    )
    one, two = receipts.canceled_batch(body, 2)
    assert one.receipt is not None
    assert (one.receipt.order_id, one.receipt.reduced_by) == ("o1", 3)
    assert two.receipt is None
    assert two.error == b'{"code": "x"}'


def test_fault_20_a_batch_with_the_wrong_number_of_entries_is_an_error() -> None:
    with pytest.raises(VenueSchemaError, match="2 orders was answered with 1"):
        receipts.canceled_batch(encode({"orders": [{"order_id": "o1"}]}), 2)
