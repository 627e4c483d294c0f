"""Orders and fills in YES terms, order groups and places in the queue."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import VenueSchemaError
from unified_exchanges.models import (
    BUY,
    SELL,
    Fill,
    Liquidity,
    Order,
    OrderStatus,
    Side,
)
from unified_exchanges.money import complement

from .answers import answer, read

D = Decimal


def order(**fields: object) -> Order:
    payload = answer("order")
    _change(payload["order"], fields)
    made: Order = read("order", payload)
    return made


def fill(**fields: object) -> Fill:
    payload = answer("fills")
    _change(payload["fills"][0], fields)
    made: Fill = read("fills", payload)[0][0]
    return made


def _change(target: dict[str, Any], fields: dict[str, object]) -> None:
    for name, value in fields.items():
        if value is ...:
            del target[name]
        else:
            target[name] = value


def test_an_order_carries_every_field_exactly() -> None:
    expected = Order(
        venue="kalshi",
        order_id="0d1",
        client_order_id="mine-1",
        market_id="KXPEAK-26DEC24-B3.5",
        outcome="yes",
        side=BUY,
        price=D("0.4210"),
        size=D(10),
        filled=D(3),
        remaining=D(7),
        status=OrderStatus.OPEN,
        average_price=D("0.4203333333333333333333333333"),
        fee=D("0.038400"),
        expires_at=datetime(2026, 12, 3, 16, tzinfo=UTC),
        created_at=datetime(2026, 12, 2, 16, tzinfo=UTC),
        updated_at=datetime(2026, 12, 2, 16, 0, 5, 250_000, UTC),
        shard=2,
    )
    assert order() == expected
    assert order().raw["order_id"] == "0d1"


def test_a_page_of_orders_names_the_next_one() -> None:
    orders, cursor = read("orders")
    assert [x.order_id for x in orders] == ["0d1", "0d2"]
    assert cursor == "more"


@pytest.mark.parametrize(
    ("book", "outcome", "side"),
    [
        ("bid", "yes", BUY),
        ("ask", "no", SELL),
        ("bid", ..., BUY),
        ("ask", ..., SELL),
        (..., "yes", BUY),
        (..., "no", SELL),
        (None, "no", SELL),
    ],
)
def test_f4_a_direction_is_read_in_yes_terms_from_either_field(
    book: object, outcome: object, side: Side
) -> None:
    read_order = order(book_side=book, outcome_side=outcome)
    assert (read_order.outcome, read_order.side) == ("yes", side)
    assert fill(book_side=book, outcome_side=outcome).side is side


@pytest.mark.parametrize(
    ("book", "outcome", "field"),
    [
        (..., ..., "book_side"),
        (None, None, "book_side"),
        ("bid", "no", "book_side"),
        ("ask", "yes", "book_side"),
        ("offer", "yes", "book_side"),
        ("bid", "maybe", "outcome_side"),
    ],
)
def test_p8_a_direction_that_is_not_certain_is_refused(
    book: object, outcome: object, field: str
) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        order(book_side=book, outcome_side=outcome)
    assert caught.value.field == f"order.{field}"
    with pytest.raises(VenueSchemaError) as caught:
        fill(book_side=book, outcome_side=outcome)
    assert caught.value.field == f"fills[0].{field}"


def test_the_deprecated_direction_is_never_read() -> None:
    without = order(action=..., side=...)
    contradicting = order(action="sell", side="no")
    assert without == contradicting


@pytest.mark.parametrize("no_price", [..., None])
def test_the_no_price_may_be_absent(no_price: object) -> None:
    assert order(no_price_dollars=no_price).price == D("0.421")


def test_f4_prices_that_do_not_add_up_to_a_dollar_are_refused() -> None:
    with pytest.raises(VenueSchemaError) as caught:
        order(no_price_dollars="0.4210")
    assert caught.value.field == "order.no_price_dollars"
    with pytest.raises(VenueSchemaError):
        fill(no_price_dollars="0.4300")


@given(st.integers(0, 10_000))
def test_fault_16_yes_and_no_prices_complement_each_other(tick: int) -> None:
    yes, no = (f"{x // 10_000}.{x % 10_000:04d}" for x in (tick, 10_000 - tick))
    made = fill(yes_price_dollars=yes, no_price_dollars=no)
    assert str(made.price) == yes
    assert made.in_terms_of("no").price == D(no) == complement(made.price)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("resting", OrderStatus.OPEN),
        ("executed", OrderStatus.CLOSED),
        ("canceled", OrderStatus.CANCELED),
        ("pending_review", OrderStatus.UNKNOWN),
    ],
)
def test_f14_a_status_is_told_in_our_words_or_is_unknown(
    word: str, status: OrderStatus
) -> None:
    made = order(status=word)
    assert (made.status, made.raw["status"]) == (status, word)


LATER, EARLIER = "2026-12-03T16:00:01Z", "2026-12-03T15:59:59Z"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"last_update_time": LATER}, OrderStatus.EXPIRED),
        ({"last_update_time": EARLIER}, OrderStatus.CANCELED),
        ({"last_update_time": ...}, OrderStatus.CANCELED),
        ({"last_update_time": LATER, "expiration_time": ...}, OrderStatus.CANCELED),
        (
            {"last_update_time": EARLIER, "last_update_reason": "ExpiryCancel"},
            OrderStatus.EXPIRED,
        ),
        (
            {"last_update_time": LATER, "last_update_reason": "UserCancel"},
            OrderStatus.CANCELED,
        ),
    ],
)
def test_a_cancelled_order_that_outlived_its_expiry_has_expired(
    fields: dict[str, object], status: OrderStatus
) -> None:
    assert order(status="canceled", **fields).status is status


def test_an_executed_order_never_expires() -> None:
    assert order(status="executed", last_update_time=LATER).status is OrderStatus.CLOSED


def test_an_order_without_fills_has_no_average_price() -> None:
    nothing = "0.000000"
    made = order(
        fill_count_fp="0.00",
        taker_fill_cost_dollars=nothing,
        maker_fill_cost_dollars=nothing,
        taker_fees_dollars=nothing,
        maker_fees_dollars=nothing,
    )
    assert (made.average_price, made.fee) == (None, D(0))


def test_the_average_price_of_an_ask_is_not_told() -> None:
    assert order(book_side="ask", outcome_side="no").average_price is None


def test_an_empty_client_order_id_is_none() -> None:
    assert order(client_order_id="").client_order_id is None


@pytest.mark.parametrize(
    "field",
    [
        "yes_price_dollars",
        "no_price_dollars",
        "initial_count_fp",
        "fill_count_fp",
        "remaining_count_fp",
        "taker_fill_cost_dollars",
        "maker_fill_cost_dollars",
        "taker_fees_dollars",
        "maker_fees_dollars",
    ],
)
@pytest.mark.parametrize("text", ["-0.01", "nan", "", "1e0", "0,5"])
def test_p8_a_malformed_amount_is_refused_by_its_name(field: str, text: str) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        order(**{field: text})
    assert caught.value.field == f"order.{field}"


def test_a_fill_carries_every_field_exactly() -> None:
    expected = Fill(
        venue="kalshi",
        fill_id="f1",
        trade_id="f1",
        order_id="0d1",
        market_id="KXPEAK-26DEC24-B3.5",
        outcome="yes",
        side=SELL,
        price=D("0.43"),
        size=D("2.50"),
        fee=D("0.043125"),
        liquidity=Liquidity.TAKER,
        created_at=datetime(2026, 12, 2, 16, 0, 5, 250_000, UTC),
        shard=2,
    )
    assert fill() == expected


def test_p4_a_fill_said_of_no_is_the_complement() -> None:
    made = fill().in_terms_of("no")
    assert (made.side, made.price, made.proceeds) == (BUY, D("0.57"), D("-1.4250"))


def test_a_fill_may_have_made_liquidity() -> None:
    assert fill(is_taker=False).liquidity is Liquidity.MAKER


def test_a_fill_without_its_time_has_the_seconds_beside_it() -> None:
    made = fill(created_time=..., ts=1_796_227_205)
    assert made.created_at == datetime(2026, 12, 2, 16, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"created_time": ..., "ts": ...}, "created_time"),
        ({"created_time": "just now"}, "created_time"),
        ({"created_time": "2026-12-02T16:00:05"}, "created_time"),
        ({"created_time": ..., "ts": 10**18}, "ts"),
    ],
)
def test_a_fill_whose_time_is_not_certain_is_refused(
    fields: dict[str, object], field: str
) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        fill(**fields)
    assert caught.value.field == f"fills[0].{field}"


@pytest.mark.parametrize("digits", ["", ".1", ".123", ".123456"])
def test_a_time_has_up_to_six_digits_of_a_second(digits: str) -> None:
    made = fill(created_time=f"2026-12-02T16:00:05{digits}Z")
    micros = int(digits.removeprefix(".").ljust(6, "0"))
    assert made.created_at == datetime(2026, 12, 2, 16, 0, 5, micros, UTC)


def test_order_groups_tell_their_limits() -> None:
    first, second = read("order_groups")
    assert (first.group_id, first.limit, first.shard) == ("g1", D(500), 2)
    assert (first.is_auto_cancel, first.order_ids) == (True, None)
    assert (second.limit, second.is_auto_cancel, second.shard) == (None, False, 0)


def test_an_order_group_tells_its_orders() -> None:
    assert read("order_group").order_ids == ("0d1", "0d2")


def test_no_order_groups_may_be_told_by_leaving_them_out() -> None:
    assert read("order_groups", {}) == []


def test_places_in_the_queue_are_contracts_ahead() -> None:
    assert read("queue_positions") == {"0d1": D(120), "0d2": D(0)}
    assert read("queue_position") == D(12)
