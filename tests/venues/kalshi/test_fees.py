"""Fees: the published rule, the recorded fills, and what must hold for any fill."""

from __future__ import annotations

import copy
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests import recorded
from unified_exchanges.errors import NotSupported
from unified_exchanges.money import CENTI, ONE, ZERO, complement, total
from unified_exchanges.venues.kalshi.fees import (
    DIRECT,
    INDIRECT,
    FeeAccumulator,
    FeeSchedule,
)
from unified_exchanges.venues.kalshi.simulated.tariff import Tariff, Terms

D = Decimal
QUADRATIC = FeeSchedule("quadratic")
TYPES = ["quadratic", "quadratic_with_maker_fees", "quadratic_with_combo_maker_fees"]

prices = st.integers(1, 9_999).map(lambda n: D(n).scaleb(-4))
sizes = st.integers(1, 1_000_000).map(lambda n: D(n).scaleb(-2))
multipliers = st.sampled_from([D(0), D("0.5"), D(1), D("1.25"), D(2)])
schedules = st.builds(FeeSchedule, st.sampled_from(TYPES), multipliers)
precisions = st.sampled_from([DIRECT, INDIRECT])
fills = st.tuples(sizes, prices, st.booleans(), st.booleans())


# -- what is published and recorded ----------------------------------------------------


@pytest.mark.parametrize(
    ("multiplier", "outcome", "size", "price", "fee"),
    [
        ("1", "yes", "227.27", "0.0010", "0.015930"),
        ("1", "yes", "28.32", "0.0330", "0.063340"),
        ("1", "yes", "4.15", "0.2280", "0.051200"),
        ("1", "yes", "20.00", "0.3300", "0.309600"),
        ("1", "no", "10.00", "0.8400", "0.094100"),
        ("1", "no", "20.00", "0.8500", "0.178500"),
        ("0.5", "yes", "1.00", "0.5100", "0.008800"),
        ("0.5", "yes", "1.00", "0.5200", "0.008800"),
    ],
)
def test_p19_production_fills_are_reproduced(multiplier, outcome, size, price, fee):
    schedule = FeeSchedule("quadratic", D(multiplier))
    found = schedule.estimate(D(size), D(price), is_bid=outcome == "yes", maker=False)
    assert found == D(fee)


@pytest.mark.parametrize(
    ("size", "price", "trade_fee", "fees", "held"),
    [
        ("1", "0.055", "0.0085", ["0.0150", "0.0050", "0.0150"], "0.0095"),
        ("0.30", "0.50", "0.0041", ["0.0100", "0.0000", "0.0100"], "0.0077"),
        (
            "0.03",
            "0.3301",
            "0.0005",
            ["0.010097", "0.000097", "0.000097"],
            "0.008791",
        ),
    ],
)
def test_the_series_of_the_fee_guide_are_reproduced(size, price, trade_fee, fees, held):
    accumulator = FeeAccumulator(precision=INDIRECT)
    found = []
    for _ in fees:
        fee, accumulator = accumulator.add(-D(size) * D(price), D(trade_fee))
        found.append(fee)
    assert found == [D(fee) for fee in fees]
    assert accumulator.held == D(held)


def test_recorded_fills_cost_what_we_say():
    for fill in recorded.read_example("rest/fills_page.json")["fills"]:
        found = QUADRATIC.estimate(
            D(fill["count_fp"]),
            D(fill["yes_price_dollars"]),
            is_bid=fill["book_side"] == "bid",
            maker=not fill["is_taker"],
        )
        assert found == D(fill["fee_cost"])


def test_recorded_fills_add_up_to_the_fees_of_their_orders():
    costs = defaultdict(list)
    for fill in recorded.read_example("rest/fills_page.json")["fills"]:
        costs[fill["order_id"]].append(D(fill["fee_cost"]))
    orders = recorded.read_example("rest/orders_page.json")["orders"]
    compared = {
        order["order_id"]: D(order["taker_fees_dollars"])
        for order in orders
        if order["order_id"] in costs
    }
    assert compared
    assert compared == {key: total(costs[key]) for key in compared}


def test_the_receipt_of_a_recorded_order_tells_our_fee_per_contract():
    receipt = recorded.read_example("rest/order_create_ioc_filled.json")
    assert "average_fill_price" in receipt
    fee = QUADRATIC.estimate(
        D(receipt["fill_count"]),
        D(receipt["average_fill_price"]),
        is_bid=True,
        maker=False,
    )
    assert fee / D(receipt["fill_count"]) == D(receipt["average_fee_paid"])


