"""Balances, positions, settlements, limits and keys as models."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.errors import VenueSchemaError
from unified_exchanges.models import (
    Balance,
    BucketLimit,
    Holding,
    Position,
    Settlement,
    ShardBalance,
)
from unified_exchanges.venues.kalshi import parse

from .answers import answer, encode, read, with_field, without_field

D = Decimal


def position(**fields: object) -> Position:
    payload = answer("positions")
    payload["market_positions"][0].update(fields)
    made: Position = read("positions", payload)[0][0]
    return made


def settlement(**fields: object) -> Settlement:
    payload = answer("settlements")
    payload["settlements"][0].update(fields)
    made: Settlement = read("settlements", payload)[0][0]
    return made


def test_a_balance_is_its_exact_dollars_not_the_cents_beside_them() -> None:
    expected = Balance(
        venue="kalshi",
        available=D("102.0389"),
        position_value=D("5.79"),
        shards=(ShardBalance(0, D("2.0389")), ShardBalance(2, D("100.0000"))),
        updated_at=datetime(2026, 12, 2, 16, 0, 6, tzinfo=UTC),
    )
    assert read("balance") == expected


def test_a_balance_may_come_without_its_shards() -> None:
    payload = without_field("balance", ("balance_breakdown",))
    del payload["portfolio_value"], payload["updated_ts"]
    balance = read("balance", payload)
    assert (balance.shards, balance.position_value, balance.updated_at) == (
        (),
        None,
        None,
    )


def test_a_balance_of_a_shard_that_is_malformed_is_refused() -> None:
    path = ("balance_breakdown", 0, "balance")
    with pytest.raises(VenueSchemaError) as caught:
        read("balance", with_field("balance", path, "2.03.89"))
    assert caught.value.field == "balance_breakdown[].balance"


def test_subaccounts_have_their_own_cash() -> None:
    first, second = read("subaccount_balances")
    assert (first.subaccount, first.shard, first.available) == (0, 0, D("2.0389"))
    assert (second.subaccount, second.shard, second.available) == (3, 2, D("0.5"))


def test_p2_a_negative_position_is_a_position_in_no() -> None:
    expected = Position(
        venue="kalshi",
        market_id="KXPEAK-26DEC24-B3.5",
        outcome="no",
        size=D(10),
        cost=D("5.79"),
        entry_price=D("0.579"),
        realized_pnl=D("-0.25"),
        fees_paid=D("0.12"),
        traded=D("8.12"),
        updated_at=datetime(2026, 12, 2, 16, 0, 6, tzinfo=UTC),
        shard=2,
        computed=frozenset({"entry_price"}),
    )
    assert position() == expected


def test_p2_a_position_without_its_size_is_an_error() -> None:
    path = ("market_positions", 0, "position_fp")
    with pytest.raises(VenueSchemaError) as caught:
        read("positions", without_field("positions", path))
    assert caught.value.field == "market_positions[0].position_fp"


def test_a_positive_position_is_a_position_in_yes() -> None:
    made = position(position_fp="3.00", market_exposure_dollars="2.500000")
    assert (made.outcome, made.size) == ("yes", D(3))
    assert str(made.entry_price) == "0.8333333333333333333333333333"


def test_a_position_that_was_closed_has_no_entry() -> None:
    made = position(position_fp="0.00", market_exposure_dollars="0.000000")
    assert (made.size, made.entry_price, made.computed) == (D(0), None, frozenset())
    assert made.realized_pnl == D("-0.25")


@given(st.integers(-(10**9), 10**9))
def test_p2_every_signed_size_keeps_its_amount_and_its_side(hundredths: int) -> None:
    sign = "-" if hundredths < 0 else ""
    whole, rest = divmod(abs(hundredths), 100)
    made = position(position_fp=f"{sign}{whole}.{rest:02d}")
    assert made.exposure("yes") == D(hundredths) / 100
    assert made.size >= 0


@pytest.mark.parametrize(
    "field",
    [
        "position_fp",
        "market_exposure_dollars",
        "total_traded_dollars",
        "realized_pnl_dollars",
        "fees_paid_dollars",
    ],
)
def test_p8_a_malformed_amount_of_a_position_is_refused(field: str) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        position(**{field: "ten"})
    assert caught.value.field == f"market_positions[0].{field}"


def test_a_negative_exposure_is_refused() -> None:
    with pytest.raises(VenueSchemaError, match="below zero"):
        position(market_exposure_dollars="-5.79")


def test_fault_29_a_settlement_pays_what_it_pays_not_nought_or_one() -> None:
    expected = Settlement(
        venue="kalshi",
        market_id="KXPEAK-26DEC23-B3.5",
        event_id="KXPEAK-26DEC23",
        result="scalar",
        value=D("0.38"),
        payout=D("1.52"),
        holdings=(Holding("yes", D(4), D("1.64")),),
        fee=D("0.07"),
        settled_at=datetime(2026, 12, 24, 12, tzinfo=UTC),
        rounded=frozenset({"value", "payout"}),
    )
    assert settlement() == expected
    assert settlement().profit == D("-0.19")


def test_a_settlement_tells_both_sides_that_were_held() -> None:
    made = settlement(no_count_fp="1.00", no_total_cost_dollars="0.590000")
    assert [holding.outcome for holding in made.holdings] == ["yes", "no"]
    assert made.cost == D("2.23")


def test_a_settlement_may_come_without_the_value_of_a_contract() -> None:
    payload = without_field("settlements", ("settlements", 0, "value"))
    made = read("settlements", payload)[0][0]
    assert (made.value, made.rounded) == (None, {"payout"})


@pytest.mark.parametrize("result", ["yes", "no"])
def test_a_settlement_of_a_side_is_exact_for_it_pays_whole_dollars(result: str) -> None:
    assert settlement(market_result=result, value=100).rounded == frozenset()


@pytest.mark.parametrize("value", [-1, 101])
def test_a_value_of_a_contract_outside_a_dollar_is_refused(value: int) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        settlement(value=value)
    assert caught.value.field == "settlements[0].value"


@given(st.integers(-(10**12), 10**12))
def test_cents_become_dollars_without_a_change(cents: int) -> None:
    assert settlement(revenue=cents).payout * 100 == cents


def test_limits_are_two_buckets_and_the_costs_of_requests() -> None:
    limits = parse.limits(encode(answer("limits")), encode(answer("costs")))
    assert limits.tier == "advanced"
    assert limits.buckets == (
        BucketLimit("read", D(300), D(900)),
        BucketLimit("write", D(300), D(900)),
    )
    assert limits.default_cost == D(10)
    assert limits.costs[0] == (
        "DELETE /trade-api/v2/portfolio/events/orders/:order_id",
        D(2),
    )


def test_limits_may_be_read_without_the_costs() -> None:
    limits = parse.limits(encode(answer("limits")))
    assert (limits.default_cost, limits.costs) == (D(10), ())


def test_a_bucket_that_refills_backwards_is_refused() -> None:
    with pytest.raises(VenueSchemaError, match="number of tokens"):
        read("limits", with_field("limits", ("read", "refill_rate"), -1))


def test_keys_tell_their_scopes_and_when_their_rights_lapse() -> None:
    ring = read("api_keys")
    assert ring.scopes == {"key-1": ("read", "write::trade"), "key-2": ("read",)}
    assert ring.expires_at == datetime(2026, 12, 3, 16, tzinfo=UTC)


def test_keys_may_never_lapse() -> None:
    path = ("api_key_region_expiration_ts",)
    assert read("api_keys", without_field("api_keys", path)).expires_at is None