# -- the rule's parts ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fee_type", "maker", "taker"),
    [
        ("quadratic", "0", "1.7500"),
        ("quadratic_with_maker_fees", "0.4375", "1.7500"),
        ("quadratic_with_combo_maker_fees", "0.8750", "1.7500"),
    ],
)
def test_p19_a_maker_pays_the_makers_rate(fee_type, maker, taker):
    schedule = FeeSchedule(fee_type)
    half = D("0.50")
    assert schedule.trade_fee(D(100), half, maker=True) == D(maker)
    assert schedule.trade_fee(D(100), half, maker=False) == D(taker)


def test_the_multiplier_scales_the_fee_before_rounding():
    # 0.07 × 0.5 × 0.51 × 0.49 = 0.0087465, not half of a rounded 0.0175.
    half = FeeSchedule("quadratic", D("0.5"))
    assert half.trade_fee(ONE, D("0.51"), maker=False) == D("0.0088")


def test_a_trade_fee_is_rounded_up():
    assert QUADRATIC.trade_fee(CENTI, D("0.0001"), maker=False) == D("0.0001")


@given(schedules, sizes, prices, st.integers(0, 9_998), st.booleans())
@example(QUADRATIC, CENTI, D("0.333"), 0, True)
def test_the_most_of_one_fill_holds_at_the_limit_and_at_better_prices(
    schedule, size, limit, better, is_bid
):
    most = schedule.most(size, limit, is_bid=is_bid, maker=False)
    ticks = D(better).scaleb(-4)
    price = max(limit - ticks, DIRECT) if is_bid else min(limit + ticks, ONE - DIRECT)
    assert schedule.estimate(size, price, is_bid=is_bid, maker=False) <= most


def test_an_exact_trade_fee_is_left_alone():
    assert QUADRATIC.trade_fee(D(4), D("0.50"), maker=False) == D("0.0700")


def test_a_rebate_needs_more_than_a_cent():
    cent, after = FeeAccumulator(D("0.0060"), INDIRECT).add(D("-0.996"), ZERO)
    assert (cent, after.held) == (D("0.0040"), D("0.0100"))


def test_a_rebate_never_makes_a_fee_negative():
    fee, after = FeeAccumulator(D("0.0099")).add(D("-0.99985"), ZERO)
    assert fee == D("0.00005")
    fee, after = FeeAccumulator(D("0.00999")).add(D("-0.99985"), ZERO)
    assert (fee, after.held) == (ZERO, D("0.00004"))


def test_a_waived_market_costs_nothing_whatever_its_type():
    waived = FeeSchedule("flat", None, waived=True)
    assert waived.estimate(D(10), D("0.555"), is_bid=True, maker=False) == ZERO
    assert waived.trade_fee(D(10), D("0.555"), maker=False) == ZERO


def test_a_waived_fill_leaves_the_accumulator_alone():
    before = FeeAccumulator(D("0.005"))
    _, after = FeeSchedule("quadratic", waived=True).fill_fee(
        ONE, D("0.3301"), is_bid=True, maker=False, accumulator=before
    )
    assert after == before


@pytest.mark.parametrize("fee_type", ["flat", "cubic", "", None])
def test_an_unknown_fee_type_is_not_guessed(fee_type):
    with pytest.raises(NotSupported, match="no published formula"):
        FeeSchedule(fee_type).estimate(ONE, D("0.5"), is_bid=True, maker=True)


def test_an_unknown_multiplier_is_not_guessed():
    schedule = FeeSchedule("quadratic", None)
    with pytest.raises(NotSupported, match="multiplier"):
        schedule.estimate(ONE, D("0.5"), is_bid=True, maker=False)


def test_taker_and_maker_fills_share_an_accumulator():
    # 0.03 at 0.3301 leaves 0.009597 (taker), then 0.000097 of maker cash goes to 0.01.
    schedule = FeeSchedule("quadratic_with_maker_fees")
    accumulator = FeeAccumulator(precision=INDIRECT)
    fees = []
    for maker in (False, True):
        fee, accumulator = schedule.fill_fee(
            D("0.03"), D("0.3301"), is_bid=True, maker=maker, accumulator=accumulator
        )
        fees.append(fee)
    assert fees == [D("0.010097"), D("0.000097")]


def test_accumulators_are_copied_as_they_are():
    held = FeeAccumulator(D("0.004"), INDIRECT)
    assert copy.deepcopy(held) == held


# -- what holds for any fill -----------------------------------------------------------


def run(schedule, orders, precision):
    accumulator = FeeAccumulator(precision=precision)
    for size, price, is_bid, maker in orders:
        fee, accumulator = schedule.fill_fee(
            size, price, is_bid=is_bid, maker=maker, accumulator=accumulator
        )
        yield fee, accumulator


@given(schedules, st.lists(fills, max_size=8), precisions)
def test_a_fee_is_never_negative_and_a_multiple_of_a_millionth(
    schedule, orders, precision
):
    for fee, _ in run(schedule, orders, precision):
        assert fee >= ZERO
        assert fee % D("0.000001") == ZERO


@given(schedules, fills)
def test_a_single_fill_costs_less_than_a_ten_thousandth_over_the_trade_fee(
    schedule, fill
):
    size, price, is_bid, maker = fill
    trade_fee = schedule.trade_fee(size, price, maker=maker)
    fee = schedule.estimate(size, price, is_bid=is_bid, maker=maker)
    assert trade_fee <= fee < trade_fee + DIRECT


@given(schedules, fills)
def test_the_trade_fee_is_the_formula_rounded_up(schedule, fill):
    size, price, _, maker = fill
    rate = schedule.rate(maker=maker) * schedule.multiplier
    raw = rate * size * price * (1 - price)
    assert raw <= schedule.trade_fee(size, price, maker=maker) < raw + DIRECT


@given(schedules, fills, precisions)
def test_the_cash_of_an_orders_first_fill_has_the_accounts_precision(
    schedule, fill, precision
):
    size, price, is_bid, maker = fill
    fee = schedule.estimate(
        size, price, is_bid=is_bid, maker=maker, precision=precision
    )
    paid = size * (price if is_bid else complement(price))
    assert (paid + fee) % precision == ZERO


@given(schedules, st.lists(fills, max_size=12), precisions)
def test_the_accumulator_stays_between_nothing_and_two_cents(
    schedule, orders, precision
):
    for _, accumulator in run(schedule, orders, precision):
        assert ZERO <= accumulator.held < 2 * CENTI


@given(schedules, sizes, prices, st.booleans(), st.integers(2, 6))
def test_pieces_cost_at_least_the_formula_and_at_most_their_roundings(
    schedule, size, price, is_bid, pieces
):
    orders = [(size, price, is_bid, False)] * pieces
    paid = total(fee for fee, _ in run(schedule, orders, DIRECT))
    whole = schedule.estimate(size * pieces, price, is_bid=is_bid, maker=False)
    # Each piece rounds twice by less than 0.0001; a rebate gives back a cent only
    # after roundings have taken it.
    assert paid < whole + pieces * 2 * DIRECT
    assert paid > whole - 2 * DIRECT


@given(schedules, sizes, prices, st.booleans())
def test_the_two_sides_of_a_mirrored_price_cost_the_same(schedule, size, price, maker):
    bid = schedule.estimate(size, price, is_bid=True, maker=maker)
    ask = schedule.estimate(size, complement(price), is_bid=False, maker=maker)
    assert bid == ask


@given(
    st.sampled_from(TYPES),
    st.sampled_from([D("0.5"), D(1)]),
    st.lists(fills, min_size=1, max_size=6),
)
def test_the_simulated_venue_charges_what_we_estimate(fee_type, multiplier, orders):
    tariff = Tariff(lambda _: Terms(fee_type, multiplier))
    schedule = FeeSchedule(fee_type, multiplier)
    held = ZERO
    for (fee, accumulator), (size, price, is_bid, maker) in zip(
        run(schedule, orders, DIRECT), orders, strict=True
    ):
        charge = tariff.fee(
            maker=maker,
            side="bid" if is_bid else "ask",
            price=price,
            size=size,
            accumulator=held,
            time_us=0,
        )
        held = charge.accumulator
        assert (charge.fee, held) == (fee, accumulator.held)


@given(fills)
def test_a_larger_multiplier_never_has_a_smaller_trade_fee(fill):
    size, price, _, maker = fill
    assume(not maker)
    small = FeeSchedule("quadratic", D("0.5")).trade_fee(size, price, maker=maker)
    large = FeeSchedule("quadratic", D(1)).trade_fee(size, price, maker=maker)
    assert small <= large
